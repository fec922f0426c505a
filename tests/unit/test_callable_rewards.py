"""Rewards that are functions of one's own, by example: makers, extremes, files, and the messages."""

import math
from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest
from flint import arb
from scipy.special import xlogy

from dagames import DomainError, ShapeError, SolveError
from dagames.estimators import (
    LOG,
    Reward,
    RewardTable,
    aqp_table,
    as_reward,
    branch_and_bound,
    elevated_table,
    minimax_table,
    split_table,
    taylor_table,
    variance_table,
)


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def tamed(p):
    return np.log(p) / (1 + p)


def test_every_maker_takes_a_function():
    for table in (
        minimax_table(8, reward=tamed),
        taylor_table(8, reward=tamed),
        elevated_table(split_table(8, reward=tamed), 8),
        aqp_table(8, reward=tamed),
        variance_table(8, reward=tamed),
    ):
        assert table.estimand.name == "tamed"
        assert 0 < table.bias.lower <= table.bias.upper <= table.bias.lower * (1 + 1e-8)
        assert table.bias.upper < 0.05
        assert table.excess.upper >= 0


def test_the_taylor_table_of_the_log_is_the_same():
    np.testing.assert_allclose(
        taylor_table(16, reward=np.log).coefficients, taylor_table(16).coefficients, rtol=1e-13, atol=1e-14
    )


def test_one_trace_a_constant_and_nothing():
    own = minimax_table(1, reward=np.log)
    assert own.bias.upper == pytest.approx(minimax_table(1).bias.upper, rel=1e-12)
    constant = minimax_table(5, reward=lambda p: 2.5 + 0 * p)
    np.testing.assert_allclose(constant.coefficients, 2.5, rtol=1e-15)
    assert constant.bias.upper < 1e-15
    full = minimax_table(5, reward=lambda p: np.full_like(p, 2.5))
    assert full.bias.upper < 1e-15
    nothing = minimax_table(5, reward=lambda p: 0 * p)
    assert nothing.bias == (0.0, 0.0)
    assert nothing.coefficients.tolist() == [0.0] * 6
    assert aqp_table(5, reward=lambda p: 0 * p).coefficients.tolist() == [0.0] * 6
    assert aqp_table(5, reward=lambda p: 2.5 + 0 * p).bias.upper < 1e-15


def test_a_large_group_and_a_large_unit():
    table = minimax_table(64, reward=tamed)
    assert table.optimum.upper == pytest.approx(7.93866658e-05, rel=1e-8)
    assert table.optimum.width < 1e-8
    scaled = minimax_table(16, reward=lambda p: 1e6 * tamed(p)).optimum
    assert scaled.upper == pytest.approx(1e6 * minimax_table(16, reward=tamed).optimum.upper, rel=1e-8)


def test_narrow_waves_are_seen_by_exchange():
    """With one coefficient and thirteen waves the best error is read off between the few points of the reference."""
    optimum = minimax_table(1, reward=lambda p: np.sin(40 * p)).optimum
    p = np.arange(1, 200001) / 200000
    assert optimum.upper == pytest.approx(
        min(np.abs(p * (c - np.sin(40 * p))).max() for c in np.linspace(-0.1, 0.1, 401)), rel=1e-3
    )
    assert optimum.width < 1e-5


def test_a_search_that_stops_early_says_how_far_it_came(monkeypatch):
    done = as_reward(lambda p: np.sin(90 * p)).size
    monkeypatch.setattr(branch_and_bound, "_BOXES", 80)
    monkeypatch.setattr(branch_and_bound, "_ORDERS", (20,))
    early = as_reward(lambda p: np.sin(90 * p)).size
    assert early.lower <= done.lower <= done.upper <= early.upper
    assert early.width > 1e-3 > 1e-8 > done.width


def test_a_parabola_bounds_a_concave_box_from_wherever_its_top_is_sought(monkeypatch):
    monkeypatch.setattr(branch_and_bound, "_top", lambda _: 0.9)
    box = branch_and_bound._bound([arb(1), arb(0.1), arb(-1)], arb(0))
    assert box.lower == pytest.approx(1 + 0.09 - 0.81)
    assert box.upper >= 1 + 0.1**2 / 4


def test_growth_is_found_or_stated():
    odd = lambda p: np.log(1 - np.exp(-p))  # noqa: E731
    with pytest.raises(DomainError, match=r"could not be derived from the formula.*Reward.of\(g, growth=\(A, a\)\)"):
        as_reward(odd)
    stated = Reward.of(odd, growth=(3.0, 0.25), name="odd")
    assert stated.name == "odd"
    # A table of the same function, written so that its growth is seen.
    assert stated.size.upper == pytest.approx(as_reward(lambda p: np.log(-np.expm1(-p))).size.upper, rel=1e-12)
    table = minimax_table(8, reward=stated)
    assert table.optimum.width < 1e-8


