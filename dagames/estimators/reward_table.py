"""A reward that is looked up by the count of an answer in its group."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError, ShapeError
from dagames._types import Numbers

CountsKind = Literal["self-inclusive", "independent"]


@dataclass(frozen=True, eq=False)
class RewardTable:
    """The estimate c_X of log p, for an answer of probability p that was given X times by a group of K traces.

    Attributes:
        group_size: Number of traces K.
        coefficients: Estimates c_0..c_K of log p in nats, [K + 1].
        counts: "self-inclusive" if the count includes the trace that is rewarded (as in a GRPO group, so that c_0 is
            never read), "independent" if it comes from K other traces.
    """

    group_size: int
    coefficients: NDArray[np.float64]
    counts: CountsKind

    def __post_init__(self) -> None:
        """Validate the coefficients.

        Raises:
            ShapeError: If there are not K + 1 of them.
            DomainError: If one is not a finite number.
        """
        if self.coefficients.shape != (self.group_size + 1,):
            raise ShapeError(f"`coefficients` has shape {self.coefficients.shape}, not ({self.group_size + 1},).")
        if not np.isfinite(self.coefficients).all():
            raise DomainError("`coefficients` must be finite numbers.")

    def reward(self, counts: Numbers) -> NDArray[np.float64]:
        """Look the rewards up.

        Args:
            counts: Counts of answers, integers from 0 (1 if self-inclusive) to K, any shape.

        Returns:
            Estimates of log p in nats, of the same shape.

        Raises:
            DomainError: If a count is out of range.

        >>> from dagames.estimators import plugin_table
        >>> plugin_table(4).reward([1, 4]).round(4)
        array([-1.3863,  0.    ])
        """
        array = np.asarray(counts)
        least = 1 if self.counts == "self-inclusive" else 0
        if not np.issubdtype(array.dtype, np.integer) or (
            array.size and (array.min() < least or array.max() > self.group_size)
        ):
            raise DomainError(
                f"`counts` must be integers from {least} to {self.group_size} ({self.counts} counts of a group of "
                f"{self.group_size}), not {array}."
            )
        return np.asarray(self.coefficients[array])


def as_group_size(K: int) -> int:
    """Validate a group size.

    Args:
        K: Number of traces.

    Returns:
        The number as an int.

    Raises:
        DomainError: If it is not an integer of at least 1.

    >>> as_group_size(8)
    8
    """
    if isinstance(K, bool) or not isinstance(K, (int, np.integer)) or K < 1:
        raise DomainError(f"`K` must be an integer of at least 1, not {K!r}.")
    return int(K)
