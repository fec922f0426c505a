"""The pictures behind `--plot`; matplotlib (extra `report`) is imported when one is drawn, and needs no screen."""

import io
import textwrap
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dagames._errors import DomainError
from dagames._files import check_new_file
from dagames._picture import LEAST_GAP

Panel: TypeAlias = Callable[[Any], None]
"""Draws on axes of matplotlib."""

FORMATS = ("svg", "png", "pdf")

# Of Okabe and Ito, whom the colour-blind can tell apart.
GREY, BLUE, ORANGE = "#666666", "#0072B2", "#E69F00"

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


def check_outputs(out: Path | None, plot: Path | None, *, overwrite: bool, source: Path | None = None) -> None:
    """Raise if something cannot be written, before anything is computed.

    Args:
        out: File of the result.
        plot: File of the picture; its data take its name with .json.
        overwrite: Whether files may be replaced.
        source: The game's file, if the command reads one; it is never replaced.

    Raises:
        DomainError: If two outputs have one name, or one has the source's, or one exists and may not be replaced.
    """
    if plot is not None:
        check_can_plot(plot)
    outputs = [] if plot is None else [plot, plot.with_suffix(".json")]
    outputs += [] if out is None else [out]
    taken = {} if source is None else {source.resolve(): "the game"}
    for output in outputs:
        if output.resolve() in taken:
            raise DomainError(
                f"{output} would be written over {taken[output.resolve()]}; the data of --plot take the picture's name "
                "with .json. Choose another name."
            )
        taken[output.resolve()] = "another result"
        check_new_file(output, overwrite=overwrite)


def draw(picture: dict[str, Any], kind: str) -> bytes:
    """Draw a picture.

    Args:
        picture: What `_picture.describe` returns.
        kind: One of `FORMATS`.

    Returns:
        The file's content; the same for the same picture.
    """
    data = picture["data"]
    panels: list[Panel] = [partial(_answers, bars=bars) for bars in data["answers"]]
    panels += [partial(_gaps, data=data)] if data["gaps"] else []
    panels += [partial(_history, data=data)] if data["history"] else []
    return draw_panels(panels, picture["title"], picture["caption"], kind)


def draw_panels(panels: Sequence[Panel], title: str, caption: str, kind: str) -> bytes:
    """Draw panels in rows, under a title and above a caption.

    Args:
        panels: Functions that draw on the axes they are given, one to four.
        title: The title; lines that are too long are broken.
        caption: The caption.
        kind: One of `FORMATS`.

    Returns:
        The file's content; the same for the same panels.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = 2 if len(panels) == 4 else min(3, len(panels))
    rows = -(-len(panels) // columns)
    width = 4.6 * columns + 1.0
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, 3.4 * rows + 1.6), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
        for place, panel in zip(axes.flat, panels, strict=False):
            panel(place)
        for place in list(axes.flat)[len(panels) :]:
            place.set_axis_off()
        broken = "\n".join(textwrap.fill(line, int(11 * width)) for line in _plain(title).splitlines())
        figure.suptitle(broken, fontsize=11)
        figure.supxlabel(textwrap.fill(_plain(caption), int(15 * width)), fontsize=8, x=0.01, ha="left")
        content = io.BytesIO()
        with warnings.catch_warnings():
            # A sign that the font lacks is drawn as a box in PNG and PDF, and is right in SVG.
            warnings.filterwarnings("ignore", message="Glyph")
            figure.savefig(content, format=kind, dpi=160, metadata=_METADATA[kind])
    return content.getvalue()


def _answers(axes: Any, bars: dict[str, Any]) -> None:
    """Draw reference, equilibrium and target as three bars an answer."""
    places = np.arange(len(bars["answer"]))
    sides = (("nu_0", "reference nu_0", GREY), ("nu", "equilibrium nu", BLUE), ("q", "target q", ORANGE))
    for shift, (name, label, colour) in zip((-0.27, 0.0, 0.27), sides, strict=True):
        axes.bar(places + shift, bars[name], width=0.25, label=label, color=colour)
    crowded = len(places) > 12
    axes.set_xticks(places, map(str, bars["answer"]), rotation=90 if crowded else 0, fontsize=8 if crowded else 10)
    axes.set(xlabel="answer z (index)", ylabel="probability")
    title = [bars["title"]] if bars["title"] else []
    if others := bars.get("others"):
        sums = ", ".join(f"{name} {others[name]:.3g}" for name, _, _ in sides)
        title.append(f"the other {others['answers']} answers: {sums}")
    axes.set_title("\n".join(title), fontsize=10)
    # Room for the legend above the bars.
    axes.set_ylim(0.0, 1.2 * max(map(max, (bars[name] for name, _, _ in sides))))
    axes.legend(loc="upper center", ncols=3, fontsize=8, columnspacing=1.0)
    axes.grid(visible=False, axis="x")


def _gaps(axes: Any, data: dict[str, Any]) -> None:
    """Draw the prompts' gaps, sorted."""
    gaps = np.sort(np.asarray(data["gaps"]))
    axes.plot(np.arange(1, gaps.size + 1), np.maximum(gaps, LEAST_GAP), color=BLUE, marker=".", linestyle="none")
    axes.set(xlabel="prompts, sorted by gap (number)")
    _scale_gaps(axes, gaps)


def _history(axes: Any, data: dict[str, Any]) -> None:
    """Draw the gap of each iterate, and of the running mean where a solver follows it."""
    drawn = []
    for name, label, colour in (("history", "last iterate", BLUE), ("average_history", "mean of iterates", ORANGE)):
        gaps = np.array([np.nan if gap is None else gap for gap in data[name]], dtype=np.float64)
        if gaps.size:
            axes.plot(np.maximum(gaps, LEAST_GAP), color=colour, label=label, marker="." if gaps.size < 60 else "")
            drawn.append(gaps)
    axes.set(xlabel="step")
    _scale_gaps(axes, np.concatenate(drawn))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=9)


def _scale_gaps(axes: Any, gaps: np.ndarray) -> None:
    """Give an axis of gaps whole decades, however little they differ."""
    finite = np.maximum(gaps[np.isfinite(gaps)], LEAST_GAP)
    ends = np.log10([finite.min(), finite.max()]) if finite.size else np.zeros(2)
    axes.set_yscale("log")
    axes.set_ylim(10.0 ** (np.floor(ends[0]) - 0.1), 10.0 ** (np.floor(ends[1]) + 1.1))
    axes.yaxis.set_major_formatter(lambda gap, _: f"{gap:.0e}")
    axes.tick_params(axis="y", which="minor", labelleft=False)
    zeros = f"\n(0 is drawn at {LEAST_GAP:g})" if (gaps < LEAST_GAP).any() else ""
    axes.set_ylabel(f"relative duality gap{zeros}")


def _plain(text: str) -> str:
    """Replace what is no visible sign: control characters, which SVG must not hold, and broken Unicode."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
