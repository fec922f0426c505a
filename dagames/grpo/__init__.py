"""Group-relative policy optimisation: advantages, the exact expected update, and the tabular simulator."""

from dagames.grpo.advantages import group_advantages
from dagames.grpo.decoupled import decoupled_advantages
from dagames.grpo.environments import Environment, GroupTask, ManyToOne
from dagames.grpo.expected_update import ExpectedUpdate, expected_update, true_update
from dagames.grpo.group_rewards import ByAnswer, ByCount, ByTarget, GroupReward, as_group_reward
from dagames.grpo.learners import Dpo, Groups, Grpo, Learner, MirrorDescent, Reinforce, Rloo
from dagames.grpo.mean_field import mean_field_path
from dagames.grpo.moments import effective_reward
from dagames.grpo.simulator import Course, simulate

__all__ = [
    "ByAnswer",
    "ByCount",
    "ByTarget",
    "Course",
    "Dpo",
    "Environment",
    "ExpectedUpdate",
    "GroupReward",
    "GroupTask",
    "Groups",
    "Grpo",
    "Learner",
    "ManyToOne",
    "MirrorDescent",
    "Reinforce",
    "Rloo",
    "as_group_reward",
    "decoupled_advantages",
    "effective_reward",
    "expected_update",
    "group_advantages",
    "mean_field_path",
    "simulate",
    "true_update",
]
