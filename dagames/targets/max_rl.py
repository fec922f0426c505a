"""The log-score of the right answers, its truncated series, and pass@k."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames.numerics.integers import as_count
from dagames.targets.correctness import ByCorrectness


@dataclass(frozen=True, eq=False)
class MaxRL(ByCorrectness):
    """The Target of the log-score R = -log p, with p the mass of the right answers, or of its series to order T.

    Math:
        -log p = sum_{t >= 1} (1 - p)^t / t;   minus the derivative of its first T terms is the reward
        r(y) = 1{right} sum_{t < T} (1 - p)^t = 1{right} (1 - (1 - p)^T) / p,   1{right} / p for T infinite.

    In a group with F wrong traces, (1 - p)^t is estimated from the K - 1 others of a right trace by the U-statistic
    C(F, t) / C(K - 1, t), for t < K. The mean over traces of r(y) grad log pi(y) is then an unbiased gradient of the
    series, if no baseline that depends on the trace is subtracted. For T = K the sum is K / S, with S the number of
    right traces: the step is the mean of grad log pi over the right traces. T = 1 is the reward of `GroundTruth`.

    Attributes:
        order: T, at least 1; None for K in a group and infinity in exact rewards. A group needs at least T traces.

    Source:
        Tajwar et al., Maximum Likelihood Reinforcement Learning, 2026; claim I.11

    >>> from dagames.targets import AnswerGroup
    >>> MaxRL().rewards(AnswerGroup(("7", "7", "8", None), gold="7"))
    array([2., 2., 0., 0.])
    >>> MaxRL(order=2).rewards(AnswerGroup(("7", "7", "8", None), gold="7")).round(4)  # 1 + 2 / 3
    array([1.6667, 1.6667, 0.    , 0.    ])
    """

    recipe_name: ClassVar[str] = "max_rl"
    order: int | None = None

    def __post_init__(self) -> None:
        """Validate the order."""
        super().__post_init__()
        if self.order is not None:
            object.__setattr__(self, "order", as_count(self.order, "order"))

    @property
    def least_group_size(self) -> int:
        """The order T, or 1 if it is None."""
        return self.order or 1

    def exact_value(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute (1 - (1 - p)^T) / p, [*x]; T where p is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.order is None:
                return np.asarray(1.0 / p)
            # This form is accurate for small p.
            return np.where(p > 0, -np.expm1(self.order * np.log1p(-p)) / p, self.order)

    def sampled_value(self, n_right: int, K: int) -> float:
        """Compute the sum of C(F, t) / C(K - 1, t) for t below T."""
        if self.order is None:
            return K / n_right
        check_order(self.order, K, "order")
        return float(failure_powers(K - n_right, K - 1, self.order).sum())


@dataclass(frozen=True, eq=False)
class PassAtK(ByCorrectness):
    """The Target of pass@k, the probability that one of k traces is right: R = (1 - p)^k - 1.

    Math:
        r(y) = 1{right} k (1 - p)^(k-1).

    In a group of K traces with F wrong ones, the reward of a right trace is k C(F, k - 1) / C(K - 1, k - 1), a
    U-statistic of the other traces. The mean of r(y) grad log pi(y) is an unbiased gradient of pass@k. This is the
    reward of PKPO with the leave-one-out baseline for which wrong traces get 0. k = 1 is the reward of `GroundTruth`.

    Attributes:
        k: Number of attempts, at least 1. A group needs at least k traces.

    Source:
        Walder and Karkhanis, Pass@K policy optimization, arXiv:2505.15201

    >>> from dagames.targets import AnswerGroup
    >>> PassAtK(k=2).rewards(AnswerGroup(("7", "7", "8", None), gold="7")).round(4)  # 2 * 2 / 3
    array([1.3333, 1.3333, 0.    , 0.    ])
    """

    recipe_name: ClassVar[str] = "pass_at_k"
    k: int = 1

    def __post_init__(self) -> None:
        """Validate k."""
        super().__post_init__()
        object.__setattr__(self, "k", as_count(self.k, "k"))

    @property
    def least_group_size(self) -> int:
        """The number of attempts k."""
        return self.k

    def exact_value(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute k (1 - p)^(k-1), [*x]."""
        return np.asarray(self.k * np.maximum(1.0 - p, 0.0) ** (self.k - 1))

    def sampled_value(self, n_right: int, K: int) -> float:
        """Compute k C(F, k - 1) / C(K - 1, k - 1)."""
        check_order(self.k, K, "k")
        return float(self.k * failure_powers(K - n_right, K - 1, self.k)[-1])


def failure_powers(F: int, n: int, order: int) -> NDArray[np.float64]:
    """Return C(F, t) / C(n, t), the unbiased estimate of (1 - p)^t from F failures of n traces, for t below `order`.

    >>> failure_powers(2, 3, 4).round(4)
    array([1.    , 0.6667, 0.3333, 0.    ])
    """
    i = np.arange(order - 1)
    return np.cumprod(np.append(1.0, np.maximum(F - i, 0) / (n - i)))


def check_order(order: int, K: int, name: str) -> None:
    """Raise if a group of K traces is too small for an unbiased estimate of order `order`."""
    if order > K:
        raise DomainError(
            f"`{name}` is {order}, but a group of {K} traces has no unbiased estimate of order {order}. Use groups of "
            f"at least {order} traces, or `{name}` of at most {K}."
        )