def test_files_name_the_function_and_want_it_again(tmp_path):
    path = tmp_path / "table.json"
    table = minimax_table(8, reward=tamed)
    table.save(path)
    again = RewardTable.load(path, reward=tamed)
    assert again.bias == table.bias
    assert again.estimand == table.estimand
    with pytest.raises(
        DomainError, match=r"estimates the function 'tamed', and a file cannot hold functions.*reward=g"
    ):
        RewardTable.load(path)
    with pytest.raises(DomainError, match="claims a bias in"):
        RewardTable.load(path, reward=np.log)
    minimax_table(8).save(path, overwrite=True)
    assert RewardTable.load(path, reward="log").estimand == LOG
    with pytest.raises(DomainError, match="estimates 'log', which is not the given `reward`"):
        RewardTable.load(path, reward=tamed)


@pytest.mark.parametrize(
    ("g", "message"),
    [
        (lambda p: 1 / (p - 0.5), r"is inf at p = 0.5"),
        (lambda p: np.log(p - 0.2), r"is nan at p = .*; it must be finite on \(0, 1\]"),
        (lambda p: 1 / (p - 0.3137), r"is not finite, or not smooth, at p = 0.3137"),
        (lambda p: abs(p - 0.3137), r"is not finite, or not smooth, at p = 0.3137"),
        (lambda p: np.sqrt(1 - p), r"is not finite, or not smooth, at p = 1"),
        (lambda p: 1 / p, r"grows like p\^-1 towards p = 0; p g\(p\) has to tend to 0"),
        (lambda p: np.log(p) / p**1.5, r"p g\(p\) tends to 0 with p could not be derived"),
        (lambda p: np.where(p < 0.5, p, 1.0), "it compares p.*without comparisons, `where`"),
        (lambda p: np.maximum(p, 0.1), "it compares p"),
        (lambda p: xlogy(p, p), "cannot be evaluated in ball arithmetic"),
        (np.arcsinh, "cannot be evaluated in ball arithmetic.*arcsinh"),
        (lambda p: p.astype(float), "cannot be evaluated in ball arithmetic"),
        (lambda p: p if p.dtype == float else np.array([None] * p.size), "it returns None"),
        (math.log, "fails on an array of floats"),
        (lambda p: p * (2 if p.dtype == float else 3), r"is not one function: at p = .* in floats and .* in ball"),
    ],
)
def test_functions_that_cannot_be_proved_are_refused_by_name(g, message):
    with pytest.raises(DomainError, match=message):
        minimax_table(4, reward=g)


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match=r"returns the shape \(\) for an argument of shape .*b \+ 0 \* p"):
        as_reward(lambda _: 1.0)
    with pytest.raises(ShapeError, match=r"for an array of objects of shape \(1,\)"):
        as_reward(lambda p: p if p.dtype == float else p[:, None])


@pytest.mark.parametrize(
    ("growth", "message"),
    [
        ((1.0, 1.0), r"must be \(A, a\) with A >= 0 and a < 1"),
        ((-1.0, 0.5), r"must be \(A, a\)"),
        ((1.0, np.nan), r"must be \(A, a\)"),
        (3.0, r"must be \(A, a\)"),
        ((1.0, 0.25), r"is wrong: \|g\| is 2.77259 at p = 0.0625000"),
        ((20.0, 0.01), r"is wrong: \|g\| is"),
    ],
)
def test_growth_that_is_none_is_refused(growth, message):
    with pytest.raises(DomainError, match=message):
        Reward.of(np.log, growth=growth)


@pytest.mark.parametrize(
    ("g", "message"),
    [
        (
            lambda p: np.tanh((p - 0.3) * 1e9),
            r"stopped after 20\d\d boxes with the enclosure \[0.3.*, inf\].*at p = 0.3000",
        ),
        (
            lambda p: np.sin(1e6 * p),
            r"boxes with the enclosure \[0.99.*oscillates too fast for a certificate. Use a smoother",
        ),
    ],
)
def test_functions_too_fast_to_follow_are_given_up(monkeypatch, g, message):
    monkeypatch.setattr(branch_and_bound, "_ORDERS", (20,))
    with pytest.raises(SolveError, match=message):
        as_reward(g)


def test_narrow_peaks_are_enclosed_and_set_the_scale():
    peak = as_reward(lambda p: 1 / (1 + ((p - 0.3) / 1e-9) ** 2))
    assert peak.size.lower == pytest.approx(0.3, rel=1e-12)
    assert peak.size.width < 1e-11
    with pytest.raises(SolveError, match=r"oscillates between the samples.*smoother function"):
        minimax_table(8, reward=peak)
    # No sample sees this one; what is proved of a table does.
    bell = as_reward(lambda p: np.exp(-(((p - 0.3) * 1e5) ** 2)))
    table = minimax_table(8, reward=bell)
    assert table.bias.lower == pytest.approx(0.3, rel=1e-8)
    assert 0 <= table.excess.upper < 1e-30


@pytest.mark.parametrize("scale", [1e300, 1e141, 1e-141, 1e-300])
def test_values_whose_squares_float64_does_not_hold_are_refused(scale):
    with pytest.raises(DomainError, match=r"from 1e-140 to 1e\+140.*Change its unit"):
        as_reward(lambda p: scale * np.log(p) * np.e)


def test_enormous_powers_are_taken_by_logarithms():
    with pytest.raises(DomainError, match="not finite, or not smooth, at p = 1"):
        as_reward(lambda p: p**1e300)
