"""Each target against an independent computation."""

from collections import Counter
from collections.abc import Iterator
from math import comb

import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import DomainError
from dagames.estimators import minimax_table, plugin_table, polynomial_table, recommended_table
from dagames.functionals import Gini, KLToPrior, LogScore, NegativeEntropy, PairwiseIncoherence, Quadratic
from dagames.games.couplings import SoftCoherence
from dagames.orbits import arithmetic_mean, geometric_mean
from dagames.targets import (
    AnswerGroup,
    Centrality,
    Clustered,
    ConsensusVote,
    CrossedVote,
    FormatReward,
    GiniDiversity,
    GroundTruth,
    InverseFrequency,
    MajorityVote,
    MaxRL,
    PassAtK,
    PriorMatching,
    Schedule,
    Score,
    SoftConsensus,
    Target,
)
from dagames.targets.view_means import log_power_mean

answers = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=9)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@given(answers, st.sampled_from(["split", "none"]), st.sampled_from([0.0, 0.4, 0.5]), st.sampled_from([0.0, -1.0]))
def test_leave_one_out_compares_with_the_vote_of_the_others(drawn, ties, threshold, against):
    rewards = MajorityVote(ties, leave_one_out=True, threshold=threshold, against=against).rewards(AnswerGroup(drawn))
    for i, answer in enumerate(drawn):
        votes = Counter(a for j, a in enumerate(drawn) if j != i and a is not None)
        most = max(votes.values(), default=0)
        modes = [a for a in votes if votes[a] == most]
        undecided = not modes or most < threshold * (len(drawn) - 1) or (ties == "none" and len(modes) > 1)
        expected = 0.0 if undecided else 1 / len(modes) if answer in modes else against
        assert rewards[i] == expected


def test_a_vote_abstains_below_its_threshold():
    group = AnswerGroup(["a", "a", "b", "c", None])
    assert MajorityVote(threshold=0.4).rewards(group).tolist() == [1, 1, 0, 0, 0]
    assert MajorityVote(threshold=0.41, against=-1.0).rewards(group).tolist() == [0] * 5
    assert MajorityVote(against=-0.5).rewards(group).tolist() == [1, 1, -0.5, -0.5, -0.5]
    assert MajorityVote(threshold=0.6).exact_rewards(np.array([[0.6, 0.4], [0.5, 0.5]])).tolist() == [[1, 0], [0, 0]]


@given(seeds, st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]))
def test_power_means_are_their_definition(seed, p):
    rng = np.random.default_rng(seed)
    nu, w = rng.dirichlet(np.ones(4), size=3), rng.dirichlet(np.ones(3))
    by_hand = np.exp(w @ np.log(nu)) if p == 0 else (w @ nu**p) ** (1 / p)
    np.testing.assert_allclose(np.exp(log_power_mean(nu, p, w)), by_hand, rtol=1e-10)


@given(seeds)
def test_a_consensus_is_the_mode_of_the_mean_of_the_views(seed):
    nu = np.random.default_rng(seed).dirichlet(np.ones(4), size=3)
    for mean, of in (("arithmetic", arithmetic_mean), ("geometric", geometric_mean)):
        rewards = ConsensusVote(mean=mean).exact_rewards(nu)
        np.testing.assert_array_equal(rewards.argmax(axis=-1), of(nu).argmax())
        np.testing.assert_array_equal(rewards.sum(axis=-1), 1.0)


def test_a_consensus_weighs_views_and_not_traces():
    group = AnswerGroup(["a"] * 6 + ["b"] * 2 + ["b"] * 2, [0] * 8 + [1] * 2)
    assert ConsensusVote().rewards(group).tolist() == [0] * 6 + [1] * 4  # 3/8 against 5/8
    assert ConsensusVote(by="trace").rewards(group).tolist() == [1] * 6 + [0] * 4  # 6 of 10


@given(seeds, st.integers(1, 3), st.integers(1, 4))
def test_soft_consensus_is_the_best_response_of_the_coupled_game(seed, M, Z):
    """Minus the slope of the coupling at a view's marginal, per share, by differences along each answer's direction."""
    rng = np.random.default_rng(seed)
    nu, shares, h = 0.9 * rng.dirichlet(np.ones(Z), size=M) + 0.1 / Z, np.full(M, 1 / M), 1e-5
    coupling = SoftCoherence(0.7)
    exact = SoftConsensus(weight=0.7).exact_rewards(nu)
    for x in range(M):
        slope = np.empty(Z)
        for z in range(Z):
            direction = np.zeros((M, Z))
            direction[x] = np.eye(Z)[z] - nu[x]
            ends = [coupling.value(nu + step * direction, shares) for step in (h, -h)]
            slope[z] = (ends[0] - ends[1]) / (2 * h) / shares[x]
        difference = exact[x] + slope
        np.testing.assert_allclose(difference, difference.mean(), atol=1e-6)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 2)), min_size=1, max_size=9))
