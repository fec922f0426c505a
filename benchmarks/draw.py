"""The figures of the benchmarks: the core's timings, and what training with each table ends at."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from figures import style


def draw_core(results: dict[str, Any], folder: Path) -> None:
    """Draw ratios and growth, as SVG and PNG.

    Args:
        results: What `benchmarks.core.run` returned.
        folder: Where to.
    """
    style.use_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), gridspec_kw={"width_ratios": [1.15, 1]})
    duels = [row for row in results["ratios"] if "our_gap" in row]
    places = np.arange(len(duels))
    left.barh(places + 0.2, [row["theirs"] for row in duels], height=0.38, color=style.GREY, label="cvxpy + Clarabel")
    left.barh(places - 0.2, [row["ours"] for row in duels], height=0.38, color=style.BLUE, label="dagames")
    for place, row in zip(places, duels, strict=True):
        left.text(row["ours"] * 1.15, place - 0.2, f"{row['ratio']:,.0f} times faster", va="center", fontsize=9)
    left.set_xscale("log")
    left.set_yticks(places, [row["what"].removeprefix("cvxpy + Clarabel, ").replace(", ", ",\n") for row in duels])
    left.set_xlabel("time to a certified solution (s)")
    left.legend(loc="lower right")
    colours = (style.BLUE, style.GREEN, style.ORANGE)
    for row, colour in zip(results["growth"], colours, strict=True):
        label = f"{row['what']}: power {row['exponent']:.2f}"
        right.loglog(row["sizes"], row["seconds"], "o-", color=colour, label=label)
    right.set_xlabel("size")
    right.set_ylabel("time to state, solve and lift (s)")
    right.legend(loc="upper left")
    caption = (
        "Gini game, weight 1.3, beta 0.7, one run on one machine. Left: the same game for a conic solver and here; the "
        "smaller gap is ours in each.\nRight: time grows like the size, fitted over the upper half."
    )
    figure.supxlabel(caption, fontsize=9)
    style.save(figure, folder / "core")
    plt.close(figure)


_SHOWN = {
    "plug-in": style.RED,
    "Taylor": style.BLUE,
    "harmonic": style.GREEN,
    "averaged minimax, former rule": style.GREY,
    "minimax, monotone": "black",
    "variance, 2 optima, monotone": style.ORANGE,
}


def draw_training(results: list[dict[str, Any]], folder: Path) -> None:
    """Draw ratios of distances to the Taylor table's against the learning rate, as SVG and PNG.

    Args:
        results: What `benchmarks.training.compare` returned for each group size.
        folder: Where to.
    """
    style.use_style()
    figure, axes = plt.subplots(1, len(results), figsize=(3.2 * len(results), 4.6), sharey=True, squeeze=False)
    column = list(results[0]["taylor"])[-1]
    for place, result in zip(axes[0], results, strict=True):
        for row in result["tables"]:
            if row["table"] in _SHOWN:
                mean, error = (np.array(row[column][key]) for key in ("by rate", "by rate, error"))
                colour = _SHOWN[row["table"]]
                place.errorbar(result["rates"], mean, error, color=colour, marker=".", capsize=2, label=row["table"])
        place.set(xscale="log", yscale="log", title=f"K = {result['group_size']}", xlabel="learning rate")
        place.set_yticks([0.5, 1.0, 2.0, 4.0], ["0.5", "1", "2", "4"])
        place.set_yticks([], minor=True)
    axes[0, 0].set_ylabel(f"KL to the equilibrium {column},\nover the Taylor table's")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(_SHOWN))
    style.save(figure, folder / "training")
    plt.close(figure)
