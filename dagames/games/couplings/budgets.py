"""Safety: expected costs, averaged over the prompts of a batch, within budgets."""

from dataclasses import dataclass

import numpy as np

from dagames._types import Costs, Numbers, PerConstraint, PerPrompt
from dagames.games.couplings.linear import LinearCoupling, as_shared_rows, for_prompts
from dagames.numerics.constraints import LinearConstraints


@dataclass(frozen=True, eq=False, init=False)
class Budgets(LinearCoupling):
    """Budgets that the prompts of a batch share, and so one multiplier for each.

    Math:
        sum_x s_x sum_z c_j(z | x) nu_x(z) <= b_j.

    A cost that concerns some prompts only is 0 on the others; its budget then counts their share: refusals of benign
    prompts below 10 % among themselves is a budget of 0.1 times their share.

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
        """Take the budgets.

        Args:
            costs: Cost of each answer, [d, Z], [X, d, Z], or [Z] for a single one; finite.
            budgets: Largest expected cost, [d], or one number for all rows; in the costs' units.
        """
        rows, values = as_shared_rows(costs, budgets, "costs", "budgets")
        object.__setattr__(self, "costs", rows)
        object.__setattr__(self, "budgets", values)

    def rows(self, shares: PerPrompt) -> LinearConstraints:
        """State the constraints for prompts of the given shares, [X]."""
        names = tuple(f"costs[{j}]" for j in range(self.budgets.size))
        equal = np.zeros(self.budgets.shape, dtype=bool)
        return LinearConstraints(for_prompts(self.costs, shares.size), self.budgets, equal, shares, names)
