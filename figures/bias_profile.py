"""Where in p the reward tables are wrong (claims II.4 and II.6)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames.estimators import RewardTable, elevated_table, minimax_table, plugin_table, split_table, taylor_table
from dagames.grpo.moments import bernstein
from figures import style

TITLE = "The plug-in's error is everywhere, Taylor's near p = 1 / K, and the best table's spread evenly"
SIZES = (8, 16, 32)
POINTS = 600
_COLOURS = {"plug-in": style.RED, "Taylor": style.ORANGE, "averaged split": style.BLUE, "minimax": style.INK}


def compute() -> dict[str, Any]:
    """Evaluate weighted errors over p.

    Returns:
        p, dense towards 0; and for each K the errors p (E c_X - log p) by table, with the least possible.
    """
    p = np.sin(0.5 * np.pi * np.arange(1, POINTS + 1) / POINTS) ** 2
    panels = []
    for K in SIZES:
        best = minimax_table(K)
        tables = {
            "plug-in": plugin_table(K),
            "Taylor": taylor_table(K),
            "averaged split": elevated_table(split_table(K), K),
            "minimax": best,
        }
        errors = {name: _errors(table, p) for name, table in tables.items()}
        panels.append({"K": K, "least": best.optimum.upper if best.optimum else None, "errors": errors})
    return {"p": p.tolist(), "panels": panels}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the errors against the square root of p, a panel a group size.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(len(arrays["panels"]), height=2.5, sharex=True)
    for place, panel in zip(axes, arrays["panels"], strict=True):
        for name, errors in panel["errors"].items():
            place.plot(np.sqrt(arrays["p"]), errors, color=_COLOURS[name], label=name, linewidth=1.4)
        for side in (-1, 1):
            place.axhline(side * panel["least"], color=style.INK, linestyle=":", linewidth=0.8)
        place.set_title(f"K = {panel['K']}")
        ticks = [0.0, 0.01, 0.05, 0.2, 0.5, 1.0]
        place.set_xticks(np.sqrt(ticks), [f"{tick:g}" for tick in ticks])
        place.set_yscale("symlog", linthresh=panel["least"])
    axes[1].set_ylabel("weighted error p (E c_X - log p), linear between the dotted lines")
    axes[-1].set_xlabel("probability p of the answer (square-root scale)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    p = np.array(arrays["p"])
    worst = []
    for panel in arrays["panels"]:
        at = {name: p[np.abs(errors).argmax()] for name, errors in panel["errors"].items()}
        worst.append(f"K = {panel['K']}: Taylor's at K p = {panel['K'] * at['Taylor']:.2f}")
    return (
        "Weighted error of four tables for self-inclusive counts against the probability of the answer. Dotted: the "
        "least worst error that any table has, which the minimax table meets with alternating signs at K + 1 points. "
        f"Where the largest error of the Taylor table lies: {'; '.join(worst)}."
    )


def _errors(table: RewardTable, p: np.ndarray) -> list[float]:
    inner = np.array([float(c) for c in table.inner])
    return [float(error) for error in p * (bernstein(inner, p) - np.log(p))]
