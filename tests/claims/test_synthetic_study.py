"""The simulator of claim I.29 against its definition, and extreme cases that check by hand."""

import numpy as np

from proofs_check import synthetic_runs
from proofs_check.claims.i29a_runs_that_part import spread

K = 16


def dense(policy: synthetic_runs.Traces) -> np.ndarray:
    """Write the probabilities of all traces down, [runs, Y]."""
    inside, outside = policy.masses()
    pi = np.repeat(outside[:, None], policy.n_traces, axis=1)
    for run in range(policy.runs):
        n_used = policy.n_used[run]
        pi[run, policy.trace[run, :n_used]] = inside[run, :n_used]
    return pi


def test_policies_are_those_of_all_logits():
    rng = np.random.default_rng(0)
    policy, logits = synthetic_runs.Traces(3, 200), np.zeros((3, 200))
    for _ in range(12):
        slots, traces = policy.draw(K, rng)
        advantages = rng.normal(size=slots.shape)
        pi = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(dense(policy), pi, atol=1e-12)
        np.testing.assert_allclose(policy.right(10), pi[:, ::10].sum(axis=1), atol=1e-12)
        policy.learn(slots, advantages, 3.0)
        logits -= 3.0 * advantages.mean(axis=1, keepdims=True) * pi
        for row, drawn, weights in zip(logits, traces, advantages, strict=True):
            np.add.at(row, drawn, 3.0 / K * weights)
    assert policy.n_used.max() > 64  # slots were added


def test_traces_are_drawn_as_often_as_they_are_likely():
    rng = np.random.default_rng(1)
    policy = synthetic_runs.Traces(2000, 4)
    slots, _ = policy.draw(K, rng)
    policy.learn(slots, np.ones(slots.shape), 2.0)
    pi = dense(policy)
    _, traces = policy.draw(K, rng)
    drawn = (traces[..., None] == np.arange(4)).mean(axis=1)
    assert np.abs((drawn - pi).mean(axis=0)).max() < 4 * 0.5 / np.sqrt(2000 * K)
    # Each policy has its own favourites, and its own draws follow them.
    assert ((drawn - 0.25) * (pi - 0.25)).mean() > 0.9 * ((pi - 0.25) ** 2).mean()


def test_a_policy_that_agrees_with_itself_no_longer_moves():
    policy = synthetic_runs.Traces(1, 30)
    slots, _ = policy.draw(K, np.random.default_rng(2))
    policy.learn(slots[:, :1].repeat(K, axis=1), np.full((1, K), 900.0), 1.0)
    before = dense(policy)
    slots, _ = policy.draw(K, np.random.default_rng(3))
    policy.learn(slots, np.full((1, K), 4.0), 1.0)
    np.testing.assert_array_equal(dense(policy), before)
    assert before.max() == 1.0


def test_the_bias_spreads_the_first_step():
    """Sixteen draws at 1/10: 4 sqrt(.09 / 16) = .3 comes from the bias alone."""
    assert 0.3 < spread("moving-average") < 0.31
    assert 0.05 < spread("group") < 0.06


def test_standardised_advantages_have_deviation_one():
    right = np.array([[1.0, 0, 0, 0], [0, 0, 0, 0]])
    advantages, average = synthetic_runs.advantages_of(right, np.full(2, 4.0), "standardised", np.random.default_rng(0))
    np.testing.assert_allclose(advantages[0], np.array([3, -1, -1, -1]) / 3**0.5, rtol=1e-5)
    np.testing.assert_array_equal(advantages[1], 0)
    assert average.shape == (2,)


def test_the_moving_average_keeps_the_bias():
    """A reward of 0 or 8 against 4: every advantage of a wrong group is 4 or -4."""
    advantages, _ = synthetic_runs.advantages_of(
        np.zeros((50, 3)), np.full(50, 4.0), "moving-average", np.random.default_rng(0)
    )
    assert set(np.unique(advantages)) == {-4.0, 4.0}


def test_the_first_step_with_a_mean_of_99_percent():
    assert synthetic_runs.reached(np.array([0.1, 0.98, 0.99, 0.5])) == 2
    assert synthetic_runs.reached(np.array([0.1, 0.98])) is None
