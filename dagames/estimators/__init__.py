"""Reward tables: from the count of an answer in a group to an estimate of its log-probability."""

from dagames.estimators.plugin import plugin_table
from dagames.estimators.reward_table import RewardTable

__all__ = ["RewardTable", "plugin_table"]
