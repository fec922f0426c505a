"""The command `dagames table`."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeAlias, get_args

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from dagames._errors import DomainError
from dagames._files import check_new_file
from dagames.cli.terminal import sign_of_life
from dagames.estimators import (
    LOG,
    Estimand,
    Interval,
    RewardTable,
    aqp_table,
    as_reward,
    elevated_table,
    harmonic_table,
    minimax_table,
    plugin_table,
    recommended_table,
    split_table,
    taylor_table,
    variance_table,
)
from dagames.estimators.frontier_point import Unit, as_unit
from dagames.estimators.minimax import Method
from dagames.estimators.reward_table import CountsKind, as_counts, as_precision, inner_degree
from dagames.numerics.choice import as_choice

Maker: TypeAlias = Callable[[int, Estimand, CountsKind], RewardTable]
Budgeted: TypeAlias = Callable[[int, Estimand, CountsKind, float, Unit], RewardTable]


METHODS: dict[str, tuple[Maker, str]] = {
    "recommended": (
        lambda K, reward, counts: recommended_table(K, reward=reward, counts=counts),
        "the one to train with, and the default: for the log that of taylor",
    ),
    "minimax": (
        lambda K, reward, counts: minimax_table(K, reward=reward, counts=counts),
        "the least worst bias; its entries explode with K",
    ),
    "elevated": (
        lambda K, reward, counts: elevated_table(split_table(K, reward=reward), K, counts=counts),
        "the minimax table of half the group, averaged over all halves",
    ),
    "taylor": (
        lambda K, reward, counts: taylor_table(K, reward=reward, counts=counts),
        "the plug-in less its first-order bias (Miller-Madow), with the best c_0",
    ),
    "harmonic": (
        lambda K, _, counts: harmonic_table(K, counts=counts),
        "the unbiased estimate of the log's series, H_k - H_K",
    ),
    "plugin": (lambda K, _, counts: plugin_table(K, counts=counts), "log(k / K), what is used without a table"),
}
"""Methods of the command, each with how it makes a table and what it is."""

_LOG_ONLY = {"harmonic", "plugin"}

BUDGETED: dict[str, tuple[Budgeted, str]] = {
    "aqp": (
        lambda K, reward, counts, bias, unit: aqp_table(K, bias=bias, unit=unit, reward=reward, counts=counts),
        "the least second moment within a budget of bias (--bias)",
    ),
    "variance": (
        lambda K, reward, counts, bias, unit: variance_table(K, bias=bias, unit=unit, reward=reward, counts=counts),
        "the least excess of variance within a budget of bias (--bias)",
    ),
}
"""Methods that take a budget of bias."""

SOLVED: dict[str, Callable[..., RewardTable]] = {"minimax": minimax_table, "aqp": aqp_table, "variance": variance_table}
"""Methods that solve a program, for which a solver can be chosen."""

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
    if method not in _EVERY:
        near = get_close_matches(method, _EVERY, 1, 0.4)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise DomainError(f"there is no method {method!r}.{hint} Known: {', '.join(_EVERY)}.")
    if method in METHODS and bias is not None:
        raise DomainError(f"the method {method} takes no --bias; {' and '.join(BUDGETED)} do.")
    if method not in SOLVED and solver is not None:
        raise DomainError(f"the method {method} takes no --solver; {', '.join(SOLVED)} do.")
    if solver is not None:
        as_choice(solver, get_args(Method), "--solver")
    estimates = as_reward(reward)
    if method in _LOG_ONLY and estimates != LOG:
        raise DomainError(f"the method {method} knows the reward log only, not {reward!r}; use minimax or taylor.")
    if group_size > _LARGEST:
        raise DomainError(
            f"--group-size is {group_size}; tables of up to {_LARGEST} traces are proved here. From python, "
            f"`dagames.estimators.recommended_table({group_size})` makes the table and leaves out the proof."
        )
    if out is not None:
        check_new_file(out, overwrite=overwrite)
    kind = as_counts(("centred" if method == "recommended" else "self-inclusive") if counts is None else counts)
    console = Console(stderr=True)
    with sign_of_life(console, f"making and proving the {method} table of {group_size} traces"):
        budget = (2.0 if bias is None else bias, as_unit(unit))
        made = _make(method, group_size, estimates, kind, budget, solver).rounded(as_precision(precision))
        text = made.to_json()
    if out is not None:
        made.save(out, overwrite=overwrite)
    if as_json:
        typer.echo(text, nl=False)
    else:
        _show(made, Console())


def _make(
    method: str, K: int, reward: Estimand, counts: CountsKind, budget: tuple[float, Unit], solver: str | None
) -> RewardTable:
    if solver is not None:
        limits = dict(zip(("bias", "unit"), budget, strict=True)) if method in BUDGETED else {}
        return SOLVED[method](K, reward=reward, counts=counts, method=solver, **limits)
    if method in BUDGETED:
        return BUDGETED[method][0](K, reward, counts, *budget)
    return METHODS[method][0](K, reward, counts)


def _show(made: RewardTable, console: Console) -> None:
    entries = Table(
        "count", "reward", title=f"{made.method} table of {made.estimates.name} p for groups of {made.group_size}"
    )
    for count, entry in enumerate(made.coefficients):
        if count or made.counts == "independent":
            entries.add_row(str(count), f"{entry:.12g}")
    console.print(entries)
    console.print(f"counts      {_COUNTS[made.counts]}")
    console.print(f"worst bias  {_enclosed(made.bias)}, weighted by p")
    if made.optimum is not None:
        console.print(f"least bias  {_enclosed(made.optimum)} of any table")
    console.print(f"second moment  at most {made.second_moment.upper:.6g}")
    console.print(f"variance    at most {made.variance.upper:.6g}, weighted by p^2")
    console.print(f"pooling     adds at most {made.pooling:.4g} s^2, s^2 the variance of p between pooled views")
    console.print(f"order       {_order(made)}")
    console.print(_verdict(made))


_COUNTS = {
    "self-inclusive": "self-inclusive: a count includes the trace that is rewarded",
    "centred": "centred: a count includes the trace that is rewarded, and the group's mean is taken off, as in GRPO",
    "independent": "independent: a count comes from other traces than the one that is rewarded",
}


_NOISE = 4.0
"""A table whose worst weighted variance is more than this many times that of Taylor's is called unusable alone."""


