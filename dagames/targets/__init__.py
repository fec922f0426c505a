"""Targets: the exact log q at a marginal and the rewards of a sampled group, from one object."""

from dagames.targets.base import Target
from dagames.targets.centrality import Centrality
from dagames.targets.clustered import Clustered
from dagames.targets.consensus_vote import ConsensusVote
from dagames.targets.crossed_vote import CrossedVote
from dagames.targets.exponentiated_reward import ExponentiatedReward
from dagames.targets.format_reward import FormatReward
from dagames.targets.functional_target import FunctionalTarget
from dagames.targets.gini_diversity import GiniDiversity
from dagames.targets.ground_truth import GroundTruth
from dagames.targets.group import AnswerGroup
from dagames.targets.inverse_frequency import InverseFrequency
from dagames.targets.majority_vote import MajorityVote
from dagames.targets.max_rl import MaxRL, PassAtK
from dagames.targets.prior_matching import PriorMatching
from dagames.targets.random_reward import RandomReward
from dagames.targets.safety_penalty import SafetyPenalty, Score
from dagames.targets.schedule import Schedule
from dagames.targets.soft_consensus import SoftConsensus

__all__ = [
    "AnswerGroup",
    "Centrality",
    "Clustered",
    "ConsensusVote",
    "CrossedVote",
    "ExponentiatedReward",
    "FormatReward",
    "FunctionalTarget",
    "GiniDiversity",
    "GroundTruth",
    "InverseFrequency",
    "MajorityVote",
    "MaxRL",
    "PassAtK",
    "PriorMatching",
    "RandomReward",
    "SafetyPenalty",
    "Schedule",
    "Score",
    "SoftConsensus",
    "Target",
]
