"""The tabular simulator against its own formula, one step at a time."""

import numpy as np
import pytest

from dagames.grpo import ManyToOne, simulate

SMALL = ManyToOne(n_traces=6, n_answers=3)


def one_step(environment: ManyToOne, baseline: str, rate: float, K: int, seed: int) -> tuple[np.ndarray, float]:
    """Take the first step by the formula, in a loop, with the random numbers that a seed gives."""
    rng = np.random.default_rng(seed)
    traces = np.searchsorted(np.cumsum(np.full(6, 1 / 6)), rng.random(K), side="right")
    bias = rng.choice(environment.biases)
    rewards = np.array([bias + environment.signal * (y % 3 == 0) for y in traces])
    level = rewards.mean() if baseline == "group" else np.mean(environment.biases)
    logits = np.zeros(6)
    for y, r in zip(traces, rewards, strict=True):
        for trace in range(6):
            logits[trace] += rate / K * (r - level) * ((trace == y) - 1 / 6)
    direction = np.mean([(r - level) * ((y % 3 == 0) - 1 / 3) for y, r in zip(traces, rewards, strict=True)])
    return np.exp(logits) / np.exp(logits).sum(), float(direction)


@pytest.mark.parametrize("baseline", ["group", "moving-average"])
def test_the_first_step_follows_the_formula(baseline):
    course = simulate(SMALL, baseline, learning_rate=0.7, steps=2, group_size=5, n_seeds=4)
    np.testing.assert_allclose(course.accuracy[:, 0], 1 / 3)
    for seed in range(4):
        pi, direction = one_step(SMALL, baseline, 0.7, 5, seed)
        assert course.accuracy[seed, 1] == pytest.approx(pi[[0, 3]].sum(), abs=1e-12)
        assert course.direction[seed, 0] == pytest.approx(direction, abs=1e-12)


def test_the_moving_average_forgets_at_its_rate():
    """With a bias that never changes the average tends to it; a decay of 1 keeps it where it started."""
    fixed = ManyToOne(n_traces=6, n_answers=3, signal=0.0, biases=(4.0,))
    course = simulate(fixed, "moving-average", learning_rate=1.0, steps=5, n_seeds=2)
    np.testing.assert_allclose(course.accuracy, 1 / 3, atol=1e-12)
    slow, quick = (
        simulate(SMALL, "moving-average", learning_rate=0.5, steps=30, n_seeds=2, decay=d) for d in (1.0, 0.5)
    )
    np.testing.assert_array_equal(slow.accuracy[:, :2], quick.accuracy[:, :2])
    assert not np.allclose(slow.accuracy[:, 3:], quick.accuracy[:, 3:])


def test_the_group_baseline_does_not_see_the_bias():
    courses = [
        simulate(ManyToOne(60, 3, biases=(b, b)), "group", learning_rate=5.0, steps=40, n_seeds=3) for b in (0.0, 8.0)
    ]
    np.testing.assert_allclose(courses[0].accuracy, courses[1].accuracy, atol=1e-9)


def test_a_seed_is_a_run_of_its_own():
    few = simulate(SMALL, "group", learning_rate=1.0, steps=20, n_seeds=2)
    more = simulate(SMALL, "group", learning_rate=1.0, steps=20, n_seeds=4)
    np.testing.assert_array_equal(few.accuracy, more.accuracy[:2])
    assert not np.array_equal(more.accuracy[2], more.accuracy[3])
