"""I.35: the value of the game with one target for all prompts, against that with a target for each prompt."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, log1p

import numpy as np

from dagames import AlignmentGame, solve
from dagames.functionals import Functional, Gini, Linear, NegativeEntropy
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

LEAD = (Fraction(1, 10), Fraction(9, 10))
"""Reference masses of answer 1 for which both values can be computed by hand."""

REACH = 40.0
"""Largest |d| in the search over dual variables (0, d)."""

Number = Callable[[float], float]


@dataclass(frozen=True)
class Prompts:
    """Two prompts with equal weights, two answers and one trace per answer.

    Attributes:
        name: The functional, in words.
        functional: The library's.
        value: R at (1 - t, t).
        conjugate: R* at (0, d).
        nu_0: Reference mass of answer 1 for each prompt.
        beta: Weight of the divergence.
    """

    name: str
    functional: Functional
    value: Number
    conjugate: Number
    nu_0: tuple[Fraction, Fraction]
    beta: float

    def divergence(self, t: float, prompt: int) -> float:
        """Compute beta KL((1 - t, t) || nu_0)."""
        p = float(self.nu_0[prompt])
        pairs = ((t, p), (1 - t, 1 - p))
        return self.beta * sum(a * log(a / b) for a, b in pairs if a > 0)

    def spread(self, t: float) -> float:
        """Find the least mean divergence of two policies whose mean mass of answer 1 is t."""
        low, high = max(0.0, 2 * t - 1), min(1.0, 2 * t)

        def mean(first: float) -> float:
            return (self.divergence(first, 0) + self.divergence(min(max(2 * t - first, 0.0), 1.0), 1)) / 2

        return mean(thirds(mean, low, high))


def thirds(convex: Number, low: float, high: float) -> float:
    """Find where a convex function is least.

    Args:
        convex: The function.
        low: Left end.
        high: Right end.

    Returns:
        The place, to about 1e-8.
    """
    for _ in range(50):
        left, right = (2 * low + high) / 3, (low + 2 * high) / 3
        low, high = (low, right) if convex(left) < convex(right) else (left, high)
    return (low + high) / 2


def least(convex: Number, low: float, high: float) -> float:
    """Find the least value of a convex function."""
    return convex(thirds(convex, low, high))


def stated(case: Prompts) -> float:
    """The mean of min J over the prompts, as the library computes it."""
    nu_0 = [[1 - float(p), float(p)] for p in case.nu_0]
    return float(np.mean([solve(AlignmentGame(p, [0, 1], case.functional, case.beta)).value for p in nu_0]))


def less_divergence(case: Prompts) -> float:
    """The mean of min J with beta .1 % smaller."""
    nu_0 = [[1 - float(p), float(p)] for p in case.nu_0]
    return float(np.mean([solve(AlignmentGame(p, [0, 1], case.functional, 0.999 * case.beta)).value for p in nu_0]))


def of_the_mean(case: Prompts) -> float:
    """The minimum over policies of R at the mean marginal plus the mean divergence."""
    return least(lambda t: case.value(t) + case.spread(t), 0.0, 1.0)


def nearly_of_the_mean(case: Prompts) -> float:
    """A mixture: 99 % of `of_the_mean` and 1 % of `stated`."""
    return 0.99 * of_the_mean(case) + 0.01 * stated(case)


def evidence_of_each(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min over policies of sup over targets of G from R* alone, with a target for each prompt.

    Args:
        formula: The value of the game.
        rng: Source of randomness.

    Yields:
        A comparison for each case.
    """
    for case in _cases(rng):

        def value(t: float, prompt: int, case: Prompts = case) -> float:
            return case.divergence(t, prompt) + _said(case, t)

        found = sum(least(lambda t, x=x: value(t, x), 0.0, 1.0) for x in (0, 1)) / 2  # type: ignore[misc]
        yield _compare(case, formula(case), found)


