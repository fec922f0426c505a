"""The pictures behind `--plot`; matplotlib (extra `report`) is imported when one is drawn, and needs no screen."""

import io
import textwrap
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames._picture import LEAST_GAP

FORMATS = ("svg", "png", "pdf")

# Of Okabe and Ito, whom the colour-blind can tell apart.
_GREY, _BLUE, _ORANGE = "#666666", "#0072B2", "#E69F00"

_SETTINGS = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "dagames",
    # Labels stay text, which can be searched and read aloud.
    "svg.fonttype": "none",
    # A dollar sign in a name is a dollar sign.
    "text.parse_math": False,
}

_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}


def check_can_plot(path: Path) -> None:
    """Raise if no picture can be drawn under this name.

    Args:
        path: The picture's file.

    Raises:
        DomainError: If its ending is not one of `FORMATS`, or matplotlib is not installed.
    """
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise DomainError(f"--plot {path}: the name must end in one of {', '.join('.' + f for f in FORMATS)}.")
    if find_spec("matplotlib") is None:
        raise DomainError("--plot needs matplotlib, which is missing; install it with `pip install 'dagames[report]'`.")


def draw(picture: dict[str, Any], kind: str) -> bytes:
    """Draw a picture.

    Args:
        picture: What `_picture.describe` returns.
        kind: One of `FORMATS`.

    Returns:
        The file's content; the same for the same picture.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    data = picture["data"]
    panels: list[tuple[Callable[[Any, Any], None], Any]] = [(_answers, bars) for bars in data["answers"]]
    panels += [(_gaps, data)] if data["gaps"] else []
    panels += [(_history, data)] if data["history"] else []
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(5.2 * columns + 1.2, 3.4 * rows + 1.8), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
        for place, (panel, what) in zip(axes.flat, panels, strict=False):
            panel(place, what)
        for place in list(axes.flat)[len(panels) :]:
            place.set_axis_off()
        title = "\n".join(textwrap.fill(line, 62 * columns) for line in _plain(picture["title"]).splitlines())
        figure.suptitle(title, fontsize=11)
        caption = textwrap.fill(_plain(picture["caption"]), 68 * columns + 14)
        figure.supxlabel(caption, fontsize=8, x=0.01, ha="left")
        handles, labels = axes.flat[0].get_legend_handles_labels()
        axes.flat[0].legend(handles, labels, loc="best", fontsize=9)
        content = io.BytesIO()
        figure.savefig(content, format=kind, dpi=160, metadata=_METADATA[kind])
    return content.getvalue()


def _answers(axes: Any, bars: dict[str, Any]) -> None:
    """Draw reference, equilibrium and target as three bars an answer."""
    places = np.arange(len(bars["answer"]))
    sides = (("nu_0", "reference nu_0", _GREY), ("nu", "equilibrium nu", _BLUE), ("q", "target q", _ORANGE))
    for shift, (name, label, colour) in zip((-0.27, 0.0, 0.27), sides, strict=True):
        axes.bar(places + shift, bars[name], width=0.25, label=label, color=colour)
    crowded = len(places) > 12
    axes.set_xticks(places, bars["answer"], rotation=90 if crowded else 0, fontsize=8 if crowded else 10)
    axes.set(xlabel="answer z (index)", ylabel="probability", title=bars["title"])
    axes.grid(visible=False, axis="x")


def _gaps(axes: Any, data: dict[str, Any]) -> None:
    """Draw the prompts' gaps, sorted."""
    gaps = np.sort(np.asarray(data["gaps"]))
    axes.semilogy(np.arange(1, gaps.size + 1), np.maximum(gaps, LEAST_GAP), color=_BLUE, marker=".", linestyle="none")
    axes.set(xlabel="prompts, sorted by gap (number)", ylabel=f"relative duality gap{_floor(gaps)}")


def _history(axes: Any, data: dict[str, Any]) -> None:
    """Draw the gap of each iterate, and of the running mean where a solver follows it."""
    drawn = []
    for name, label, colour in (("history", "last iterate", _BLUE), ("average_history", "mean of iterates", _ORANGE)):
        gaps = np.array([np.nan if gap is None else gap for gap in data[name]], dtype=np.float64)
        if gaps.size:
            axes.semilogy(np.maximum(gaps, LEAST_GAP), color=colour, label=label, marker="." if gaps.size < 60 else "")
            drawn.append(gaps)
    axes.set(xlabel="step", ylabel=f"relative duality gap{_floor(np.concatenate(drawn))}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=9)


def _floor(gaps: np.ndarray) -> str:
    return f" (0 is drawn at {LEAST_GAP:g})" if (gaps < LEAST_GAP).any() else ""


def _plain(text: str) -> str:
    """Replace what is no visible sign: control characters, which SVG must not hold, and broken Unicode."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
