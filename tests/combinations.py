"""Every functional under every method in every kind of game: solved, or refused by name."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from dagames import AlignmentGame, CoupledGame, DomainError, SolveError, solve, solve_coupled
from dagames.bregman import Entropic, Euclidean
from dagames.functionals import Functional, Gini, KLFromPrior, Linear, Point, Polytope, Quadratic, from_convex
from dagames.games.bregman import BregmanGame
from dagames.solvers import (
    COUPLED_METHODS,
    METHODS,
    LogLinearSolution,
    solve_bregman,
    solve_log_linear,
    solve_restricted,
)
from dagames.solvers.auto import default_tolerance
from dagames.solvers.bregman import BREGMAN_METHODS
from dagames.solvers.suited import obstacle
from tests.cases import FUNCTIONALS
from tests.coupled_cases import COUPLINGS

N = 4
"""Answers of each game."""

COSTS, BUDGETS = np.array([[0.0, 1.0, 0.3, 0.6], [0.5, 0.0, 1.0, 0.2]]), np.array([0.35, 0.5])
"""Budgets that the references here break."""

STEPS = 120
"""Steps allowed to iterations; where these do not suffice, another method must."""

Make = Callable[[np.random.Generator, int], Functional]


def largest(_: np.random.Generator, n: int) -> Functional:
    """Make a user's functional with kinks: the largest mass."""
    return from_convex(lambda nu: nu.max(axis=-1), lambda nu: np.eye(n)[nu.argmax(axis=-1)], name="largest")


def quartic(_: np.random.Generator, n: int) -> Functional:
    """Make a user's smooth functional, without a word on its smoothness."""
    return from_convex(lambda nu: (nu**4).sum(axis=-1), lambda nu: 4 * nu**3, name="quartic")


KINDS: dict[str, Make] = {
    "Linear": lambda rng, n: Linear(rng.normal(size=n)),
    "Gini": lambda _rng, _n: Gini(1.0),
    "KLFromPrior": lambda _, n: KLFromPrior(np.full(n, 1 / n)),
    "Quadratic": lambda _, n: Quadratic(0.3 * np.ones((n, n)) + np.eye(n)),
    "Point": lambda _rng, _n: Point(0),
    "Polytope": lambda _rng, _n: Polytope(COSTS, BUDGETS),
    "smooth by from_convex": quartic,
    "with kinks by from_convex": largest,
}
"""One functional of each kind of capabilities."""


def _sum_of(one: str, other: str) -> Make:
    return lambda rng, n: KINDS[one](rng, n) + KINDS[other](rng, n)


SUMS: dict[str, Make] = {
    f"{one} + {other}": _sum_of(one, other)
    for one, other in combinations(KINDS, 2)
    if (one, other) not in {("Point", "Polytope"), ("KLFromPrior", "Point")}
} | {"Point + Polytope": lambda _rng, _n: Point(0) + Polytope([0.0, 1.0, 1.0, 0.5], 0.5)}
ALL: dict[str, Make] = {
    **FUNCTIONALS,
    **{name: KINDS[name] for name in ("smooth by from_convex", "with kinks by from_convex")},
    "a multiple of kinks": lambda rng, n: 0.5 * largest(rng, n),
    **SUMS,
}


@dataclass(frozen=True)
class Cell:
    """What became of one combination.

    Attributes:
        game: Kind of game.
        functional: Name of the functional.
        method: The method.
        outcome: "solved", "refused" (before any step) or "stopped".
        message: The error's message, or "".
        remedied: Whether a method that the message names solves the same game.
    """

    game: str
    functional: str
    method: str
    outcome: str
    message: str = ""
    remedied: bool = True


def alignment_game(make: Make, form: str, seed: int = 3, ratio: float = 2.0) -> AlignmentGame:
    """State a game whose beta is `ratio` times the functional's relative smoothness, and 1 if that is not known.

    Args:
        make: Makes the functional.
        form: "one prompt", "batch" or "ragged".
        seed: Of the functional and the references.
        ratio: beta over the smoothness.

    Returns:
        The game.
    """
    rng = np.random.default_rng(seed)
    R = make(rng, N)
    L = float(np.max(R.relative_smoothness))
    beta = ratio * L if 0 < L < np.inf else 1.0
    pi = 0.8 * rng.dirichlet(np.ones(N), size=2) + 0.2 / N
    if form == "one prompt":
        return AlignmentGame(pi[0], range(N), R, beta)
    if form == "batch":
        return AlignmentGame(pi, range(N), R, beta)
    return AlignmentGame.ragged([np.append(pi[0][:3], [pi[0][3] / 2] * 2), pi[1]], [[0, 1, 2, 3, 3], range(N)], R, beta)


