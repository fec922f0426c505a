"""The tabular simulator against its formula, one step at a time."""

import numpy as np
import pytest

from dagames.grpo import Grpo, ManyToOne, Reinforce, simulate

SMALL = ManyToOne(n_traces=6, n_answers=3)


def by_the_formula(environment: ManyToOne, baseline: str, rate: float, K: int, seed: int, steps: int) -> list[tuple]:
    """Take the steps one trace at a time, with the random numbers that a seed gives."""
    rng = np.random.default_rng(seed)
    logits, average, course = np.zeros(6), np.mean(environment.biases), []
    for _ in range(steps):
        pi = np.exp(logits) / np.exp(logits).sum()
        right = pi[0] + pi[3]
        traces = np.searchsorted(np.cumsum(pi), rng.random(K), side="right")
        bias = rng.choice(environment.biases)
        rewards = np.array([bias + environment.signal * (y % 3 == 0) for y in traces])
        level = rewards.mean() if baseline == "group" else average
        average = 0.9 * average + 0.1 * rewards.mean()
        pulls = [(r - level) * ((y % 3 == 0) - right) for y, r in zip(traces, rewards, strict=True)]
        course.append((right, np.mean(pulls)))
        for y, r in zip(traces, rewards, strict=True):
            for trace in range(6):
                logits[trace] += rate / K * (r - level) * ((trace == y) - pi[trace])
    return course


@pytest.mark.parametrize("baseline", ["group", "moving-average"])
def test_the_steps_follow_the_formula(baseline):
    learner = Grpo(0.7) if baseline == "group" else Reinforce(0.7, level=4.0)
    course = simulate(SMALL, learner, steps=5, group_size=5, n_seeds=4)
    for seed in range(4):
        expected = np.array(by_the_formula(SMALL, baseline, 0.7, 5, seed, steps=5))
        np.testing.assert_allclose(course.accuracy[seed], expected[:, 0], atol=1e-12)
        np.testing.assert_allclose(course.direction[seed], expected[:, 1], atol=1e-12)


def test_the_moving_average_forgets_at_its_rate():
    """With a bias that never changes the average tends to it; a decay of 1 keeps it where it started."""
    fixed = ManyToOne(n_traces=6, n_answers=3, signal=0.0, biases=(4.0,))
    course = simulate(fixed, Reinforce(1.0, level=4.0), steps=5, n_seeds=2)
    np.testing.assert_allclose(course.accuracy, 1 / 3, atol=1e-12)
    slow, quick = (simulate(SMALL, Reinforce(0.5, decay=d, level=4.0), steps=30, n_seeds=2) for d in (1.0, 0.5))
    np.testing.assert_array_equal(slow.accuracy[:, :2], quick.accuracy[:, :2])
    assert not np.allclose(slow.accuracy[:, 3:], quick.accuracy[:, 3:])


def test_the_group_baseline_does_not_see_the_bias():
    courses = [simulate(ManyToOne(60, 3, biases=(b, b)), Grpo(5.0), steps=40, n_seeds=3) for b in (0.0, 8.0)]
    np.testing.assert_allclose(courses[0].accuracy, courses[1].accuracy, atol=1e-9)


def test_a_seed_is_a_run_of_its_own():
    few = simulate(SMALL, Grpo(1.0), steps=20, n_seeds=2)
    more = simulate(SMALL, Grpo(1.0), steps=20, n_seeds=4)
    np.testing.assert_array_equal(few.accuracy, more.accuracy[:2])
    assert not np.array_equal(more.accuracy[2], more.accuracy[3])


def test_any_answer_may_be_the_right_one():
    course = simulate(ManyToOne(30, 3, right=2), Grpo(5.0), steps=80, n_seeds=2)
    assert (course.nu[:, -1, 2] > 0.98).all()
    np.testing.assert_array_equal(course.accuracy, course.nu[..., 2])
    np.testing.assert_array_equal(course.direction, course.update[..., 2])
