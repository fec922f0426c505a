"""Games larger than the cache, and larger than memory: the same numbers, and no array beside input and output."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given

from dagames import AlignmentGame, DomainError, ShapeError, simplex, solve
from dagames.functionals import Gini, KLToPrior, Linear, LogScore, Point, SquaredDistance
from dagames.games.streaming import MarginalAccumulator, lift_chunk
from dagames.solvers import blocks
from tests.cases import random_distribution, seeds, sizes

MB = 2**20


@given(seeds, sizes)
def test_chunks_of_a_reference_add_up_to_it(seed, n):
    rng = np.random.default_rng(seed)
    pi_0 = random_distribution(rng, 40)
    E = rng.integers(0, n, size=40)
    cuts = np.sort(rng.integers(1, 40, size=3))
    with np.errstate(divide="ignore"):
        logs = np.log(pi_0)
    chunks = [(a, b) for a, b in zip(np.split(logs, cuts), np.split(E, cuts), strict=True) if a.size]
    marginal = MarginalAccumulator(n)
    for chunk in chunks:
        marginal.add(*chunk)
    game = AlignmentGame(pi_0, E, Gini(0.7), beta=0.5, n_answers=n)
    np.testing.assert_allclose(np.exp(marginal.log_nu_0), game.nu_0, rtol=1e-12)
    on_answers = AlignmentGame.from_log(marginal.log_nu_0, np.arange(n), Gini(0.7), beta=0.5)
    ratio = on_answers.log_ratio(solve(on_answers).log_nu)
    lifted = np.concatenate([lift_chunk(*chunk, ratio) for chunk in chunks])
    np.testing.assert_allclose(np.exp(lifted), solve(game).pi, atol=1e-12)


@pytest.mark.parametrize(
    ("chunks", "error", "message"),
    [
        ([([-1.0], [0])], DomainError, "a chunk is missing or was added twice"),
        ([([0.5], [0])], DomainError, r"`log_pi_0\[0\]` is 0.5; a log-probability is at most 0"),
        ([([0.0], [2])], DomainError, r"`E\[0\]` is 2, out of range for 2 answers"),
        ([([np.nan], [0])], DomainError, r"`log_pi_0\[0\]` is nan"),
        ([([[0.0]], [[0]])], ShapeError, r"shape \(1, 1\)"),
    ],
)
def test_bad_chunks_are_refused(chunks, error, message):
    marginal = MarginalAccumulator(2)
    with pytest.raises(error, match=message):
        _ = [marginal.add(*chunk) for chunk in chunks], marginal.log_nu_0
    with pytest.raises(DomainError, match="`n_answers` must be an integer"):
        MarginalAccumulator(0)


@pytest.mark.parametrize("method", ["auto", "mirror_descent"])
def test_a_batch_in_blocks_is_the_batch(method, monkeypatch):
    rng = np.random.default_rng(0)
    n_prompts, n = 7, 5
    pi_0, E = rng.dirichlet(np.ones(9), size=n_prompts), rng.integers(0, n, size=(n_prompts, 9))
    for R in (
        Gini(rng.uniform(0.5, 2, size=n_prompts)),
        Linear(rng.normal(size=(n_prompts, n))),
        Linear(rng.normal(size=n)),
        KLToPrior(rng.dirichlet(np.ones(n), size=n_prompts), rng.uniform(0.5, 2, size=n_prompts)),
    ):
        game = AlignmentGame(pi_0, E, R, beta=0.8, n_answers=n)
        whole = solve(game, method, tolerance=1e-13)
        with monkeypatch.context() as patch:
            patch.setattr(blocks, "CELLS", 11)
            parts = solve(game, method, tolerance=1e-13)
        assert parts.method == whole.method
        assert parts.certificate.worst <= 1e-13
        for name in ("log_nu", "log_q", "pi"):
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-5)
        np.testing.assert_allclose(parts.value, whole.value, rtol=1e-9)
        assert parts.iterations <= whole.iterations


def test_answers_that_differ_by_prompt_follow_their_prompts(monkeypatch):
    monkeypatch.setattr(blocks, "CELLS", 4)
    pi_0 = np.full((4, 3), 1 / 3)
    right = solve(AlignmentGame(pi_0, [0, 1, 2], Point([0, 1, 2, 1]), beta=1.0))
    np.testing.assert_allclose(right.nu, np.eye(3)[[0, 1, 2, 1]])
    graded = solve(AlignmentGame(pi_0, [0, 1, 2], LogScore([0, 1, 2, 1], [1.0, 2.0, 3.0, 4.0]), beta=1.0))
    assert graded.nu.argmax(axis=-1).tolist() == [0, 1, 2, 1]
    assert graded.nu.max(axis=-1)[1] < graded.nu.max(axis=-1)[3]


@pytest.mark.parametrize(("in_logs", "read_only"), [(False, False), (False, True), (True, True)])
def test_ten_million_traces_take_input_and_output_and_64_mb(in_logs, read_only):
    """Beside them there is a copy of the reference, unless the user's own arrays are read-only."""
    rng = np.random.default_rng(0)
    E = rng.integers(0, 100, size=10**7)
    pi_0 = np.full(10**7, 1e-7)
    values = np.log(pi_0) if in_logs else pi_0
    values.flags.writeable = E.flags.writeable = not read_only
    tracemalloc.start()
    make = AlignmentGame.from_log if in_logs else AlignmentGame
    solution = solve(make(values, E, Gini(1.0), beta=0.7))
    pi = solution.pi
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert solution.certificate.worst <= 1e-13
    assert pi.sum() == pytest.approx(1.0, abs=1e-9)
    assert peak <= pi.nbytes * (1 if read_only else 2) + 64 * MB


