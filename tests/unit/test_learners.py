"""Each learner's step, written out trace by trace, and where the steps lead."""

import numpy as np
import pytest
from scipy.special import expit, log_expit

from dagames import AlignmentGame, solve
from dagames.functionals import Gini, Linear
from dagames.grpo import (
    Dpo,
    Groups,
    GroupTask,
    Grpo,
    MirrorDescent,
    Reinforce,
    Rloo,
    expected_update,
    simulate,
)
from dagames.targets import GiniDiversity, InverseFrequency, MajorityVote

E = np.array([0, 1, 1, 2, 2])
PI_0 = np.array([0.3, 0.2, 0.1, 0.4, 0.0])
BETA = 0.3


def groups() -> Groups:
    """Two seeds, four traces each, a policy that has left its reference; trace 4 is excluded by the reference."""
    rng = np.random.default_rng(3)
    traces = np.array([[0, 1, 3, 3], [2, 2, 2, 0]])
    with np.errstate(divide="ignore"):
        logits_0 = np.log(PI_0)
    logits = logits_0 + rng.normal(size=(2, 5))
    pi = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Groups(traces, E[traces], rng.normal(size=(2, 4)), pi, logits, logits_0, E, BETA)


def log_ratio(pi: np.ndarray, y: int) -> float:
    return np.log(pi[y]) - np.log(PI_0[y])


@pytest.mark.parametrize(
    ("learner", "baseline", "scale"),
    [
        (Reinforce(0.7, level=2.0), lambda _r, _i: 2.0, lambda _r: 1.0),
        (Rloo(0.7), lambda r, i: np.delete(r, i).mean(), lambda _r: 1.0),
        (Grpo(0.7), lambda r, _i: r.mean(), lambda _r: 1.0),
        (Grpo(0.7, "standardise"), lambda r, _i: r.mean(), lambda r: r.std(ddof=1) + 1e-4),
    ],
)
def test_policy_gradients_carry_the_divergence_in_the_reward(learner, baseline, scale):
    given = groups()
    advantages, _ = learner.advantages(given, learner.start(2))
    moved = learner.learn(given, advantages)
    for s in range(2):
        r = np.array([given.rewards[s, i] - BETA * log_ratio(given.pi[s], given.traces[s, i]) for i in range(4)])
        expected = given.logits[s].copy()
        for i in range(4):
            a = (r[i] - baseline(r, i)) / scale(r)
            assert advantages[s, i] == pytest.approx(a, abs=1e-12)
            expected += 0.7 / 4 * a * ((np.arange(5) == given.traces[s, i]) - given.pi[s])
        np.testing.assert_allclose(moved[s], expected, atol=1e-12)


def test_the_moving_average_moves_by_the_penalised_mean():
    given = groups()
    _, after = Reinforce(1.0, decay=0.8, level=2.0).advantages(given, np.full((2, 1), 2.0))
    means = [
        np.mean([given.rewards[s, i] - BETA * log_ratio(given.pi[s], given.traces[s, i]) for i in range(4)])
        for s in range(2)
    ]
    np.testing.assert_allclose(after[:, 0], 0.8 * 2.0 + 0.2 * np.array(means), atol=1e-12)


def test_mirror_descent_multiplies_by_what_it_saw():
    given = groups()
    learner = MirrorDescent(0.7)
    moved = learner.learn(given, learner.advantages(given, learner.start(2))[0])
    for s in range(2):
        for y in range(4):
            seen = [r for r, z in zip(given.rewards[s], given.answers[s], strict=True) if z == E[y]]
            reward = np.mean(seen) if seen else given.rewards[s].mean()
            expected = given.logits[s, y] + 0.7 * (reward - BETA * log_ratio(given.pi[s], y))
            assert moved[s, y] == pytest.approx(expected, abs=1e-12)
    assert (moved[:, 4] == -np.inf).all()


