"""Laws that every target obeys: the exact and the sampled view are one thing."""

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dagames import AlignmentGame, DomainError
from dagames.estimators import plugin_table
from dagames.functionals import Gini, NegativeEntropy
from dagames.grpo import group_advantages
from dagames.targets import (
    AnswerGroup,
    GiniDiversity,
    InverseFrequency,
    MajorityVote,
    PriorMatching,
    RandomReward,
    Target,
)
from tests.cases import seeds, sizes
from tests.target_cases import NAMED, NAMES, ORDERED, OTHERS, TARGETS, UNEVEN, VIEWED, group_of

family = pytest.mark.parametrize("name", TARGETS)
answers = st.lists(st.sampled_from([*NAMES, None]), min_size=1, max_size=12)
traces = st.lists(st.tuples(st.sampled_from([*NAMES, None]), st.integers(0, 2)), min_size=1, max_size=12)


def target_for(name: str, K: int) -> Target | None:
    """Make a target for groups of K, or None if it needs larger ones."""
    target = TARGETS[name](3)
    return target if target.least_group_size <= K else None


def sampled_by_answer(target: Target, counts: np.ndarray) -> np.ndarray:
    """Average the rewards of the traces of each view with each answer, [M, n], in a group with these counts."""
    drawn = [(z, m) for m, row in enumerate(counts) for z, number in enumerate(row) for _ in range(number)]
    z, m = (np.array(column) for column in zip(*drawn, strict=True))
    if isinstance(target, InverseFrequency | PriorMatching):
        # Only the plug-in takes frequencies at their word; other tables estimate what they are a sample of.
        target = replace(target, table=plugin_table(len(drawn)))
    rewards = target.rewards(group_of(target, z.tolist(), m.tolist()))
    totals = np.zeros(counts.shape)
    np.add.at(totals, (m, z), rewards)
    return totals / counts


def spread(values: np.ndarray) -> float:
    """Return how far values are from one constant per row."""
    return float(np.ptp(values, axis=-1).max())


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "RandomReward"])
@given(seed=seeds, n=st.integers(1, 5))
def test_sampled_rewards_converge_to_beta_log_q(name, seed, n):
    """In a group of frequencies nu the rewards differ from beta log q by a constant per group, and by O(1 / K)."""
    rng = np.random.default_rng(seed)
    target, beta = TARGETS[name](n), 10 ** rng.uniform(-2, 2)
    # Different counts: no ties, in one view or in each of two of the same size.
    row = np.cumsum(rng.integers(1, 4, size=n))
    counts = np.array([row, rng.permutation(row)]) if name in UNEVEN else row[None]
    nu = counts / counts.sum(axis=-1, keepdims=True)
    # At exactly the threshold a vote without the trace itself is below the threshold.
    assume(not np.isclose(nu.mean(axis=0).max(), [1 / 3, 1 / 2]).any())
    per_view = name in VIEWED or name == "Centrality across views"
    exact_target = replace(target, correct={0}) if target.needs == {"gold"} else target
    exact = beta * exact_target.log_density(nu if per_view else nu.mean(axis=0), beta)
    scale = max(1.0, np.abs(exact).max())
    errors = [spread(sampled_by_answer(target, size * counts) - exact) for size in (3, 12)]
    assert errors[1] <= 0.5 * errors[0] + 1e-9 * scale
    assert errors[1] <= scale


def test_random_rewards_converge_to_a_constant():
    counts = np.array([[1000, 3000, 6000]])
    target = RandomReward(0.3, seed=1)
    # Five standard deviations of the mean of 1000 draws.
    np.testing.assert_allclose(sampled_by_answer(target, counts), 0.3, atol=5 * np.sqrt(0.21 / 1000))
    np.testing.assert_array_equal(target.exact_rewards(np.array([0.1, 0.9])), 0.3)
    group = AnswerGroup(["7", "8", None] * 30)
    drawn = [RandomReward(0.3, seed).rewards(group).tolist() for seed in (1, 2)]
    other = RandomReward(0.3, 1).rewards(AnswerGroup(["7", "8", "9"] * 30)).tolist()
    assert drawn[0] != drawn[1]
    assert drawn[0] != other


@family
@given(traces, st.randoms(use_true_random=False))
def test_rewards_follow_the_traces_when_they_are_shuffled(name, drawn, random):
    target = target_for(name, len(drawn))
    if name in ORDERED or target is None:
        return
    order = list(range(len(drawn)))
    random.shuffle(order)
    rewards = target.rewards(group_of(target, *zip(*drawn, strict=True)))
    shuffled = target.rewards(group_of(target, *zip(*(drawn[i] for i in order), strict=True)))
    np.testing.assert_allclose(shuffled, rewards[order], rtol=1e-12, atol=1e-14)


