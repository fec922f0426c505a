"""What the picture of a solution shows, as plain data: bars of answers, gaps of prompts, and the course of the gap."""

import math
from typing import Any

import numpy as np

from dagames._result import game_of
from dagames._types import OverAnswers
from dagames.solvers import Solution

_ANSWERS = 20
_PROMPTS = 4
LEAST_GAP = 1e-17
"""Where a gap of 0 is drawn on a logarithmic axis: a tenth of float64's rounding."""


def describe(solution: Solution, functional: Any) -> dict[str, Any]:
    """Choose and compute what is drawn.

    Args:
        solution: The solution.
        functional: The functional as its file states it.

    Returns:
        `name`, `title`, `caption`, and `data`: the panels of answers, the gaps by prompt, and the gap by iteration.
    """
    panels = _panels(solution)
    gaps = np.atleast_1d(solution.certificate.gap)
    data = {
        "answers": panels,
        "gaps": gaps.tolist() if gaps.size > _PROMPTS else [],
        "history": [_finite(gap) for gap in solution.history],
        "average_history": [_finite(gap) for gap in solution.average_history],
    }
    title = f"{_functional(functional)}, beta = {game_of(solution).beta:g}"
    by = f"{solution.method}, relative duality gap {solution.certificate.worst:.1e}"
    return {"name": "solution", "title": f"{title}\n{by}", "caption": _caption(solution, data), "data": data}


def _panels(solution: Solution) -> list[dict[str, Any]]:
    sides = (game_of(solution).nu_0, solution.nu, solution.q)
    n_prompts = math.prod(game_of(solution).batch)
    if not game_of(solution).batch:
        return [_bars("", *sides)]
    if n_prompts > _PROMPTS:
        return [_bars(f"mean over {n_prompts} prompts", *(side.mean(axis=0) for side in sides))]
    return [_bars(f"prompt {x}", *(side[x] for side in sides)) for x in range(n_prompts)]


def _bars(title: str, nu_0: OverAnswers, nu: OverAnswers, q: OverAnswers) -> dict[str, Any]:
    """Take the answers of largest mass, in the order of their index, and add up the others."""
    largest = np.maximum(np.maximum(nu_0, nu), q)
    shown = np.sort(np.argsort(-largest, kind="stable")[:_ANSWERS])
    sides = {"nu_0": nu_0, "nu": nu, "q": q}
    bars: dict[str, Any] = {"title": title, "answer": shown.tolist()}
    bars |= {name: side[shown].tolist() for name, side in sides.items()}
    if shown.size < nu.size:
        others = {name: float(np.delete(side, shown).sum()) for name, side in sides.items()}
        bars["others"] = {"answers": int(nu.size - shown.size)} | others
    return bars


def _caption(solution: Solution, data: dict[str, Any]) -> str:
    n_answers = game_of(solution).n_answers
    words = "Grey: answers of the reference (nu_0); blue: of the equilibrium policy (nu); orange: the target q. "
    if n_answers > _ANSWERS:
        words += f"The {_ANSWERS} answers of largest mass of {n_answers}; the sums of the others stand above. "
    if data["gaps"]:
        words += "Each prompt has its own certificate: none of the gaps, sorted, lies above the one in the title. "
    if data["history"]:
        words += f"The gap after each of {solution.iterations} steps bounds how far J lies above its least value. "
    words += "Where blue stands above grey, the policy gives an answer more often than its reference"
    return words + "; nu is proportional to nu_0 q where q is positive."


def _functional(stated: Any) -> str:
    if isinstance(stated, list):
        return " + ".join(map(_functional, stated))
    if not isinstance(stated, dict):
        return str(stated)
    factor = f"{stated['weight']} " if "weight" in stated else ""
    return factor + " ".join(_call(name, arguments) for name, arguments in stated.items() if name != "weight")


def _call(name: str, arguments: Any) -> str:
    given = ", ".join(f"{key} = {_short(value)}" for key, value in (arguments or {}).items())
    return f"{name}({given})"


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:20]} ..."


def _finite(gap: float) -> float | None:
    return gap if math.isfinite(gap) else None
