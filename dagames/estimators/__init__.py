"""Reward tables: from the count of an answer in a group to an estimate of a reward, with certified bounds on its error.

`estimand.certified_bias` bounds the bias of a table, `exchange.certified_level` the least bias of all tables from
below, and `dual_bound.certified_lower_bound` the least second moment within a bias budget.
"""

from typing import TYPE_CHECKING

from dagames._lazy import lazy_exports
from dagames.estimators.table_method import TableMethod

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

METHODS = {
    "recommended": TableMethod(
        "recommended_table", "the table for training, and the default; for the log, the Taylor table"
    ),
    "minimax": TableMethod("minimax_table", "the least worst bias; its entries explode with K", ("reward", "method")),
    "elevated": TableMethod(
        "elevated.half_group_table", "the minimax table of half the group, averaged over all halves"
    ),
    "taylor": TableMethod("taylor_table", "the plug-in minus its first-order bias (Miller-Madow), with the best c_0"),
    "harmonic": TableMethod("harmonic_table", "the unbiased estimate of the log's series, H_k - H_K", ()),
    "plugin": TableMethod("plugin_table", "log(k / K), the log of the observed frequency", ()),
    "aqp": TableMethod(
        "aqp_table",
        "the least second moment within a bias budget (--bias)",
        ("reward", "bias", "unit", "method"),
    ),
    "variance": TableMethod(
        "variance_table",
        "the least excess of variance within a bias budget (--bias)",
        ("reward", "bias", "unit", "method"),
    ),
}
"""Tables by the names that the command `dagames table` and recipes use."""

__all__ = [
    "LOG",
    "METHODS",
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
