"""The two passes over the traces: what a chunk is must not matter, nor whether masses come as logarithms."""

import numpy as np
import pytest
from hypothesis import given

from dagames import AlignmentGame, ShapeError, simplex, solve
from dagames.functionals import Gini, KLToPrior
from dagames.games.reference import Reference
from tests.cases import random_distribution, seeds, sizes


def batch(rng: np.random.Generator, n: int, *, shared: bool) -> tuple[np.ndarray, np.ndarray]:
    n_prompts, n_traces = int(rng.integers(1, 5)), int(rng.integers(1, 12))
    pi_0 = np.stack([random_distribution(rng, n_traces) for _ in range(n_prompts)])
    return pi_0, rng.integers(0, n, size=n_traces if shared else pi_0.shape)


@given(seeds, sizes)
def test_push_and_lift_do_not_depend_on_the_chunks_or_on_logs(seed, n):
    rng = np.random.default_rng(seed)
    pi_0, E = batch(rng, n, shared=bool(rng.integers(2)))
    with np.errstate(divide="ignore"):
        logs = np.log(pi_0)
    log_nu_0 = simplex.pushforward(logs, np.broadcast_to(E, pi_0.shape), n)
    ratio = rng.normal(size=log_nu_0.shape) * 10 ** rng.uniform(-1, 2.5)
    lifted = simplex.lift(logs, E, ratio)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simplex, "BLOCK", int(rng.integers(1, 9)))
        for reference in (Reference(pi_0, E, n, in_logs=False), Reference(logs, E, n, in_logs=True)):
            np.testing.assert_allclose(np.exp(reference.log_nu_0), np.exp(log_nu_0), rtol=1e-12)
            log_nu = np.where(np.isfinite(log_nu_0), ratio + log_nu_0, -np.inf)
            np.testing.assert_allclose(reference.lift(log_nu, in_logs=True), lifted, rtol=1e-12)
            with np.errstate(over="ignore"):
                np.testing.assert_allclose(reference.lift(log_nu, in_logs=False), np.exp(lifted), rtol=1e-9)
            np.testing.assert_allclose(reference.log_pi_0, logs, rtol=1e-15)


@pytest.mark.parametrize("block", [1, 2**19])
@pytest.mark.parametrize("in_logs", [True, False])
def test_a_lift_has_the_sum_of_its_marginal_if_the_reference_has_another(block, in_logs):
    pi_0 = np.array([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3]]) * np.array([[1 + 8e-9], [1 - 6e-9]])
    log_nu = np.log([[0.7, 0.3], [0.1, 0.9]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simplex, "BLOCK", block)
        reference = Reference(np.log(pi_0) if in_logs else pi_0, [0, 1, 1], None, in_logs=in_logs)
        np.testing.assert_allclose(np.exp(reference.log_nu_0).sum(axis=-1), 1.0, rtol=1e-15)
        np.testing.assert_allclose(reference.lift(log_nu, in_logs=False).sum(axis=-1), 1.0, rtol=1e-15)


@given(seeds, sizes)
def test_a_ragged_batch_is_its_prompts(seed, n):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, size=rng.integers(1, 6))
    pi_0, E = [random_distribution(rng, y) for y in lengths], [rng.integers(0, n, size=y) for y in lengths]
    R = KLToPrior(rng.dirichlet(np.ones(n)), 0.7)
    game = AlignmentGame.ragged(pi_0, E, R, beta=0.5, n_answers=n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simplex, "BLOCK", int(rng.integers(1, 9)))
        solution = solve(AlignmentGame.ragged(pi_0, E, R, beta=0.5, n_answers=n))
    assert len(solution.pi) == len(lengths)
    np.testing.assert_allclose(game.objective(solution.pi), solution.value, rtol=1e-10, atol=1e-10)
    for x, (row, answers) in enumerate(zip(pi_0, E, strict=True)):
        alone = solve(AlignmentGame(row, answers, R, beta=0.5, n_answers=n))
        np.testing.assert_allclose(solution.pi[x], alone.pi, atol=1e-9)
        np.testing.assert_allclose(solution.value[x], alone.value, atol=1e-9)


@given(seeds, sizes)
def test_the_certificate_on_answers_is_the_one_on_traces(seed, n):
    rng = np.random.default_rng(seed)
    pi_0, E = batch(rng, n, shared=False)
    game = AlignmentGame(pi_0, E, Gini(2.0), beta=0.3, n_answers=n)
    log_nu = simplex.log_normalize(np.where(game.reachable, rng.normal(size=game.log_nu_0.shape), -np.inf))
    log_q = game.log_best_target(np.where(game.reachable, rng.normal(size=log_nu.shape) - 3, -np.inf))
    on_answers, on_traces = game.certify_marginal(log_nu, log_q), game.certify(game.lift(log_nu), log_q)
    for name in ("primal", "dual", "gap"):
        np.testing.assert_allclose(getattr(on_answers, name), getattr(on_traces, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("read_only", [False, True])
def test_only_what_is_read_only_is_taken_without_a_copy(read_only):
    pi_0, E = np.array([0.5, 0.5]), np.array([0, 1], dtype=np.int32)
    pi_0.flags.writeable = E.flags.writeable = not read_only
    reference = Reference(pi_0, E, None, in_logs=False)
    assert np.shares_memory(reference.values, pi_0) == read_only
    assert np.shares_memory(reference.E, E) == read_only
    assert not reference.values.flags.writeable
    assert not reference.E.flags.writeable


def test_a_factor_beyond_the_largest_float_lifts_a_mass_below_the_least():
    pi_0 = np.array([1.0, 1e-310])
    solution = solve(AlignmentGame(pi_0, [0, 1], KLToPrior([0.5, 0.5], 1e3), beta=1e-3))
    np.testing.assert_allclose(solution.pi, [0.5, 0.5], rtol=1e-3)


@pytest.mark.parametrize(
    ("pi_0", "E", "message"),
    [
        ([], [], "has 0 prompts"),
        ([[1.0]], [[0], [0]], "`pi_0` has 1 prompts and `E` has 2"),
        ([[1.0], [[0.5, 0.5]]], [[0], [[0, 1]]], r"`pi_0\[1\]` has shape"),
        ([[1.0], [0.5, 0.5]], [[0], [0, 1, 1]], r"`E\[1\]` has shape \(3,\)"),
    ],
)
def test_ragged_batches_must_fit(pi_0, E, message):
    with pytest.raises(ShapeError, match=message):
        AlignmentGame.ragged(pi_0, E, Gini(1.0), beta=1.0)
