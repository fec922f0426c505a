"""The targets over which laws are tested."""

import inspect
from collections.abc import Callable, Sequence

import numpy as np

import dagames.targets
from dagames.functionals import Gini, NegativeEntropy, Tsallis
from dagames.targets import (
    AnswerGroup,
    Centrality,
    Clustered,
    ConsensusVote,
    CrossedVote,
    ExponentiatedReward,
    FormatReward,
    GiniDiversity,
    GroundTruth,
    InverseFrequency,
    MajorityVote,
    MaxRL,
    PassAtK,
    PriorMatching,
    RandomReward,
    SafetyPenalty,
    Schedule,
    Score,
    SoftConsensus,
    Target,
)
from dagames.targets.combined import TargetProduct, TargetSum, Weighted

NAMES = ["7", "8", "9"]
"""Answers as an extractor gives them; in exact views an answer is its index."""


def place(answer: str | int) -> float:
    """Return a number in [0, 1) for an answer, different for the first seven."""
    index = NAMES.index(answer) if isinstance(answer, str) else int(answer)
    return (0.37 * index) % 1.0


def distances_of(answers: Sequence[str | int | None]) -> np.ndarray:
    """Return how far answers lie apart, [K, K]; no answer is as far as can be from every other trace."""
    at = np.array([np.nan if a is None else place(a) for a in answers])
    apart = np.nan_to_num(np.abs(at[:, None] - at), nan=1.0)
    np.fill_diagonal(apart, 0.0)
    return apart


def places(n: int) -> np.ndarray:
    return np.array([place(z) for z in range(n)])


def distances(n: int) -> np.ndarray:
    return distances_of(range(n))


def is_right(answer: str | int) -> bool:
    return answer in {"7", 0}


PRIOR = {"7": 0.5, "8": 0.3, 0: 0.1, 1: 0.05}

TARGETS: dict[str, Callable[[int], Target]] = {
    "MajorityVote": lambda _: MajorityVote(),
    "MajorityVote first": lambda _: MajorityVote(ties="first"),
    "MajorityVote none": lambda _: MajorityVote(ties="none"),
    "MajorityVote leave-one-out": lambda _: MajorityVote(leave_one_out=True),
    "MajorityVote of a third": lambda _: MajorityVote(threshold=1 / 3),
    "MajorityVote strict": lambda _: MajorityVote(threshold=0.5, against=-1.0),
    "MajorityVote strict, leave-one-out": lambda _: MajorityVote(leave_one_out=True, threshold=0.5, against=-1.0),
    "ConsensusVote": lambda _: ConsensusVote(),
    "ConsensusVote geometric": lambda _: ConsensusVote(mean="geometric"),
    "ConsensusVote geometric, smoothed": lambda _: ConsensusVote(mean="geometric", smoothing=1.0),
    "ConsensusVote harmonic": lambda _: ConsensusVote(mean="harmonic", smoothing=0.5, by="trace"),
    "ConsensusVote of power 3": lambda _: ConsensusVote(mean=3.0),
    "SoftConsensus": lambda _: SoftConsensus(weight=0.7),
    "SoftConsensus geometric": lambda _: SoftConsensus(mean="geometric", by="trace"),
    "SoftConsensus harmonic": lambda _: SoftConsensus(mean="harmonic", smoothing=0.1),
    "SoftConsensus absolute": lambda _: SoftConsensus(relative=False),
    "CrossedVote": lambda _: CrossedVote(),
    "CrossedVote none": lambda _: CrossedVote(ties="none"),
    "InverseFrequency": lambda _: InverseFrequency(weight=0.7),
    "GiniDiversity": lambda _: GiniDiversity(weight=1.3),
    "FunctionalTarget": lambda _: Target.from_functional(Tsallis(1.5, 2.0)),
    "FunctionalTarget of a sum": lambda _: Target.from_functional(Gini(0.5) + NegativeEntropy(0.3)),
    "PriorMatching": lambda _: PriorMatching(PRIOR, weight=0.7, floor=0.01),
    "ExponentiatedReward": lambda _: ExponentiatedReward(place),
    "MaxRL": lambda _: MaxRL(is_right),
    "MaxRL of the gold": lambda _: MaxRL(),
    "MaxRL of order 3": lambda _: MaxRL(is_right, order=3),
    "PassAtK": lambda _: PassAtK(is_right, k=3),
    "GroundTruth": lambda _: GroundTruth(is_right),
    "GroundTruth of the gold": lambda _: GroundTruth(),
    "Centrality": lambda n: Centrality(distances=distances(n)),
    "Centrality with itself": lambda n: Centrality(leave_one_out=False, distances=distances(n)),
    "Centrality by view": lambda n: Centrality(by="view", distances=distances(n)),
    "Centrality across views": lambda n: Centrality(across="other_views", by="view", distances=distances(n)),
    "Clustered": lambda n: Clustered(MajorityVote(), 0.3, distances=distances(n)),
    "Clustered first": lambda n: Clustered(GiniDiversity(), 0.3, "first", distances=distances(n)),
    "SafetyPenalty": lambda n: SafetyPenalty({"place": 2.0}, {"place": places(n)}),
    "Score": lambda n: Score("place", {"place": places(n)}),
    "RandomReward": lambda _: RandomReward(0.3, seed=5),
    "TargetSum": lambda _: GiniDiversity() + FormatReward() + 0.5 * MajorityVote(),
    "TargetProduct": lambda n: TargetProduct([GiniDiversity(), Score("place", {"place": places(n)})]),
    "Weighted": lambda _: Weighted(-2.0, MajorityVote()),
    "Schedule": lambda _: Schedule({0: GiniDiversity(), 10: TargetSum([MajorityVote()])}),
}

