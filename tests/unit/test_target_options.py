"""Wrong options of targets and wrong groups are refused with the name of the option."""

from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest

from dagames import DomainError, ShapeError
from dagames.estimators import plugin_table
from dagames.functionals import Gini, KLToPrior, LogScore, NegativeEntropy
from dagames.targets import (
    AnswerGroup,
    Centrality,
    Clustered,
    ConsensusVote,
    CrossedVote,
    ExponentiatedReward,
    FormatReward,
    GroundTruth,
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
from dagames.targets.combined import TargetSum


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


class Steep(Gini):
    """A functional whose slope is infinite everywhere."""

    def gradient(self, nu):
        return np.full(nu.shape, -np.inf)


GROUP = AnswerGroup(["a", "a", "b"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MajorityVote(threshold=1.5), r"`threshold` must be a number from 0 to 1, not 1\.5"),
        (lambda: MajorityVote(against=1.0), r"`against` must be at most 0, not 1\.0"),
        (lambda: MajorityVote(leave_one_out=1), "`leave_one_out` must be True or False, not 1"),
        (lambda: CrossedVote("random"), "`ties` must be one of split, first, none"),
        (lambda: ConsensusVote(mean="mode"), "`mean` must be one of arithmetic, geometric, harmonic, or a power"),
        (lambda: ConsensusVote(mean=np.inf), "`mean` must be a power from -100 to 100"),
        (lambda: ConsensusVote(smoothing=-1.0), "`smoothing` must be a finite number of at least 0"),
        (lambda: ConsensusVote(by="answer"), "`by` must be one of view, trace"),
        (
            lambda: ConsensusVote().exact_rewards(np.array([0.5, 0.5])),
            r"ConsensusVote compares views and needs one row per view, \[\*x, M, Z\]",
        ),
        (lambda: SoftConsensus(mean="geometric", smoothing=0.0), "`smoothing` is 0, but with mean='geometric'"),
        (lambda: SoftConsensus(weight=0.0), "`weight` must be"),
        (lambda: SoftConsensus(relative="yes"), "`relative` must be True or False"),
        (lambda: SoftConsensus(table=plugin_table(3), by="trace"), "only with relative=False, .* not relative=True"),
        (lambda: SoftConsensus(table=plugin_table(3), relative=False), "not relative=False, .*by='view'"),
        (lambda: SoftConsensus(table=plugin_table(3, counts="independent")), "for independent counts"),
        (
            lambda: SoftConsensus(table=plugin_table(4), relative=False, by="trace").rewards(GROUP),
            "`table` is for groups of 4 traces, but this group has 3. Make a table for 3 traces",
        ),
        (
            lambda: SoftConsensus().log_density([[1.0, 0.0], [0.5, 0.5]], 1.0),
            "SoftConsensus has no best resp.*answer 1",
        ),
        (lambda: Centrality(leave_one_out="maybe"), "`leave_one_out` must be True or False"),
        (lambda: Centrality(across="views"), "`across` must be one of all, other_views"),
        (
            lambda: Centrality(distances=[0.0]),
            r"`distances` has shape \(1,\); it must have one distance per pair of answers",
        ),
        (lambda: Centrality().log_density([0.5, 0.5], 1.0), "exact rewards of Centrality need the distances"),
        (lambda: Centrality(distances=[[0.0]]).log_density([0.5, 0.5], 1.0), "`distances` is for 1 answers"),
        (lambda: Clustered("vote"), "`target` must be a Target, such as MajorityVote"),
        (lambda: Clustered(MajorityVote(), 2.0), "`threshold` must be a number from 0 to 1"),
        (lambda: Clustered(MajorityVote(), linkage="single"), "`linkage` must be one of transitive, first"),
        (lambda: Target.from_functional("Gini"), "`R` must be a Functional"),
        (lambda: Target.from_functional(LogScore(0)), "LogScore is not symmetric in the answers.*Pass `answers`"),
        (lambda: Target.from_functional(Gini(), ["a"], n_answers=1), "`answers` and `n_answers` are both given"),
        (lambda: Target.from_functional(LogScore(0), ["a", "a"]), "`answers` must be different and not None"),
        (lambda: Target.from_functional(KLToPrior([0.5, 0.5]), n_answers=3), "`prior` has shape"),
        (
            lambda: Target.from_functional(NegativeEntropy(), table=plugin_table(4)).rewards(GROUP),
            r"for groups of 4 traces, but this group has 3. .*recommended_table\(3\).*set `num_generations` to 4",
        ),
        (lambda: Target.from_functional(Steep()).rewards(GROUP), "Steep has no finite slope at the frequencies"),
        (lambda: PriorMatching([0.5, 0.5]), "`prior` must be a mapping from answers, or a function"),
        (lambda: PriorMatching({}), "`prior` must map answers to probabilities, at least one"),
        (lambda: PriorMatching({"a": 2.0, "b": 1.0}), "at most 1. If these are weights"),
        (lambda: PriorMatching({"a": -0.5}), "each must be at least 0"),
        (lambda: PriorMatching({"a": 1.0}, floor=0.0), "`floor` must be a probability above 0"),
        (lambda: PriorMatching({"a": 1.0}, table=plugin_table(2, counts="independent")), "for independent counts"),
        (lambda: PriorMatching({"a": 1.0}, answers=["a"]).log_density([0.5, 0.5], 1.0), "`answers` has 1 entries"),
        (lambda: ExponentiatedReward(3), "`reward` must be a mapping from answers, or a function of an answer"),
        (lambda: ExponentiatedReward({"a": np.nan}).rewards(GROUP), r"`reward\('a'\)` is nan"),
        (lambda: ExponentiatedReward(str).rewards(GROUP), r"`reward\('a'\)` must be a number, not 'a'"),
        (lambda: ExponentiatedReward({}, otherwise=np.inf), "`otherwise` must be a finite number"),
        (lambda: GroundTruth("a"), "`correct` must be a collection of answers or a function"),
        (lambda: GroundTruth().rewards(GROUP), "GroundTruth needs `gold`, which the group does not have"),
        (lambda: GroundTruth().log_density([0.5, 0.5], 1.0), "takes the right answer from a group's `gold`"),
        (lambda: MaxRL({"a"}, order=0), "`order` must be an integer of at least 1"),
        (lambda: MaxRL({"a"}, order=4).rewards(GROUP), "`order` is 4, but a group of 3 traces"),
        (lambda: MaxRL({0}).log_density([0.0, 1.0], 1.0), "MaxRL has no best response: answer 0"),
        (lambda: PassAtK({"a"}, k=4).rewards(GROUP), "`k` is 4, but a group of 3 traces"),
        (lambda: SafetyPenalty([1.0]), "`multipliers` must map names of costs to numbers"),
        (lambda: SafetyPenalty({"c": -1.0}), r"`multipliers\['c'\]` is negative: -1"),
        (lambda: SafetyPenalty({"c": 1.0}).rewards(GROUP), "needs the cost 'c', but the group's `costs` are none"),
        (lambda: SafetyPenalty({"c": 1.0}).log_density([1.0], 1.0), "exact rewards of SafetyPenalty need the cost 'c'"),
        (lambda: Score("c", {"c": [1.0]}).log_density([0.5, 0.5], 1.0), r"has shape \(1,\); `nu` has 2 answers"),
        (lambda: Score(3), "`name` must be the name of a cost"),
        (lambda: RandomReward(rate=2.0), "`rate` must be a number from 0 to 1"),
        (lambda: RandomReward(seed=-1), "`seed` must be"),
        (lambda: TargetSum([]), "`parts` is empty"),
        (lambda: TargetSum([MajorityVote(), 3]), r"`parts\[1\]` must be a Target"),
        (lambda: np.nan * MajorityVote(), "`weight` must be a finite number"),
        (lambda: "2" * MajorityVote(), "`weight` must be a finite number, not '2'"),
        (
            lambda: (1e308 * FormatReward() + 1e308 * FormatReward()).rewards(GROUP),
            "each, exceed float64. Scale them down",
        ),
        (lambda: Schedule({5: MajorityVote()}), "`stages` starts at 5; it must have a target for step 0"),
        (lambda: Schedule([MajorityVote()]), "`stages` must map first steps to targets"),
        (lambda: Schedule({0: 3}), r"`stages\[0\]` must be a Target"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises((DomainError, ShapeError), match=message):
        make()