def test_a_pseudo_count_is_a_trace_of_each_answer_in_each_view(drawn):
    """So that the smoothed shares of a view remain a distribution, whatever the sizes of the views."""
    answers, views = zip(*drawn, strict=True)
    more = [(answer, view) for answer in set(answers) - {None} for view in set(views)]
    more_answers, more_views = zip(*drawn, *more, strict=True)
    smoothed = SoftConsensus(smoothing=1.0).rewards(AnswerGroup(answers, views))
    counted = SoftConsensus(smoothing=0.0).rewards(AnswerGroup(more_answers, more_views))
    read = [i for i, answer in enumerate(answers) if answer is not None]
    np.testing.assert_allclose(smoothed[read], counted[read], rtol=1e-12, atol=1e-14)


@given(answers, seeds)
def test_the_plug_in_table_is_the_log_of_the_share(drawn, seed):
    group = AnswerGroup(drawn, np.random.default_rng(seed).integers(0, 3, size=len(drawn)).tolist())
    plain = SoftConsensus(0.7, relative=False, by="trace")
    tabled = SoftConsensus(0.7, relative=False, by="trace", table=plugin_table(len(drawn)))
    np.testing.assert_allclose(tabled.rewards(group), plain.rewards(group), atol=1e-12)


def test_a_table_replaces_the_log_of_the_share():
    table = minimax_table(4)
    rewards = SoftConsensus(0.5, relative=False, by="trace", table=table).rewards(AnswerGroup(["a", "b", "a", None]))
    assert rewards.tolist() == [0.5 * table.coefficients[k] for k in (2, 1, 2, 1)]


def test_views_label_each_other():
    group = AnswerGroup(["a", "a", "b", "b", "c", None], [3, 3, 5, 5, 9, 9])
    # View 3 is labelled by view 5 (b), 5 by 9 (c), and 9 by 3 (a).
    assert CrossedVote().rewards(group).tolist() == [0, 0, 0, 0, 0, 0]
    assert CrossedVote().rewards(AnswerGroup(["b", "a", "c", "b", "a", "c"], [0, 0, 1, 1, 2, 2])).tolist() == [
        0.5, 0, 0.5, 0, 0.5, 0,
    ]  # fmt: skip
    assert CrossedVote().rewards(AnswerGroup(["a", "b", "a"])).tolist() == [0, 0, 0]


@given(seeds, st.integers(1, 8), st.booleans(), st.sampled_from(["all", "other_views"]))
def test_centrality_is_a_mean_over_pairs(seed, K, leave_one_out, across):
    rng = np.random.default_rng(seed)
    d = rng.random((K, K))
    d, views = np.triu(d, 1) + np.triu(d, 1).T, rng.integers(0, 3, size=K)
    group = AnswerGroup(range(K), views.tolist(), distances=d)
    for by in ("trace", "view"):
        rewards = Centrality(leave_one_out, by, across).rewards(group)
        for i in range(K):
            others = [
                j for j in range(K) if (not leave_one_out or j != i) and (across == "all" or views[j] != views[i])
            ]
            blocks = [others] if by == "trace" else [[j for j in others if views[j] == v] for v in set(views)]
            means = [np.mean([d[i, j] for j in block]) for block in blocks if block]
            assert rewards[i] == pytest.approx(-np.mean(means) if means else 0.0, abs=1e-12)


@given(seeds)
def test_centrality_is_half_the_slope_of_the_incoherence(seed):
    rng = np.random.default_rng(seed)
    d, nu = np.triu(rng.random((4, 4)), 1), rng.dirichlet(np.ones(4))
    d = d + d.T
    slope = PairwiseIncoherence(d).gradient(nu)
    np.testing.assert_allclose(2 * Centrality(distances=d).exact_rewards(nu), -slope, atol=1e-12)


