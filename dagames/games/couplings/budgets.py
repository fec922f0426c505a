"""Budgets on expected costs, averaged over the prompts of a batch."""

from dataclasses import dataclass

import numpy as np

from dagames._types import Costs, Numbers, PerConstraint, PerPrompt
from dagames.games.couplings.linear import LinearCoupling, as_shared_rows, for_prompts
from dagames.numerics.constraints import LinearConstraints


@dataclass(frozen=True, eq=False, init=False)
class Budgets(LinearCoupling):
    """Budgets on costs averaged over the prompts of a batch; each has one multiplier.

    Math:
        sum_x s_x sum_z c_j(z | x) nu_x(z) <= b_j.

    For a budget on some prompts only, set the cost of the others to 0 and multiply the budget by the share of these
    prompts. Example: at most 10 % refusals on benign prompts is a budget of 0.1 times the share of benign prompts.

    Attributes:
        costs: Costs, [d, Z] or [X, d, Z].
        budgets: Budgets, [d].

    Source:
        (paper, appendix D, eq. 12); claim I.13

    >>> coupling = Budgets([0.0, 1.0], 0.1)
    >>> coupling.value(np.array([[1.0, 0.0], [0.8, 0.2]]), np.array([0.5, 0.5]))
    0.0
    """

    costs: Costs
    budgets: PerConstraint

    def __init__(self, costs: Numbers, budgets: Numbers) -> None:
        """Make the constraints.

        Args:
            costs: Cost of each answer, [d, Z], [X, d, Z], or [Z] for a single one; finite.
            budgets: Largest expected cost, [d], or one number for all rows; in the costs' units.
        """
        rows, values = as_shared_rows(costs, budgets, "costs", "budgets")
        object.__setattr__(self, "costs", rows)
        object.__setattr__(self, "budgets", values)

    def rows(self, shares: PerPrompt) -> LinearConstraints:
        """Return the constraints for prompts of the given shares, [X]."""
        names = tuple(f"costs[{j}]" for j in range(self.budgets.size))
        equal = np.zeros(self.budgets.shape, dtype=bool)
        return LinearConstraints(for_prompts(self.costs, shares.size), self.budgets, equal, shares, names)