def test_a_large_batch_takes_input_and_output_and_64_mb():
    """Answers of 20,000 prompts: policy, marginal, target and the reference's marginal are tables of 20 MB."""
    rng = np.random.default_rng(0)
    pi_0 = rng.dirichlet(np.ones(128), size=20_000)
    tracemalloc.start()
    solution = solve(AlignmentGame(pi_0, np.arange(128), Gini(1.0), beta=0.7))
    pi = solution.pi
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert solution.certificate.worst <= 1e-13
    assert peak <= 4 * pi.nbytes + 64 * MB
    np.testing.assert_allclose(pi[7], solve(AlignmentGame(pi_0[7], np.arange(128), Gini(1.0), beta=0.7)).pi, atol=1e-14)
    np.testing.assert_allclose(np.exp(simplex.log_sum(solution.log_nu)), 1.0, atol=1e-12)


@pytest.mark.parametrize("make", [Gini, lambda: SquaredDistance(np.full(10**6, 1e-6), 2.0)], ids=["Gini", "Squared"])
def test_a_million_answers_round_nothing_away(make):
    """The conjugate is bounded from above, so that a million roundings cannot lift the dual above the primal."""
    nu_0 = np.random.default_rng(0).dirichlet(np.ones(10**6))
    assert solve(AlignmentGame(nu_0, np.arange(10**6), make(), beta=0.7)).certificate.worst <= 1e-13


@pytest.mark.parametrize("in_logs", [False, True])
def test_as_many_answers_as_traces_take_fifteen_arrays_over_them(in_logs):
    """The reference's marginal, the marginal, the target, the policy, and temporary arrays of the certificate."""
    n = 10**6
    rng = np.random.default_rng(0)
    pi_0, E = rng.dirichlet(np.ones(n)), rng.permutation(n)
    values = np.log(pi_0) if in_logs else pi_0
    values.flags.writeable = E.flags.writeable = False
    tracemalloc.start()
    game = (AlignmentGame.from_log if in_logs else AlignmentGame)(values, E, KLToPrior(pi_0[::-1], 0.5), beta=0.7)
    solution = solve(game)
    pi = solution.pi
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert solution.certificate.worst <= 1e-13
    nu_0 = game.nu_0
    np.testing.assert_allclose(pi, (pi_0 * (solution.nu / nu_0)[E]), rtol=1e-9)
    assert peak <= 15 * pi.nbytes, peak / pi.nbytes


def test_masses_below_the_least_float_are_pushed_forward():
    """Logs of -1000 have no exponential; within their answer they have one."""
    log_pi_0 = np.array([0.0, -1000.0, -1000.0 + np.log(3.0), -np.inf])
    game = AlignmentGame.from_log(log_pi_0, [0, 1, 1, 2], Linear(np.zeros(3)), beta=1.0)
    np.testing.assert_allclose(game.log_nu_0, [0.0, -1000.0 + np.log(4.0), -np.inf], rtol=1e-14)


def test_a_batch_in_blocks_shows_the_worst_gap_of_each_step():
    """A block that is done stays where it is while the others go on."""
    assert blocks._worst([(3.0, 1.0), (), (2.0,), (1.0, 0.5, 0.25)]) == (3.0, 2.0, 2.0)
    assert blocks._worst([(), ()]) == ()
