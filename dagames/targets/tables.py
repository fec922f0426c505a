"""Reward tables as options of targets."""

from typing import TYPE_CHECKING, Any, TypeAlias

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


def check_table_fits(table: RewardTable, group_size: int) -> None:
    """Raise unless a table is for groups of this size."""
    if table.group_size != group_size:
        raise DomainError(
            f"`table` is for groups of {table.group_size} traces, but this group has {group_size}. Make a table for "
            f"{group_size} traces."
        )


def table_for(table: RewardTable | None, group_size: int) -> RewardTable:
    """Return the table if it is for groups of this size, or the recommended one for None."""
    if table is None:
        from dagames.estimators import recommended_table

        return recommended_table(group_size)
    check_table_fits(table, group_size)
    return table
