"""Intervals come from questions, cover the truth about as often as they claim, and agree with scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dagames_llm._errors import DataError
from dagames_llm.evaluation.intervals import bootstrap, wilson

outcomes = st.lists(st.sampled_from([0, 1]), min_size=1, max_size=60)


def test_the_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(400):
        estimate = bootstrap(generator.beta(2, 1, size=40), resamples=1000, seed=trial)
        covered += estimate.low <= 2 / 3 <= estimate.high
    assert 0.91 <= covered / 400 <= 0.98


@pytest.mark.parametrize("rate", [0.03, 0.2, 0.5, 0.9])
def test_wilsons_interval_covers_the_rate(rate: float) -> None:
    # Exactly, by the binomial law: no sampling. The bootstrap of 26 outcomes at .03 covers in 54 % of the cases only.
    n = 26
    chance = stats.binom.pmf(np.arange(n + 1), n, rate)
    ends = [wilson([1] * hits + [0] * (n - hits)) for hits in range(n + 1)]
    covered = sum(p for p, end in zip(chance, ends, strict=True) if end.low <= rate <= end.high)
    assert 0.92 <= covered <= 0.99


def test_the_bootstrap_interval_is_over_questions_not_over_samples() -> None:
    # Each question is always right or always wrong: more samples of it are no more evidence.
    difficulty = np.repeat([0.0, 1.0], 20)
    few = bootstrap(difficulty)
    binomial = 1.96 * math.sqrt(0.25 / 40)
    assert few.high - few.low == pytest.approx(2 * binomial, rel=0.15)
    assert few.n == 40
    assert bootstrap(np.repeat(difficulty, 16)).high - few.mean < (few.high - few.mean) / 3, "what pooling would claim"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 99))
def test_the_bootstrap_interval_holds_the_mean_and_stays_within_the_values(values: list[float], seed: int) -> None:
    estimate = bootstrap(values, resamples=200, seed=seed)
    assert min(values) - 1e-12 <= estimate.low <= estimate.high <= max(values) + 1e-12
    assert estimate.mean == pytest.approx(sum(values) / len(values))
    assert estimate == bootstrap(values, resamples=200, seed=seed)


def test_the_bootstrap_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(3).beta(0.5, 0.4, size=50)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    ours = bootstrap(values, resamples=20_000)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


@given(outcomes)
def test_wilsons_interval_holds_the_mean_and_lies_within_0_and_1(values: list[int]) -> None:
    estimate = wilson(values)
    assert 0 <= estimate.low <= estimate.mean <= estimate.high <= 1
    assert estimate.low < estimate.high, "it has a width even where all questions agree"
    mirrored = wilson([1 - value for value in values])
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - estimate.high, 1 - estimate.low))


def test_wilsons_interval_by_hand() -> None:
    # 7 of 10 at z = 1.96: centre (.7 + z^2/20) / (1 + z^2/10), half width z sqrt(.7 .3/10 + z^2/400) / (1 + z^2/10).
    z = stats.norm.ppf(0.975)
    centre = (0.7 + z**2 / 20) / (1 + z**2 / 10)
    half = z * math.sqrt(0.7 * 0.3 / 10 + z**2 / 400) / (1 + z**2 / 10)
    estimate = wilson([1] * 7 + [0] * 3)
    assert (estimate.low, estimate.high) == pytest.approx((centre - half, centre + half))
    assert (estimate.n, estimate.method) == (10, "wilson")


@pytest.mark.parametrize("interval", [bootstrap, wilson])
@pytest.mark.parametrize("values", [[], [math.nan], [[1.0]]])
def test_no_interval_without_values(values: list[float], interval: type) -> None:
    with pytest.raises(DataError):
        interval(values)


def test_wilsons_interval_refuses_means() -> None:
    with pytest.raises(DataError, match="use `bootstrap` for means"):
        wilson([0.5, 1.0])