@given(answers, st.randoms(use_true_random=False))
def test_the_first_of_several_modes_is_one_whatever_the_order(drawn, random):
    target = MajorityVote(ties="first")
    drawn = sorted(drawn, key=lambda a: -drawn.count(a) if a else 1)  # this rule looks at the order by design
    shuffled = list(drawn)
    random.shuffle(shuffled)
    assert sorted(target.rewards(AnswerGroup(drawn))) == sorted(target.rewards(AnswerGroup(shuffled)))


@family
@given(traces)
def test_rewards_are_finite_and_least_without_an_answer(name, drawn):
    target = target_for(name, len(drawn))
    if target is None:
        return
    answers, views = zip(*drawn, strict=True)
    rewards = target.rewards(group_of(target, answers, views))
    assert rewards.shape == (len(drawn),)
    assert rewards.dtype == np.float64
    assert np.isfinite(rewards).all()
    unparsed = [answer is None for answer in answers]
    if name not in OTHERS and any(unparsed):
        # A table may be off by its bias for an answer that almost all traces give.
        assert rewards[unparsed].max() <= rewards.min() + 1e-12
        assert np.ptp(rewards[unparsed]) == 0


@family
@pytest.mark.parametrize("K", [1, 2, 3, 8])
def test_extreme_groups_have_finite_rewards(name, K):
    """No answer at all, one answer, a different answer for each trace, one view for each trace."""
    target = target_for(name, K)
    if target is None:
        return
    for drawn in ([None] * K, ["7"] * K, list(range(K)), ["7", *[None] * (K - 1)]):
        for views in (None, range(K), [0] * (K - 1) + [5]):
            rewards = target.rewards(group_of(target, drawn, views))
            assert np.isfinite(rewards).all()
            if len(set(drawn)) == 1 and name not in OTHERS | VIEWED:
                assert np.ptp(rewards) == 0


@family
@given(traces, st.permutations(NAMES))
def test_names_of_answers_do_not_matter(name, drawn, names):
    target = target_for(name, len(drawn))
    if name in NAMED or target is None:
        return
    rename = dict(zip(NAMES, names, strict=True)) | {None: None}
    answers, views = zip(*drawn, strict=True)
    renamed = [rename[a] for a in answers]
    group = group_of(target, renamed, views, like=answers)
    if target.needs == {"gold"}:
        group = AnswerGroup(renamed, views, gold=rename["7"])
    np.testing.assert_array_equal(target.rewards(group_of(target, answers, views)), target.rewards(group))


@family
@given(traces)
def test_one_vote_is_pooled_over_the_views(name, drawn):
    """Only targets that compare views depend on the views of the traces."""
    target = target_for(name, len(drawn))
    if name in UNEVEN | {"RandomReward"} or target is None:
        return
    answers, views = zip(*drawn, strict=True)
    pooled = target.rewards(group_of(target, answers))
    np.testing.assert_allclose(target.rewards(group_of(target, answers, views)), pooled, rtol=1e-14, atol=1e-15)


@family
@given(traces)
def test_only_the_order_of_views_has_a_meaning(name, drawn):
    target = target_for(name, len(drawn))
    if name == "RandomReward" or target is None:
        return
    answers, views = zip(*drawn, strict=True)
    renumbered = [10 * view - 7 for view in views]
    np.testing.assert_array_equal(
        target.rewards(group_of(target, answers, views)), target.rewards(group_of(target, answers, renumbered))
    )


@family
def test_a_target_names_what_it_needs(name):
    target = TARGETS[name](3)
    assert target.needs <= {"distances", "costs", "texts", "gold"}
    drawn = ["7", "8", "8", None]
    assert np.isfinite(target.rewards(group_of(target, drawn))).all()
    if target.needs:
        (field,) = target.needs
        with pytest.raises(DomainError, match=f"`{field}`"):
            target.rewards(AnswerGroup(drawn))


@family
def test_rewards_belong_to_the_caller(name):
    """What is returned may be changed, and changes neither the group nor the next result."""
    target = TARGETS[name](3)
    group = group_of(target, ["7", "8", "8", None])
    first = target.rewards(group)
    kept = first.copy()
    first[:] = 99.0
    np.testing.assert_array_equal(target.rewards(group), kept)
    exact = TARGETS[name](3)
    if target.needs != {"gold"}:
        nu = np.full((2, 3), 1 / 3)
        rewards = exact.exact_rewards(nu)
        assert rewards.shape == nu.shape
        rewards[:] = 99.0
        assert (exact.exact_rewards(nu) != 99.0).all()


