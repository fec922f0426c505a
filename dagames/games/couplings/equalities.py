"""Expected costs, averaged over the prompts of a batch, at given values."""

from dataclasses import dataclass

import numpy as np

from dagames._types import Costs, Numbers, PerConstraint, PerPrompt
from dagames.games.couplings.linear import LinearCoupling, as_shared_rows, for_prompts
from dagames.numerics.constraints import LinearConstraints


@dataclass(frozen=True, eq=False, init=False)
class Equalities(LinearCoupling):
    """Given values of expected costs, averaged over the prompts of a batch.

    Math:
        sum_x s_x sum_z c_j(z | x) nu_x(z) = b_j.

    Attributes:
        costs: Costs, [d, Z] or [X, d, Z].
        values: Values b, [d].

    Source:
        (paper, appendix D, demographic indicators)

    >>> coupling = Equalities([0.0, 1.0], 0.5)
    >>> coupling.value(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.5, 0.5]))
    0.0
    """

    costs: Costs
    values: PerConstraint

    def __init__(self, costs: Numbers, values: Numbers) -> None:
        """Make the constraints.

        Args:
            costs: Cost of each answer, [d, Z], [X, d, Z], or [Z] for a single one; finite.
            values: Required expectation of each cost, [d], or one number for all rows; in the costs' units.
        """
        rows, levels = as_shared_rows(costs, values, "costs", "values")
        object.__setattr__(self, "costs", rows)
        object.__setattr__(self, "values", levels)

    def rows(self, shares: PerPrompt) -> LinearConstraints:
        """Return the constraints for prompts of the given shares, [X]."""
        names = tuple(f"costs[{j}]" for j in range(self.values.size))
        equal = np.ones(self.values.shape, dtype=bool)
        return LinearConstraints(for_prompts(self.costs, shares.size), self.values, equal, shares, names)