def test_chains_are_joined_or_not():
    at = np.array([0.0, 0.2, 0.4, 0.9])
    d = np.abs(at[:, None] - at)
    group = AnswerGroup(["a", "b", "c", "d"], distances=d, gold="c")
    chain, first = Clustered(GiniDiversity(), 0.25), Clustered(GiniDiversity(), 0.25, "first")
    assert chain.merged(group).answers == ("c", "c", "c", "d")
    assert first.merged(group).answers == ("a", "a", "c", "d")
    assert Clustered(GroundTruth(), 0.25).rewards(group).tolist() == [1, 1, 1, 0]
    assert chain.rewards(group).tolist() == [0.25, 0.25, 0.25, 0.75]
    np.testing.assert_allclose(
        Clustered(GiniDiversity(), 0.25, distances=d).exact_rewards(np.full(4, 0.25)), chain.rewards(group)
    )
    assert Clustered(MajorityVote(), 0.25).needs == {"distances"}
    assert Clustered(GroundTruth(), 0.25).needs == {"distances", "gold"}
    # Equal answers are one, whatever a distance says; traces without one stay apart.
    far = 1.0 - np.eye(4)
    far[2:, 2:] = 0.0
    merged = Clustered(MajorityVote(), 0.0).merged(AnswerGroup(["a", "a", None, None], distances=far))
    assert merged.answers == ("a", "a", None, None)


@given(seeds, st.integers(3, 9))
def test_long_chains_are_one_cluster_in_any_order(seed, K):
    at = np.random.default_rng(seed).permutation(K) / K
    d = np.abs(at[:, None] - at)
    assert set(Clustered(MajorityVote(), 1.01 / K).merged(AnswerGroup(range(K), distances=d)).answers) == {0}


@pytest.mark.parametrize(
    "target", [*(MaxRL({1}, order=T) for T in (1, 2, 5)), MaxRL({1}), *(PassAtK({1}, k=k) for k in (1, 2, 5))]
)
def test_series_and_pass_at_k_are_unbiased(target):
    """Over all groups of 5: the mean of what right traces get is p times the slope of the series, for every p."""
    K = 5
    for p in (0.05, 0.3, 0.9):
        mean = sum(
            comb(K, s) * p**s * (1 - p) ** (K - s) * target.rewards(AnswerGroup([1] * s + [0] * (K - s))).mean()
            for s in range(K + 1)
        )
        # Without an order it is that of the group.
        series = MaxRL({1}, order=K) if isinstance(target, MaxRL) and target.order is None else target
        slope = float(series.exact_rewards(np.array([1 - p, p]))[1])
        assert mean == pytest.approx(p * slope, rel=1e-12)


def test_slopes_of_series_and_of_pass_at_k():
    p = 0.3
    nu = np.array([0.7, p])
    assert MaxRL({1}).exact_rewards(nu)[1] == pytest.approx(1 / p)
    assert MaxRL({1}, order=3).exact_rewards(nu)[1] == pytest.approx(1 + 0.7 + 0.49)
    assert PassAtK({1}, k=3).exact_rewards(nu)[1] == pytest.approx(3 * 0.49)
    assert MaxRL({1}, order=3).exact_rewards(np.array([1.0, 0.0]))[1] == 3.0
    np.testing.assert_allclose(
        MaxRL({1}, order=10).rewards(AnswerGroup([1] * 2 + [0] * 8)), MaxRL({1}).rewards(AnswerGroup([1] * 2 + [0] * 8))
    )
    # The gradient of the log-score's functional.
    by_slope = Target.from_functional(LogScore(1), n_answers=2)
    np.testing.assert_allclose(by_slope.exact_rewards(nu), MaxRL({1}).exact_rewards(nu))
    np.testing.assert_allclose(
        by_slope.rewards(AnswerGroup([1, 0, 0, 1, 1])), MaxRL({1}).rewards(AnswerGroup([1, 0, 0, 1, 1]))
    )


def test_pass_at_k_differs_from_pkpo_by_a_baseline():
    """PKPO gives right traces k/n, and wrong ones k/n pass@(k-1) of the others; less that of the others for each."""
    n, k = 7, 3
    for right in range(1, n):
        target = PassAtK({1}, k=k).rewards(AnswerGroup([1] * right + [0] * (n - right)))
        share = 1 - comb(n - right, k - 1) / comb(n - 1, k - 1)  # pass@(k-1) of the others of a right trace
        assert target[0] / n == pytest.approx(k / n * (1 - share))
        assert target[-1] == 0


