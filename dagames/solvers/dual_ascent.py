"""Dual ascent on the multipliers of shared constraints, as in safety fine-tuning, and its admissible step."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, SolveError
from dagames._types import Numbers, PerConstraint
from dagames.games.coupled import CoupledGame
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.budgets import at_multipliers, face_of, log_target, rows_of
from dagames.solvers.solution import Solution

_PAIRS = 500
"""Answers up to which all pairs are compared for the diameter of the costs; beyond, each cost's spread bounds it."""


@with_default_errors
def admissible_step(game: CoupledGame) -> float:
    """Compute the step below which dual ascent converges from every initial point.

    Math:
        2 beta / sup |Cov_nu(c)|,  sup |Cov_nu(c)| <= sum_x s_x D_x^2 / 4,  D_x = max_{z, z'} |c_x(z) - c_x(z')|_2;
        for one cost in [0, 1] it is 8 beta.

    If a constraint is active, the sharp limit near the equilibrium is 2 beta / Var_nu*(c), which can be much larger.

    Args:
        game: A game with a linear coupling.

    Returns:
        The step, in R-units per squared unit of cost; +inf where all costs are constant.

    Source:
        claim I.28

    >>> from dagames import AlignmentGame
    >>> from dagames.games.couplings import Budgets
    >>> from dagames.functionals import Linear
    >>> prompts = AlignmentGame([[0.5, 0.5]], [0, 1], Linear([0.0, 0.0]), beta=0.5)
    >>> admissible_step(CoupledGame(prompts, Budgets([0.0, 1.0], 0.2)))
    4.0
    """
    costs = rows_of(game).costs
    squares = np.array([_squared_diameter(c[:, reachable]) for c, reachable in zip(costs, game.reachable, strict=True)])
    largest = float(game.shares @ squares) / 4
    return 2 * game.prompts.beta / largest if largest > 0 else np.inf


@with_default_errors
def dual_ascent_path(
    game: CoupledGame, step: float | None = None, multipliers: Numbers | None = None
) -> Iterator[PerConstraint]:
    """Yield the multipliers of projected gradient ascent on the dual, the initial ones first, without end.

    Math:
        l' = max(0, l + step (E c - b)) under the best policy for l; without the maximum for equalities.

    Args:
        game: A game with a linear coupling.
        step: Length of the step, above 0; by default half of `admissible_step`. Longer steps are
            allowed: the iteration may converge nevertheless, or end in a 2-cycle.
        multipliers: Start, [d]; 0 by default.

    Yields:
        Multipliers, [d].

    Raises:
        DomainError: If the step is not above 0, or if there is not one multiplier per constraint.

    Source:
        (paper, appendix D.3, algorithm 4); claim I.28
    """
    rows, nats = rows_of(game), face_of(game).unit / game.prompts.beta
    length = min(admissible_step(game) / 2, np.finfo(np.float64).max) if step is None else step
    length = simplex.as_positive(length, "step")
    point = np.zeros(rows.budgets.size) if multipliers is None else simplex.as_real(multipliers, "multipliers")
    if point.shape != rows.budgets.shape:
        raise DomainError(f"`multipliers` has shape {point.shape}; there are {rows.budgets.size} constraints.")
    while True:
        yield point
        with np.errstate(under="ignore"):
            nu = np.exp(game.log_best_marginal(log_target(game, point * nats)))
            moved = point - length * rows.slack(nu)
        point = np.asarray(np.where(rows.equal, moved, np.maximum(moved, 0.0)))


@with_default_errors
@np.errstate(under="ignore", over="ignore")
def solve_dual_ascent(
    game: CoupledGame,
    *,
    step: float | None = None,
    tolerance: float = _tolerances.GAP,
    max_iterations: int = 100_000,
) -> Solution:
    """Run dual ascent until the gap certifies the policy.

    Args:
        game: A game with a linear coupling.
        step: Length of the step; by default half of `admissible_step`.
        tolerance: Relative duality gap to reach.
        max_iterations: Steps allowed, at least 1.

    Returns:
        The certified solution; its history holds the largest change of a multiplier in each step, relative to the step
        and to the size of its costs.

    Raises:
        SolveError: If the gap is not reached; the message names a 2-cycle if the step causes one.
        DomainError: If `max_iterations` is below 1.
    """
    if max_iterations < 1:
        raise DomainError(f"`max_iterations` must be at least 1, not {max_iterations}.")
    unit = face_of(game).unit
    length = admissible_step(game) / 2 if step is None else step
    history: list[float] = []
    recent: deque[PerConstraint] = deque(maxlen=3)
    for point in islice(dual_ascent_path(game, step), max_iterations + 1):
        recent.append(point)
        if len(recent) > 1:
            history.append(float((np.abs(point - recent[-2]) / unit).max() / length))
            if history[-1] <= _tolerances.FEASIBILITY / 2:
                nats = point * unit / game.prompts.beta
                solution = at_multipliers(game, nats, "dual_ascent", len(history), tuple(history))
                if solution.certificate.worst <= tolerance:
                    return solution
    limit = admissible_step(game)
    message = f"dual_ascent stopped after {max_iterations} steps, the last moving by {history[-1]:.1e} of the step."
    if len(recent) == 3 and _alternates(*recent):
        raise SolveError(
            f"{message} The multipliers alternate between {_shown(recent[1])} and {_shown(recent[2])}, a 2-cycle: the "
            f"step {length:.4g} is beyond the admissible {limit:.4g} (claim I.28); leave `step` out.",
            "cycle",
        )
    if length >= limit:
        message += f" The step {length:.4g} is beyond the admissible {limit:.4g} (claim I.28); leave `step` out."
    raise SolveError(f"{message} Allow more `max_iterations`, or use `solve(game)`.", "steps")


def _alternates(first: PerConstraint, second: PerConstraint, third: PerConstraint) -> bool:
    """Return whether the last point equals the one two steps before, but not the one between."""
    apart = float(np.abs(third - second).max())
    return float(np.abs(third - first).max()) <= 1e-3 * apart


def _shown(point: PerConstraint) -> str:
    return np.array2string(point, precision=4, separator=", ")


def _squared_diameter(costs: np.ndarray) -> float:
    """Find the largest squared distance between the cost vectors of two answers, [d, n], or bound it."""
    if costs.shape[0] == 1 or costs.shape[1] > _PAIRS:
        return float((np.ptp(costs, axis=1) ** 2).sum())
    return float(((costs[:, :, None] - costs[:, None, :]) ** 2).sum(axis=0).max())