@pytest.mark.parametrize("labels", ["bradley-terry", "ordered"])
def test_a_dpo_step_descends_its_loss(labels):
    """Against a numerical derivative of the loss in the logits, ties included."""
    given = groups()
    given.rewards[0, 1] = given.rewards[0, 0]  # a tie of two different traces
    learner = Dpo(0.7, labels)
    advantages, _ = learner.advantages(given, learner.start(2))
    np.testing.assert_allclose(advantages.sum(axis=1), 0.0, atol=1e-12)
    moved = learner.learn(given, advantages)

    def loss(s: int, logits: np.ndarray) -> float:
        log_pi = logits - np.log(np.exp(logits).sum())
        total = 0.0
        for i in range(4):
            for j in range(i):
                r = given.rewards[s, i] - given.rewards[s, j]
                y, w = given.traces[s, i], given.traces[s, j]
                h = BETA * (log_pi[y] - log_pi[w] - np.log(PI_0[y]) + np.log(PI_0[w]))
                if labels == "bradley-terry":
                    total -= expit(r) * log_expit(h) + expit(-r) * log_expit(-h)
                elif r != 0:
                    total -= log_expit(np.sign(r) * h)
        return total / 6

    for s in range(2):
        for y in range(4):
            bump = 1e-5 * (np.arange(5) == y)
            slope = (loss(s, given.logits[s] + bump) - loss(s, given.logits[s] - bump)) / 2e-5
            assert moved[s, y] - given.logits[s, y] == pytest.approx(-0.7 * slope, abs=1e-8)


def test_dpo_ends_at_the_game_s_solution_exactly():
    """Prop 3.1 by sampling: at pi_0 exp(r / beta) every pair agrees with its label, so the noise dies out too."""
    rewards = [1.0, 0.0, -0.5]
    game = AlignmentGame(PI_0[:4], E[:4], Linear(rewards), BETA)
    course = simulate(GroupTask(game, rewards), Dpo(60.0), steps=1300, group_size=6, n_seeds=3)
    np.testing.assert_allclose(course.nu[:, -1], np.tile(solve(game).nu, (3, 1)), atol=1e-8)


def test_ordered_labels_never_stop_pulling():
    """Overoptimisation: with certain winners the policy passes the game's solution on its way to a vertex."""
    rewards = [0.2, 0.0, 0.0]
    game = AlignmentGame(PI_0[:4], E[:4], Linear(rewards), BETA)
    course = simulate(GroupTask(game, rewards), Dpo(20.0, "ordered"), steps=400, group_size=6, n_seeds=3)
    assert (course.nu[:, -1, 0] > 0.9).all()
    assert solve(game).nu[0] < 0.5


def test_mirror_descent_ends_near_the_game_s_solution():
    game = AlignmentGame([0.6, 0.2, 0.1, 0.1], [0, 1, 1, 2], Gini(1.0), beta=0.2)
    course = simulate(GroupTask(game, GiniDiversity()), MirrorDescent(0.05), steps=600, group_size=64, n_seeds=4)
    np.testing.assert_allclose(course.nu[:, 300:].mean(axis=(0, 1)), solve(game).nu, atol=0.01)
    np.testing.assert_allclose(course.update.sum(axis=-1), 0.0, atol=1e-12)


@pytest.mark.parametrize("reward", [GiniDiversity(), InverseFrequency(), MajorityVote(), np.array([1.0, 0.0, 0.5])])
@pytest.mark.parametrize(
    ("learner", "rule"),
    [
        (Grpo(1.0), "center"),
        (Grpo(1.0, "standardise"), "standardise"),
        (Rloo(1.0), "leave-one-out"),
        (Reinforce(1.0, level=0.3), "none"),
    ],
)
def test_sampled_steps_have_the_expected_mean(reward, learner, rule):
    """The enumeration against sampling: 20,000 first steps, within five standard errors."""
    game = AlignmentGame(PI_0[:4], E[:4], Gini(1.0), beta=1.0)
    course = simulate(GroupTask(game, reward), learner, steps=1, group_size=5, n_seeds=20_000)
    first = course.update[:, 0]
    error = first.std(axis=0) / first.shape[0] ** 0.5
    assert (np.abs(first.mean(axis=0) - expected_update(game.nu_0, reward, 5, rule)) < 5 * error).all()
    assert (error < 0.01).all()


@pytest.mark.parametrize("learner", [Grpo(1.0), Grpo(1.0, "standardise"), MirrorDescent(1.0), Dpo(1.0)])
def test_a_group_of_one_or_one_answer_teaches_nothing(learner):
    alone = AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), beta=1.0)
    course = simulate(GroupTask(alone, [1.0, 0.0]), learner, steps=5, group_size=1, n_seeds=2)
    np.testing.assert_allclose(course.nu, 0.5, atol=1e-12)
    single = AlignmentGame([0.5, 0.5], [0, 0], Gini(1.0), beta=1.0)
    course = simulate(GroupTask(single, GiniDiversity()), learner, steps=5, group_size=3, n_seeds=2)
    np.testing.assert_allclose(course.nu, 1.0, atol=1e-12)
