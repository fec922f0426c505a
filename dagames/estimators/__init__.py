"""Reward tables: from the count of an answer in a group to an estimate of a reward, with a proof of its bias."""

from dagames.estimators.elevated import elevated_table, split_table
from dagames.estimators.minimax import minimax_table
from dagames.estimators.plugin import plugin_table
from dagames.estimators.reward_table import RewardTable
from dagames.estimators.rewards import LOG, Reward, as_reward, entropy, power
from dagames.estimators.supremum import Interval
from dagames.estimators.taylor import taylor_table
from dagames.estimators.ustatistics import falling_factorials, harmonic_table, polynomial_table, ustatistic_table

__all__ = [
    "LOG",
    "Interval",
    "Reward",
    "RewardTable",
    "as_reward",
    "elevated_table",
    "entropy",
    "falling_factorials",
    "harmonic_table",
    "minimax_table",
    "plugin_table",
    "polynomial_table",
    "power",
    "split_table",
    "taylor_table",
    "ustatistic_table",
]
