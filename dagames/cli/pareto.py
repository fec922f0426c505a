"""The command `dagames pareto`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from dagames import estimators
from dagames._choices import as_choice
from dagames._errors import SolveError
from dagames.pictures.panels import check_outputs

OBJECTIVES: tuple[Literal["second_moment", "variance"], ...] = ("second_moment", "variance")

HELP = """Trace the frontier between bias and second moment, and between bias and excess of variance.

Each point is the best table within its bias budget, with two bounds on the least objective: the value of the stored
table, and a lower bound by duality. `gap` is the relative distance between the two bounds.

\b
Examples:
    dagames pareto --group-size 16 --plot frontier.svg
    dagames pareto --group-size 8 --objective variance --points 40 --json
    dagames pareto --group-size 48 --least 2 --points 8

Budgets are multiples of the optimum, the least bias of any table. From K = 50 on float64 cannot represent a table near
the optimum: by default the frontier begins at the smallest budget whose table it can represent. If a point fails, or
after Ctrl-C, the other points are printed and written, and the exit code is 1, or 130. To make the table of one point,
use `dagames table --method aqp --bias B` (or variance).
"""


def pareto(
    group_size: Annotated[int, typer.Option("--group-size", "-K", help="Number of traces K in a group.")],
    objective: Annotated[str, typer.Option(help="second_moment, variance or both.")] = "both",
    points: Annotated[int, typer.Option(help="Number of budgets, at least 2.")] = 12,
    least: Annotated[
        float | None,
        typer.Option(help="First budget, in optima; at least 1.", show_default="the smallest possible in float64"),
    ] = None,
    largest: Annotated[float, typer.Option(help="Last budget, in optima.")] = 50.0,
    reward: Annotated[str, typer.Option(help="What the tables estimate; see `dagames table --help`.")] = "log",
    counts: Annotated[str, typer.Option(help="self-inclusive, centred or independent.")] = "self-inclusive",
    out: Annotated[Path | None, typer.Option(help="Write the points to this file as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw both frontiers (.svg, .png or .pdf), with the data as .json beside it.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
) -> None:
    """Trace the frontiers of a group size."""
    check_outputs(out, plot, overwrite=overwrite)
    objective = as_choice(objective, "objective", ["both", *OBJECTIVES])
    from rich.console import Console

    from dagames.cli.pareto_result import write_frontiers
    from dagames.cli.pareto_trace import Trace
    from dagames.estimators.program import Objective
    from dagames.estimators.reward_table import as_counts, as_group_size

    objectives: list[Objective] = [what for what in OBJECTIVES if objective in {"both", what}]
    console = Console(stderr=True)
    trace = Trace(as_group_size(group_size), estimators.as_reward(reward), as_counts(counts))
    trace.run(objectives, points, least, largest, console)
    if trace.frontiers:
        write_frontiers(trace.frontiers, out, plot, as_json=as_json)
    elif not trace.interrupted:
        raise SolveError(
            f"no point was found. {trace.failures[0]} Use a larger --least, or a smaller --group-size.",
            "rounding",
        )
    for line in trace.failures:
        console.print(f"missing: {line} Use a larger --least.", markup=False, highlight=False, soft_wrap=True)
    if trace.interrupted:
        console.print(f"interrupted after {sum(map(len, trace.frontiers.values()))} points")
        raise typer.Exit(130)
    if trace.failures:
        raise typer.Exit(1)
