"""Reward tables as options of targets."""

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dagames._errors import DomainError

if TYPE_CHECKING:
    from dagames.estimators import RewardTable as RewardTable
else:
    # Tables import python-flint, which runs without tables do not need.
    RewardTable: TypeAlias = Any


def check_table(table: object) -> None:
    """Raise unless an argument is a reward table for counts that include the trace itself."""
    from dagames.estimators import RewardTable

    if not isinstance(table, RewardTable):
        raise DomainError(f"`table` must be a RewardTable, not {type(table).__name__}.")
    if table.counts == "independent":
        raise DomainError(
            "`table` is for independent counts, but counts of a group include the trace itself, so rewards would have "
            "a bias of order 1/K (claim II.4). Use a table with counts='centred' or 'self-inclusive'."
        )


def check_table_of_log(table: RewardTable, reader: str) -> None:
    """Raise unless an argument is a reward table for self-inclusive counts that estimates log p, up to a constant."""
    check_table(table)
    p = np.array([0.15, 0.4, 0.65, 0.9])
    difference = np.asarray(table.estimand(p)) - np.log(p)
    if not np.allclose(difference, difference[0], rtol=0.0, atol=1e-9):
        raise DomainError(
            f"`table` estimates {table.estimand.name!r}, but the reward of {reader} is a multiple of 'log'. Make a "
            f"table for 'log': `recommended_table({table.group_size})`; for another reward pass the table to "
            "`Target.from_functional(R, table=table)`."
        )


def check_table_fits(table: RewardTable, group_size: int) -> None:
    """Raise unless a table is for groups of this size."""
    if table.group_size != group_size:
        raise DomainError(
            f"`table` is for groups of {table.group_size} traces, but this group has {group_size}. Make a table for "
            f"{group_size} traces, such as `{_call(table, group_size)}`, or in training set `num_generations` to "
            f"{table.group_size}."
        )


def _call(table: RewardTable, group_size: int) -> str:
    name = table.estimand.name
    return f"recommended_table({group_size}{'' if name == 'log' else f', reward={name!r}'})"


def table_for(table: RewardTable | None, group_size: int) -> RewardTable:
    """Return the table if it is for groups of this size, or the recommended one for None."""
    if table is None:
        from dagames.estimators import recommended_table

        return recommended_table(group_size)
    check_table_fits(table, group_size)
    return table
