"""Panels in rows as SVG, PNG or PDF, drawn with matplotlib (extra `report`), which is imported here only."""

import io
import textwrap
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from dagames._errors import DomainError
from dagames._files import check_folder, check_new_file

Panel: TypeAlias = Callable[[Any], None]
"""Draws on axes of matplotlib."""

FORMATS = ("svg", "png", "pdf")

# From the palette of Okabe and Ito, which colour-blind readers can distinguish.
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
    # Labels remain text, for search and screen readers.
    "svg.fonttype": "none",
    # A dollar sign in a name is not math text.
    "text.parse_math": False,
}

_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}


def check_can_plot(path: Path) -> None:
    """Raise unless the name of a picture ends in one of `FORMATS` and matplotlib is installed."""
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise DomainError(f"--plot {path}: the name must end in one of {', '.join('.' + f for f in FORMATS)}.")
    if find_spec("matplotlib") is None:
        raise DomainError("--plot needs matplotlib, which is missing; install it with `pip install 'dagames[report]'`.")


def check_outputs(
    out: Path | None, plot: Path | None, *, overwrite: bool, source: Path | None = None, option: str = "--out"
) -> None:
    """Raise if something cannot be written, before anything is computed.

    Args:
        out: File of the result.
        plot: File of the picture; its data take its name with .json.
        overwrite: Whether files may be replaced.
        source: The game's file, if the command reads one; it is never replaced.
        option: The option that names `out`.

    Raises:
        DomainError: If two outputs have one name, or one has the source's, one exists and may not be replaced, or
            there is no such folder.
    """
    if plot is not None:
        check_can_plot(plot)
        check_folder(plot, "--plot")
    if out is not None:
        check_folder(out, option)
    outputs = [] if plot is None else [plot, plot.with_suffix(".json")]
    outputs += [] if out is None else [out]
    taken = {} if source is None else {source.resolve(): "the game"}
    for output in outputs:
        if output.resolve() in taken:
            raise DomainError(
                f"{output} would overwrite {taken[output.resolve()]}; the data of --plot have the picture's name with "
                "the ending .json. Choose another name."
            )
        taken[output.resolve()] = "another result"
        check_new_file(output, overwrite=overwrite)


def draw_panels(panels: Sequence[Panel], title: str, caption: str, kind: str) -> bytes:
    """Return one to four panels in rows, with title and caption, as the content of a file of format `kind`."""
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
            # A character that the font lacks is a box in PNG and PDF, and correct in SVG.
            warnings.filterwarnings("ignore", message="Glyph")
            figure.savefig(content, format=kind, dpi=160, metadata=_METADATA[kind])
    return content.getvalue()


def _plain(text: str) -> str:
    """Replace characters that are not printable: control characters, which SVG does not allow, and broken Unicode."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
