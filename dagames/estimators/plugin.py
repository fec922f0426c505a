"""The plug-in estimate: the logarithm of the observed frequency."""

import math

import numpy as np

from dagames._errors import DomainError
from dagames.estimators.reward_table import CountsKind, RewardTable, as_group_size


def plugin_table(K: int, *, c_0: float | None = None, counts: CountsKind = "self-inclusive") -> RewardTable:
    """Tabulate log(k / K), an estimate of log p with a bias of order 1 / K.

    Math:
        c_k = log(k / K) for k >= 1;   c_0 = log(1 / (2 K)) by default, because log 0 is infinite.

    Args:
        K: Number of traces in a group, at least 1.
        c_0: The entry for count 0, which occurs with independent counts only; finite, in nats.
        counts: Whether a count includes the trace that is rewarded.

    Returns:
        The table, [K + 1].

    Raises:
        DomainError: If `K` or `c_0` is out of its domain, or if `c_0` is passed for other counts than independent.

    Source:
        (paper, appendix C, eq. 11); claim II.1

    >>> plugin_table(2, counts="independent").coefficients.round(4)
    array([-1.3863, -0.6931,  0.    ])
    """
    K = as_group_size(K)
    if c_0 is not None and counts != "independent":
        raise DomainError(f"`c_0` has no effect on {counts} counts, which are at least 1; leave it out.")
    c_0 = -math.log(2 * K) if c_0 is None else c_0
    if not (isinstance(c_0, (int, float, np.number)) and math.isfinite(c_0)):
        raise DomainError(f"`c_0` must be a finite number, not {c_0!r}.")
    coefficients = np.concatenate([[c_0], np.log(np.arange(1, K + 1) / K)])
    return RewardTable(K, coefficients, counts, method="plugin")
