"""The command `dagames table`."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from dagames import estimators
from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._files import check_output
from dagames.cli.late_help import as_list
from dagames.cli.terminal import spinner

if TYPE_CHECKING:
    from dagames.estimators import RewardTable

_METHODS = estimators.METHODS


def _with_option(option: str) -> list[str]:
    """Return the methods whose function takes an option."""
    return [name for name, method in _METHODS.items() if option in method.options]


HELP = f"""Make a reward table, certify its bias, and print it.

The table contains the reward c_k of an answer that k of the K traces in a group give. The bias is the largest weighted
error |p (E c_X - g(p))| over all probabilities p; its bounds are certified for the stored numbers.

\b
Examples:
    dagames table --group-size 16
    dagames table --group-size 16 --out table.json
    dagames table --group-size 16 --method aqp --bias 2
    dagames table --group-size 16 --method minimax --solver cvxpy
    dagames table --group-size 64 --method minimax --counts independent --json

Methods:

\b
{as_list({name: method.description for name, method in _METHODS.items()})}

Rewards: log, sqrt, power:A (p^A), entropy:ORDER ((p^(ORDER-1) - 1) / (ORDER-1)).

Counts: self-inclusive if a count includes the trace that is rewarded; centred if, in addition, the mean of the group's
rewards is subtracted, as in GRPO; independent if it is a count of other traces. InverseFrequency accepts the first two.
A table for another kind of counts has a bias of order 1/K. By default counts are centred for the recommended table,
which is the default table of InverseFrequency, and self-inclusive for the other methods.
"""


_LARGEST = 512
"""Largest group whose bias the command certifies, in about half a minute; the time grows with the cube of the size."""


def table(
    group_size: Annotated[int, typer.Option("--group-size", "-K", help="Number of traces K in a group.")],
    method: Annotated[str, typer.Option(help="One of the methods above.")] = "recommended",
    bias: Annotated[
        float | None, typer.Option(help=f"Bias budget for {' and '.join(_with_option('bias'))}.", show_default="2")
    ] = None,
    unit: Annotated[
        str, typer.Option(help="Unit of --bias: optimum (the least possible bias) or absolute.")
    ] = "optimum",
    reward: Annotated[str, typer.Option(help="Function that the table estimates.")] = "log",
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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Make a reward table.

    Args:
        group_size: Number of traces.
        method: Method that makes the table.
        bias: Bias budget, for methods with one.
        unit: Unit of the bias budget.
        reward: Function that the table estimates.
        solver: Solver of the method's program, for methods with one.
        counts: The kind of counts; by default "centred" for the recommended table, and "self-inclusive" for others.
        precision: Type to which entries are rounded.
        out: Output file.
        as_json: Whether to print JSON.
        overwrite: Whether an existing file may be replaced.

    Raises:
        DomainError: If the method is unknown or does not support the reward, the budget or the solver; or if the group
            is too large.
    """
    method = as_choice(method, "method", _METHODS)
    if bias is not None and method not in _with_option("bias"):
        raise DomainError(f"the method {method} does not take --bias; {' and '.join(_with_option('bias'))} do.")
    if solver is not None and method not in _with_option("method"):
        raise DomainError(f"the method {method} does not take --solver; {', '.join(_with_option('method'))} do.")
    if solver is not None:
        from dagames.estimators.minimax import Method

        as_choice(solver, "--solver", get_args(Method))
    estimand = estimators.as_reward(reward)
    if method not in _with_option("reward") and estimand != estimators.LOG:
        raise DomainError(f"the method {method} supports only the reward log, not {reward!r}; use minimax or taylor.")
    if method == "elevated" and group_size == 1:
        raise DomainError("--group-size is 1; the method elevated takes the table of half a group: use at least 2.")
    if group_size > _LARGEST:
        raise DomainError(
            f"--group-size is {group_size}; the bias is certified for tables of up to {_LARGEST} traces. In Python, "
            f"`dagames.estimators.recommended_table({group_size})` makes the table without the certificate."
        )
    if out is not None:
        check_output(out, "--out", overwrite=overwrite)
    from dagames.estimators.frontier_point import as_unit
    from dagames.estimators.reward_table import as_counts, as_precision

    kind = as_counts(("centred" if method == "recommended" else "self-inclusive") if counts is None else counts)
    with spinner(f"making and certifying the {method} table of {group_size} traces"):
        options = {"reward": estimand, "bias": 2.0 if bias is None else bias, "unit": as_unit(unit)}
        reward_table = _make_table(method, group_size, kind, {**options, "method": solver or "exchange"})
        reward_table = reward_table.rounded(as_precision(precision))
        text = reward_table.to_json()
    if out is not None:
        reward_table.save(out, overwrite=overwrite)
    if as_json:
        typer.echo(text, nl=False)
    else:
        from dagames.cli.table_words import print_table

        print_table(reward_table)


def _make_table(name: str, K: int, counts: Any, options: Mapping[str, Any]) -> "RewardTable":
    method = _METHODS[name]
    make: Callable[..., RewardTable] = attrgetter(method.function)(estimators)
    return make(K, counts=counts, **{option: options[option] for option in method.options})
