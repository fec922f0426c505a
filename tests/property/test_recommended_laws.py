"""Laws of the recommended tables: the rule, its copies in the package, and what they are worth."""

import json
from importlib.resources import files

import numpy as np
import pytest
from scipy.stats import binom

from dagames.estimators import (
    LOG,
    RewardTable,
    as_reward,
    elevated_table,
    minimax_table,
    plugin_table,
    recommended_table,
    taylor_table,
)
from dagames.estimators.recommended import NOISE, SHIPPED, choose_table
from dagames.grpo import update_error

KINDS = ("centred", "self-inclusive", "independent")


@pytest.mark.parametrize("K", [2, 3, 5, 16, 33, 64])
def test_the_package_holds_what_the_rule_makes(K):
    shipped, made = recommended_table(K), choose_table(K, LOG, "centred")
    # The rule ends in float64 logarithms, whose last bit depends on the processor.
    last_bit = np.finfo(float).eps * np.abs(made.coefficients).max()
    np.testing.assert_allclose(shipped.coefficients, made.coefficients, rtol=0, atol=last_bit)
    assert (shipped.method, shipped.counts, shipped.bias) == (made.method, made.counts, made.bias)
    assert shipped.optimum == made.optimum


@pytest.mark.long
@pytest.mark.parametrize("K", SHIPPED)
def test_the_package_holds_what_the_rule_makes_for_every_size(K):
    assert recommended_table(K).to_json() == choose_table(K, LOG, "centred").to_json()


def test_every_promised_table_is_there_and_no_other():
    names = {path.name for path in (files("dagames.estimators") / "shipped").iterdir()}
    assert names == {f"{K:03}.json" for K in SHIPPED}
    assert set(SHIPPED) == {*range(2, 65), 96, 128}


@pytest.mark.parametrize("K", SHIPPED)
def test_a_shipped_table_says_of_itself_what_is_so(K):
    """Loading proves the bias again and compares; an edited file is refused."""
    content = json.loads((files("dagames.estimators") / "shipped" / f"{K:03}.json").read_text())
    assert content["group_size"] == K
    assert recommended_table(K).bias.upper <= 1.0001 * content["bias"][1]


@pytest.mark.parametrize("counts", KINDS)
@pytest.mark.parametrize("K", [3, 4, 7, 12, 24])
def test_the_rule(counts, K):
    """Its noise is within the limit, and that of the next larger part is not."""
    table = recommended_table(K, counts=counts)
    part = int(table.method.removeprefix("recommended, of "))
    limit = NOISE * taylor_table(K, counts=counts).variance.upper
    averaged = elevated_table(minimax_table(part, counts="independent"), K, counts=counts)
    np.testing.assert_allclose(table.coefficients, averaged.coefficients, rtol=1e-12)
    assert table.variance.upper <= 1.01 * limit
    if part < {"centred": K - 2, "self-inclusive": K - 1, "independent": K}[counts]:
        next_part = elevated_table(minimax_table(part + 1, counts="independent"), K, counts=counts)
        assert next_part.variance.upper >= 0.99 * limit
    assert table.optimum.upper <= table.bias.upper


@pytest.mark.parametrize("reward", ["sqrt", "power:-0.5", "entropy:1.5", "entropy:2"])
def test_the_rule_serves_other_rewards(reward):
    table = recommended_table(12, reward=reward)
    assert table.estimates == as_reward(reward)
    assert table.bias.upper <= taylor_table(12, reward=reward, counts="centred").bias.upper + 1e-15


@pytest.mark.parametrize("K", [8, 16, 32, 64])
def test_it_beats_the_plug_in_and_taylor_in_bias_and_in_direction(K):
    table = recommended_table(K)
    plain, corrected = plugin_table(K, counts="centred"), taylor_table(K, counts="centred")
    assert table.bias.upper < 0.2 * plain.bias.upper
    assert table.bias.upper < corrected.bias.upper
    assert table.variance.upper < 1.6 * corrected.variance.upper
    nu = np.random.default_rng(0).dirichlet(np.ones(4), size=200)
    errors = {made.method: update_error(nu, made, K).direction for made in (table, plain, corrected)}
    assert errors[table.method].max() < errors["taylor"].max() < errors["plugin"].max()
    assert np.median(errors[table.method]) < 0.4 * np.median(errors["plugin"])


def test_small_and_large_groups():
    for K in (1, 2):
        table = recommended_table(K)
        assert table.method == "recommended, of 0"
        assert isinstance(table, RewardTable)
        nu = np.array([0.7, 0.3])
        np.testing.assert_allclose(update_error(nu, table, K).direction, 1.0)  # nothing moves
    for K in (300, 20_000):
        large = recommended_table(K)
        assert (large.method, large.optimum) == ("recommended, Taylor's", None)
        n, p = K - 2, np.geomspace(1e-2 / K, 1.0, 2000)
        k = np.arange(min(n + 1, 4000))
        at = p[p * n < 2000]
        mean = np.array([binom.pmf(k, n, q) @ large.coefficients[1 : k.size + 1] for q in at])
        assert K * np.abs(at * (mean - np.log(at))).max() == pytest.approx(0.1045, rel=0.02)
