"""The counterexamples shown are minimal: shrinking finds none smaller, and all smaller ones of a kind are tried.

Small is what `oracles.complexity` measures: entries and digits, so that numbers of one digit are equally simple.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any, NamedTuple
from unittest import mock

import hypothesis
import mpmath as mp
import numpy as np
import pytest
from hypothesis import strategies as st

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Reading, Result
from proofs_check.claims import b02_restored_rate as b02
from proofs_check.claims import i04_best_policy as i04
from proofs_check.claims import i05_approximate_equilibrium as i05
from proofs_check.claims import i07_best_response as i07
from proofs_check.claims import i11_sft_target as i11
from proofs_check.claims import i12_diversity_target as i12
from proofs_check.claims import i13_safety_target as i13
from proofs_check.claims import i14_coherence_target as i14
from proofs_check.claims import i15_entropy_for_coherence as i15
from proofs_check.claims import i17_standardised_advantages as i17
from proofs_check.claims import i18_inverse_frequency_step as i18
from proofs_check.claims import i30_projecting_on_the_mean as i30
from proofs_check.claims import ii10_generalised_game as ii10
from proofs_check.known import load_claims
from proofs_check.show import evidence_text
from tests.claims.settled import settle_unchecked

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)
SIMPLE = sorted({Fraction(a, b) for b in range(1, 5) for a in range(1, 9)}, key=lambda x: (x.denominator, x))
"""Positive numbers of denominators up to 4, the simplest first."""

LIMITS = hypothesis.settings(
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=200,
    phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
)


@cache
def distributions(n: int, denominator: int = 4, least: int = 1) -> list[list[Fraction]]:
    """List those of n answers whose common denominator is at most the given one, each once."""
    counts = ((k, c) for k in range(1, denominator + 1) for c in oracles.group_counts(n, k) if min(c) >= least)
    return [list(nu) for nu in sorted({tuple(Fraction(m, k) for m in c) for k, c in counts})]


def drawn(n: int, denominator: int = 4, least: int = 1) -> st.SearchStrategy:
    return st.lists(st.integers(least, denominator), min_size=n, max_size=n).filter(any).map(as_distribution)


def as_distribution(weights: list[int]) -> list[Fraction]:
    return [Fraction(w, sum(weights)) for w in weights]


def answers(make: Callable[[int], st.SearchStrategy], least: int = 1) -> st.SearchStrategy:
    return st.integers(least, 3).flatmap(make)


numbers = st.sampled_from(SIMPLE)


def by_thirds(convex: Callable[[Any], Any]) -> Any:
    """Search as the claims do, to 12 digits only, which are 24 in the value."""
    low, high = oracles.number(0), oracles.number(1)
    for _ in range(70):
        left, right = (2 * low + high) / 3, (low + 2 * high) / 3
        low, high = (low, right) if convex(left) < convex(right) else (left, high)
    return (low + high) / 2


TRAINED = Evidence(0.0, 0.0, "equal", 0.0, {}, size=10**6)
SPARED: dict[str, dict[str, Any]] = {
    "I.5": {"attacked": lambda *_: TRAINED},
    "I.13": {"ROUNDS": 1},
}
"""Compute that an instance does not need: digits, rounds after the first, a path that is the same for all of them."""


class Kind(NamedTuple):
    """The instances of a claim: how to draw them, and all those that are smaller than the one shown.

    Where the claim's oracle needs two answers, so do the instances: with one there is one policy and one target, and
    nothing to be wrong about.
    """

    module: Any
    drawn: st.SearchStrategy
    smaller: Callable[[], list[Any]]

    @property
    def claim(self) -> Claim:
        return self.module.CLAIMS[0]

    @property
    def reading(self) -> Reading:
        """The first reading that is false."""
        return next(reading for reading in self.claim.readings if reading.expected == "false")

    def evidence(self, instance: Any) -> list[Evidence]:
        shared = hasattr(self.module, "instances")  # with the file of another claim
        given = {"instances" if shared else "_instances": lambda _: iter([instance])} | SPARED.get(self.claim.id, {})
        with mock.patch.multiple(self.module, **given):
            return list(self.reading.evidence(self.reading.stated, np.random.default_rng(0)))

    def breaks(self, instance: Any) -> bool:
        return not all(evidence.holds for evidence in self.evidence(instance))


def choices(n: int, Z: int) -> st.SearchStrategy:
    between = st.lists(numbers.filter(lambda c: c <= 1), min_size=max(n - 2, 0), max_size=max(n - 2, 0))
    costs = between.map(lambda c: [ZERO, *c, ONE][:n])
    E = st.lists(st.integers(0, Z - 1), min_size=n, max_size=n).map(tuple)
    budget = numbers.filter(lambda b: b <= 1)
    return st.builds(i04.Choice, drawn(n), E, drawn(Z), costs, budget)


def pairs(n: int) -> st.SearchStrategy:
    rewards = st.lists(st.integers(-2, 2).map(Fraction), min_size=n, max_size=n)
    return st.tuples(st.builds(oracles.LinearGame, drawn(n), rewards, numbers), drawn(n, least=0), drawn(n))


def budgets(n: int) -> st.SearchStrategy:
    between = st.lists(numbers.filter(lambda c: c <= 1), min_size=n - 2, max_size=n - 2)
    below = numbers.filter(lambda b: b < 1)
    return st.builds(i13.Budget, drawn(n), between.map(lambda c: [ZERO, *c, ONE]), below, numbers)


def views(n: int) -> st.SearchStrategy:
    return st.lists(drawn(n), min_size=2, max_size=3)


signs = st.builds(lambda a, b: a * b, numbers, st.sampled_from([1, -1]))
linear = st.builds(
    ii10.Game,
    drawn(2, least=0),
    st.lists(st.integers(-4, 4).map(Fraction), min_size=2, max_size=2),
    st.just(ZERO),
    numbers,
    signs,
    st.sampled_from(list(ii10.REACH)),
)


def batches(n: int) -> st.SearchStrategy:
    rewards = st.lists(st.integers(-3, 3).map(Fraction), min_size=n, max_size=n)
    prompt = st.tuples(st.just(ONE), drawn(n), rewards)
    return st.builds(i17.Batch, st.integers(2, 3), prompt.map(lambda prompt: (prompt,)))


def orbits(n: int) -> st.SearchStrategy:
    views = st.lists(drawn(n), min_size=1, max_size=3)
    return st.tuples(views, st.just(list(range(n))), st.just(Fraction(1, 2)))


KINDS = {
    kind.claim.id: kind
    for kind in (
        Kind(
            i04,
            st.tuples(st.integers(1, 3), st.integers(1, 3)).flatmap(lambda sizes: choices(*sizes)),
            lambda: [i04.Choice([ONE], (0,), q, [ZERO], b) for n in (1, 2) for q in distributions(n) for b in SIMPLE],
        ),
        Kind(
            i05,
            answers(pairs),
            lambda: [(oracles.LinearGame([ONE], [r], b), [ONE], [ONE]) for r in (ZERO, *SIMPLE) for b in SIMPLE],
        ),
        Kind(i07, st.tuples(answers(drawn), numbers), lambda: [([ONE], ratio) for ratio in SIMPLE]),
        Kind(i11, st.builds(i11.LogLoss, answers(drawn, 2), numbers), list),
        Kind(
            i12,
            st.builds(i12.EntropyGame, answers(drawn), numbers, numbers),
            lambda: [i12.EntropyGame([ONE], w, b) for w, b in product(SIMPLE, SIMPLE)],
        ),
        Kind(
            i13,
            answers(budgets, 2),
            lambda: [i13.Budget([ONE], [ZERO], b, beta) for b, beta in product(SIMPLE, SIMPLE)],
        ),
        Kind(i14, answers(views), lambda: [[[ONE], [ONE]]]),
        Kind(i15, answers(lambda n: st.tuples(drawn(n, least=0), drawn(n, least=0))), lambda: [([ONE], [ONE])]),
        Kind(
            i17,
            answers(batches, 2),
            lambda: [
                i17.Batch(2, ((ONE, nu, [ZERO, Fraction(r)]),)) for nu in distributions(2) for r in (-3, -1, 0, 1, 2, 3)
            ],
        ),
        Kind(i18, st.tuples(st.integers(2, 5), answers(drawn)), lambda: [(K, [ONE]) for K in range(2, 5)]),
        Kind(
            i30,
            answers(orbits),
            lambda: [([nu], list(range(n)), Fraction(1, 2)) for n in (1, 2) for nu in distributions(n)],
        ),
        Kind(ii10, linear, list),
    )
}


@cache
def found_of(name: str) -> Result:
    """Settle a claim as the command does, with its default seed."""
    return settle_unchecked(load_claims()[name])


def shown(name: str) -> Evidence:
    evidence = found_of(name).shown
    assert evidence is not None
    return evidence


each = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@each
def test_shrinking_finds_nothing_smaller(kind):
    found = hypothesis.find(kind.drawn, kind.breaks, settings=LIMITS)
    assert min(evidence.size for evidence in kind.evidence(found)) >= shown(kind.claim.id).size, found


@each
def test_all_smaller_instances_hold(kind):
    for instance in kind.smaller():
        evidence = kind.evidence(instance)
        assert min(e.size for e in evidence) < shown(kind.claim.id).size
        assert all(e.holds for e in evidence), instance


def test_the_counterexample_to_b2_is_the_smallest_at_k_8():
    """Few digits leave few nu: those of 3 answers in exact rationals, of 2 answers in float64, far from the bound."""
    size = shown("B.2").size
    assert size == 8 + oracles.complexity([Fraction(3, 5), Fraction(1, 3), Fraction(1, 15)])
    few = [nu for nu in distributions(3, 9) if oracles.complexity(nu) < size - 8]
    assert len(few) == 79
    assert all(b02._exactly(nu, rule) <= b02.stated(3)[rule] for nu in few for rule in b02.RULES)
    pairs = np.array([[float(p) for p in nu] for nu in distributions(2, 99)])
    assert all(b02._bias(pairs, 8, rule).max() < 0.9 * b02.stated(2)[rule] for rule in b02.RULES)


def test_b2_breaks_at_the_simplest_nu_that_shrinking_finds():
    weights = st.lists(st.integers(1, 40), min_size=3, max_size=3).map(as_distribution)
    bound = b02.stated(3)["leave-one-out"]
    found = hypothesis.find(weights, lambda nu: b02._exactly(nu, "leave-one-out") > bound, settings=LIMITS)
    assert 8 + oracles.complexity(found) >= shown("B.2").size


@pytest.mark.parametrize("module", [i05, i07], ids=lambda module: module.CLAIMS[0].id)
def test_a_counterexample_is_short_and_in_words(module):
    text = evidence_text(found_of(module.CLAIMS[0].id).deciding)
    assert text.startswith("Take ")
    assert "\n" not in text
    assert len(text) <= 600


def test_i5_from_scratch():
    """R = 0, so that R*(u) is the largest u, at q = (3/4, 1/4) that of the rarer answer."""
    with mp.workdps(50):
        G = mp.log(2) - mp.log(mp.mpf(3) / 4) + mp.log(mp.mpf(1) / 4)
        assert abs(G - mp.mpf("-0.405465108108")) < 1e-12
        assert G < 0 < mp.log(2)
    game = oracles.LinearGame([HALF, HALF], [ZERO, ZERO], ONE)
    broken = KINDS["I.5"].evidence((game, [ONE, ZERO], [Fraction(3, 4), Fraction(1, 4)]))[0]
    assert (broken.measured, broken.claimed) == (float(mp.log(2)), 0)


def test_i7_from_scratch():
    nu_0 = nu = (Fraction(4, 5), Fraction(1, 5))
    path = []
    for _ in range(4):
        weights = [a / b for a, b in zip(nu_0, nu, strict=True)]
        nu = tuple(w / sum(weights) for w in weights)
        path.append(nu)
    assert path == [(HALF, HALF), nu_0] * 2
    # nu* is in proportion to the root of nu_0, and its own answer.
    assert Fraction(2, 3) ** 2 / Fraction(1, 3) ** 2 == nu_0[0] / nu_0[1]


def test_i11_from_scratch():
    """J' = log t - log(1 - t) - 1 / t falls through 0 at nu*(0), where J is below log 2 by what the claim shows."""
    with mp.workdps(50):
        t = mp.findroot(lambda t: mp.log(t / (1 - t)) - 1 / t, (mp.mpf("0.7"), mp.mpf("0.9")), solver="anderson")
        least = t * mp.log(2 * t) + (1 - t) * mp.log(2 * (1 - t)) - mp.log(t)
        evidence = shown("I.11")
        assert mp.nstr(t, 8) == evidence.instance["nu*(0)"]
        assert abs(evidence.measured - (mp.log(2) - least)) < 1e-15


def test_ii10_from_scratch():
    """J = t^2 / 2 - t, G = t^2 / 2 + ((1 - t)(1 - a) + t a) / 2 - 1 - a / 2, q = (1 - a, a): a saddle at (1/2, 0)."""

    def G(t: Fraction, a: Fraction) -> Fraction:
        return t**2 / 2 + ((1 - t) * (1 - a) + t * a) / 2 - max((1 - a) / 2, 1 + a / 2)

    steps = [Fraction(k, 64) for k in range(65)]
    evidence = shown("II.10")
    assert min(t**2 / 2 - t for t in steps) == -HALF == Fraction(evidence.instance["min J"])
    assert max(G(HALF, a) for a in steps) == G(HALF, ZERO) == min(G(t, ZERO) for t in steps) == Fraction(-5, 8)
    assert Fraction(evidence.instance["max min"]) == Fraction(-5, 8)