def evidence_of_one(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min over policies of sup over targets of G from R* alone, with one target for both prompts.

    Args:
        formula: The value of the game.
        rng: Source of randomness.

    Yields:
        A comparison for each case; G depends on the policies through their mean marginal and their divergences.
    """
    for case in _cases(rng):
        found = least(lambda t, case=case: case.spread(t) + _said(case, t), 0.0, 1.0)  # type: ignore[misc]
        yield _compare(case, formula(case), found)


def _said(case: Prompts, t: float) -> float:
    """Search the supremum over d of d t - R*(0, d); a shift reduces every dual variable to (0, d)."""
    return -least(lambda d: case.conjugate(d) - d * t, -REACH, REACH)


def _compare(case: Prompts, claimed: float, found: float) -> Evidence:
    nu_0 = [oracles.as_text([1 - p, p]) for p in case.nu_0]
    sentence = ""
    if abs(claimed - found) > 1e-3:
        sentence = (
            f"Take R = {case.name}, beta = {case.beta:g} and two prompts with nu_0 = {nu_0[0]} and {nu_0[1]}. The mean "
            f"of min J over the prompts is {stated(case):.3f}. With one target for both prompts, sup over q of G is "
            f"the mean divergence plus R of the mean marginal. Its minimum over policies is {found:.3f}."
        )
    return Evidence(
        claimed=claimed,
        measured=found,
        relation="equal",
        tolerance=1e-8,
        instance={
            "R": case.name,
            "nu_0": f"{nu_0[0]}, {nu_0[1]}",
            "beta": case.beta,
            "compared": "min over policies of sup over targets of G",
        },
        size=oracles.complexity(case.nu_0) + (0 if case.nu_0 == LEAD else 20),
        sentence=sentence,
    )


def _cases(rng: np.random.Generator) -> Iterator[Prompts]:
    yield Prompts("sum nu log nu", NegativeEntropy(1.0), _entropy, _soft, LEAD, 1.0)
    for _ in range(2):
        a, b = (Fraction(int(k), 10) for k in rng.choice(np.arange(1, 10), size=2, replace=False))
        beta = round(float(rng.uniform(0.3, 2)), 2)
        yield Prompts("sum nu log nu", NegativeEntropy(1.0), _entropy, _soft, (a, b), beta)
        yield Prompts("|nu|^2 / 2", Gini(1.0), lambda t: (t**2 + (1 - t) ** 2) / 2, _collisions, (a, b), beta)
    # R is linear, so that its mean is its value at the mean.
    yield Prompts("-nu(1)", Linear([0.0, 1.0]), lambda t: -t, lambda d: max(0.0, d + 1), LEAD, 1.0)


def _entropy(t: float) -> float:
    return sum(p * log(p) for p in (t, 1 - t) if p > 0)


def _soft(d: float) -> float:
    return max(d, 0.0) + log1p(exp(-abs(d)))


def _collisions(d: float) -> float:
    v = min(max((1 + d) / 2, 0.0), 1.0)
    return d * v - (v**2 + (1 - v) ** 2) / 2


I35 = Claim(
    id="I.35",
    title="One target for all prompts",
    whose="paper",
    place=(
        "section 2.2, eq. (3), and section 2.3, Theorem 2.1, part 1; also the slides, The Distributional Alignment Game"
    ),
    plain="The value of the game with one target for all prompts equals the minimum of the training objective.",
    statement=(
        "G is a mean over prompts, in which the target is printed as q, not q(.|x), and the maximum is over q in the "
        "simplex of answers. Min J equals min over policies of max over q of this G. The dual variable that q stands "
        "for is introduced within the mean over prompts, and part 2 of the theorem writes q(E(y)|x)."
    ),
    printed="min_pi J(pi) = min_pi max_{q in Delta(Z)} E_x[beta KL - beta E_y log q(E(y)) - Psi(q)]",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="q stands for a target for each prompt",
            expected="holds",
            stated=stated,
            sabotage=of_the_mean,
            near_miss=less_divergence,
            evidence=evidence_of_each,
        ),
        Reading(
            supposes="q is one distribution for all prompts, as it is printed",
            expected="false",
            stated=stated,
            sabotage=of_the_mean,
            near_miss="The sabotage is the correct value (claim I.35a); any mixture of the two values is still false.",
            evidence=evidence_of_one,
        ),
    ),
    remark=(
        "With one target, the coupling depends on the marginals only through their mean. By hand, for the instance "
        "shown: with a target for each prompt, min J = -2 log(sqrt .9 + sqrt .1) = -log 1.6 = -.470; with one target "
        "the references themselves are optimal, their mean is (1/2, 1/2), and R there is -log 2 = -.693. For linear R "
        "the two values are equal. For a diversity functional, one target makes the answers diverse over all prompts "
        "together, not for each prompt."
    ),
    amendment="I.35a",
)

I35A = Claim(
    id="I.35a",
    title="What one target for all prompts optimises",
    whose="ours",
    place="repair of claim I.35",
    plain="With one target for all prompts, R is applied to the answer distribution averaged over the prompts.",
    statement=(
        "For convex lower semicontinuous R, min over policies of sup over one positive q for all prompts of G is the "
        "minimum of R(mean over x of nu_pi(.|x)) + beta mean over x of KL(pi(.|x) || pi_0(.|x)), which is at most min "
        "J."
    ),
    printed="min_pi sup_q G(pi, q) = min_pi [R(E_x nu_pi(.|x)) + beta E_x KL(pi(.|x) || pi_0(.|x))]",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=of_the_mean,
            sabotage=stated,
            near_miss=nearly_of_the_mean,
            evidence=evidence_of_one,
        ),
    ),
    remark=(
        "The coupling is linear in nu_pi(.|x), so its mean over prompts is the coupling at the mean marginal. The rest "
        "of the proof is that of claim I.3."
    ),
)

CLAIMS = (I35, I35A)
