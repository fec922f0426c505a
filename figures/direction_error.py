"""What reward tables, baselines and normalisation do to the direction of the step (claims B.1 to B.4)."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from dagames.estimators import RewardTable, minimax_table, plugin_table, recommended_table
from dagames.grpo import update_error
from dagames.grpo.enumeration import Rule
from figures import style

TITLE = "A centred group with a good table points the right way; dividing by its deviation undoes the table"
SIZES = (2, 4, 8, 16, 32, 64)
ANSWERS = (2, 3, 4, 5, 6)
DRAWS = 100
SEED = 0
TABLES: dict[str, Callable[[int], RewardTable]] = {
    "plug-in": plugin_table,
    "minimax": lambda K: minimax_table(K, counts="self-inclusive"),
    "minimax, centred": lambda K: minimax_table(K, counts="centred"),
    "Taylor (recommended)": recommended_table,
}
_COLOURS = dict(zip(TABLES, (style.RED, style.GREY, "black", style.BLUE), strict=True))
_SHOWN = 4
"""Number of answers in the picture; the data has all."""


def compute() -> dict[str, Any]:
    """Compare expected steps with true gradients, at distributions drawn evenly from the simplex.

    Returns:
        One row for each K, number of answers, table and rule: median and largest of the direction's error and of K^2
        times the raw error, and the share of draws whose step points away.
    """
    rows = []
    for n in ANSWERS:
        nu = np.random.default_rng(SEED).dirichlet(np.ones(n), size=DRAWS)
        for K in SIZES:
            for name, make in TABLES.items():
                table = make(K)
                rows += [
                    {"K": K, "answers": n, "table": name, "rule": rule} | _errors(nu, table, K, rule)
                    for rule in get_args(Rule)
                ]
    return {"draws": DRAWS, "seed": SEED, "rows": rows}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw median and largest error of the direction against K, a panel a rule.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.6), sharey=True)
    panels = (("none", "no baseline, or one without the trace"), ("center", "group's mean subtracted"))
    for place, (rule, title) in zip(axes, (*panels, ("standardise", "and divided by its deviation")), strict=True):
        for name in TABLES:
            rows = [row for row in arrays["rows"] if _is_shown(row, name, rule)]
            sizes = [row["K"] for row in rows]
            place.loglog(sizes, [row["median"] for row in rows], color=_COLOURS[name], marker=".", label=name)
            place.loglog(sizes, [row["largest"] for row in rows], color=_COLOURS[name], linestyle=":")
        place.axhline(np.sqrt(2.0), color=style.GREY, linewidth=0.8)
        place.set_title(title, fontsize=10)
        place.set_xlabel("traces in a group, K")
        place.set_xticks(SIZES[1:], [str(K) for K in SIZES[1:]])
        place.set_xticks([], minor=True)
    axes[0].set_ylabel("error of the direction |E/|E| - T/|T||")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """

    def at(table: str, rule: str) -> dict[str, Any]:
        return next(row for row in arrays["rows"] if row["K"] == 32 and _is_shown(row, table, rule))

    plain, good, best = at("plug-in", "center"), at("Taylor (recommended)", "center"), at("minimax, centred", "center")
    undone = at("minimax, centred", "standardise")
    return (
        f"Distance between the directions of the expected step E and of the true gradient T, {_SHOWN} answers, over "
        f"{arrays['draws']} distributions drawn evenly; lines: medians, dotted: the largest. Above the grey line a "
        f"step points away. At K = 32 and centred the medians are {plain['median']:.4f} (plug-in), "
        f"{good['median']:.4f} (Taylor, recommended) and {best['median']:.4f} (minimax made for centred groups), the "
        f"largest {plain['largest']:.3f}, {good['largest']:.3f} and {best['largest']:.3f}. Divided by the group's "
        f"deviation the minimax table's median is {undone['median']:.2f}; {100 * undone['away']:.0f} % of its steps "
        "point away. "
        "Exact: closed form, or all groups listed. Two traces tell nothing to a centred group."
    )


def _errors(nu: np.ndarray, table: RewardTable, K: int, rule: Rule) -> dict[str, float]:
    error = update_error(nu, table, K, rule)
    return {
        "median": float(np.median(error.direction)),
        "largest": float(error.direction.max()),
        "away": float((error.direction > np.sqrt(2.0)).mean()),
        "raw_median": float(K**2 * np.median(error.raw)),
        "raw_largest": float(K**2 * error.raw.max()),
    }


def _is_shown(row: dict[str, Any], table: str, rule: str) -> bool:
    return bool(row["answers"] == _SHOWN and row["table"] == table and row["rule"] == rule and row["K"] > 2)
