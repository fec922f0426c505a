"""The interactive page: the game of one prompt with three answers, as one HTML file that needs no network."""

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from dagames.estimators import RewardTable, minimax_table, plugin_table, recommended_table, taylor_table

GROUP_SIZES = (2, 4, 8, 16)
MODEL = ("functionals.js", "game.js", "dynamics.js")


def model_script() -> str:
    """Return the JavaScript that computes, without the page: functionals, games and dynamics."""
    return "\n".join(_source(name) for name in MODEL)


def page() -> str:
    """Return the page as HTML with style, script and data in it.

    >>> page().startswith("<!doctype html>")
    True
    """
    from jinja2 import Environment

    data = f"const DATA = {json.dumps({'tables': reward_tables()})};\n"
    script = "\n".join((model_script(), data, _source("page.js")))
    template = Environment(autoescape=False, keep_trailing_newline=True).from_string(_source("page.html.j2"))  # noqa: S701 - all parts are files of this package
    return template.render(style=_source("page.css"), script=script)


@cache
def reward_tables() -> dict[int, dict[str, list[float]]]:
    """Compute the tables of log p for the counts of a GRPO group, [K + 1] each, by group size and name."""
    makers: dict[str, Callable[[int], RewardTable]] = {
        "plug-in": plugin_table,
        "Taylor": taylor_table,
        "recommended": recommended_table,
        "minimax": minimax_table,
    }
    return {K: {name: make(K).coefficients.tolist() for name, make in makers.items()} for K in GROUP_SIZES}


def _source(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
