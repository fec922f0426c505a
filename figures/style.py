"""One look for all figures: colours that the colour-blind can tell apart, and files with the same bytes each time."""

import io
from collections.abc import Collection
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from dagames._files import write_bytes

# Okabe and Ito's palette, ordered from dark to light, so that lines also differ in grey.
BLUE, RED, GREEN, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9"
INK, GREY, GROUND = "#1b1f24", "#6e7781", "#ffffff"
COLOURS = (INK, BLUE, RED, GREEN, ORANGE, SKY, GREY)
MARKERS = ("o", "s", "^", "v", "D", "x", "+")
FORMATS = ("svg", "pdf", "png")
WIDTH = 5.2
"""Width of a figure in inches: its letters can be read on a phone and in a column of text."""

_DARK = {INK: "#e6edf3", GROUND: "#0d1117", GREY: "#9ea7b3", BLUE: "#58a6ff"}
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}
_SETTINGS = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "dagames",
    "svg.fonttype": "path",
    "figure.constrained_layout.use": True,
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "savefig.facecolor": GROUND,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}


def use_style() -> None:
    """Set the common look; the Agg backend needs no screen."""
    mpl.use("Agg")
    mpl.rcParams.update(_SETTINGS)


def stacked(rows: int, *, height: float = 3.1, **settings: Any) -> tuple[Figure, Any]:
    """Make a figure with panels below each other.

    Args:
        rows: Number of panels.
        height: Height of a panel in inches.
        settings: Further arguments of `matplotlib.pyplot.subplots`.

    Returns:
        The figure, and its axes, or an array [rows] of them.
    """
    figure, axes = plt.subplots(rows, 1, figsize=(WIDTH, rows * height), **settings)
    return figure, axes


def save(figure: Figure, stem: Path, formats: Collection[str] = FORMATS) -> None:
    """Write a figure in each format, without dates; an SVG follows the reader's choice of a light or dark page.

    Args:
        figure: The figure.
        stem: Path without its ending.
        formats: Some of "svg", "pdf" and "png".
    """
    for kind in formats:
        content = io.BytesIO()
        figure.savefig(content, format=kind, dpi=160, metadata=_METADATA[kind])
        written = content.getvalue()
        write_bytes(stem.with_name(f"{stem.name}.{kind}"), _with_dark_colours(written) if kind == "svg" else written)


def _with_dark_colours(svg: bytes) -> bytes:
    """Add a style sheet that exchanges ink and ground on a dark page."""
    rules = "".join(
        f'[style*="{what}: {light}"] {{ {what}: {dark} !important; }}\n'
        for light, dark in _DARK.items()
        for what in ("fill", "stroke")
    )
    sheet = f'<style type="text/css">\n@media (prefers-color-scheme: dark) {{\n{rules}}}\n</style>\n<metadata>'
    return svg.replace(b"<metadata>", sheet.encode(), 1)
