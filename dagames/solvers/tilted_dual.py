"""The dual of linear constraints in games of a smooth functional; each evaluation solves a game without them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dagames import simplex
from dagames._types import OverAnswers
from dagames.functionals import Linear, Smooth
from dagames.functionals.algebra import total
from dagames.games.alignment import AlignmentGame
from dagames.solvers.multipliers import Dual
from dagames.solvers.newton import solve_newton

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TiltedDual(Dual):
    """The dual of games min R(nu) + beta KL(nu || nu_0) under linear constraints, one a prompt.

    Math:
        phi(l) = <l, b> - min over nu of (R(nu) / beta + KL(nu || nu_0) + <l, c nu>),
        grad phi = b - c nu_l,   Hess phi = c (Hess R(nu_l) / beta + diag(1 / nu_l))^-1 c' on changes of sum 0.

    Attributes:
        game: The game; its reachable answers are those of the face.
        rest: The functional R.
        costs: Anchored costs c, [B, d, Z].
        budgets: Anchored budgets b, [B, d].
        equal: Rows that hold with equality, [B, d].
    """

    game: AlignmentGame
    rest: Smooth
    costs: Array
    budgets: Array
    equal: NDArray[np.bool_]

    def at(self, multipliers: Array) -> tuple[Array, Array, Array]:
        """Compute phi [B], its gradient [B, d] and its Hessian [B, d, d]."""
        log_nu, value = self._equilibrium(multipliers)
        nu = np.exp(log_nu).reshape(len(multipliers), -1)
        expected = np.einsum("bdz,bz->bd", self.costs, nu)
        phi = (multipliers * self.budgets).sum(axis=-1) - value.reshape(-1) / self.game.beta
        moved = self._moved(log_nu)
        hessian = self.costs @ moved @ np.swapaxes(self.costs, -1, -2)
        return np.asarray(phi), np.asarray(self.budgets - expected), np.asarray(hessian)

    def log_marginals(self, multipliers: Array) -> OverAnswers:
        """Find the log-marginal, [*x, Z], that is optimal for multipliers, [B, d]."""
        return self._equilibrium(multipliers)[0]

    def _equilibrium(self, multipliers: Array) -> tuple[OverAnswers, Array]:
        """Solve the game with minus the multiplied costs as a reward."""
        game = self.game
        prices = game.beta * np.einsum("bd,bdz->bz", multipliers, self.costs).reshape(game.log_nu_0.shape)
        log_nu_0 = simplex.log_normalize(np.where(game.reachable, game.log_nu_0, -np.inf))
        functional = total(self.rest, Linear(-prices))
        tilted = AlignmentGame.from_log(
            log_nu_0, np.arange(game.n_answers), functional, game.beta, n_answers=game.n_answers
        )
        solution = solve_newton(tilted)
        return solution.log_nu, solution.value

    def _moved(self, log_nu: OverAnswers) -> Array:
        """Compute minus the derivative of the marginal in the slopes, in nats, [B, Z, Z]."""
        beta, nu = self.game.beta, np.exp(log_nu)
        if (separable := self.rest.as_separable()) is not None:
            bend = np.where(nu > 0, separable.bend_at_log(np.where(nu > 0, log_nu, 0.0)), 0.0)
            weights = (nu * beta / (beta + bend)).reshape(len(self.costs), -1)
            free = weights[:, :, None] * np.eye(weights.shape[-1])
        else:
            root = np.sqrt(nu)
            curved = np.where(nu[..., None] * nu[..., None, :] > 0, self.rest.hessian(nu), 0.0) / beta
            matrix = root[..., :, None] * curved * root[..., None, :] + np.eye(nu.shape[-1])
            free = root[..., :, None] * np.linalg.inv(matrix) * root[..., None, :]
            free = free.reshape(len(self.costs), nu.shape[-1], nu.shape[-1])
        column = free.sum(axis=-1)
        return np.asarray(free - column[:, :, None] * column[:, None, :] / column.sum(axis=-1)[:, None, None])
