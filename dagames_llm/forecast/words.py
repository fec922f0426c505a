"""A forecast as a table and as sentences; every number is taken from its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from dagames_llm.counted import counted

ROWS = {
    "sampled": "sampled accuracy",
    "greedy": "greedy accuracy",
    "vote": "vote accuracy",
    "reward": "training reward",
    "top_share": "top answer's share",
    "answer_entropy": "group entropy, nats",
    "kl": "KL, nats",
    "collapsed": "single answer",
    "gains": "right answer gains",
    "loses": "right answer loses",
    "extinct": "right one extinct",
    "unread": "unread",
}
"""Names of the statistics in the table; those of questions are shares of questions."""

CAVEATS = (
    (
        "Each question is solved separately. The questions share the parameters of the model, so training on one "
        "question also changes the answers to others; this effect is not modelled."
    ),
    (
        "Steps are mean-field steps, not optimiser steps. Read the path at the reward that the run has reached. The "
        "logged KL is less reliable: if some answers are rare, its k3 estimate is usually too low, rarely far too high."
    ),
    "An answer that was not sampled has probability 0 throughout the forecast.",
    (
        "The path of a vote is a mean over runs. If two answers are almost equally frequent, single runs converge to "
        "different answers, and the mean does not predict which."
    ),
)
"""Limits of a forecast, printed with it and stored in its JSON."""


def cell(estimate: Mapping[str, Any]) -> str:
    """Return a mean with its interval: `.91 [.85, .96]`."""
    mean, low, high = (f"{estimate[end]:.2f}".removeprefix("0") for end in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def show_lines(content: Mapping[str, Any], lines: Sequence[str], console: Console, without: str | None = None) -> None:
    """Print sentences, the point of the path that matches a run, and caveats; omit statistics named with `without`."""
    lines = list(lines)
    if "match" in content:
        match = content["match"]
        verb = "reaches" if match["reached"] else "never reaches"
        names = [name for name in match["statistics"] if without is None or without not in name]
        shown = ", ".join(f"{name} {cell(match['statistics'][name])}" for name in names)
        lines.append(f"The path {verb} {match['statistic']} {match['value']:g}, at step {match['step']:.1f}: {shown}.")
    for line in lines:
        console.print(f"- {line}", highlight=False, markup=False)
    console.print("Limits of the forecast:", highlight=False)
    for caveat in content["caveats"]:
        console.print(f"- {caveat}", highlight=False, markup=False)


def forecast_table(content: Mapping[str, Any]) -> Table:
    """Return the statistics now, after the steps, and at both equilibria, side by side."""
    title = (
        f"Forecast: {content['target']}, beta {content['beta']:g}, groups of {content['group_size']}, "
        f"{counted(content['questions'], 'question')}, {counted(content['completions']['all'], 'completion')}"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.caption = "95 % intervals: questions and completions drawn again"
    table.add_column("")
    stages = {
        "now": content["reference"],
        counted(content["steps"], "step"): content["after_steps"],
        f"rest point, K = {content['group_size']}": content["equilibrium"],
    }
    for name in stages:
        table.add_column(name, justify="right", no_wrap=True)
    for name, words in ROWS.items():
        if name in content["reference"]:
            table.add_row(words, *(cell(stage[name]) for stage in stages.values()))
    return table


def directions_table(content: Mapping[str, Any]) -> Table:
    """Return the direction error of the first step of finite groups, relative to that of infinite groups."""
    table = Table(title="Direction of the first step, relative to infinite groups", title_justify="left")
    for name in ("group size", "table", "error (0 to 2)", "opposite direction"):
        table.add_column(name, justify="right")
    for row in content["directions"]:
        table.add_row(str(row["group_size"]), row["table"] or "-", cell(row["error"]), cell(row["opposed"]))
    return table


def sentences(content: Mapping[str, Any]) -> list[str]:
    """Return the conclusions of a forecast as sentences."""
    conclusions = []
    if "votes_wrong" in content:
        conclusions.append(
            f"The most frequent answer is wrong for {cell(content['votes_wrong'])} of the questions; the right answer "
            f"was never sampled for {cell(content['reference']['unseen'])}."
        )
        change = content["equilibrium"]["sampled"]["mean"] - content["reference"]["sampled"]["mean"]
        verb = "raises" if change > 0 else "lowers"
        conclusions.append(
            f"Training to the rest point {verb} sampled accuracy by {abs(change):.2f}: the right answer gains in "
            f"{content['equilibrium']['gains']['mean']:.0%} of the questions, loses in "
            f"{content['equilibrium']['loses']['mean']:.0%}, and goes extinct in "
            f"{content['equilibrium']['extinct']['mean']:.0%}."
        )
    conclusions.append(_of_collapse(content))
    if content["unsolved"]:
        conclusions.append(
            f"The equilibrium of {counted(content['unsolved'], 'question')} was not found to 1e-08; the largest "
            f"distance from a best response is {content['largest_residual']:.1e}."
        )
    if content["views_pooled"]:
        conclusions.append(
            "Expectations for this number of wordings are not exact: groups are drawn from the mean of the wordings."
        )
    if not content["exact_expectations"]:
        conclusions.append("Expectations over groups are means over 128 drawn groups.")
    return conclusions


def _of_collapse(content: Mapping[str, Any]) -> str:
    collapse = content["collapse"]
    if collapse["threshold"] is None:
        if collapse["collapsed_now"] == 1:
            return "There is no collapse threshold: every question has a single answer before training."
        return "No beta was found at which most questions have a single answer at the rest point."
    side = "below" if collapse["beyond"] else "above"
    return (
        f"beta {content['beta']:g} is {side} the collapse threshold {collapse['threshold']:.2g}, below which "
        f"most questions have a single answer, right or wrong, at the rest point; at this beta "
        f"{collapse['collapsed']:.0%} have one."
    )
