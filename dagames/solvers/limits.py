"""Linear constraints as tangents in cutting planes: R plus a multiple of the most violated row's excess."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dagames._types import OverAnswers, PerPrompt
from dagames.functionals.base import ConstraintSet
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate
from dagames.numerics.faces import Face
from dagames.solvers.constrained import find_faces, split
from dagames.solvers.prices import is_infinite, reported, signed
from dagames.solvers.solution import Solution

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Limits:
    """The constraints of each prompt, on the face that they leave.

    Attributes:
        constraints: The indicator.
        faces: The face of each prompt, in a row.
        costs: Anchored costs, [*x, d, Z].
        budgets: Anchored budgets, [*x, d].
        equal: Rows that hold with equality on the face, [*x, d].
    """

    constraints: ConstraintSet
    faces: tuple[Face, ...]
    costs: Array
    budgets: Array
    equal: NDArray[np.bool_]

    @classmethod
    def of(cls, game: AlignmentGame) -> "Limits | None":
        """Read the constraints off a game, or return None if it has none."""
        constraints, rest = split(game.functional)
        if constraints is None:
            return None
        faces = find_faces(game, constraints, rest)
        return cls(
            constraints,
            faces,
            np.stack([face.rows.costs[0] for face in faces]).reshape(*game.batch, -1, game.n_answers),
            np.stack([face.rows.budgets for face in faces]).reshape(*game.batch, -1),
            np.stack([face.equal for face in faces]).reshape(*game.batch, -1),
        )

    def inside(self, log_nu: OverAnswers) -> OverAnswers:
        """Move marginals into the constraints, in logs, [*x, Z]; at once if they already meet them."""
        nu = np.exp(log_nu).reshape(len(self.faces), -1)
        moved = np.stack([face.inside(p[None], share=1.0)[0] for face, p in zip(self.faces, nu, strict=True)])
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(moved / moved.sum(axis=-1, keepdims=True)).reshape(log_nu.shape))

    def with_worst_row(
        self, slope: OverAnswers, height: PerPrompt, nu: OverAnswers, penalty: PerPrompt
    ) -> tuple[OverAnswers, PerPrompt, Array]:
        """Add the excess of the most violated row, times the penalty, to a tangent.

        Args:
            slope: Slope of the tangent, [*x, Z].
            height: Its height, [*x].
            nu: The marginal, [*x, Z].
            penalty: The multiple P, [*x].

        Returns:
            Slope and height of the sum, and the multiple of each row in it, [*x, d].
        """
        excess = (self.costs * nu[..., None, :]).sum(axis=-1) - self.budgets
        worst = np.where(self.equal, np.abs(excess), excess).argmax(axis=-1)
        row = np.arange(self.budgets.shape[-1]) == worst[..., None]
        price = penalty[..., None] * np.where(row, np.where(self.equal, np.sign(excess), 1.0), 0.0)
        added = (price[..., None] * self.costs).sum(axis=-2)
        return slope + added, np.asarray(height + (price * self.budgets).sum(axis=-1)), price

    def solution(
        self,
        game: AlignmentGame,
        pair: tuple[OverAnswers, OverAnswers],
        multipliers: Array,
        certificate: Certificate,
        history: tuple[float, ...],
    ) -> Solution:
        """Build the solution of log-marginal and log-target, [*x, Z], and multipliers of the rows, [*x, d]."""
        log_nu, log_q = pair
        nats = multipliers.reshape(len(self.faces), -1)
        prices, slack = [], []
        for face, m, prompt in zip(self.faces, nats, np.ndindex(game.batch), strict=True):
            prices.append(reported(signed(m, face, self.constraints.equal), face))
            rows = self.constraints.rows(prompt)
            slack.append(rows.slack(np.exp(log_nu[prompt])[None]) * ~is_infinite(face))
        return Solution(
            log_nu=log_nu,
            log_q=log_q,
            certificate=certificate,
            game=game,
            iterations=len(history) - 1,
            method="cutting_planes",
            history=history,
            multipliers=np.stack(prices).reshape(multipliers.shape),
            slack=np.stack(slack).reshape(multipliers.shape),
        )