TARGETS |= {
    name: lambda _, kind=kind: kind()
    for name, kind in vars(dagames.targets).items()
    if name in dagames.targets.__all__
    and issubclass(kind, Target)
    and not inspect.isabstract(kind)
    and name not in {row.split()[0] for row in TARGETS}
    and all(p.default is not p.empty for p in inspect.signature(kind).parameters.values())
}
"""Targets without a row above, with their defaults."""

VIEWED = {name for name in TARGETS if name.startswith(("ConsensusVote", "SoftConsensus", "CrossedVote"))}
"""Those that compare views, and whose exact view has a row for each."""

UNEVEN = VIEWED | {"Centrality by view", "Centrality across views"}
"""Those in which it matters which view a trace came from."""

ORDERED = {"MajorityVote first", "Clustered first", "RandomReward"}
"""Those in which the order of the traces matters by design."""

NAMED = {"PriorMatching", "ExponentiatedReward", "MaxRL", "MaxRL of order 3", "PassAtK", "GroundTruth", "RandomReward"}
"""Those that know answers by name."""

OTHERS = {"SafetyPenalty", "Score", "TargetProduct", "Weighted", "RandomReward", "Centrality with itself"}
"""Those in which a trace without an answer may get more than the least reward: by its cost, a negative weight, chance,
or its own distance of 0."""


def group_of(
    target: Target,
    answers: Sequence[str | int | None],
    views: Sequence[int] | None = None,
    like: Sequence[str | int | None] | None = None,
) -> AnswerGroup:
    """Make a group that has what a target needs and nothing else.

    Args:
        target: The target.
        answers: Answer of each trace, [K].
        views: View of each trace, [K].
        like: Answers by which distances and costs are drawn, [K]; by default the same.

    Returns:
        The group.
    """
    like = answers if like is None else like
    everything: dict[str, Callable[[], object]] = {
        "distances": lambda: distances_of(like),
        "costs": lambda: {"place": [1.0 if a is None else place(a) for a in like]},
        "texts": lambda: [f"It is {a}." for a in like],
        "gold": lambda: next((a for a, b in zip(answers, like, strict=True) if b in {"7", 0}), "7"),
    }
    return AnswerGroup(answers, views, **{field: everything[field]() for field in target.needs})
