"""Reward tables: from the count of an answer in a group to an estimate of a reward, with a proof of its bias."""

from typing import TYPE_CHECKING

from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.estimators.budget import aqp_table, solve_aqp, solve_variance, variance_table
    from dagames.estimators.elevated import elevated_table, split_table
    from dagames.estimators.frontier import pareto_frontier
    from dagames.estimators.minimax import minimax_table
    from dagames.estimators.plugin import plugin_table
    from dagames.estimators.recommended import recommended_table
    from dagames.estimators.reward_table import RewardTable
    from dagames.estimators.rewards import LOG, Reward, as_reward, entropy, power
    from dagames.estimators.taylor import taylor_table
    from dagames.estimators.ustatistics import harmonic_table, polynomial_table, ustatistic_table
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "budget": ["aqp_table", "solve_aqp", "solve_variance", "variance_table"],
            "elevated": ["elevated_table", "split_table"],
            "frontier": ["pareto_frontier"],
            "minimax": ["minimax_table"],
            "plugin": ["plugin_table"],
            "recommended": ["recommended_table"],
            "reward_table": ["RewardTable"],
            "rewards": ["LOG", "Reward", "as_reward", "entropy", "power"],
            "taylor": ["taylor_table"],
            "ustatistics": ["harmonic_table", "polynomial_table", "ustatistic_table"],
        },
    )

__all__ = [
    "LOG",
    "Reward",
    "RewardTable",
    "aqp_table",
    "as_reward",
    "elevated_table",
    "entropy",
    "harmonic_table",
    "minimax_table",
    "pareto_frontier",
    "plugin_table",
    "polynomial_table",
    "power",
    "recommended_table",
    "solve_aqp",
    "solve_variance",
    "split_table",
    "taylor_table",
    "ustatistic_table",
    "variance_table",
]
