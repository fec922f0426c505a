"""Learners: rules that update the policy from a group of traces and their rewards."""

from dagames.grpo.learners.base import Groups, Learner
from dagames.grpo.learners.dpo import Dpo
from dagames.grpo.learners.grpo import Grpo
from dagames.grpo.learners.mirror_descent import MirrorDescent
from dagames.grpo.learners.reinforce import Reinforce
from dagames.grpo.learners.rloo import Rloo

__all__ = ["Dpo", "Groups", "Grpo", "Learner", "MirrorDescent", "Reinforce", "Rloo"]
