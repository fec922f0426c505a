"""Reward tables: from the count of an answer in a group to an estimate of a reward, with a proof of its bias."""

from dagames.estimators.minimax import minimax_table
from dagames.estimators.plugin import plugin_table
from dagames.estimators.reward_table import RewardTable
from dagames.estimators.rewards import LOG, Reward, as_reward, entropy, power
from dagames.estimators.supremum import Interval

__all__ = [
    "LOG",
    "Interval",
    "Reward",
    "RewardTable",
    "as_reward",
    "entropy",
    "minimax_table",
    "plugin_table",
    "power",
]
