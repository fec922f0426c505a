"""Both frontiers of a group size: between bias and second moment, and between bias and variance (II.7, II.8, B.4)."""

from typing import Any

from matplotlib.figure import Figure

from dagames.estimators import pareto_frontier
from dagames.pictures.frontier import MEASURES, as_data, describe_frontiers, draw_side
from figures import style

TITLE = "What is best for the second moment is worst for the variance"
GROUP_SIZE = 16
POINTS = 8


def compute() -> dict[str, Any]:
    """Trace both frontiers.

    Returns:
        What `dagames pareto --json` prints.
    """
    second_moment = pareto_frontier(GROUP_SIZE, points=POINTS, objective="second_moment")
    return as_data({
        "second_moment": second_moment,
        "variance": pareto_frontier(GROUP_SIZE, points=POINTS, objective="variance"),
    })


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw noise against bias, in both measures of noise.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, (upper, lower) = style.stacked(2, height=3.6)
    for place, (measure, label) in zip((upper, lower), MEASURES.items(), strict=True):
        draw_side(place, arrays, measure, label)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    by = arrays["frontiers"]
    ratio = max(a["variance"] / b["variance"] for a, b in zip(by["second_moment"], by["variance"], strict=True))
    recommended, plain = (arrays["others"][name] for name in ("recommended", "plug-in"))
    share, noise = (recommended[measure] / plain[measure] for measure in ("bias", "variance"))
    return (
        f"{describe_frontiers(arrays, '')['caption']} At one budget the table of least second moment has up to "
        f"{ratio:.0f} times the worst variance of the other. The recommended table, Taylor's, has "
        f"{share:.3f} of the plug-in's bias at {noise:.2f} times its variance."
    )
