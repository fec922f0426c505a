"""Plots of claims for the report, from plain data."""

from typing import Any

from dagames.pictures.panels import BLUE, GREY, ORANGE, draw_panels

_COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_STYLES: dict[str, dict[str, Any]] = {
    "line": {},
    "points": {"linestyle": "none", "marker": "o", "markersize": 4},
    "bound": {"linestyle": "--", "color": GREY},
}


def draw_claim(plot: dict[str, Any], title: str) -> bytes:
    """Return a claim's plot as SVG: `plot` has `x`, `y` (labels), `log_x`, `log_y`, and `lines` with their styles."""

    def panel(axes: Any) -> None:
        for line, colour in zip(plot["lines"], _cycle(len(plot["lines"])), strict=True):
            axes.plot(line["x"], line["y"], label=line["name"], **{"color": colour} | _STYLES[line["style"]])
        axes.set(xlabel=plot["x"], ylabel=plot["y"])
        for axis, is_log in ((axes.xaxis, plot["log_x"]), (axes.yaxis, plot["log_y"])):
            if is_log:
                axis.axes.set(**{f"{axis.axis_name}scale": "log"})
                # Math text is disabled in the settings, so powers are written as decimals.
                axis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.legend(fontsize=8)

    return draw_panels([panel], title, "", "svg")


def _cycle(number: int) -> list[str]:
    return [_COLOURS[i % len(_COLOURS)] for i in range(number)]
