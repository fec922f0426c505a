"""How the entries of reward tables grow with the group's size (claim II.7)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames.estimators import RewardTable, aqp_table, minimax_table, recommended_table, variance_table
from figures import style

TITLE = "The best table's entries explode with the group; twice its bias removes the explosion"
SIZES = (2, 4, 6, 8, 12, 16, 20, 24, 32, 48, 64)
LARGEST_PROGRAM = 20
"""Largest group whose programs are solved here; the others take no program."""

_COLOURS = {
    "minimax": style.INK,
    "twice the least bias, AQP": style.BLUE,
    "twice the least bias, variance": style.ORANGE,
}
_COLOURS |= {"recommended": style.GREEN}


def compute() -> dict[str, Any]:
    """Make the tables for counts that include the trace.

    Returns:
        By table: sizes, the largest entry in size, and the certified second moment; and the minimax table's growth.
    """
    made: dict[str, list[RewardTable]] = {
        "minimax": [minimax_table(K) for K in SIZES],
        "recommended": [recommended_table(K, counts="self-inclusive") for K in SIZES],
        "twice the least bias, AQP": [aqp_table(K) for K in SIZES if K <= LARGEST_PROGRAM],
        "twice the least bias, variance": [variance_table(K) for K in SIZES if K <= LARGEST_PROGRAM],
    }
    tables = {
        name: {
            "sizes": [table.group_size for table in row],
            "largest_entry": [float(np.abs(table.coefficients).max()) for table in row],
            "second_moment": [table.second_moment.upper for table in row],
        }
        for name, row in made.items()
    }
    best = tables["minimax"]
    late = np.array(best["sizes"]) >= 12
    n = np.array(best["sizes"])[late] - 1
    growth = np.polyfit(n, np.log2(np.array(best["largest_entry"])[late] * n**2), 1)[0]
    return {"tables": tables, "bits_per_trace": float(growth)}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the largest entry, and the second moment, against K.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(2, sharex=True)
    sides = (
        ("largest_entry", "largest entry in size (nats)"),
        ("second_moment", "worst second moment E c_X^2 (nats^2)"),
    )
    for place, (side, label) in zip(axes, sides, strict=True):
        for name, table in arrays["tables"].items():
            place.semilogy(table["sizes"], table[side], marker=".", color=_COLOURS[name], label=name)
        place.set(ylabel=label)
    axes[-1].set_xlabel("traces in a group, K")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    best, calm = arrays["tables"]["minimax"], arrays["tables"]["recommended"]
    return (
        "Tables of the log for self-inclusive counts. K^2 times the minimax table's largest entry grows by "
        f"{arrays['bits_per_trace']:.2f} bits a trace, to {best['largest_entry'][-1]:.1e} at K = {best['sizes'][-1]}, "
        f"where the recommended table's, Taylor's, is {calm['largest_entry'][-1]:.2f}. Tables of twice the least bias "
        f"are drawn up to K = {LARGEST_PROGRAM}."
    )
