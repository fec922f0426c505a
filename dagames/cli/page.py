"""The report: claims and figures on one HTML page that makes no network requests."""

import re
from collections.abc import Callable, Collection, Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup, escape

SYMBOLS: dict[str, str] = {
    "x, y, z": "a prompt, a trace (a whole text of the model), an answer",
    "E(y)": "the answer of trace y; before brackets or a variable, as E[..] or E_y, an expectation",
    "pi, pi_0": "the policy, which is the model, and the reference that it starts from; Pi: the policies allowed",
    "nu, nu_0": "the distribution of answers under pi and under pi_0: the marginal, nu(z) = sum of pi(y) over E(y) = z",
    "q, u": "the target, and the dual variable u = -beta log q, which counts up to a constant",
    "R, R*": "the functional of nu in the objective, and its conjugate R*(u) = max over nu of <nu, u> - R(nu)",
    "beta, lambda": "the weight of the divergence from pi_0; the weight of R, or the multipliers of budgets",
    "J(pi)": "R(nu) + beta KL(pi || pi_0), the objective that training minimises",
    "G(pi, q)": "beta KL(pi || pi_0) - beta <nu, log q> - Psi(q): its supremum over q is J(pi)",
    "Psi(q)": "R*(-beta log q)",
    "KL, H, D_F": "Kullback-Leibler divergence, entropy, Bregman divergence of F",
    "H^2": "1 - sum of the geometric mean of distributions, a measure of their disagreement",
    "AM, GM": "arithmetic mean, and geometric mean divided by its sum",
    "view, orbit": "one phrasing of a question; all of them",
    "group, K": "traces drawn and rewarded together; their number (or that of the views)",
    "X, Count, c_X": "the number of traces of a group with an answer; the table's entry that replaces log(X / K)",
    "|Z|": "the number of answers; Z alone is the normalising constant of a distribution",
    "*, ^": "pi*, q*, nu*: at the equilibrium, or optimal; pi^, q^: given, or estimated",
    "eq. 5": "advantages: rewards minus the group's mean, divided by the group's standard deviation",
}
"""Meaning of each symbol in the claims."""


def render(
    claims: dict[str, Any], figures: list[dict[str, Any]], captions: Mapping[str, str], versions: Mapping[str, str]
) -> str:
    """Return the page as HTML; the pictures are in `figures/` and `claims/` beside it."""
    # Values are escaped; an undefined name is an error, so that no verdict is omitted silently.
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    linked = _linker({claim["id"] for claim in claims["claims"]})
    environment.filters.update(number=_number, linked=linked)
    template = environment.from_string(files("dagames.cli").joinpath("page.html.j2").read_text(encoding="utf-8"))
    entries = [
        claim | {"surprise": not claim["as_expected"], "caption": captions.get(claim["id"])}
        for claim in claims["claims"]
    ]
    return template.render(
        claims=entries,
        seed=claims["seed"],
        figures=figures,
        references=claims["sources"],
        names=claims["names"],
        meaning=claims["meaning"],
        counts=claims["counts"],
        symbols=SYMBOLS,
        versions=versions,
    )


def _linker(claim_ids: Collection[str]) -> Callable[[str], Markup]:
    """Make a filter that escapes a text and links the claims; B.1, also an appendix, only after "claim"."""
    pattern = re.compile(r"(?<![\w.])(claims? )?((?:I|II|B)\.\d+[a-z]?)(?!\w|\.\d)")

    def link(match: re.Match[str]) -> str:
        before, name = match[1] or "", match[2]
        if name not in claim_ids or (name.startswith("B") and not before):
            return match[0]
        return f'{before}<a href="#{name}">{name}</a>'

    return lambda text: Markup(pattern.sub(link, str(escape(text))))  # noqa: S704


def _number(value: Any) -> str:
    """Format a value of an instance: numbers to ten digits, lists in brackets."""
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list):
        return "(" + ", ".join(map(_number, value)) + ")"
    return str(value)
