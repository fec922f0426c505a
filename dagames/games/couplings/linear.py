"""Linear constraints that prompts meet together: the indicator, whose conjugate is a linear program."""

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
        """State the constraints for prompts of the given shares, [X]."""

    def value(self, nu: OverAnswers, shares: PerPrompt) -> float:
        """Compute 0 within the constraints, to rounding (`_tolerances.FEASIBILITY`), and +inf beyond."""
        return 0.0 if self.rows(shares).violation(nu) <= _tolerances.FEASIBILITY else np.inf

    def conjugate(self, u: OverAnswers, shares: PerPrompt) -> float:
        """Compute the largest sum_x s_x <nu_x, u_x> of feasible marginals: the bound by the dual, never too small."""
        return self.rows(shares).support(u)[0]

    def usable(self, reachable: Reachable, shares: PerPrompt) -> Reachable:
        """Mark the reachable answers that some feasible marginal uses, bool [X, Z]."""
        return self.face(reachable, shares).allowed

    def face(self, reachable: Reachable, shares: PerPrompt) -> Face:
        """Find the answers that feasible marginals use, and feasible marginals that use them all.

        Args:
            reachable: Answers with a trace, bool [X, Z].
            shares: Weight of each prompt, [X].

        Returns:
            The face; kept, for the game asks when it is made and the solver asks again.
        """
        known: dict[tuple[bytes, bytes], Face] = self.__dict__.setdefault("_faces", {})
        key = (np.asarray(reachable, dtype=bool).tobytes(), shares.tobytes())
        if key not in known:
            known[key] = find_face(self.rows(shares), reachable)
        return known[key]

    def residuals(self, nu: OverAnswers, shares: PerPrompt) -> dict[str, float]:
        """Report the largest excess over a budget, relative to the row's size, as `feasibility`."""
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
                f"{reachable.shape[0]} and {reachable.shape[1]}. If some answers have no trace, say `n_answers` when "
                "the game is made."
            )
        self.face(reachable, shares)


def as_shared_rows(costs: Numbers, budgets: Numbers, name: str, bound: str) -> tuple[Costs, PerConstraint]:
    """Validate rows that all prompts share: one right-hand side each.

    Args:
        costs: Costs, [d, Z], [X, d, Z], or [Z] for one row.
        budgets: Right-hand sides, [d], or one number for all rows.
        name: The first argument's name in error messages.
        bound: The second's.

    Returns:
        Costs [d, Z] or [X, d, Z], and right-hand sides [d].

    Raises:
        ShapeError: If there is not one right-hand side per row.
    """
    found = as_rows(costs, budgets, name, bound)
    if found is None or read(budgets, bound).array.ndim > 1:
        raise ShapeError(
            f"`{bound}` must be one number per row, shared by all prompts; for limits of each prompt use Polytope."
        )
    rows, values = found
    return rows, np.asarray(values.reshape(-1, values.shape[-1])[0])


def for_prompts(costs: Costs, n_prompts: int) -> Costs:
    """Give costs that do not vary to every prompt.

    Args:
        costs: Costs, [d, Z] or [X, d, Z].
        n_prompts: Number of prompts.

    Returns:
        Costs, [X, d, Z].
    """
    return np.asarray(costs if costs.ndim > 2 else np.broadcast_to(costs, (n_prompts, *costs.shape)))
