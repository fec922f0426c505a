"""The mean-field path against sampled runs, and its limit against the solution of the game (claim B.5)."""

from collections.abc import Iterator
from itertools import islice, pairwise

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, simplex, solve
from dagames.estimators import plugin_table
from dagames.functionals import Gini, NegativeEntropy
from dagames.grpo import GroupTask, Grpo, Rloo, expected_update, mean_field_path, simulate
from dagames.targets import GiniDiversity, InverseFrequency, MajorityVote

NU_0 = np.array([0.45, 0.35, 0.2])


@pytest.fixture(autouse=True)
def _without_shape_checks() -> Iterator[None]:
    """Thousands of steps: most of their time would go into checking shapes, which the laws of groups check already."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def after(steps: int, *args, **settings) -> np.ndarray:
    return np.exp(next(islice(mean_field_path(*args, **settings), steps, None)))


def rest(*args, **settings) -> np.ndarray:
    """Follow the course until it stands still."""
    for last, log_nu in pairwise(islice(mean_field_path(*args, **settings), 3000)):
        if np.abs(np.exp(log_nu) - np.exp(last)).max() < 1e-11:
            return np.exp(log_nu)
    raise AssertionError("the course did not come to rest")


@pytest.mark.parametrize("rule", ["center", "standardise", "leave-one-out", "decoupled", "none"])
@pytest.mark.parametrize("geometry", ["logits", "natural"])
def test_a_step_is_the_expected_update_of_the_penalised_reward(rule, geometry):
    path = mean_field_path(
        NU_0, MajorityVote(), group_size=4, learning_rate=0.6, beta=0.3, normalise=rule, geometry=geometry
    )
    first, second, third = (np.exp(log_nu) for log_nu in islice(path, 3))
    np.testing.assert_allclose(first, NU_0, atol=1e-15)
    for now, then in ((first, second), (second, third)):
        penalty = 0.3 * np.log(now / NU_0)

        def reward(counts, penalty=penalty):
            most = counts == counts.max(axis=-1, keepdims=True)
            return most / most.sum(axis=-1, keepdims=True) - penalty

        step = expected_update(now, reward, 4, rule)
        step = step / now if geometry == "natural" else step
        np.testing.assert_allclose(then, np.exp(simplex.log_normalize(np.log(now) + 0.6 * step)), atol=1e-13)


@pytest.mark.parametrize("target", [GiniDiversity(), InverseFrequency()])
@pytest.mark.parametrize(
    ("learner", "rule"),
    [(Grpo(0.1), "center"), (Rloo(0.1), "leave-one-out"), (Grpo(0.1, "standardise"), "standardise")],
)
def test_sampled_runs_follow_the_course(target, learner, rule):
    """Two thousand runs of 40 steps on average, within five standard errors, with the divergence in the reward."""
    game = AlignmentGame(NU_0, np.arange(3), Gini(1.0), beta=0.3)
    course = simulate(GroupTask(game, target), learner, steps=41, group_size=5, n_seeds=2000)
    path = mean_field_path(NU_0, target, group_size=5, learning_rate=0.1, beta=0.3, normalise=rule)
    predicted = np.exp(np.stack(list(islice(path, 41))))
    error = course.nu.std(axis=0) / 2000**0.5
    assert (np.abs(course.nu.mean(axis=0) - predicted)[1:] < 5 * error[1:]).all()
    assert np.abs(predicted[-1] - NU_0).max() > 20 * error[-1].max()  # and the course goes somewhere


def test_many_traces_to_an_answer_slow_the_course_by_their_number():
    game = AlignmentGame(np.repeat(NU_0 / 4, 4), np.repeat(np.arange(3), 4), Gini(1.0), beta=0.3)
    course = simulate(GroupTask(game, GiniDiversity()), Grpo(0.4), steps=41, group_size=5, n_seeds=2000)
    error = course.nu[:, -1].std(axis=0) / 2000**0.5
    predicted = after(40, NU_0, GiniDiversity(), group_size=5, learning_rate=0.1, beta=0.3)
    assert (np.abs(course.nu[:, -1].mean(axis=0) - predicted) < 5 * error).all()
    assert (
        np.abs(after(40, NU_0, GiniDiversity(), group_size=5, learning_rate=0.4, beta=0.3) - predicted) > error
    ).all()


def test_runs_of_a_vote_part_ways_less_at_smaller_rates():
    """A vote feeds on chance: the runs' mean leaves the course by a term of the order of the learning rate."""
    game = AlignmentGame(NU_0, np.arange(3), Gini(1.0), beta=0.2)
    off = []
    for rate, steps in ((0.4, 20), (0.1, 80)):
        course = simulate(GroupTask(game, MajorityVote()), Grpo(rate), steps=steps + 1, group_size=5, n_seeds=1000)
        predicted = after(steps, NU_0, MajorityVote(), group_size=5, learning_rate=rate, beta=0.2)
        off.append(np.abs(course.nu[:, -1].mean(axis=0) - predicted).max())
    assert off[1] < 0.5 * off[0]


