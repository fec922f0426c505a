"""Several linear constraints at once."""

from dataclasses import dataclass

import numpy as np

from dagames._errors import DomainError
from dagames._types import PerPrompt
from dagames.games.couplings.linear import LinearCoupling
from dagames.numerics.constraints import LinearConstraints


@dataclass(frozen=True, eq=False, init=False)
class AllOf(LinearCoupling):
    """Several linear couplings, such as budgets and equal rates; multipliers are in the order of the parts.

    Attributes:
        parts: The constraints.

    >>> from dagames.games.couplings import Budgets, EqualRates
    >>> both = AllOf(Budgets([0.0, 1.0], 0.3), EqualRates([0.0, 1.0], [0, 1]))
    >>> both.value(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0.5, 0.5]))
    inf
    """

    parts: tuple[LinearCoupling, ...]

    def __init__(self, *parts: LinearCoupling) -> None:
        """Combine linear couplings.

        Args:
            *parts: Linear couplings, at least one.

        Raises:
            DomainError: If there is none, or if one is not a `LinearCoupling`.
        """
        wrong = [type(part).__name__ for part in parts if not isinstance(part, LinearCoupling)]
        if wrong or not parts:
            raise DomainError(f"`parts` must be linear couplings, at least one, not {', '.join(wrong) or 'nothing'}.")
        object.__setattr__(self, "parts", parts)

    def rows(self, shares: PerPrompt) -> LinearConstraints:
        """Concatenate the constraints of the parts, for prompts of the given shares, [X]."""
        rows = [part.rows(shares) for part in self.parts]
        return LinearConstraints(
            np.concatenate([r.costs for r in rows], axis=1),
            np.concatenate([r.budgets for r in rows]),
            np.concatenate([r.equal for r in rows]),
            shares,
            tuple(name for r in rows for name in r.names),
        )
