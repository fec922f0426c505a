"""The report: claims and figures on one page that a browser opens from disk, without any request to a network."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2


def render(claims: dict[str, Any], figures: list[dict[str, Any]], captions: Mapping[str, str]) -> str:
    """Fill the page.

    Args:
        claims: Verdicts in their JSON form.
        figures: Name, title and caption of each figure, whose files lie in `figures/` beside the page.
        captions: Captions of the plots of claims, by the claim's id; their files lie in `claims/` beside the page.

    Returns:
        HTML.
    """
    # Everything that is filled in is escaped; undefined names are errors, so no verdict can be lost in silence.
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(files("dagames").joinpath("page.html.j2").read_text(encoding="utf-8"))
    shown = [
        claim | {"surprise": not claim["as_expected"], "caption": captions.get(claim["id"])}
        for claim in claims["claims"]
    ]
    return template.render(
        claims=shown,
        seed=claims["seed"],
        figures=figures,
        references=claims["sources"],
        names=claims["names"],
        meaning=claims["meaning"],
        counts=claims["counts"],
    )