def _verdict(made: RewardTable) -> str:
    """Say in plain words whether the table is of use, and which other one is if not."""
    K, counts, reward = made.group_size, made.counts, made.estimates
    if made.optimum is not None and made.bias.upper > 10 * made.optimum.upper:
        return (
            f"unusable: {made.precision} does not hold its entries, whose own bias would be {made.optimum.upper:.3g}."
        )
    if inner_degree(K, counts) == 0:
        return f"a group of {K} with {counts} counts says nothing of how probable an answer is."
    baseline = taylor_table(K, reward=reward, counts=counts)
    ratio = made.variance.upper / baseline.variance.upper if baseline.variance.upper else 1.0
    if ratio <= _NOISE:
        return f"usable: its worst variance is {ratio:.2g} times that of the Taylor table."
    use = recommended_table(K, reward=reward, counts=counts)
    return (
        f"unusable alone: second moment {made.second_moment.upper:.2g}, worst variance {ratio:.2g} times that of the "
        f"Taylor table; use --method recommended, with bias {use.bias.upper:.3g}."
    )


def _order(made: RewardTable) -> str:
    """Describe whether the estimate of an increasing or decreasing reward keeps its order, or where it fails worst."""
    first = 0 if made.counts == "independent" else 1
    inner = made.coefficients[first : first + inner_degree(made.group_size, made.counts) + 1]
    rises = np.diff(inner)
    if (rises >= 0).all() or (rises <= 0).all():
        return "monotone in the count"
    rises = rises if inner[-1] >= inner[0] else -rises
    k = int(rises.argmin())
    return f"not monotone: from count {first + k} to {first + k + 1} it turns back by {-rises[k]:.3g}"


def _enclosed(interval: Interval) -> str:
    return f"in [{interval.lower:.12g}, {interval.upper:.12g}]"
