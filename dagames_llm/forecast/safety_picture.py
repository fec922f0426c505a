"""The panels of a forecast with budgets; every number in them is taken from the forecast's JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dagames.pictures.panels import BLUE, GREY, ORANGE, Panel, draw_panels
from dagames_llm.counted import counted

COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7")


def draw_safety(content: Mapping[str, Any], kind: str) -> bytes:
    """Draw a forecast with budgets."""
    panels: list[Panel] = [
        partial(_along, content=content, what="cost", label="mean cost"),
        partial(_along, content=content, what="multiplier", label="multiplier"),
        partial(_speeds, content=content),
    ]
    title = f"Forecast with budgets: beta {content['beta']:g}, groups of {content['group_size']}"
    caption = (
        f"{counted(content['questions'], 'question')}, {counted(content['completions']['all'], 'completion')}; bands: "
        "95 % intervals, questions and completions drawn again. Dashed: budgets. Dots: rest point. Generalisation "
        "and the speed of the optimiser are not modelled."
    )
    return draw_panels(panels, title, caption, kind)


def _each(content: Mapping[str, Any], draw: Callable[[Mapping[str, Any], str], None]) -> None:
    for place, row in enumerate(content["constraints"]):
        draw(row, COLOURS[place % len(COLOURS)])


def _along(axes: Any, content: Mapping[str, Any], what: str, label: str) -> None:
    """Draw a statistic of each constraint over the steps, with its interval as band, and its rest point."""
    steps = range(len(content["path"]))

    def draw(row: Mapping[str, Any], colour: str) -> None:
        name = f"safety/{row['name']}/{what}"
        course = [point[name] for point in content["path"]]
        axes.plot(steps, [point["mean"] for point in course], color=colour, label=row["name"])
        axes.fill_between(
            steps,
            [point["low"] for point in course],
            [point["high"] for point in course],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        if what == "cost":
            axes.axhline(row["budget"], color=colour, linestyle="--", linewidth=0.8)
        if content["equilibrium"] is not None:
            axes.plot([steps[-1]], [content["equilibrium"][name]["mean"]], color=colour, marker="o", linestyle="none")

    _each(content, draw)
    axes.set(xlabel="step", ylabel=label)
    axes.legend(fontsize=8)


def _speeds(axes: Any, content: Mapping[str, Any]) -> None:
    """Draw the costs after the steps over the policy's step size."""
    sizes = [each["step_size"] for each in content["speeds"]]

    def draw(row: Mapping[str, Any], colour: str) -> None:
        costs = [each["statistics"][f"safety/{row['name']}/cost"] for each in content["speeds"]]
        ends = [[c["mean"] - c["low"] for c in costs], [c["high"] - c["mean"] for c in costs]]
        axes.errorbar(sizes, [c["mean"] for c in costs], yerr=ends, color=colour, ecolor=GREY, marker="o")
        axes.axhline(row["budget"], color=colour, linestyle="--", linewidth=0.8)

    _each(content, draw)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set(xlabel="policy's step size (nats per unit of advantage)", ylabel="mean cost after the steps")
