"""Equal expected costs in every group of prompts."""

from dataclasses import dataclass

import numpy as np

from dagames._errors import DomainError, ShapeError
from dagames._types import Costs, Numbers, PerPrompt
from dagames.games.couplings.linear import LinearCoupling, for_prompts
from dagames.numerics.arrays import read_labels
from dagames.numerics.constraints import LinearConstraints
from dagames.simplex import as_real


@dataclass(frozen=True, eq=False, init=False)
class EqualRates(LinearCoupling):
    """Equal expected costs, such as refusal rates, in all groups of prompts.

    Math:
        r_g = sum_{x in g} s_x <c, nu_x> / sum_{x in g} s_x   is the same for all groups g.

    Attributes:
        costs: Costs, [d, Z] or [X, d, Z].
        groups: Group of each prompt, [X]; any labels.

    Source:
        (paper, appendix D, demographic indicators)

    >>> coupling = EqualRates([0.0, 1.0], ["a", "a", "b"])
    >>> nu = np.array([[1.0, 0.0], [0.8, 0.2], [0.9, 0.1]])
    >>> coupling.value(nu, np.full(3, 1 / 3))
    0.0
    """

    costs: Costs
    groups: tuple[str, ...]

    def __init__(self, costs: Numbers, groups: Numbers) -> None:
        """Make the constraints.

        Args:
            costs: Cost of each answer, [d, Z], [X, d, Z], or [Z] for a single one; finite.
            groups: Group of each prompt, [X]; labels are compared as text.

        Raises:
            DomainError: If all prompts are in one group, or a label is missing.
            ShapeError: If `groups` is not a list of labels.
        """
        rows = as_real(costs, "costs")
        labels = read_labels(groups, "groups")
        if labels.ndim != 1:
            raise ShapeError(f"`groups` has shape {labels.shape}; it must be one label per prompt, (X,).")
        if np.unique(labels).size < 2:
            raise DomainError(
                "`groups` has one label only, so the rates are equal for every policy; give at least two groups."
            )
        object.__setattr__(self, "costs", rows[None] if rows.ndim == 1 else rows)
        object.__setattr__(self, "groups", tuple(str(label) for label in labels))

    def rows(self, shares: PerPrompt) -> LinearConstraints:
        """Return one equality per cost and group but the first: its rate minus that of the first group is 0.

        Args:
            shares: Weight of each prompt, [X].

        Returns:
            The constraints.

        Raises:
            ShapeError: If there is not one group label per prompt.
        """
        if len(self.groups) != shares.size:
            raise ShapeError(f"`groups` has {len(self.groups)} labels; there are {shares.size} prompts.")
        labels, member = np.unique(self.groups, return_inverse=True)
        inside = member == np.arange(labels.size)[:, None]
        mean = inside / (inside @ shares)[:, None]  # each constraint multiplies by the shares
        # Subtracting a constant from all costs does not change differences of rates, and reduces rounding.
        lowest = self.costs.min(axis=-1, keepdims=True)
        lowest = lowest.min(axis=0, keepdims=True) if self.costs.ndim > 2 else lowest
        costs = for_prompts(self.costs - lowest, shares.size)
        signed = (mean[1:] - mean[0]).T  # [X, groups - 1]
        rows = (signed[:, :, None, None] * costs[:, None]).reshape(shares.size, -1, costs.shape[-1])
        names = tuple(
            f"rate of costs[{j}] in group {g!r} minus that in {str(labels[0])!r}"
            for g in map(str, labels[1:])
            for j in range(costs.shape[1])
        )
        return LinearConstraints(rows, np.zeros(len(names)), np.ones(len(names), dtype=bool), shares, names)