def named_methods(message: str) -> list[str]:
    """Read the methods of `solve` off a message."""
    return [name for name in re.findall(r'"(\w+)"', message) if name in METHODS]


def is_slow(functional: Functional, method: str) -> bool:
    """Say whether a method evaluates, many times a step, a conjugate that is found numerically."""
    return method in {"mirror_prox", "accelerated_ascent", "no_regret"} and not functional.has_conjugate_formula


def alignment_cells(
    form: str, functionals: dict[str, Make], *, slow: bool = False, ratio: float = 2.0
) -> Iterator[Cell]:
    """Walk functionals and methods for games of one form, the quick cells or the slow ones."""
    for name, make in functionals.items():
        game = alignment_game(make, form, ratio=ratio)
        best = solve(game, max_iterations=STEPS)
        gaps = {"auto": best.certificate.worst}
        for method in METHODS:
            if is_slow(game.functional, method) != slow:
                continue
            tolerance = default_tolerance(method)
            try:
                found = best if method == "auto" else solve(game, method, max_iterations=STEPS)
                near = np.abs(found.value - best.value) <= 2 * tolerance * np.maximum(1.0, np.abs(best.value))
                solved = found.certificate.worst <= tolerance and bool(near.all())
                yield Cell(form, name, method, "solved", remedied=solved)
            except SolveError as error:
                named = named_methods(str(error))
                outcome = "refused" if obstacle(game.functional, method) else "stopped"
                gaps |= {other: solve(game, other).certificate.worst for other in named if other not in gaps}
                remedied = bool(named) and all(gaps[other] <= 1e-10 for other in named)
                yield Cell(form, name, method, outcome, str(error), remedied)


def coupled_cells() -> Iterator[Cell]:
    """Walk functionals, couplings and methods for prompts that share something."""
    for name, make in ALL.items():
        prompts = alignment_game(make, "batch")
        shares = np.array([0.4, 0.6])
        for kind, couple in COUPLINGS.items():
            rng = np.random.default_rng(5)
            try:
                game = CoupledGame(prompts, couple(rng, 2, N, shares), shares)
            except DomainError as error:
                # The remedy is solved by the walk over batches.
                yield Cell(kind, name, "any", "refused", str(error), "`dagames.solve(prompts)`" in str(error))
                continue
            for method in COUPLED_METHODS:
                try:
                    yield Cell(
                        kind, name, method, "solved", remedied=solve_coupled(game, method).certificate.worst <= 1e-10
                    )
                except SolveError as error:
                    named = [f for f in (solve, solve_coupled) if f"use `{f.__name__}(game)`" in str(error)]
                    remedied = len(named) == 1 and named[0](game).certificate.worst <= 1e-10
                    yield Cell(kind, name, method, "refused", str(error), remedied)


def bregman_cells(*, slow: bool = False) -> Iterator[Cell]:
    """Walk functionals, two generators and methods for the generalised game, the quick cells or the slow ones."""
    pi = np.array([0.3, 0.1, 0.2, 0.15, 0.25])
    for name, make in ALL.items():
        R = make(np.random.default_rng(3), N)
        if (R.as_smooth() is None and not R.has_conjugate_formula and R.constraint_set() is None) != slow:
            continue
        L = float(np.max(R.relative_smoothness))
        beta = 2 * L if 0 < L < np.inf else 1.0
        plain = AlignmentGame(pi, [0, 1, 2, 3, 3], R, beta)
        for F in (Entropic(), Euclidean()):
            kind = f"Bregman, {type(F).__name__}"
            game = BregmanGame(pi, [0, 1, 2, 3, 3], R, beta, generator=F)
            for method in BREGMAN_METHODS:
                try:
                    found = solve_bregman(game, method, max_iterations=STEPS)
                    yield Cell(kind, name, method, "solved", remedied=found.certificate.worst <= 1e-10)
                except SolveError as error:
                    yield Cell(kind, name, method, *_bregman_refusal(game, plain, error))


@cache
def _solved_by_default(game: AlignmentGame) -> bool:
    return solve(game).certificate.worst <= 1e-10


