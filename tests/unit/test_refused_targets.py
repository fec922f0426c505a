"""Targets that would fail in training, or reward something else, are refused when they are made."""

from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest

from dagames import DomainError, ShapeError
from dagames.estimators import RewardTable, as_reward, minimax_table, plugin_table, recommended_table
from dagames.functionals import Gini, Linear, NegativeEntropy, Point, Polytope, Quadratic
from dagames.targets import (
    AnswerGroup,
    FormatReward,
    GiniDiversity,
    InverseFrequency,
    MajorityVote,
    PriorMatching,
    Target,
)

TARGETS = [
    GiniDiversity(),
    InverseFrequency(),
    MajorityVote(),
    FormatReward(),
    PriorMatching({"a": 1.0}),
    MajorityVote() + FormatReward(),
    2.0 * MajorityVote(),
    Target.from_functional(Gini(2.0)),
]


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


class WithoutSlope(Gini):
    """A functional with a gradient of NaN."""

    def gradient(self, nu):
        return np.full(nu.shape, np.nan)


BOUND = Polytope([[1.0, 0.0]], [0.5])


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_answers_in_place_of_a_group(target):
    for wrong in (["a", "b"], "ab", None, np.array([1, 2])):
        with pytest.raises(DomainError, match=r"`group` must be an AnswerGroup, not .*; pass AnswerGroup\(answers\)"):
            target.rewards(wrong)
    with pytest.raises(DomainError, match="`group` must be an AnswerGroup"):
        target.rewards(group=["a", "b"])
    assert target.rewards(group=AnswerGroup(["a", "b"])).shape == (2,)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
@pytest.mark.parametrize("group_size", [0, -1, None, 1.5, True, "4"])
def test_sizes_of_groups(target, group_size):
    with pytest.raises(DomainError, match="`group_size` must be an integer of at least 1, not"):
        target.rewards_by_count(group_size)
    by_count = target.rewards_by_count(np.int64(4))
    assert by_count is None or by_count.shape == (5,)


def test_tables_of_another_reward():
    root = minimax_table(4, reward="sqrt")
    for make in (lambda: InverseFrequency(table=root), lambda: PriorMatching({"a": 1.0}, table=root)):
        with pytest.raises(DomainError, match=r"`table` estimates 'sqrt'.*`recommended_table\(4\)`"):
            make()
    shifted = RewardTable(2, [0.0, 0.3, 1.0], "self-inclusive", estimand=as_reward(lambda p: np.log(p) + 1.0))
    expected = InverseFrequency(table=RewardTable(2, [0.0, 0.3, 1.0], "self-inclusive")).rewards(
        AnswerGroup(["a", "b"])
    )
    assert InverseFrequency(table=shifted).rewards(AnswerGroup(["a", "b"])).tolist() == expected.tolist()
    near = RewardTable(2, [0.0, 0.3, 1.0], "self-inclusive", estimand=as_reward(lambda p: np.log(p) + 0.1 * p))
    with pytest.raises(DomainError, match="`table` estimates"):
        InverseFrequency(table=near)
    with pytest.raises(DomainError, match="`table` must be a RewardTable, not list"):
        InverseFrequency(table=[0.0, 0.3, 1.0])
    twice = RewardTable(2, [0.0, 0.3, 1.0], "self-inclusive", estimand=as_reward(lambda p: 2 * np.log(p)))
    with pytest.raises(DomainError, match="`table` estimates"):
        InverseFrequency(table=twice)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Target.from_functional(BOUND, ("a", "b")), "Polytope is infinite where.*CoupledGame.*SafetyReward"),
        (lambda: Target.from_functional(Point(0), ("a", "b")), r"Point is infinite where.*LogScore.*GroundTruth"),
        (lambda: Target.from_functional(Point(0)), "Point is infinite where an answer that it forbids has mass"),
        (lambda: Target.from_functional(2.0 * Point(0), ("a", "b")), "Point is infinite where"),
        (lambda: Target.from_functional(Point(0) + Gini(1.0), ("a", "b")), r"Point \+ Gini is infinite where"),
        (lambda: Target.from_functional(BOUND), "Polytope is infinite where a bound is broken"),
        (lambda: Target.from_functional(Gini() + BOUND, ("a", "b")), "SafetyReward"),
        (lambda: Target.from_functional(Quadratic(np.eye(3))), "Quadratic is for a fixed number of.*Pass `answers`"),
        (lambda: Target.from_functional(Gini([1.0, 2.0])), "Gini has one `weight` per prompt"),
        (lambda: Target.from_functional(Gini([1.0, 2.0]), ("a", "b")), "Gini has one `weight` per prompt"),
        (lambda: Target.from_functional(NegativeEntropy() + 2.0 * Gini([1.0, 2.0])), "one `weight` per prompt"),
        (lambda: Target.from_functional(WithoutSlope()), "gradient of WithoutSlope at .* which has a NaN"),
        (lambda: Target.from_functional(WithoutSlope(), ("a", "b")), "gradient of WithoutSlope at .*broken_laws"),
    ],
)
def test_functionals_without_rewards(make, message):
    with pytest.raises(DomainError, match=message):
        make()


def test_numbers_of_answers():
    with pytest.raises(ShapeError, match=r"Linear does not fit the 3 answers.*`rewards` has shape \(2,\)") as raised:
        Target.from_functional(Linear([1.0, 2.0]), ("a", "b", "c"))
    assert "n_answers" not in str(raised.value)
    with pytest.raises(ShapeError, match=r"`nu` has shape \(3,\), but `answers` has 2 entries"):
        Target.from_functional(Linear([1.0, 2.0]), ("a", "b")).log_density([0.2, 0.3, 0.5], 1.0)
    with pytest.raises(DomainError, match=r"`recommended_table\(2\)`.*set `num_generations` to 4"):
        InverseFrequency(table=plugin_table(4)).rewards(AnswerGroup(["a", "b"]))
    table = recommended_table(4, reward="sqrt")
    with pytest.raises(DomainError, match="`table` estimates 'sqrt', and the slope of Gini"):
        Target.from_functional(Gini(), table=table)
    square = Target.from_functional(Quadratic(np.eye(3)), n_answers=3).rewards(AnswerGroup([0, 0, 1, 2]))
    np.testing.assert_allclose(square, [-0.5, -0.5, -0.25, -0.25])


@pytest.mark.parametrize(
    ("nu", "beta", "message"),
    [
        ([0.5, 0.5], 0.0, "`beta` must be"),
        ([0.5, 0.5], -1.0, "`beta` must be"),
        ([0.5, 0.6], 1.0, r"`nu` sum to 1\.1"),
        ([1.5, -0.5], 1.0, r"`nu\[1\]` is negative"),
    ],
)
@pytest.mark.parametrize("target", [GiniDiversity(), InverseFrequency()], ids=["gini", "inverse"])
def test_best_responses_to_what_is_no_marginal_or_weight(target, nu, beta, message):
    with pytest.raises(DomainError, match=message):
        target.log_density(nu, beta)
