"""One look for all figures: colours that the colour-blind can tell apart, and files that come out the same twice."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"

_SETTINGS = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "dagames",
    "svg.fonttype": "path",
    "figure.constrained_layout.use": True,
}


def use_style() -> None:
    """Set the common look; the Agg backend needs no screen."""
    mpl.use("Agg")
    mpl.rcParams.update(_SETTINGS)


def save(figure: Figure, stem: Path) -> None:
    """Write a figure as SVG and PNG, without the date, each under a temporary name that is then renamed.

    Args:
        figure: The figure.
        stem: Path without its ending.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    for ending, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        part = stem.with_name(f".{stem.name}.{ending}")
        figure.savefig(part, format=ending, dpi=160, metadata=metadata)
        part.replace(stem.with_name(f"{stem.name}.{ending}"))
