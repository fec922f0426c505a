"""The command `dagames table`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args

import typer

from dagames import estimators
from dagames._choices import as_choice
from dagames._errors import DomainError
from dagames._files import check_folder, check_new_file
from dagames.cli.terminal import spinner

if TYPE_CHECKING:
    from dagames.estimators import RewardTable

Maker: TypeAlias = Callable[..., "RewardTable"]
"""Takes K, the reward, the kind of counts and, with a budget, the bias and its unit; returns a `RewardTable`."""


METHODS: dict[str, tuple[Maker, str]] = {
    "recommended": (
        lambda K, reward, counts: estimators.recommended_table(K, reward=reward, counts=counts),
        "the one to train with, and the default: for the log that of taylor",
    ),
    "minimax": (
        lambda K, reward, counts: estimators.minimax_table(K, reward=reward, counts=counts),
        "the least worst bias; its entries explode with K",
    ),
    "elevated": (
        lambda K, reward, counts: estimators.elevated_table(estimators.split_table(K, reward=reward), K, counts=counts),
        "the minimax table of half the group, averaged over all halves",
    ),
    "taylor": (
        lambda K, reward, counts: estimators.taylor_table(K, reward=reward, counts=counts),
        "the plug-in less its first-order bias (Miller-Madow), with the best c_0",
    ),
    "harmonic": (
        lambda K, _, counts: estimators.harmonic_table(K, counts=counts),
        "the unbiased estimate of the log's series, H_k - H_K",
    ),
    "plugin": (
        lambda K, _, counts: estimators.plugin_table(K, counts=counts),
        "log(k / K), what is used without a table",
    ),
}
"""Methods without a budget, each with its function and its line in the help text."""

_LOG_ONLY = {"harmonic", "plugin"}

BUDGETED: dict[str, tuple[Maker, str]] = {
    "aqp": (
        lambda K, reward, counts, bias, unit: estimators.aqp_table(
            K, bias=bias, unit=unit, reward=reward, counts=counts
        ),
        "the least second moment within a budget of bias (--bias)",
    ),
    "variance": (
        lambda K, reward, counts, bias, unit: estimators.variance_table(
            K, bias=bias, unit=unit, reward=reward, counts=counts
        ),
        "the least excess of variance within a budget of bias (--bias)",
    ),
}
"""Methods that take a budget of bias."""

SOLVED = {"minimax": "minimax_table", "aqp": "aqp_table", "variance": "variance_table"}
"""Methods that solve a program, for which a solver can be chosen, each with its function in `dagames.estimators`."""

_EVERY = METHODS | BUDGETED

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
{chr(10).join(f"    {name:10}{what}" for name, (_, what) in _EVERY.items())}

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
    bias: Annotated[float | None, typer.Option(help="Budget of bias for aqp and variance.", show_default="2")] = None,
    unit: Annotated[
        str, typer.Option(help="What --bias counts in: optimum (the least possible) or absolute.")
    ] = "optimum",
    reward: Annotated[str, typer.Option(help="What the table estimates.")] = "log",
    solver: Annotated[
        str | None, typer.Option(help="Solver for minimax, aqp, variance: exchange or cvxpy.", show_default="exchange")
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
    method = as_choice(method, "method", _EVERY)
    if method in METHODS and bias is not None:
        raise DomainError(f"the method {method} takes no --bias; {' and '.join(BUDGETED)} do.")
    if method not in SOLVED and solver is not None:
        raise DomainError(f"the method {method} takes no --solver; {', '.join(SOLVED)} do.")
    if solver is not None:
        from dagames.estimators.minimax import Method

        as_choice(solver, "--solver", get_args(Method))
    estimates = estimators.as_reward(reward)
    if method in _LOG_ONLY and estimates != estimators.LOG:
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
        budget = (2.0 if bias is None else bias, as_unit(unit))
        made = _make(method, group_size, estimates, kind, budget, solver).rounded(as_precision(precision))
        text = made.to_json()
    if out is not None:
        made.save(out, overwrite=overwrite)
    if as_json:
        typer.echo(text, nl=False)
    else:
        from dagames.cli.table_words import print_table

        print_table(made)


def _make(
    method: str, K: int, reward: Any, counts: Any, budget: tuple[float, Any], solver: str | None
) -> "RewardTable":
    if solver is not None:
        limits = dict(zip(("bias", "unit"), budget, strict=True)) if method in BUDGETED else {}
        maker: Maker = getattr(estimators, SOLVED[method])
        return maker(K, reward=reward, counts=counts, method=solver, **limits)
    makers = BUDGETED if method in BUDGETED else METHODS
    arguments = budget if method in BUDGETED else ()
    return makers[method][0](K, reward, counts, *arguments)
