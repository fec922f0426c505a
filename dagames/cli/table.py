"""The command `dagames table`."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from dagames import estimators
from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._files import check_folder, check_new_file
from dagames.cli.terminal import spinner

if TYPE_CHECKING:
    from dagames.estimators import RewardTable

_METHODS = estimators.METHODS


def _with_option(option: str) -> list[str]:
    """Return the methods whose function takes an option."""
    return [name for name, method in _METHODS.items() if option in method.options]


HELP = f"""Make a reward table, prove its bias, and print it.

A group of K traces gives an answer k times; the table says which reward that count stands for. The bias is the largest
weighted error |p (E c_X - g(p))| over all probabilities p, enclosed with proof, of the numbers as they are stored.

\b
Examples:
    dagames table --group-size 16
    dagames table --group-size 16 --out table.json
    dagames table --group-size 16 --method aqp --bias 2
    dagames table --group-size 16 --method minimax --solver cvxpy
    dagames table --group-size 64 --method minimax --counts independent --json

Methods:

\b
{chr(10).join(f"    {name:12}{method.description}" for name, method in _METHODS.items())}

Rewards: log, sqrt, power:A (p^A), entropy:ORDER ((p^(ORDER-1) - 1) / (ORDER-1)).

Counts: self-inclusive if a count includes the trace that is rewarded; centred if, besides, the mean of the group's
rewards is taken off, as GRPO does; independent if it comes from other traces. InverseFrequency takes the first two. One
kind is wrong by order 1/K where another is meant. By default counts are centred for the recommended table, so that the
command makes the default table of InverseFrequency, and self-inclusive for the other methods.
"""


_LARGEST = 512
"""Largest group whose table the command proves, in about half a minute; the time grows like the cube of the size."""


def table(
    group_size: Annotated[int, typer.Option("--group-size", "-K", help="Number of traces K in a group.")],
    method: Annotated[str, typer.Option(help="One of the methods above.")] = "recommended",
    bias: Annotated[
        float | None, typer.Option(help=f"Budget of bias for {' and '.join(_with_option('bias'))}.", show_default="2")
    ] = None,
    unit: Annotated[
        str, typer.Option(help="What --bias counts in: optimum (the least possible) or absolute.")
    ] = "optimum",
    reward: Annotated[str, typer.Option(help="What the table estimates.")] = "log",
    solver: Annotated[
        str | None,
        typer.Option(
            help=f"Solver for {', '.join(_with_option('method'))}: exchange or cvxpy.", show_default="exchange"
        ),
    ] = None,
    counts: Annotated[
        str | None,
        typer.Option(
            help="self-inclusive, centred or independent.", show_default="centred if recommended, else self-inclusive"
        ),
    ] = None,
    precision: Annotated[str, typer.Option(help="Round entries to float64, float32 or bfloat16.")] = "float64",
    out: Annotated[Path | None, typer.Option(help="Write the table to this file, for RewardTable.load.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of this name.")] = False,
) -> None:
    """Make a reward table.

    Args:
        group_size: Number of traces.
        method: How it is made.
        bias: Budget of bias, for methods that take one.
        unit: What it counts in.
        reward: What it estimates.
        solver: How its program is solved, for methods that have one.
        counts: The kind of counts; by default "centred" for the recommended table, and "self-inclusive" for others.
        precision: The type that its entries are rounded to.
        out: The file.
        as_json: Whether to print JSON.
        overwrite: Whether the file may be replaced.

    Raises:
        DomainError: If the method is unknown, does not know the reward, or takes no budget or no solver; or if the
            group is too large.
    """
    method = as_choice(method, "method", _METHODS)
    if bias is not None and method not in _with_option("bias"):
        raise DomainError(f"the method {method} takes no --bias; {' and '.join(_with_option('bias'))} do.")
    if solver is not None and method not in _with_option("method"):
        raise DomainError(f"the method {method} takes no --solver; {', '.join(_with_option('method'))} do.")
    if solver is not None:
        from dagames.estimators.minimax import Method

        as_choice(solver, "--solver", get_args(Method))
    estimates = estimators.as_reward(reward)
    if method not in _with_option("reward") and estimates != estimators.LOG:
        raise DomainError(f"the method {method} knows the reward log only, not {reward!r}; use minimax or taylor.")
    if group_size > _LARGEST:
        raise DomainError(
            f"--group-size is {group_size}; tables of up to {_LARGEST} traces are proved here. From python, "
            f"`dagames.estimators.recommended_table({group_size})` makes the table and leaves out the proof."
        )
    if out is not None:
        check_folder(out, "--out")
        check_new_file(out, overwrite=overwrite)
    from dagames.estimators.frontier_point import as_unit
    from dagames.estimators.reward_table import as_counts, as_precision

    kind = as_counts(("centred" if method == "recommended" else "self-inclusive") if counts is None else counts)
    with spinner(f"making and proving the {method} table of {group_size} traces"):
        options = {"reward": estimates, "bias": 2.0 if bias is None else bias, "unit": as_unit(unit)}
        made = _make(method, group_size, kind, {**options, "method": solver or "exchange"})
        made = made.rounded(as_precision(precision))
        text = made.to_json()
    if out is not None:
        made.save(out, overwrite=overwrite)
    if as_json:
        typer.echo(text, nl=False)
    else:
        from dagames.cli.table_words import print_table

        print_table(made)


def _make(name: str, K: int, counts: Any, options: Mapping[str, Any]) -> "RewardTable":
    method = _METHODS[name]
    make: Callable[..., RewardTable] = attrgetter(method.function)(estimators)
    return make(K, counts=counts, **{option: options[option] for option in method.options})