def _bregman_refusal(game: BregmanGame, plain: AlignmentGame, error: SolveError) -> tuple[str, str, bool]:
    message = str(error)
    if "use `solve(game)`" in message:
        return "refused", message, _solved_by_default(plain)
    named = [method for method in BREGMAN_METHODS if f"method '{method}'" in message]
    remedied = bool(named) and all(solve_bregman(game, other).certificate.worst <= 1e-10 for other in named)
    return "refused" if error.diagnosis == "unsuited" else "stopped", message, remedied


def _is_stationary(policy: LogLinearSolution) -> bool:
    return float(policy.stationarity) <= 1e-9 and bool(np.isfinite(policy.certificate.primal))


def restricted_cells() -> Iterator[Cell]:
    """Walk functionals over a convex set of policies, and over a log-linear class."""
    E, trace_costs = np.array([0, 1, 2, 3, 3]), np.array([0.0, 0.2, 0.1, 1.0, 0.4])
    pi = np.array([0.3, 0.1, 0.2, 0.15, 0.25])
    for name, make in ALL.items():
        R = make(np.random.default_rng(3), N)
        L = float(np.max(R.relative_smoothness))
        game = AlignmentGame(pi, E, R, 2 * L if 0 < L < np.inf else 1.0)
        policies = Polytope(trace_costs, 0.45)
        try:
            found = solve_restricted(game, policies, max_iterations=STEPS)
            yield Cell("restricted", name, "projection", "solved", remedied=found.certificate.worst <= 1e-10)
        except SolveError as error:
            limits, rest = R.constraint_set(), R.without_constraints()
            remedied = limits is not None and "`costs[:, E]`" in str(error)
            if remedied:
                rows = limits.rows(())
                both = {"costs": [trace_costs], "budgets": [0.45], "equalities": [], "values": []}
                for row, bound, equal in zip(rows.costs[0], rows.budgets, rows.equal, strict=True):
                    both["equalities" if equal else "costs"].append(row[E])
                    both["values" if equal else "budgets"].append(bound)
                every = Polytope(**{key: np.array(given) for key, given in both.items() if given})
                plain = AlignmentGame(pi, E, Linear(np.zeros(N)) if rest is None else rest, game.beta)
                remedied = solve_restricted(plain, every).certificate.worst <= 1e-10
            outcome = "refused" if error.diagnosis == "unsuited" else "stopped"
            yield Cell("restricted", name, "projection", outcome, str(error), remedied)
        try:
            features = np.stack([np.arange(5.0), np.array([0.0, 1.0, 0.0, 1.0, 1.0])], axis=-1)
            policy = solve_log_linear(game, features, max_iterations=STEPS)
            yield Cell("log-linear", name, "natural gradient", "solved", remedied=_is_stationary(policy))
        except SolveError as error:
            remedied = named_methods(str(error)) == ["auto"] and solve(game).certificate.worst <= 1e-10
            outcome = "refused" if error.diagnosis == "unsuited" else "stopped"
            yield Cell("log-linear", name, "natural gradient", outcome, str(error), remedied)


SHOWN: dict[str, Make] = {
    **KINDS,
    **{name: SUMS[name] for name in SUMS if "Polytope" in name and "Point" not in name},
}
"""The rows of the table in the documentation."""


def table() -> str:
    """Show which methods suit which kinds of functionals, as a table in Markdown."""
    lines = ["| functional | " + " | ".join(METHODS) + " |", "|---" * (len(METHODS) + 1) + "|"]
    for name, make in SHOWN.items():
        R = make(np.random.default_rng(3), N)
        marks = [" " if obstacle(R, method) else ("(+)" if _may_stop(R, method) else "+") for method in METHODS]
        lines.append(f"| {name} | " + " | ".join(marks) + " |")
    return "\n".join(lines)


def _may_stop(functional: Functional, method: str) -> bool:
    """Say whether an iteration has no known rate: the functional has kinks, or its smoothness is not known."""
    rest = functional.without_constraints()
    if rest is None or method in {"auto", "closed_form", "newton", "conic"}:
        return False
    if method == "cutting_planes":
        return rest.constant_slope() is None and bool(np.isfinite(rest.relative_smoothness).all())
    return bool(np.isinf(rest.relative_smoothness).any())


if __name__ == "__main__":
    print(table())
