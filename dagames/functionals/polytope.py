"""Safety and fairness of each prompt: the indicator of linear constraints on the distribution of answers."""

from dataclasses import dataclass

import numpy as np

from dagames import _tolerances
from dagames._errors import DomainError, ShapeError
from dagames._types import (
    Costs,
    Flags,
    Numbers,
    OverAnswers,
    PerConstraint,
    PerPrompt,
    PromptBudgets,
    PromptCosts,
    Reachable,
)
from dagames.functionals.base import ConstraintSet
from dagames.numerics.constraints import LinearConstraints
from dagames.numerics.faces import Face, find_face
from dagames.simplex import as_real

_LARGEST, _LEAST = 1e150, 1e-150
"""Sizes between which costs, and their differences, must lie."""


@dataclass(frozen=True, eq=False, init=False)
class Polytope(ConstraintSet):
    """The indicator of the distributions that keep every expected cost within its budget.

    Math:
        R(nu) = 0 if costs @ nu <= budgets and equalities @ nu = values, else +inf;
        R*(u) = max <nu, u> over those nu, a linear program; its dual gives the bound.

    At the equilibrium nu* is proportional to nu_0 exp(-<multipliers, costs> / beta). The subgradient 0 does not
    determine the multipliers; `solve` computes them (dagames.solvers.constrained.solve_polytope), also in sums.

    A constant added to a row's costs and to its budget does not change R. But costs and budgets far from 0 have a
    larger rounding error (1e-7 near 1e9); subtract the constant if the error matters.

    Attributes:
        costs: Costs of the budgets, then of the equalities, [d, Z] or [*x, d, Z].
        budgets: Budgets, then values, [d] or [*x, d].
        equal: Which rows are equalities, bool [d].

    Source:
        (paper, appendix D, eq. 12); claim I.13

    >>> toxic = Polytope([0.0, 1.0], 0.1)
    >>> float(toxic.value(np.array([0.95, 0.05]))), float(toxic.value(np.array([0.8, 0.2])))
    (0.0, inf)
    >>> round(float(toxic.conjugate(np.array([0.0, 1.0]))), 12)
    0.1
    """

    per_prompt = ("costs d Z", "budgets d", "equal d")
    caches = ("_faces",)
    costs: PromptCosts
    budgets: PromptBudgets
    equal: Flags

    def __init__(
        self,
        costs: Numbers | None = None,
        budgets: Numbers | None = None,
        *,
        equalities: Numbers | None = None,
        values: Numbers | None = None,
    ) -> None:
        """Validate the constraints.

        Args:
            costs: Cost of each answer, [d, Z] or [*x, d, Z], or [Z] for a single one; finite.
            budgets: Largest expected cost, [d] or [*x, d], or one number for all rows; in the costs' units.
            equalities: Costs whose expectation is fixed, shaped as `costs`.
            values: What it is fixed at, shaped as `budgets`.

        Raises:
            DomainError: If there is no constraint, or costs without budgets.
            ShapeError: If the two kinds of rows belong to different numbers of prompts or answers.
        """
        rows = [
            as_rows(costs, budgets, "costs", "budgets"),
            as_rows(equalities, values, "equalities", "values"),
        ]
        kept = [(row, equal) for row, equal in zip(rows, (False, True), strict=True) if row is not None]
        if not kept:
            raise DomainError("a Polytope needs `costs` and `budgets`, or `equalities` and `values`.")
        shapes = {(*row[0].shape[:-2], row[0].shape[-1]) for row, _ in kept}
        if len(shapes) > 1:
            raise ShapeError(
                f"`costs` has shape {kept[0][0][0].shape} and `equalities` {kept[1][0][0].shape}; both must have the "
                "same prompts and answers."
            )
        object.__setattr__(self, "costs", np.concatenate([row[0] for row, _ in kept], axis=-2))
        object.__setattr__(self, "budgets", np.concatenate([row[1] for row, _ in kept], axis=-1))
        object.__setattr__(self, "equal", np.repeat([e for _, e in kept], [row[0].shape[-2] for row, _ in kept]))

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute 0 within the budgets, to rounding (`_tolerances.FEASIBILITY`), and +inf beyond, [*x]."""
        low, high = self.costs.min(axis=-1), self.costs.max(axis=-1)
        scale = np.maximum(np.abs(high), np.abs(self.budgets))
        unit = np.where(high > low, high - low, np.where(scale > 0, scale, 1.0))
        # Relative to the end of the costs' range that is nearer to the budget, a common constant costs no digits.
        anchor = np.where(self.budgets - low <= high - self.budgets, low, high)
        with np.errstate(under="ignore"):
            expected = ((self.costs - anchor[..., None]) * nu[..., None, :]).sum(axis=-1)
        excess = (expected - (self.budgets - anchor)) / unit
        excess = np.where(self.equal, np.abs(excess), excess)
        return np.asarray(np.where((excess > _tolerances.FEASIBILITY).any(axis=-1), np.inf, 0.0))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Return 0, [*x, Z]: the subgradient that every feasible nu has."""
        return np.zeros_like(nu)

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute the largest <nu, u> of a feasible nu, [*x]: the bound by the program's dual, never too small."""
        values = [self.rows(prompt).support(u[prompt][None])[0] for prompt in np.ndindex(u.shape[:-1])]
        return np.asarray(values, dtype=np.float64).reshape(u.shape[:-1])

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Find a feasible nu of largest <nu, u>, [*x, Z], a vertex of the polytope."""
        points = [self.rows(prompt).support(u[prompt][None])[1][0] for prompt in np.ndindex(u.shape[:-1])]
        return np.asarray(points, dtype=np.float64).reshape(u.shape)

    def into_domain(self, nu: OverAnswers) -> OverAnswers:
        """Mix distributions with an inner point of the polytope, so that the constraints hold with room to spare.

        Args:
            nu: Distributions, [*x, Z].

        Returns:
            Feasible distributions, positive on every allowed answer, [*x, Z].
        """
        points = [
            self.face(np.ones(nu.shape[-1:], dtype=bool), prompt).inside(nu[prompt][None])[0]
            for prompt in np.ndindex(nu.shape[:-1])
        ]
        return np.asarray(points, dtype=np.float64).reshape(nu.shape)

    def allowed(self, reachable: Reachable) -> Reachable:
        """Mark the answers with mass in some feasible distribution on the reachable answers, [*x, Z]."""
        marks = [self.face(reachable[p], p).allowed[0] for p in np.ndindex(reachable.shape[:-1])]
        return np.asarray(marks, dtype=bool).reshape(reachable.shape)

    def face(self, reachable: Reachable, prompt: tuple[int, ...]) -> Face:
        """Find the answers with mass in some feasible distribution of one prompt, and one with mass on all of them.

        Args:
            reachable: Answers of the prompt that have a trace, bool [Z].
            prompt: Index of the prompt.

        Returns:
            The face, of one prompt.
        """
        # Cached: the game's constructor and the solver need the same linear program. Parameters are part of the key,
        # because `at_prompts` copies the cache.
        known: dict[tuple[bytes, ...], Face] = self.__dict__.setdefault("_faces", {})
        rows = self.rows(prompt)
        key = (rows.costs.tobytes(), rows.budgets.tobytes(), np.asarray(reachable, dtype=bool).tobytes())
        if key not in known:
            known[key] = find_face(rows, reachable[None], f"prompt {prompt[0]}: " if prompt else "")
        return known[key]

    def rows(self, prompt: tuple[int, ...]) -> LinearConstraints:
        """Return the constraints of one prompt.

        Args:
            prompt: Index of the prompt, () for one.

        Returns:
            The constraints.
        """
        index = prompt if self.costs.ndim > 2 else ()
        n = int((~self.equal).sum())
        names = [f"costs[{j}]" if j < n else f"equalities[{j - n}]" for j in range(self.equal.size)]
        return LinearConstraints(self.costs[index][None], self.budgets[index], self.equal, np.ones(1), tuple(names))

    def check_reachable(self, reachable: Reachable) -> None:
        """Raise an InfeasibleError, with the nearest feasible budgets, if some prompt cannot meet its constraints."""
        for prompt in np.ndindex(reachable.shape[:-1]):
            self.face(reachable[prompt], prompt)


def as_rows(
    costs: Numbers | None, budgets: Numbers | None, name: str, bound: str
) -> tuple[Costs, PerConstraint] | None:
    """Return costs [*x, d, Z] and right-hand sides [*x, d], None if both are None; an error unless they fit."""
    if costs is None and budgets is None:
        return None
    if costs is None or budgets is None:
        raise DomainError(f"`{name}` and `{bound}` belong together; only one was given.")
    rows = as_real(costs, name)
    rows = rows[None] if rows.ndim == 1 else rows
    values = as_real(budgets, bound, scalar=True)
    check_sizes(rows, name)
    check_sizes(values[..., None], bound)
    if values.shape == (1,) or values.shape == rows.shape[-2:-1]:
        return rows, np.array(np.broadcast_to(values, rows.shape[:-1]))
    if values.shape != rows.shape[:-1]:
        raise ShapeError(
            f"`{bound}` has shape {values.shape}; `{name}` of shape {rows.shape} ask for {rows.shape[-2:-1]} or "
            f"{rows.shape[:-1]}."
        )
    return rows, values


def check_sizes(rows: Costs, name: str) -> None:
    """Raise a DomainError if products of the costs, [..., d, Z], leave float64's range."""
    with np.errstate(under="ignore"):
        spread = rows.max(axis=-1) / 2 - rows.min(axis=-1) / 2
    for bad, size in ((np.abs(rows).max(axis=-1) > _LARGEST, "beyond"), ((spread > 0) & (spread < _LEAST), "within")):
        if bad.any():
            place = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
            raise DomainError(
                f"`{name}[{place}]` has numbers {size} {_LARGEST if size == 'beyond' else _LEAST:g} of each other or "
                "of 0, where products leave float64's range; measure the row in another unit."
            )
