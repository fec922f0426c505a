"""Games of functionals with kinks, by cutting planes: the maximum of tangents replaces R."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dagames import _tolerances, simplex
from dagames._errors import SolveError
from dagames._types import OverAnswers, PerPrompt
from dagames.functionals.conjugates.interior_point import interior_point
from dagames.functionals.slopes import finite_slope
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate, certify
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.limits import Limits
from dagames.solvers.path import fault_of
from dagames.solvers.solution import Solution

_TANGENTS = 150
"""Tangents of one prompt at most: each step solves a dense system of their number."""

_SPARE = 20
"""Tangents kept beside twice the number of answers."""

_MARGIN = 0.1
"""Share of the tolerance at which the model's own gap counts as closed, which leaves the rest to the certificate."""

_ADVICE = (
    "A curved functional of many answers needs too many tangents: give `from_convex` its `smoothness`, or allow a "
    "larger `tolerance`."
)

Array = NDArray[np.float64]


@with_default_errors
def solve_cutting_planes(
    game: AlignmentGame, *, tolerance: float = _tolerances.GAP, max_iterations: int = 10_000
) -> Solution:
    """Solve a game by tangents of its functional; a maximum of linear functions needs finitely many.

    Math:
        R(nu) >= max_i R(nu_i) + <g_i, nu - nu_i>, so for any weights w_i >= 0 of sum 1, with u = sum_i w_i g_i,
        min J  >=  -beta log sum_z nu_0(z) exp(-u(z) / beta) - sum_i w_i (<g_i, nu_i> - R(nu_i)).

    The weights that maximise the right side give the next point nu proportional to nu_0 exp(-u / beta), where R gets
    its next tangent; the target is exp(-u / beta). If the functional contains a
    `Polytope`, the most violated row also gives a tangent, of R plus a multiple P of its excess. On the polytope this
    is at most R, and its weight times P is the row's multiplier.

    Args:
        game: A game whose functional has a finite slope wherever every reachable answer has mass.
        tolerance: Relative duality gap to reach.
        max_iterations: Tangents allowed, up to 150.

    Returns:
        The solution with the smallest objective met, certified by the conjugate of R if it has a formula; a
        `multipliers` if the functional contains a `Polytope`.

    Raises:
        SolveError: If the gap is not reached.

    Source:
        Kelley, SIAM Journal 8 (1960) 703, with the divergence kept exact

    >>> from dagames.functionals import from_convex
    >>> largest = from_convex(lambda nu: nu.max(axis=-1), lambda nu: np.eye(nu.shape[-1])[nu.argmax(axis=-1)])
    >>> solve_cutting_planes(AlignmentGame([0.6, 0.3, 0.1], [0, 1, 2], largest, beta=1.0)).nu.round(6)
    array([0.418654, 0.418654, 0.162692])
    """
    model = Model.at_reference(game)
    history = [model.worst]
    rounds = min(max_iterations, _TANGENTS)
    for _ in range(rounds):
        if model.worst <= _MARGIN * tolerance:
            break
        model = model.with_tangent()
        history.append(model.worst)
    certificate = _certified(game, model)
    if not (reached := certificate.worst) <= tolerance:
        fault = fault_of(game, None, reached, tolerance)
        raise SolveError(
            f"cutting_planes stopped after {len(history) - 1} tangents with gap {reached:.1e} > {tolerance:.1e}. "
            f"{fault or _ADVICE}",
            "steps",
        )
    log_q = simplex.log_normalize(model.log_q)
    if model.limits is not None:
        return model.limits.solution(game, (model.log_nu, log_q), model.multipliers, certificate, tuple(history))
    return Solution(
        log_nu=model.log_nu,
        log_q=log_q,
        certificate=certificate,
        game=game,
        iterations=len(history) - 1,
        method="cutting_planes",
        history=tuple(history),
    )


