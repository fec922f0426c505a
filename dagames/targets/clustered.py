"""Answers that mean the same are merged before another target scores them."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._errors import DomainError
from dagames._types import Numbers, OverAnswers
from dagames.targets.base import Target
from dagames.targets.centrality import as_answer_distances, exact_distances
from dagames.targets.combined import as_share, check_target
from dagames.targets.group import AnswerGroup

Linkage = Literal["transitive", "first"]


@dataclass(frozen=True, eq=False)
class Clustered(Target):
    """Another target, on clusters of answers whose distances are small.

    Traces without an answer stay so. Equal answers are in one cluster whatever their distance. A cluster takes the
    answer of its first trace, or the reference answer if one of its traces gives it.

    Attributes:
        target: The target that scores the merged group.
        threshold: Largest distance at which two answers are the same, from 0 to 1.
        linkage: "transitive" joins all that a chain of small distances connects, which does not depend on the order of
            the traces; "first" lets a trace join the first cluster whose first trace is near, which never joins two
            answers farther apart than twice the threshold, and depends on the order.
        distances: Distances of answers, [Z, Z], for the exact view.

    Source:
        semantic clusters as in Kuhn et al., Semantic uncertainty, ICLR 2023, and EMPO, arXiv:2504.05812

    >>> from dagames.targets import MajorityVote
    >>> d = [[0.0, 0.1, 0.9, 0.9], [0.1, 0.0, 0.9, 0.9], [0.9, 0.9, 0.0, 0.9], [0.9, 0.9, 0.9, 0.0]]
    >>> group = AnswerGroup(("NYC", "New York", "Boston", None), distances=d)
    >>> Clustered(MajorityVote(), threshold=0.2).rewards(group)
    array([1., 1., 0., 0.])
    """

    target: Target
    threshold: float = 0.5
    linkage: Linkage = "transitive"
    distances: Numbers | None = None

    def __post_init__(self) -> None:
        """Validate target, threshold, linkage, and the distances of the exact view.

        Raises:
            DomainError: If one is out of its domain.
        """
        check_target(self.target, "target")
        object.__setattr__(self, "threshold", as_share(self.threshold, "threshold"))
        if self.linkage not in get_args(Linkage):
            raise DomainError(f"`linkage` must be one of {', '.join(get_args(Linkage))}, not {self.linkage!r}.")
        if self.distances is not None:
            object.__setattr__(self, "distances", as_answer_distances(self.distances))

    @property
    def needs(self) -> frozenset[str]:
        """The distances, and what the target needs."""
        return self.target.needs | {"distances"}

    @property
    def least_group_size(self) -> int:
        """The least number of traces that the target accepts."""
        return self.target.least_group_size

    def at(self, step: int) -> Target:
        """Cluster for the target in force at a step."""
        return Clustered(self.target.at(step), self.threshold, self.linkage, self.distances)

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the target's rewards of the merged answers, [*x, Z]."""
        near = exact_distances(self.distances, nu, "Clustered") <= self.threshold
        clusters = np.unique(self._clusters(near), return_inverse=True)[1]
        merged = nu @ np.eye(clusters.max() + 1)[clusters]
        return np.asarray(self.target.exact_rewards(merged)[..., clusters])

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the target's rewards of the merged group, [K]."""
        return self.target.rewards(self.merged(group))

    def merged(self, group: AnswerGroup) -> AnswerGroup:
        """Return the group with one answer for each cluster.

        Args:
            group: A group with distances.

        Returns:
            The same traces with the answer of their cluster.
        """
        distances: NDArray[np.float64] = group.required("distances", "Clustered")
        codes, parsed = group.codes, group.parsed
        near = (distances <= self.threshold) & parsed & parsed[:, None] | (codes == codes[:, None])
        answers: dict[int, Hashable] = {}
        clusters = self._clusters(near).tolist()
        for cluster, answer in zip(clusters, group.answers, strict=True):
            if cluster not in answers or (group.gold is not None and answer == group.gold):
                answers[cluster] = answer
        return group.with_answers([answers[c] for c in clusters])

    def _clusters(self, near: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Find the first trace of each trace's cluster, [K], from which traces are near each other, [K, K]."""
        first = np.arange(len(near))
        if self.linkage == "first":
            leaders: list[int] = []
            for i in range(len(near)):
                leader = next((j for j in leaders if near[i, j]), i)
                first[i] = leader
                if leader == i:
                    leaders.append(i)
            return first
        while True:
            # Each trace takes the least label among its neighbours, then the label of that label.
            least = np.where(near, first, len(near)).min(axis=1)
            least = least[least]
            if (least == first).all():
                return first
            first = least
