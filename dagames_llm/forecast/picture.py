"""The picture of a forecast; every number in it is taken from the forecast's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dagames.pictures.panels import BLUE, GREY, ORANGE, Panel, draw_panels
from dagames_llm.counted import counted

GREEN = "#009E73"

LINES = {
    "sampled": ("sampled accuracy", BLUE),
    "greedy": ("greedy accuracy", ORANGE),
    "vote": ("accuracy of the vote", GREEN),
    "reward": ("training reward", GREY),
    "top_share": ("share of the most frequent answer", BLUE),
}


def draw_forecast(content: Mapping[str, Any], kind: str) -> bytes:
    """Draw a forecast."""
    if content.get("kind") == "safety":
        from dagames_llm.forecast.safety_picture import draw_safety

        return draw_safety(content, kind)
    panels: list[Panel] = []
    if "sampled" in content["reference"]:
        panels.append(partial(_along, content=content, names=("sampled", "greedy", "vote")))
    panels.append(partial(_along, content=content, names=("top_share", "reward")))
    panels.append(partial(_fates, content=content))
    panels.append(partial(_directions, content=content))
    title = f"Forecast: {content['target']}, beta {content['beta']:g}, groups of {content['group_size']}"
    caption = (
        f"{counted(content['questions'], 'question')}, {counted(content['completions']['all'], 'completion')}; bands "
        "and bars: 95 % intervals, questions and completions drawn again. Dots: equilibrium of groups of this size. "
        "Generalisation and the number of optimiser steps are not modelled."
    )
    return draw_panels(panels, title, caption, kind)


def _along(axes: Any, content: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Draw statistics over the divergence from the reference, with intervals as bands."""
    divergences = [point["kl"]["mean"] for point in content["path"]]
    for name in names:
        label, colour = LINES[name]
        course = [point[name] for point in content["path"]]
        axes.plot(divergences, [point["mean"] for point in course], color=colour, label=label)
        axes.fill_between(
            divergences,
            [point["low"] for point in course],
            [point["high"] for point in course],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        rest = content["equilibrium"]
        axes.plot([rest["kl"]["mean"]], [rest[name]["mean"]], color=colour, marker="o", linestyle="none")
    axes.set(xlabel="KL from the reference (nats per completion)", ylabel="mean over questions")
    axes.legend(fontsize=8)


def _fates(axes: Any, content: Mapping[str, Any]) -> None:
    """Draw the shares of questions with each fate at the equilibrium."""
    names = {
        "collapsed": "a single answer",
        "gains": "right answer gains",
        "loses": "right answer loses",
        "extinct": "right answer extinct",
        "unseen": "right answer unseen",
    }
    shown = [name for name in names if name in content["equilibrium"]]
    values = [content["equilibrium"][name] for name in shown]
    means = [value["mean"] for value in values]
    ends = [[v["mean"] - v["low"] for v in values], [v["high"] - v["mean"] for v in values]]
    axes.barh(range(len(shown)), means, xerr=ends, color=BLUE, ecolor=GREY, height=0.6)
    axes.set_yticks(range(len(shown)), [names[name] for name in shown])
    axes.invert_yaxis()
    axes.set(xlabel="share of questions at the equilibrium", xlim=(0, 1.02))


def _directions(axes: Any, content: Mapping[str, Any]) -> None:
    """Draw the error of the first step's direction for each group size and table."""
    rows = content["directions"]
    labels = [f"K = {row['group_size']}{', ' + row['table'] if row['table'] else ''}" for row in rows]
    axes.barh(range(len(rows)), [row["error"]["mean"] for row in rows], color=ORANGE, height=0.6)
    axes.set_yticks(range(len(rows)), labels)
    axes.invert_yaxis()
    axes.set(xlabel="direction error of the first step (0 to 2)")
