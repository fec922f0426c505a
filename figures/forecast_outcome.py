"""Forecasts made before training against what training gave, for the five seeds of the demo."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures import style
from figures.results import read_result

TITLE = "Accuracy after training, predicted from completions of the untrained model"


def compute() -> dict[str, Any]:
    """Read the forecasts and the outcomes.

    Returns:
        For each seed: predicted and measured accuracy with 95 % intervals, on training and held-out questions.
    """
    seeds = []
    for row in read_result("forecast/demo.json")["seeds"]:
        training = {what: row["training"][what]["sampled"] for what in ("before", "predicted", "measured")}
        held_out = [
            {
                "view": name.removesuffix(", sampled"),
                "predicted": row["held_out"]["forecast"][name],
                "measured": row["held_out"]["after"][name],
            }
            for name in row["held_out"]["forecast"]
            if name.endswith(", sampled") and name in row["held_out"]["after"]
        ]
        seeds.append({"seed": row["seed"], "training": training, "held_out": held_out})
    return {"seeds": seeds}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw measured against predicted accuracy, with intervals and the line of equality.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(1, height=4.6)
    axes.plot([0.4, 1], [0.4, 1], color=style.GREY, linestyle="--", label="equal")
    _points(axes, [seed["training"] for seed in arrays["seeds"]], style.BLUE, "o", "training questions")
    _points(axes, [row for seed in arrays["seeds"] for row in seed["held_out"]], style.RED, "s", "held-out questions")
    axes.set(xlabel="predicted accuracy of a sample", ylabel="measured accuracy of a sample", xlim=(0.5, 1.02))
    axes.set_ylim(0.5, 1.02)
    axes.legend(loc="lower right")
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    training = _error([seed["training"] for seed in arrays["seeds"]])
    held_out = _error([row for seed in arrays["seeds"] for row in seed["held_out"]])
    return (
        f"Five runs of the demo (results/forecast/demo.json). Each point is one run, or one wording of its held-out "
        "questions; bars are 95 % intervals. The forecast reads only completions of the untrained model. The root mean "
        f"square error is {training:.2f} on training questions and {held_out:.2f} on held-out ones."
    )


def _error(rows: list[dict[str, Any]]) -> float:
    return float(np.sqrt(np.mean([(row["predicted"]["mean"] - row["measured"]["mean"]) ** 2 for row in rows])))


def _points(axes: Any, rows: list[dict[str, Any]], colour: str, marker: str, label: str) -> None:
    def bars(what: str) -> tuple[list[float], np.ndarray]:
        mean = [row[what]["mean"] for row in rows]
        ends = [
            [row[what]["mean"] - row[what]["low"] for row in rows],
            [row[what]["high"] - row[what]["mean"] for row in rows],
        ]
        return mean, np.array(ends)

    (x, x_ends), (y, y_ends) = bars("predicted"), bars("measured")
    axes.errorbar(x, y, xerr=x_ends, yerr=y_ends, fmt=marker, color=colour, elinewidth=0.7, markersize=5, label=label)
