"""Print a reward table: its entries, the bounds on its error, and whether it is usable."""

import numpy as np
from rich.console import Console
from rich.table import Table

from dagames.estimators import RewardTable, recommended_table, taylor_table
from dagames.estimators.reward_table import inner_degree
from dagames.estimators.supremum import Interval


def print_table(table: RewardTable) -> None:
    """Print the entries of a table, its certified bounds and whether it is usable."""
    console = Console()
    rows = Table(
        "count", "reward", title=f"{table.method} table of {table.estimand.name} p for groups of {table.group_size}"
    )
    for count, entry in enumerate(table.coefficients):
        if count or table.counts == "independent":
            rows.add_row(str(count), f"{entry:.12g}")
    console.print(rows)
    console.print(f"counts      {_COUNTS[table.counts]}")
    console.print(f"worst bias  {_format_interval(table.bias)}, weighted by p")
    if table.optimum is not None:
        console.print(f"least bias  {_format_interval(table.optimum)} of any table")
    console.print(f"second moment  at most {table.second_moment.upper:.6g}")
    console.print(f"variance    at most {table.variance.upper:.6g}, weighted by p^2")
    console.print(f"pooling     adds at most {table.pooling:.4g} s^2, s^2 the variance of p between pooled views")
    console.print(f"order       {_order(table)}")
    console.print(_verdict(table))


_COUNTS = {
    "self-inclusive": "self-inclusive: a count includes the trace that is rewarded",
    "centred": "centred: a count includes the trace that is rewarded, and the group's mean is subtracted, as in GRPO",
    "independent": "independent: a count does not include the trace that is rewarded",
}


_NOISE = 4.0
"""Largest worst-case variance of a usable table, as a multiple of that of the Taylor table."""


def _verdict(table: RewardTable) -> str:
    """State whether the table is usable, and if not, which table to use instead."""
    K, counts, reward = table.group_size, table.counts, table.estimand
    if table.optimum is not None and table.bias.upper > 10 * table.optimum.upper:
        return (
            f"unusable: {table.precision} cannot represent its entries; before rounding the bias is "
            f"{table.optimum.upper:.3g}."
        )
    if inner_degree(K, counts) == 0:
        return f"unusable: {counts} counts in a group of {K} carry no information on the probability of an answer."
    baseline = taylor_table(K, reward=reward, counts=counts)
    ratio = table.variance.upper / baseline.variance.upper if baseline.variance.upper else 1.0
    if np.array_equal(table.coefficients, baseline.coefficients):
        return "usable: it is the Taylor table."
    if ratio <= _NOISE:
        return f"usable: its worst variance is {ratio:.2g} times that of the Taylor table."
    recommended = recommended_table(K, reward=reward, counts=counts)
    return (
        f"unusable alone: second moment {table.second_moment.upper:.2g}, worst variance {ratio:.2g} times that of the "
        f"Taylor table; use --method recommended --counts {counts}, with bias {recommended.bias.upper:.3g}."
    )


def _order(table: RewardTable) -> str:
    """State whether the entries are monotone in the count, or where the largest violation is."""
    first = 0 if table.counts == "independent" else 1
    inner = table.coefficients[first : first + inner_degree(table.group_size, table.counts) + 1]
    rises = np.diff(inner)
    if (rises >= 0).all() or (rises <= 0).all():
        return "monotone in the count"
    rises = rises if inner[-1] >= inner[0] else -rises
    k = int(rises.argmin())
    return f"not monotone: between counts {first + k} and {first + k + 1} it changes by {-rises[k]:.3g} the other way"


def _format_interval(interval: Interval) -> str:
    return f"in [{interval.lower:.12g}, {interval.upper:.12g}]"
