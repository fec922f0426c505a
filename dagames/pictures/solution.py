"""Pictures of a solution: bars of answers, gaps of prompts, and the gap of each iterate."""

import math
from functools import partial
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames._types import OverAnswers
from dagames.games.alignment import AlignmentGame
from dagames.pictures.panels import BLUE, GREY, ORANGE, Panel, draw_panels
from dagames.solvers import Solution

_ANSWERS = 20
_PROMPTS = 4
LEAST_GAP = 1e-17
"""Value at which a gap of 0 is drawn on a logarithmic axis: a tenth of float64's rounding."""


def describe(solution: Solution, functional: Any) -> dict[str, Any]:
    """Return a picture of a solution as plain data: `name`, `title`, `caption` and `data`."""
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


def draw(picture: dict[str, Any], kind: str) -> bytes:
    """Return a picture of `describe` as the content of a file of format `kind`."""
    data = picture["data"]
    panels: list[Panel] = [partial(_answers, bars=bars) for bars in data["answers"]]
    panels += [partial(_gaps, data=data)] if data["gaps"] else []
    panels += [partial(_history, data=data)] if data["history"] else []
    return draw_panels(panels, picture["title"], picture["caption"], kind)


def game_of(solution: Solution) -> AlignmentGame:
    """Return the game of a solution; raise if it is not an AlignmentGame, the only kind that files describe."""
    if not isinstance(solution.game, AlignmentGame):
        raise DomainError(f"results can be written for an AlignmentGame, not for a {type(solution.game).__name__}.")
    return solution.game


def _panels(solution: Solution) -> list[dict[str, Any]]:
    sides = (game_of(solution).nu_0, solution.nu, solution.q)
    n_prompts = math.prod(game_of(solution).batch)
    if not game_of(solution).batch:
        return [_bars("", *sides)]
    if n_prompts > _PROMPTS:
        return [_bars(f"mean over {n_prompts} prompts", *(side.mean(axis=0) for side in sides))]
    return [_bars(f"prompt {x}", *(side[x] for side in sides)) for x in range(n_prompts)]


def _bars(title: str, nu_0: OverAnswers, nu: OverAnswers, q: OverAnswers) -> dict[str, Any]:
    """Return the answers of largest mass, in the order of their index, and the sums of the others."""
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


def _functional(entry: Any) -> str:
    if isinstance(entry, list):
        return " + ".join(map(_functional, entry))
    if not isinstance(entry, dict):
        return str(entry)
    factor = f"{entry['weight']} " if "weight" in entry else ""
    return factor + " ".join(_call(name, arguments) for name, arguments in entry.items() if name != "weight")


def _call(name: str, arguments: Any) -> str:
    listed = ", ".join(f"{key} = {_short(value)}" for key, value in (arguments or {}).items())
    return f"{name}({listed})"


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:20]} ..."


def _finite(gap: float) -> float | None:
    return gap if math.isfinite(gap) else None


def _answers(axes: Any, bars: dict[str, Any]) -> None:
    """Draw reference, equilibrium and target as three bars per answer."""
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
    """Set a logarithmic axis of gaps that spans whole decades."""
    finite = np.maximum(gaps[np.isfinite(gaps)], LEAST_GAP)
    ends = np.log10([finite.min(), finite.max()]) if finite.size else np.zeros(2)
    axes.set_yscale("log")
    axes.set_ylim(10.0 ** (np.floor(ends[0]) - 0.1), 10.0 ** (np.floor(ends[1]) + 1.1))
    axes.yaxis.set_major_formatter(lambda gap, _: f"{gap:.0e}")
    axes.tick_params(axis="y", which="minor", labelleft=False)
    zeros = f"\n(0 is drawn at {LEAST_GAP:g})" if (gaps < LEAST_GAP).any() else ""
    axes.set_ylabel(f"relative duality gap{zeros}")