@pytest.mark.parametrize("rule", ["center", "leave-one-out"])
@pytest.mark.parametrize(("geometry", "rate"), [("logits", 3.0), ("natural", 1.0)])
def test_the_collision_reward_rests_at_a_game_of_less_weight(rule, geometry, rate):
    """Claim I.19's factor in the rest point: a weight of (K - 2) / K, and no other error."""
    for K in (3, 4, 9):
        end = rest(
            NU_0,
            GiniDiversity(2.0),
            group_size=K,
            learning_rate=rate,
            beta=0.3,
            normalise=rule,
            geometry=geometry,
        )
        game = AlignmentGame(NU_0, np.arange(3), Gini(2.0 * (K - 2) / K), beta=0.3)
        np.testing.assert_allclose(end, solve(game, tolerance=1e-14).nu, atol=1e-8)


def distances_of_rest(target, functional) -> list[float]:
    game = solve(AlignmentGame(NU_0, np.arange(3), functional, beta=0.3), tolerance=1e-14).nu
    return [
        float(np.abs(rest(NU_0, target(K), group_size=K, learning_rate=2.0, beta=0.3) - game).max())
        for K in (32, 64, 128)
    ]


PLUGIN_ENTROPY = (lambda K: InverseFrequency(table=plugin_table(K)), NegativeEntropy(1.0))


@pytest.mark.parametrize(("target", "functional"), [(lambda _: GiniDiversity(), Gini(1.0)), PLUGIN_ENTROPY])
def test_the_rest_is_off_the_game_by_one_over_k(target, functional):
    off = distances_of_rest(target, functional)
    assert off[0] / off[1] == pytest.approx(2.0, abs=0.25)
    assert off[1] / off[2] == pytest.approx(2.0, abs=0.15)
    assert off[2] > 1e-5


def test_with_the_recommended_table_it_is_off_by_less():
    plain = distances_of_rest(*PLUGIN_ENTROPY)
    off = distances_of_rest(lambda _: InverseFrequency(), NegativeEntropy(1.0))
    assert (np.array(off) < 0.75 * np.array(plain)).all(), (off, plain)


def test_a_vote_collapses_onto_the_reference_s_mode():
    """Right or wrong; a larger beta holds it back, and without it nothing does."""
    wrong_mode = np.array([0.35, 0.45, 0.2])
    settings = {"group_size": 8, "learning_rate": 1.0}
    accuracy = [
        rest(wrong_mode, MajorityVote(), beta=beta, geometry="natural", **settings)[0] for beta in (0.2, 0.4, 0.8)
    ]
    assert accuracy == sorted(accuracy)
    assert accuracy[0] < 0.01
    assert accuracy[-1] < wrong_mode[0]
    assert after(800, wrong_mode, MajorityVote(), **settings)[1] > 0.99
    assert rest(wrong_mode[[1, 0, 2]], MajorityVote(), beta=0.2, geometry="natural", **settings)[0] > 0.98


def test_a_large_group_votes_like_the_target():
    """The rest at K = 32 is nu_0 exp(1{mode} / beta), the game against the exact vote."""
    nu_0, lift = np.array([0.3, 0.6, 0.1]), np.exp([0, 1 / 0.3, 0])
    end = rest(nu_0, MajorityVote(), group_size=32, learning_rate=1.0, beta=0.3, geometry="natural")
    np.testing.assert_allclose(end, nu_0 * lift / (nu_0 * lift).sum(), atol=1e-4)


def test_answers_without_mass_stay_without():
    end = after(50, [0.5, 0.0, 0.5 - 1e-300, 1e-300], [1.0, 9.0, 0.0, 0.0], group_size=3, learning_rate=1.0)
    assert end[1] == 0.0
    assert 0 < end[3] < 1e-299
