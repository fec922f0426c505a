"""Targets: what a language-model run imports. Exact log q and sampled rewards from one object."""

from dagames.targets.base import Target
from dagames.targets.gini_diversity import GiniDiversity
from dagames.targets.group import AnswerGroup
from dagames.targets.inverse_frequency import InverseFrequency
from dagames.targets.majority_vote import MajorityVote

__all__ = ["AnswerGroup", "GiniDiversity", "InverseFrequency", "MajorityVote", "Target"]