def _certified(game: AlignmentGame, model: "Model") -> Certificate:
    """Certify by the conjugate of R if it has a formula, otherwise by the tangents.

    Math:
        R*(sum_i w_i g_i) <= sum_i w_i R*(g_i) = sum_i w_i (<g_i, nu_i> - R(nu_i)).

    A numerical conjugate is a bound by tangents, too, from fewer of them.

    Args:
        game: The game.
        model: Its model.

    Returns:
        The certificate.
    """
    if model.limits is None and game.functional.has_conjugate_formula:
        return game.certify_marginal(model.log_nu, model.log_q)
    value = np.asarray(game.functional.value(np.exp(model.log_nu)))
    divergence = game.beta * simplex.kl_from_logs(model.log_nu, game.log_nu_0)
    size = np.abs(np.where(game.reachable, model.log_q, 0.0)).max(axis=-1)
    return certify(
        value=value,
        divergence=np.asarray(divergence),
        dual=model.lower,
        rounded=np.asarray(game.beta * np.maximum(1.0, size)),
        of=game.functional,
    )


@dataclass(frozen=True, eq=False)
class Model:
    """Tangents g_i and heights <g_i, nu_i> - R(nu_i), and the best marginal and target so far.

    Attributes:
        game: The game.
        slopes: The tangents' slopes, [*x, k, Z]; 0 at unreachable answers.
        heights: Their heights, [*x, k].
        weights: Weights of the tangents that maximise the bound, [*x, k].
        lower: The best lower bound on J, [*x].
        log_q: Log of the target that gives it, not normalised, [*x, Z].
        upper: The least J met, [*x].
        log_nu: Log of the marginal that attains it, [*x, Z].
        limits: The constraints of the functional, or None.
        prices: Coefficient of each constraint in each tangent, [*x, k, d]; d is 0 without constraints.
        multipliers: The mean of `prices` that belongs to `lower`, [*x, d].
        penalty: The multiple P of an excess in the next tangent, [*x].
    """

    game: AlignmentGame
    slopes: Array
    heights: Array
    weights: Array
    lower: PerPrompt
    log_q: OverAnswers
    upper: PerPrompt
    log_nu: OverAnswers
    limits: "Limits | None"
    prices: Array
    multipliers: Array
    penalty: PerPrompt

    @classmethod
    def at_reference(cls, game: AlignmentGame) -> "Model":
        """Take the tangent at the reference."""
        log_nu, limits = game.log_reference, Limits.of(game)
        slope, height = _tangent(game, log_nu)
        feasible = log_nu if limits is None else limits.inside(log_nu)
        slopes, heights = slope[..., None, :], height[..., None]
        start = cls(
            game=game,
            slopes=slopes,
            heights=heights,
            weights=np.ones_like(heights),
            lower=np.full(game.batch, -np.inf),
            log_q=log_nu,
            upper=game.marginal_objective(feasible),
            log_nu=feasible,
            limits=limits,
            prices=np.zeros((*heights.shape, 0 if limits is None else limits.budgets.shape[-1])),
            multipliers=np.zeros((*game.batch, 0 if limits is None else limits.budgets.shape[-1])),
            penalty=np.asarray(game.beta + np.ptp(slope, axis=-1)),
        )
        return start._with_bound()

    @property
    def worst(self) -> float:
        """The largest gap between `upper` and `lower`, relative to max(1, |J|)."""
        return float(((self.upper - self.lower) / np.maximum(1.0, np.abs(self.upper))).max())

    def with_tangent(self) -> "Model":
        """Add the tangent at the model's minimiser, and find the weights of the best bound again."""
        log_nu = self._response(self.weights)
        slope, height = _tangent(self.game, log_nu)
        added = [(slope, height, np.zeros_like(self.multipliers))]
        feasible, penalty = log_nu, self.penalty
        if self.limits is not None:
            feasible = self.limits.inside(log_nu)
            # If half of the weight is on constraints, P is too small for their multipliers.
            charged = (self.weights * self.prices.any(axis=-1)).sum(axis=-1)
            penalty = np.asarray(np.where(charged > 0.5, 4.0 * penalty, penalty))
            added.append(self.limits.with_worst_row(slope, height, np.exp(log_nu), penalty))
        objective = self.game.marginal_objective(feasible)
        better = objective < self.upper
        # At the optimum at most |Z| tangents have weight; those of the least weight are dropped.
        kept = np.argsort(self.weights, axis=-1)[..., -(2 * self.game.n_answers + _SPARE) :]
        slopes, heights, prices = (np.stack(new, axis=self.heights.ndim - 1) for new in zip(*added, strict=True))
        grown = replace(
            self,
            slopes=np.concatenate([np.take_along_axis(self.slopes, kept[..., None], -2), slopes], axis=-2),
            heights=np.concatenate([np.take_along_axis(self.heights, kept, -1), heights], axis=-1),
            prices=np.concatenate([np.take_along_axis(self.prices, kept[..., None], -2), prices], axis=-2),
            upper=np.asarray(np.where(better, objective, self.upper)),
            log_nu=np.where(better[..., None], feasible, self.log_nu),
            penalty=penalty,
        )
        return replace(grown, weights=grown._best_weights())._with_bound()

    def _with_bound(self) -> "Model":
        """Keep the target of the weights where its bound is the best so far."""
        bound = -self._log_mass(self.weights) - (self.weights * self.heights).sum(axis=-1)
        better = bound > self.lower
        log_q = self._log_factors(self.weights)
        return replace(
            self,
            lower=np.asarray(np.where(better, bound, self.lower)),
            log_q=np.where(better[..., None], log_q, self.log_q),
            multipliers=np.where(
                better[..., None], (self.weights[..., None, :] @ self.prices)[..., 0, :], self.multipliers
            ),
        )

    def _best_weights(self) -> Array:
        """Maximise the bound, a smooth concave function of the weights, over the simplex."""
        return interior_point(self._log_mass, self._log_mass_gradient, self._log_mass_hessian, -self.heights).nu

    def _mean(self, weights: Array) -> OverAnswers:
        """Compute u = sum_i w_i g_i, [*x, Z]."""
        return np.asarray((weights[..., None, :] @ self.slopes)[..., 0, :])

    def _log_factors(self, weights: Array) -> OverAnswers:
        """Compute -u / beta, [*x, Z]; -inf where unreachable."""
        return np.where(self.game.reachable, -self._mean(weights) / self.game.beta, -np.inf)

    def _response(self, weights: Array) -> OverAnswers:
        """Compute the log of the model's minimiser for the weights, [*x, Z]."""
        return simplex.log_normalize(self.game.log_nu_0 + self._log_factors(weights))

    def _log_mass(self, weights: Array) -> PerPrompt:
        """Compute beta log sum_z nu_0(z) exp(-u(z) / beta), [*x]."""
        # The whole reference, not conditioned on the reachable answers, because J has the divergence to it.
        return np.asarray(self.game.beta * simplex.log_mean(self.game.log_nu_0, self._log_factors(weights)))

    def _log_mass_gradient(self, weights: Array) -> Array:
        nu = np.exp(self._response(weights))
        return np.asarray(-(self.slopes @ nu[..., None])[..., 0])

    def _log_mass_hessian(self, weights: Array) -> Array:
        nu = np.exp(self._response(weights))
        centred = self.slopes - (self.slopes @ nu[..., None])
        return np.asarray((centred * nu[..., None, :]) @ np.swapaxes(centred, -1, -2) / self.game.beta)


def _tangent(game: AlignmentGame, log_nu: OverAnswers) -> tuple[OverAnswers, PerPrompt]:
    """Compute the slope of R without its constraints at a marginal, [*x, Z], and the tangent's height there, [*x]."""
    functional, nu = game.functional.without_constraints(), np.exp(log_nu)
    if functional is None:
        return np.zeros_like(nu), np.zeros(game.batch)
    slope = finite_slope(functional, log_nu, game.reachable, 0.0)
    return slope, np.asarray((nu * slope).sum(axis=-1) - functional.value(nu))
