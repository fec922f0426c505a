"""Output of `dagames pareto`: files, and a table on the terminal."""

import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from dagames._files import write_bytes, write_text
from dagames.estimators.frontier_point import FrontierPoint
from dagames.estimators.program import Objective
from dagames.pictures.frontier import Frontiers, as_data, describe_frontiers, draw_frontiers

_MINIMISED: dict[Objective, str] = {"second_moment": "least second moment", "variance": "least excess of variance"}


def write_frontiers(frontiers: Frontiers, out: Path | None, plot: Path | None, *, as_json: bool) -> None:
    """Write frontiers to the given files, and print them as a table or as JSON."""
    data = as_data(frontiers)
    if out is not None:
        write_text(out, json.dumps(data, allow_nan=False) + "\n")
    if plot is not None:
        picture = describe_frontiers(data, plot.stem)
        write_text(plot.with_suffix(".json"), json.dumps(picture, allow_nan=False) + "\n")
        write_bytes(plot, draw_frontiers(picture, plot.suffix.lower().removeprefix(".")))
    if as_json:
        typer.echo(json.dumps(data, indent=1, allow_nan=False))
    else:
        _print(frontiers, data)


def _print(frontiers: Frontiers, data: dict[str, Any]) -> None:
    console = Console()
    for what, frontier in frontiers.items():
        lines = Table(title=f"{_MINIMISED[what]} by bias, groups of {data['group_size']}, {data['counts']} counts")
        for heading in ("bias / optimum", "bias", "second moment", "variance", "gap"):
            lines.add_column(heading, justify="right")
        for point in frontier:
            lines.add_row(*_line(point, data["optimum"]))
        console.print(lines)
    console.print(f"the least bias of any table is {data['optimum']:.6g}; variance is weighted by p^2")


def _line(point: FrontierPoint, optimum: float) -> tuple[str, ...]:
    table = point.table
    bounds = (table.bias.upper, table.second_moment.upper, table.variance.upper)
    return f"{point.budget / optimum:.4g}", *(f"{bound:.6g}" for bound in bounds), f"{point.gap:.1e}"
