"""I.39: more traces per answer make the gradient in the logits of traces noisier, but not the change of the answers."""

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
        """Compute E |g|^2 / |E g|^2 of the estimate g by enumeration of the traces."""
        n = self.traces
        pi = [p / n for p in self.nu for _ in range(n)]
        reward = [r for r in self.rewards for _ in range(n)]
        squares = sum((p * p for p in pi), Fraction(0))
        mean = sum((p * r for p, r in zip(pi, reward, strict=True)), Fraction(0))
        signal = sum(((p * (r - mean)) ** 2 for p, r in zip(pi, reward, strict=True)), Fraction(0))
        total = sum((p * r * r * (1 - 2 * p + squares) for p, r in zip(pi, reward, strict=True)), Fraction(0))
        return total / signal

    def noise_of_answers(self) -> Fraction:
        """Compute the same ratio for the change of the answer masses in a small step along g."""
        n, answers = self.traces, range(len(self.nu))
        squares = sum((p * p / n for p in self.nu), Fraction(0))
        total, mean = Fraction(0), [Fraction(0) for _ in answers]
        for drawn, p in enumerate(self.nu):
            # All traces of an answer act alike: g = r (e_y - pi) moves nu(z) by sum over z of pi (g - <pi, g>).
            r = self.rewards[drawn]
            level = p / n - squares
            moved = [r * ((p / n if z == drawn else 0) - self.nu[z] ** 2 / n - self.nu[z] * level) for z in answers]
            total += p * sum((m * m for m in moved), Fraction(0))
            mean = [a + p * m for a, m in zip(mean, moved, strict=True)]
        return total / sum((m * m for m in mean), Fraction(0))

    def scale(self) -> Fraction:
        """Compute E r^2 over sum nu^2 (r - E r)^2: the noise for one trace per answer without the factor |e - nu|^2."""
        mean = sum((p * r for p, r in zip(self.nu, self.rewards, strict=True)), Fraction(0))
        signal = sum(((p * (r - mean)) ** 2 for p, r in zip(self.nu, self.rewards, strict=True)), Fraction(0))
        return sum((p * r * r for p, r in zip(self.nu, self.rewards, strict=True)), Fraction(0)) / signal


def stated(spread: Spread) -> Fraction:
    """The lower bound (n - 2) scale on the noise for n traces per answer."""
    return (spread.traces - 2) * spread.scale()


def twice(spread: Spread) -> Fraction:
    """Twice the bound."""
    return 2 * stated(spread)


def slightly_more(spread: Spread) -> Fraction:
    """The bound times 1.02."""
    return stated(spread) * 51 / 50


def as_for_one(spread: Spread) -> Fraction:
    """The noise for one trace per answer."""
    return Spread(spread.nu, spread.rewards, 1).noise_of_answers()


def evidence_of_gradient(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the estimates for 1 to 1000 traces per answer, and compute the noise of the gradient in their logits.

    Args:
        formula: Lower bound on the noise.
        rng: Source of randomness.

    Yields:
        Exact comparisons.
    """
    for spread in _instances(rng):
        yield _compare(spread, formula(spread), spread.noise_of_gradient(), "gradient in the logits of traces")


def evidence_of_answers(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the estimates for 1 to 1000 traces per answer, and compute the noise of the change of answer masses.

    Args:
        formula: Lower bound on the noise.
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
            f"Take nu = {nu}, rewards {rewards} and {spread.traces} equally likely traces for each answer. For the "
            f"estimate g from one trace, E|g|^2 / |E g|^2 is {float(spread.noise_of_gradient()):.6g} in the logits of "
            f"the traces, against {float(one.noise_of_gradient()):.6g} with one trace per answer. For the change of "
            f"the answer masses the ratio is {float(spread.noise_of_answers()):.6g}, against "
            f"{float(one.noise_of_answers()):.6g}."
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
        "Monte-Carlo estimates of the gradient have extreme variance: the credit for a good answer goes to the one "
        "trace that was drawn, without knowledge of the other traces that lead to this answer. The source does not "
        "give the measure of the variance."
    ),
    printed="E|g|^2 / |E g|^2 grows with |E^-1(z)|, g = r(E(y)) grad log pi(y)",
    kind="existence",
    expected="depends",
    readings=(
        Reading(
            supposes=(
                "the variance is that of the gradient in the logits of single traces, relative to the square of its "
                "mean"
            ),
            expected="holds",
            stated=stated,
            sabotage=twice,
            near_miss=slightly_more,
            evidence=evidence_of_gradient,
        ),
        Reading(
            supposes=(
                "the variance is that of the change of the answer masses in one step, relative to the square of its "
                "mean"
            ),
            expected="false",
            stated=stated,
            sabotage=as_for_one,
            near_miss="The sabotage is the exact noise, which does not grow with the number of traces.",
            evidence=evidence_of_answers,
        ),
    ),
    remark=(
        "With n equally likely traces for each answer, the gradient in the trace logits is spread over n times as many "
        "components, and one sample shows one of them. But every trace of an answer changes the answer masses by the "
        "same amount, so the noise of nu is that of one trace per answer. The part that remains large is due to a "
        "common offset of the rewards, which a baseline removes (claim I.29)."
    ),
)

CLAIMS = (I39,)