def test_tables_replace_the_plugin_of_any_functional():
    group = AnswerGroup(["a", "a", "b", None])
    table = recommended_table(4)
    np.testing.assert_allclose(
        Target.from_functional(NegativeEntropy(0.7), table=table).rewards(group)[:3],
        InverseFrequency(0.7, table).rewards(group)[:3],
        atol=1e-12,
    )
    prior = {"a": 0.75, "b": 0.25}
    by_slope = Target.from_functional(KLToPrior([0.75, 0.25], 0.7), ("a", "b"), table=table).rewards(group)
    by_prior = PriorMatching(prior, 0.7, table=table).rewards(group)
    np.testing.assert_allclose(by_slope[:2] - by_slope[2], by_prior[:2] - by_prior[2], atol=1e-12)
    with pytest.raises(DomainError, match="`table` estimates 'log', and the slope of Gini is not a multiple"):
        Target.from_functional(Gini(), table=table)
    linear = polynomial_table(4, [0.0, 1.0], counts="centred")
    assert np.ptp(Target.from_functional(Gini(), table=linear).rewards(group)[:2]) == 0


def test_functionals_give_minus_their_slope():
    nu = np.array([0.5, 0.3, 0.2])
    for R in (Gini(0.4), NegativeEntropy(2.0), Gini(0.4) + NegativeEntropy(2.0)):
        rewards = Target.from_functional(R).exact_rewards(nu)
        np.testing.assert_allclose(rewards + R.gradient(nu), (rewards + R.gradient(nu))[0])
        assert Target.from_functional(R).exact_rewards(np.array([1.0, 1e-3]))[0] == pytest.approx(0.0, abs=1e-15)
    prior = PriorMatching({0: 0.7, 1: 0.2}, 1.5, floor=0.1)
    slope = KLToPrior([0.7, 0.2, 0.1], 1.5).gradient(nu)
    np.testing.assert_allclose(prior.exact_rewards(nu), -slope, atol=1e-12)


def test_targets_combine():
    group = AnswerGroup(["a", "a", "b", None], costs={"q": [1.0, 2.0, 3.0, 4.0]}, gold="a")
    total = MajorityVote() + 0.5 * Score("q") + GroundTruth()
    assert total.rewards(group).tolist() == [2.5, 3.0, 1.5, 2.0]
    assert total.needs == {"costs", "gold"}
    assert len((total + total).parts) == 6
    assert (MajorityVote() * Score("q") * 2.0).rewards(group).tolist() == [2.0, 4.0, 0.0, 0.0]
    assert (np.float64(2.0) * MajorityVote()).rewards(group).tolist() == [2.0, 2.0, 0.0, 0.0]
    assert PassAtK({1}, k=4).least_group_size == (MajorityVote() + PassAtK({1}, k=4)).least_group_size == 4
    schedule = Schedule({0: GiniDiversity(), 5: Score("q")})
    assert schedule.needs == {"costs"}
    assert (2.0 * schedule).at(4).rewards(group).tolist() == [1.0, 1.0, 1.5, 0.0]
    assert (schedule + FormatReward()).at(5).rewards(group).tolist() == [2.0, 3.0, 4.0, 4.0]
    assert (schedule * schedule).at(7).rewards(group).tolist() == [1.0, 4.0, 9.0, 16.0]
    assert schedule.rewards(group).tolist() == schedule.at(0).rewards(group).tolist() == [0.5, 0.5, 0.75, 0.0]


def test_what_a_functional_forbids_gets_the_least_reward():
    """The slope of KL to a prior is finite at an answer of prior 0, which R itself forbids."""
    R = KLToPrior([0.75, 0.25, 0.0])
    target = Target.from_functional(R, ("a", "b", "c"))
    rewards = target.rewards(AnswerGroup(["a", "b", "c", "d", None]))
    assert rewards.argmax() == 0
    assert rewards[2] == rewards[3] == rewards[4] == pytest.approx(np.log(0.25))
    assert target.exact_rewards(np.array([0.5, 0.25, 0.25]))[2] == -np.inf


def test_a_trace_without_an_answer_gets_at_most_the_least_reward_of_its_group():
    """Beside answer b, the slope at answer a is larger than that of a alone."""
    target = Target.from_functional(Quadratic([[1.0, 2.0], [2.0, 10.0]], [5.0, -100.0]), ("a", "b"))
    rewards = target.rewards(AnswerGroup([*"abbbbbb", None]))
    assert rewards[0] == pytest.approx(-(0.125 + 2 * 0.75 + 5.0))
    assert rewards[-1] == rewards.min() == rewards[0]