@family
def test_targets_are_immutable(name):
    target = TARGETS[name](3)
    for field in fields(target):
        with pytest.raises(FrozenInstanceError):
            setattr(target, field.name, None)
    if name != "Schedule":
        group = group_of(target, ["7", "8", "8", None])
        np.testing.assert_array_equal(target.at(1000).rewards(group), target.rewards(group))


@given(answers)
def test_the_vote_is_decided_by_counting(drawn):
    """Against an independent count: the winners are the answers of largest count."""
    rewards = MajorityVote().rewards(AnswerGroup(drawn))
    votes = [a for a in drawn if a is not None]
    best = max((votes.count(a) for a in votes), default=0)
    winners = {a for a in votes if votes.count(a) == best}
    expected = [1 / len(winners) if a in winners else 0.0 for a in drawn]
    np.testing.assert_array_equal(rewards, expected)


@pytest.mark.parametrize(("ties", "expected"), [("split", [0.5, 0.5]), ("first", [1.0, 0.0]), ("none", [0.0, 0.0])])
def test_ties_follow_the_rule(ties, expected):
    np.testing.assert_array_equal(MajorityVote(ties=ties).rewards(AnswerGroup(("b", "a"))), expected)
    log_q = MajorityVote(ties=ties).log_density([0.5, 0.5], beta=1.0)
    np.testing.assert_allclose(log_q[0] - log_q[1], expected[0] - expected[1], atol=1e-15)


@given(seeds, sizes)
def test_exact_targets_are_best_responses_of_their_games(seed, n):
    rng = np.random.default_rng(seed)
    nu, weight, beta = rng.dirichlet(np.ones(n)), rng.uniform(0.1, 3), rng.uniform(0.1, 3)
    for target, R in (
        (InverseFrequency(weight), NegativeEntropy(weight)),
        (GiniDiversity(weight), Gini(weight)),
    ):
        game = AlignmentGame(np.full(n, 1 / n), np.arange(n), R, beta)
        np.testing.assert_allclose(target.log_density(nu, beta), game.log_best_target(np.log(nu)), atol=1e-10)


def test_a_vote_at_a_small_beta_is_a_point_mass():
    q = np.exp(MajorityVote().log_density([0.3, 0.4, 0.3], beta=1e-3))
    np.testing.assert_allclose(q, [0, 1, 0], atol=1e-300)
    q = np.exp(MajorityVote().log_density([0.3, 0.4, 0.3], beta=1.0))
    np.testing.assert_allclose(q, np.array([1, np.e, 1]) / (2 + np.e))


@given(seeds, st.integers(1, 8))
def test_advantages(seed, K):
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(3, K)) * 10 + 5
    centred, standard = group_advantages(rewards), group_advantages(rewards, "standardise")
    np.testing.assert_allclose(centred.sum(axis=-1), 0, atol=1e-12)
    np.testing.assert_array_equal(group_advantages(rewards, "none"), rewards)
    for row, a, s in zip(rewards, centred, standard, strict=True):
        np.testing.assert_allclose(a, row - np.mean(row), atol=1e-12)
        deviation = np.std(row, ddof=1) if K > 1 else 0.0
        np.testing.assert_allclose(s, a / (deviation + 1e-4), rtol=1e-9, atol=1e-9)
    # Adding a constant to a group's rewards changes nothing once they are centred.
    np.testing.assert_allclose(group_advantages(rewards + 8.0), centred, atol=1e-11)


@family
@given(answers)
def test_rewards_by_count_are_those_of_the_traces(name, drawn):
    target = target_for(name, len(drawn))
    by_count = None if target is None else target.rewards_by_count(len(drawn))
    assert (by_count is not None) == (name.split()[0] in {"GiniDiversity", "InverseFrequency", "FunctionalTarget"})
    if by_count is not None:
        group = AnswerGroup(drawn)
        assert np.isfinite(by_count).all()
        np.testing.assert_allclose(target.rewards(group)[group.parsed], by_count[group.counts[group.parsed]])
        table = plugin_table(len(drawn))
        tabled = Target.from_functional(NegativeEntropy(0.7), table=table)
        assert tabled.rewards_by_count(len(drawn)) is None
