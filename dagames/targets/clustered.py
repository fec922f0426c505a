"""A target of clusters of answers with small distances."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dagames._choices import as_choice
from dagames._types import Numbers, OverAnswers
from dagames.targets.base import Target
from dagames.targets.centrality import as_answer_distances, exact_distances
from dagames.targets.combined import as_share, check_target
from dagames.targets.group import AnswerGroup

Linkage = Literal["transitive", "first"]


@dataclass(frozen=True, eq=False)
class Clustered(Target):
    """Another target, applied to clusters of answers with small distances.

    Traces without an answer are not clustered. Equal answers are in one cluster, whatever their distance. The answer of
    a cluster is that of its first trace, or the reference answer if a trace of the cluster has it.

    Attributes:
        target: The target of the clustered group.
        threshold: Largest distance of two answers that are merged, from 0 to 1.
        linkage: "transitive" merges all traces that a chain of small distances connects, whatever their order. "first"
            adds a trace to the first cluster whose first trace is near; clusters then have a diameter of at most twice
            the threshold if distances satisfy the triangle inequality, and depend on the order of the traces.
        distances: Distances of answers, [Z, Z], for exact rewards.

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
        """Validate target, threshold, linkage, and the distances of answers."""
        check_target(self.target, "target")
        object.__setattr__(self, "threshold", as_share(self.threshold, "threshold"))
        as_choice(self.linkage, "linkage", get_args(Linkage))
        if self.distances is not None:
            object.__setattr__(self, "distances", as_answer_distances(self.distances))

    @property
    def needs(self) -> frozenset[str]:
        """Distances, and the fields that the target needs."""
        return self.target.needs | {"distances"}

    @property
    def least_group_size(self) -> int:
        """Minimum number of traces of the target."""
        return self.target.least_group_size

    def at(self, step: int) -> Target:
        """Return the clustered target of a training step."""
        return Clustered(self.target.at(step), self.threshold, self.linkage, self.distances)

    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute the target's exact rewards of the clusters, [*x, Z]."""
        near = exact_distances(self.distances, nu, "Clustered") <= self.threshold
        clusters = np.unique(self._clusters(near), return_inverse=True)[1]
        merged = nu @ np.eye(clusters.max() + 1)[clusters]
        return np.asarray(self.target.exact_rewards(merged)[..., clusters])

    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute the target's rewards of the clustered group, [K]."""
        return self.target.rewards(self.merged(group))

    def merged(self, group: AnswerGroup) -> AnswerGroup:
        """Return the group with one answer per cluster.

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
        """Return the index of the first trace of each trace's cluster, [K]; `near` is [K, K]."""
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
            # Replace each label by the least label of the neighbours, then by the label of that label.
            least = np.where(near, first, len(near)).min(axis=1)
            least = least[least]
            if (least == first).all():
                return first
            first = least
