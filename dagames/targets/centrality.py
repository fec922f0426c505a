"""Centrality: rewards that decrease with the mean distance to the other traces."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._choices import as_choice
from dagames._errors import DomainError, ShapeError
from dagames._types import Numbers, OverAnswers
from dagames.numerics.arrays import read_real
from dagames.targets.base import Target
from dagames.targets.group import AnswerGroup
from dagames.targets.group_fields import as_distances
from dagames.targets.view_means import By, check_view_axis

Across = Literal["all", "other_views"]


@dataclass(frozen=True, eq=False)
class Centrality(Target):
    """Minus the mean distance of a trace to the others of its orbit.

    Math:
        r(y_i) = -(1 / (K - 1)) sum_{j != i} d(y_i, y_j);   q(z) proportional to exp(-sum_z' nu(z') d(z, z') / beta).

    The functional sum nu nu d has the gradient 2 d nu; for its target, use a weight of 2. Rewards depend on the
    distances alone; traces without an answer need distances too.

    Exact rewards need `distances` between answers. They take the orbit's marginal, [*x, Z], or with
    across="other_views" one row per view, [*x, M, Z].

    Attributes:
        leave_one_out: Whether the mean is over the other traces only. If False it is over all traces, the trace itself
            included with distance 0, and rewards are (K - 1) / K times as large.
        by: "trace" for equal weights of traces; "view" for equal weights of views, whatever their sizes.
        across: "all" for distances to all traces, "other_views" for distances to traces of other views only, so that
            agreement within a view is not rewarded. A trace without such others gets 0.
        distances: Distances of answers, [Z, Z], for exact rewards.

    Source:
        (paper, appendix B, Algorithm 2 and Proposition B.1); claim I.20

    >>> d = [[0.0, 0.2, 1.0], [0.2, 0.0, 0.8], [1.0, 0.8, 0.0]]
    >>> Centrality().rewards(AnswerGroup(("NYC", "New York", "Boston"), distances=d))
    array([-0.6, -0.5, -0.9])
    >>> Centrality(leave_one_out=False).rewards(AnswerGroup(("NYC", "New York", "Boston"), distances=d)).round(4)
    array([-0.4   , -0.3333, -0.6   ])
    """

    recipe_name: ClassVar[str] = "centrality"
    leave_one_out: bool = True
    by: By = "trace"
    across: Across = "all"
    distances: Numbers | None = None

    def __post_init__(self) -> None:
        """Validate the rules, and the distances of answers."""
        if not isinstance(self.leave_one_out, bool):
            raise DomainError(f"`leave_one_out` must be True or False, not {self.leave_one_out!r}.")
        as_choice(self.by, "by", get_args(By))
        as_choice(self.across, "across", get_args(Across))
        if self.distances is not None:
            object.__setattr__(self, "distances", as_answer_distances(self.distances))

    @property
    def needs(self) -> frozenset[str]:
        """The distances."""
        return frozenset({"distances"})

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute -sum_z' nu(z') d(z, z'), [*x, Z]; for across="other_views" the mean over these, [*x, M, Z]."""
        mean = -(nu @ exact_distances(self.distances, nu, "Centrality"))
        if self.across == "all":
            return np.asarray(mean)
        check_view_axis(nu, "Centrality(across='other_views')")
        M = nu.shape[-2]
        return np.asarray((mean.sum(axis=-2, keepdims=True) - mean) / max(M - 1, 1))

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute minus the weighted mean distance of each trace, [K], in [-1, 0]."""
        distances: NDArray[np.float64] = group.required("distances", "Centrality")
        views, M = group.view_codes, group.view_sizes.size
        member = np.eye(M)[views]
        sums = distances @ member
        numbers = np.broadcast_to(group.view_sizes, sums.shape) - (member if self.leave_one_out else 0.0)
        if self.across == "other_views":
            sums, numbers = sums * (1.0 - member), numbers * (1.0 - member)
        if self.by == "view":
            sums, numbers = np.divide(sums, numbers, out=np.zeros_like(sums), where=numbers > 0), np.sign(numbers)
        total, number = sums.sum(axis=1), numbers.sum(axis=1)
        return np.asarray(0.0 - np.divide(total, number, out=np.zeros_like(total), where=number > 0))


def as_answer_distances(distances: Numbers) -> NDArray[np.float64]:
    """Validate the distances of answers, [Z, Z], as those of traces."""
    shape = read_real(distances, "distances").array.shape
    if len(shape) != 2:
        raise ShapeError(f"`distances` has shape {shape}; it must have one distance per pair of answers, (Z, Z).")
    return as_distances(distances, shape[0])


def exact_distances(distances: Numbers | None, nu: OverAnswers, reader: str) -> NDArray[np.float64]:
    """Return the distances of answers, [Z, Z]; raise unless `distances` was given for the answers of `nu`."""
    if distances is None:
        raise DomainError(f"exact rewards of {reader} need the distances of answers; pass `distances=`, [Z, Z].")
    array = np.asarray(distances, dtype=np.float64)
    if len(array) != nu.shape[-1]:
        raise ShapeError(f"`distances` is for {len(array)} answers; `nu` has {nu.shape[-1]}.")
    return array
