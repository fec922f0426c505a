"""I.39: with more traces for an answer the gradient in the traces is noisier, and the change of the answers is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class Spread:
    """Answers whose mass is spread evenly over as many traces each, and a policy of one logit for each trace.

    From one sampled trace y the gradient of the mean reward is estimated as r(E(y)) (e_y - pi).

    Attributes:
        nu: Probabilities of answers.
        rewards: Their rewards.
        traces: Traces for each answer.
    """

    nu: Sequence[Fraction]
    rewards: Sequence[Fraction]
    traces: int

    def noise_of_gradient(self) -> Fraction:
        """Enumerate the traces: the mean square of the estimate over the square of its mean."""
        n = self.traces
        pi = [p / n for p in self.nu for _ in range(n)]
        reward = [r for r in self.rewards for _ in range(n)]
        squares = sum((p * p for p in pi), Fraction(0))
        mean = sum((p * r for p, r in zip(pi, reward, strict=True)), Fraction(0))
        signal = sum(((p * (r - mean)) ** 2 for p, r in zip(pi, reward, strict=True)), Fraction(0))
        total = sum((p * r * r * (1 - 2 * p + squares) for p, r in zip(pi, reward, strict=True)), Fraction(0))
        return total / signal

    def noise_of_answers(self) -> Fraction:
        """Enumerate the traces: the same of what a small step along the estimate does to the mass of each answer."""
        n, answers = self.traces, range(len(self.nu))
        squares = sum((p * p / n for p in self.nu), Fraction(0))
        total, mean = Fraction(0), [Fraction(0) for _ in answers]
        for drawn, p in enumerate(self.nu):
            # Each trace of an answer does the same: g = r (e_y - pi) moves nu(z) by sum over z of pi (g - <pi, g>).
            r = self.rewards[drawn]
            level = p / n - squares
            moved = [r * ((p / n if z == drawn else 0) - self.nu[z] ** 2 / n - self.nu[z] * level) for z in answers]
            total += p * sum((m * m for m in moved), Fraction(0))
            mean = [a + p * m for a, m in zip(mean, moved, strict=True)]
        return total / sum((m * m for m in mean), Fraction(0))

    def scale(self) -> Fraction:
        """Compute E r^2 over sum nu^2 (r - E r)^2: the noise for one trace, if it were not for |e - nu|^2."""
        mean = sum((p * r for p, r in zip(self.nu, self.rewards, strict=True)), Fraction(0))
        signal = sum(((p * (r - mean)) ** 2 for p, r in zip(self.nu, self.rewards, strict=True)), Fraction(0))
        return sum((p * r * r for p, r in zip(self.nu, self.rewards, strict=True)), Fraction(0)) / signal


def stated(spread: Spread) -> Fraction:
    """The noise grows like the number n of traces: at least n - 2 times the scale."""
    return (spread.traces - 2) * spread.scale()


def twice(spread: Spread) -> Fraction:
    """Twice as much."""
    return 2 * stated(spread)


def slightly_more(spread: Spread) -> Fraction:
    """2 % more."""
    return stated(spread) * 51 / 50


def as_for_one(spread: Spread) -> Fraction:
    """The noise is that of one trace for each answer."""
    return Spread(spread.nu, spread.rewards, 1).noise_of_answers()


def evidence_of_gradient(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the estimates for 1 to 1000 traces an answer, and take the noise of the gradient in the traces' logits.

    Args:
        formula: The least noise.
        rng: Source of randomness.

    Yields:
        Exact comparisons.
    """
    for spread in _instances(rng):
        yield _compare(spread, formula(spread), spread.noise_of_gradient(), "gradient in the logits of traces")


def evidence_of_answers(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the estimates for 1 to 1000 traces an answer, and take the noise of what they do to the answers.

    Args:
        formula: The least noise.
        rng: Source of randomness.

    Yields:
        Exact comparisons.
    """
    for spread in _instances(rng):
        yield _compare(spread, formula(spread), spread.noise_of_answers(), "change of the masses of answers")


def _compare(spread: Spread, claimed: Fraction, found: Fraction, what: str) -> Evidence:
    one = Spread(spread.nu, spread.rewards, 1)
    nu, rewards = oracles.as_text(spread.nu), oracles.as_text(spread.rewards)
    return Evidence(
        claimed=float(claimed),
        measured=float(found),
        relation="at least",
        tolerance=0.0,
        instance={"nu": nu, "r": rewards, "traces per answer": spread.traces, "compared": f"noise of the {what}"},
        size=oracles.complexity(spread.nu, spread.rewards) + len(str(spread.traces)),
        sentence=(
            f"Take nu = {nu}, rewards {rewards} and {spread.traces} equally likely traces for each answer. The mean "
            "square of the estimate from one trace over the square of its mean is "
            f"{float(spread.noise_of_gradient()):.6g} in the logits of the traces, against "
            f"{float(one.noise_of_gradient()):.6g} with one trace for each. Of the change of the answers' masses it is "
            f"{float(spread.noise_of_answers()):.6g}, against {float(one.noise_of_answers()):.6g}."
        )
        if spread.traces > 1
        else "",
    )


def _instances(rng: np.random.Generator) -> Iterator[Spread]:
    half, zero, one = Fraction(1, 2), Fraction(0), Fraction(1)
    for n in (1, 10, 1000):
        yield Spread([half, half], [zero, one], n)
    for n in (1, 3, 30, 300):
        nu = oracles.random_distribution(rng, 3, 9)
        yield Spread(nu, [Fraction(int(k)) for k in rng.permutation(3)], n)


I39 = Claim(
    id="I.39",
    title="Many traces per answer make estimates noisy",
    whose="paper",
    place="section 2.1, Why is this hard?, and section 1, second paragraph; also the slides, Why Is ALFT Hard?",
    plain="Learning from sampled traces is noisy because many traces lead to the same answer.",
    statement=(
        "Monte-Carlo estimates of the gradient have extreme variance: a good answer is credited to the one trace "
        "that was drawn, without knowing of the others that lead to it. The measure of the variance is not given."
    ),
    printed="E|g|^2 / |E g|^2 grows with |E^-1(z)|, g = r(E(y)) grad log pi(y)",
    kind="existence",
    expected="depends",
    readings=(
        Reading(
            supposes="the variance is that of the gradient in the logits of single traces, relative to its length",
            expected="holds",
            stated=stated,
            sabotage=twice,
            near_miss=slightly_more,
            evidence=evidence_of_gradient,
        ),
        Reading(
            supposes="the variance is that of what a step does to the answers, relative to its mean",
            expected="false",
            stated=stated,
            sabotage=as_for_one,
            near_miss="Its sabotage is the exact noise, which does not grow with the number of traces at all.",
            evidence=evidence_of_answers,
        ),
    ),
    remark=(
        "With n equally likely traces for each answer the gradient in their logits is spread over n times as many "
        "numbers, and one sample sees one of them. But every trace of an answer moves the answers by the same "
        "amount, so that nu sees the noise of one trace for each. What is large then is what an offset of all "
        "rewards adds, which a baseline takes away (I.29)."
    ),
)

CLAIMS = (I39,)
