"""Pictures of the frontiers between bias and second moment, and between bias and variance, with known tables."""

from functools import partial
from typing import Any, TypeAlias

from dagames.estimators import (
    LOG,
    RewardTable,
    plugin_table,
    recommended_table,
)
from dagames.estimators.estimand import Estimand
from dagames.estimators.frontier_point import FrontierPoint
from dagames.estimators.program import Objective
from dagames.estimators.reward_table import CountsKind, inner_degree
from dagames.pictures.panels import BLUE, GREY, ORANGE, draw_panels

Frontiers: TypeAlias = dict[Objective, list[FrontierPoint]]

_NAMES = {"second_moment": "least second moment (AQP)", "variance": "least excess of variance"}
_COLOURS = {"second_moment": BLUE, "variance": ORANGE}
_MARKS = {"plug-in": "s", "recommended": "*"}


def as_data(frontiers: Frontiers) -> dict[str, Any]:
    """Return frontiers as plain data: settings, least bias, points with bounds and coefficients, and known tables."""
    first = next(iter(frontiers.values()))[0]
    table = first.table
    return {
        "group_size": table.group_size,
        "counts": table.counts,
        "reward": table.estimand.name,
        "optimum": first.optimum.upper,
        "frontiers": {what: [_point(point) for point in points] for what, points in frontiers.items()},
        "others": _others(table.group_size, table.estimand, table.counts),
    }


def describe_frontiers(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a picture from the data of `as_data`: `name`, `title`, `caption` and `data`."""
    K, optimum = data["group_size"], data["optimum"]
    gap = max(point["gap"] for points in data["frontiers"].values() for point in points)
    caption = (
        f"Worst second moment E c_X^2 (left) and worst weighted variance p^2 Var c_X (right) of tables of "
        f"{data['reward']} p for K = {K}, {data['counts']} counts, against their worst weighted bias in units of the "
        f"least possible, {optimum:.4g}. Each point of a line is certified as the best for its budget up to "
        f"{gap:.0e}. The least second moment does not bound the variance inside (0, 1): compare the right panel. "
        "Marks: tables that need no program."
    )
    return {
        "name": name,
        "title": f"Least second moment and variance by bias budget, K = {K}",
        "caption": caption,
        "data": data,
    }


def draw_frontiers(picture: dict[str, Any], kind: str) -> bytes:
    """Return the picture of `describe_frontiers` as the content of a file of format `kind`."""
    sides = (("second_moment", "worst second moment E c_X^2"), ("variance", "worst weighted variance p^2 Var c_X"))
    panels = [partial(draw_side, data=picture["data"], side=side, label=label) for side, label in sides]
    return draw_panels(panels, picture["title"], picture["caption"], kind)


def draw_side(axes: Any, data: dict[str, Any], side: str, label: str) -> None:
    """Draw the frontiers of one measure, `side`, against bias on matplotlib axes, from the data of `as_data`."""
    optimum = data["optimum"]
    for what, points in data["frontiers"].items():
        # A table of zeros cannot be drawn on a logarithmic axis.
        shown = [point for point in points if point[side] > 0]
        bias = [point["bias"] / optimum for point in shown]
        noise = [point[side] for point in shown]
        axes.loglog(bias, noise, color=_COLOURS[what], marker=".", label=_NAMES[what])
    for name, other in data["others"].items():
        axes.loglog(
            [other["bias"] / optimum], [other[side]], color=GREY, marker=_MARKS[name], linestyle="none", label=name
        )
    axes.set(xlabel="worst weighted bias / least possible", ylabel=label)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda number, _: f"{number:g}")
    axes.tick_params(which="minor", labelleft=False, labelbottom=False)
    axes.legend(fontsize=8)


def _point(point: FrontierPoint) -> dict[str, Any]:
    bounds = {"budget": point.budget, "dual_bound": point.objective.lower, "gap": point.gap}
    return bounds | _measures(point.table) | {"coefficients": point.table.coefficients.tolist()}


def _measures(table: RewardTable) -> dict[str, float]:
    measures = {"bias": table.bias, "second_moment": table.second_moment, "variance": table.variance}
    return {name: max(enclosure.upper, 0.0) for name, enclosure in measures.items()}


def _others(K: int, reward: Estimand, counts: CountsKind) -> dict[str, dict[str, float]]:
    """Return the measures of the recommended and plug-in tables, if the group is large enough for them."""
    if inner_degree(K, counts) < 1:
        return {}
    tables = {"recommended": recommended_table(K, reward=reward, counts=counts)}
    if reward == LOG:
        tables["plug-in"] = plugin_table(K, counts=counts)
    return {name: _measures(table) for name, table in tables.items()}
