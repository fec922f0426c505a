"""The indicator of linear constraints on the marginals of all prompts; its conjugate is a linear program."""

from abc import abstractmethod

import numpy as np

from dagames import _tolerances
from dagames._errors import ShapeError
from dagames._types import Costs, Numbers, OverAnswers, PerConstraint, PerPrompt, Reachable
from dagames.functionals.polytope import as_rows
from dagames.games.coupled import Coupling
from dagames.numerics.arrays import read
from dagames.numerics.constraints import LinearConstraints
from dagames.numerics.faces import Face, find_face


class LinearCoupling(Coupling):
    """The indicator of linear constraints on the marginals of all prompts.

    Math:
        C(nu) = 0 if sum_x s_x <c_jx, nu_x> <= b_j (or = b_j) for every row j, else +inf.

    To add one, implement `rows`.
    """

    @abstractmethod
    def rows(self, shares: PerPrompt) -> LinearConstraints:
        """Return the constraints for prompts of the given shares, [X]."""

    def value(self, nu: OverAnswers, shares: PerPrompt) -> float:
        """Return 0 if the constraints hold up to `_tolerances.FEASIBILITY`, else +inf."""
        return 0.0 if self.rows(shares).violation(nu) <= _tolerances.FEASIBILITY else np.inf

    def conjugate(self, u: OverAnswers, shares: PerPrompt) -> float:
        """Bound max sum_x s_x <nu_x, u_x> over feasible marginals from above, by LP duality."""
        return self.rows(shares).support(u)[0]

    def allowed(self, reachable: Reachable, shares: PerPrompt) -> Reachable:
        """Mark the reachable answers with positive mass in some feasible marginal, bool [X, Z]."""
        return self.face(reachable, shares).allowed

    def face(self, reachable: Reachable, shares: PerPrompt) -> Face:
        """Find the face of the simplices that feasible marginals span, and a point in its interior.

        Args:
            reachable: Answers with a trace, bool [X, Z].
            shares: Weight of each prompt, [X].

        Returns:
            The face, cached: the game's constructor and the solver both need it.
        """
        faces: dict[tuple[bytes, bytes], Face] = self.__dict__.setdefault("_faces", {})
        key = (np.asarray(reachable, dtype=bool).tobytes(), shares.tobytes())
        if key not in faces:
            faces[key] = find_face(self.rows(shares), reachable)
        return faces[key]

    def residuals(self, nu: OverAnswers, shares: PerPrompt) -> dict[str, float]:
        """Return the largest excess over a budget, relative to the spread of its costs, as `feasibility`."""
        return {"feasibility": self.rows(shares).violation(nu)}

    def check_fits(self, reachable: Reachable, shares: PerPrompt) -> None:
        """Raise unless there is one cost per answer, and an InfeasibleError if the constraints cannot be met.

        Args:
            reachable: Answers with a trace, bool [X, Z].
            shares: Weight of each prompt, [X].

        Raises:
            ShapeError: If the costs have another shape.
        """
        rows = self.rows(shares)
        if (rows.costs.shape[0], rows.costs.shape[2]) != reachable.shape:
            raise ShapeError(
                f"`costs` are those of {rows.costs.shape[0]} prompts and {rows.costs.shape[2]} answers; the game has "
                f"{reachable.shape[0]} and {reachable.shape[1]}. If some answers have no trace, pass `n_answers` "
                "to the game."
            )
        self.face(reachable, shares)


def as_shared_rows(costs: Numbers, budgets: Numbers, name: str, bound: str) -> tuple[Costs, PerConstraint]:
    """Validate costs, [d, Z], [X, d, Z] or [Z], and one right-hand side per row, [d] or a number for all."""
    pair = as_rows(costs, budgets, name, bound)
    if pair is None or read(budgets, bound).array.ndim > 1:
        raise ShapeError(
            f"`{bound}` must be one number per row, the same for all prompts; use Polytope for limits per prompt."
        )
    rows, values = pair
    return rows, np.asarray(values.reshape(-1, values.shape[-1])[0])


def for_prompts(costs: Costs, n_prompts: int) -> Costs:
    """Broadcast costs [d, Z] to all prompts, [X, d, Z]; costs [X, d, Z] are returned unchanged."""
    return np.asarray(costs if costs.ndim > 2 else np.broadcast_to(costs, (n_prompts, *costs.shape)))
