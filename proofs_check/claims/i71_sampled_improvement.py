"""I.71: whether a step to the mean of sampled answers always improves a policy, and the loss if not."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import comb
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from scipy.special import gammaln

from proofs_check import oracles, stats
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading

Views = Sequence[Sequence[Fraction]]
SIZES = (24, 32)
"""Samples of each view, as in the paper; a group of two views has twice as many."""


def none(views: Views) -> Any:  # noqa: ARG001 - whatever they are
    """The least improvement, 0."""
    return mp.mpf(0)


def geometric(views: Views) -> Any:
    """The improvement of the geometric mean, -log(1 - H^2)."""
    products = [mp.fprod(oracles.number(nu[z]) for nu in views) for z in range(len(views[0]))]
    return -mp.log(mp.fsum(mp.root(p, len(views)) for p in products))


def a_hundredth(views: Views) -> Any:
    """A hundredth of the improvement of the geometric mean."""
    return geometric(views) / 100


def evidence_of_exact_means(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the divergence of an ideal from the mean of exact marginals with its mean divergence from the views.

    Args:
        formula: Lower bound on the improvement, from the views.
        rng: Source of randomness.

    Yields:
        mean KL(ideal || view) - KL(ideal || mean of views), at 50 digits.
    """
    half, quarter, zero = Fraction(1, 2), Fraction(1, 4), Fraction(0)
    cases = [([[half, quarter, quarter], [half, half, zero]], [Fraction(1), zero, zero])]
    for i in range(30):
        n = 2 + i % 3
        views = [oracles.random_distribution(rng, n, 9) for _ in range(2 + i % 3)]
        cases.append((views, oracles.random_distribution(rng, n, int(10 ** rng.integers(1, 4)))))
    for views, ideal in cases:
        mean = [sum((nu[z] for nu in views), Fraction(0)) / len(views) for z in range(len(ideal))]
        before, after = mp.fsum(oracles.kl(ideal, nu) for nu in views) / len(views), oracles.kl(ideal, mean)
        shown = " and ".join(oracles.as_text(nu) for nu in views)
        text = (
            f"Take the ideal {oracles.as_text(ideal)} and the views {shown}. The mean of KL(ideal || view) is "
            f"{mp.nstr(before, 4)}. For the mean of the views, {oracles.as_text(mean)}, KL(ideal || mean) is "
            f"{mp.nstr(after, 4)}."
        )
        here = {"views": shown, "ideal": oracles.as_text(ideal), "compared": "improvement"}
        size = oracles.complexity(*views, ideal)
        yield Evidence(float(formula(views)), float(before - after), "at least", 1e-40, here, size, sentence=text)


def never(nu: Sequence[Fraction], n: int) -> Fraction:  # noqa: ARG001 - whatever they are
    """0: the policy never gets worse."""
    return Fraction(0)


def unless_exact(nu: Sequence[Fraction], n: int) -> Fraction:
    """The probability that the counts are not n nu."""
    counts = [n * p for p in nu]
    if any(count.denominator > 1 for count in counts):
        return Fraction(1)
    return 1 - oracles.multinomial([int(count) for count in counts], nu)


def evidence_of_samples(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:  # noqa: ARG001 - not used
    """Enumerate the counts of 2K answers of two views with the ideal's marginal, and sum the masses of worse policies.

    Args:
        formula: The probability that the policy gets worse, from the marginal and the size of the group.
        rng: Not used.

    Yields:
        The probability that KL(ideal || frequencies) is above KL(ideal || view) = 0.
    """
    half, tenth = Fraction(1, 2), Fraction(1, 10)
    for nu in ([half, half], [9 * tenth, tenth], [19 * tenth / 2, tenth / 2]):
        for K in SIZES:
            n = 2 * K
            worse = missed = Fraction(0)
            for k in range(n + 1):
                mass = comb(n, k) * nu[0] ** k * nu[1] ** (n - k)
                worse += mass * (Fraction(k, n) != nu[0])  # a divergence is 0 for equal laws only
                missed += mass * (k in {0, n})
            text = (
                f"Take K = {K} and two views that have the ideal's marginal {oracles.as_text(nu)} already. The "
                f"frequencies of the {n} answers differ from this marginal with probability {float(worse):.3f}, and "
                "then the step increases the divergence from the ideal."
            )
            if missed > Fraction(1, 1000):
                text += (
                    f" With probability {float(missed):.3f} an answer is missed, which makes the divergence infinite."
                )
            here = {"nu": oracles.as_text(nu), "K": K, "answers": n, "missed": f"{float(missed):.3g}"}
            here["compared"] = "probability that the policy gets worse"
            size = oracles.complexity(nu) + K
            yield Evidence(float(formula(nu, n)), float(worse), "equal", 1e-15, here, size, sentence=text)


class Cost(NamedTuple):
    """The claim for a group of n answers if all views have the ideal's marginal.

    Attributes:
        missed: The probability that the first answer does not occur.
        loss: n times the expected divergence, given that all answers occur, for large n.
    """

    missed: Fraction
    loss: float


def stated(nu: Sequence[Fraction], n: int) -> Cost:
    """(1 - p)^n, and (|Z| - 1) / 2."""
    return Cost((1 - nu[0]) ** n, (len(nu) - 1) / 2)


def sabotage(nu: Sequence[Fraction], n: int) -> Cost:
    """The loss |Z| / 2 in the place of (|Z| - 1) / 2."""
    return stated(nu, n)._replace(loss=len(nu) / 2)


def near_miss(nu: Sequence[Fraction], n: int) -> Cost:
    """The loss times 1.02."""
    cost = stated(nu, n)
    return cost._replace(loss=1.02 * cost.loss)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the counts of small groups exactly, and sum the divergence over the counts of large groups.

    Args:
        formula: Probability that the first answer is missed, and n times the loss, from the marginal and n.
        rng: Source of randomness.

    Yields:
        That probability; and n times the expected divergence given that all answers occur, extrapolated from n = 300
        and 600, to half a percent.
    """
    laws = [[Fraction(1, 2)] * 2, [Fraction(1, 10), Fraction(9, 10)], [Fraction(1, 5), Fraction(3, 10), Fraction(1, 2)]]
    laws += [oracles.random_distribution(rng, 2 + i % 2, 5) for i in range(4)]
    for nu in laws:
        n, size = 8, oracles.complexity(nu)
        instance: dict[str, Any] = {"nu": oracles.as_text(nu)}
        missed = sum(
            (oracles.multinomial(c, nu) for c in oracles.group_counts(len(nu), n) if c[0] == 0),
            Fraction(0),
        )
        here = instance | {"n": n, "compared": "probability that the first answer is missed"}
        yield Evidence(float(formula(nu, n).missed), float(missed), "equal", 1e-15, here, size)
        few, many = (n * expected_loss(np.array([float(p) for p in nu]), n) for n in (300, 600))
        claimed = formula(nu, 600).loss
        here = instance | {"n": "300, 600", "compared": "n times the expected divergence, extrapolated"}
        text = (
            f"Take nu = {instance['nu']}. If all {len(nu)} answers occur, the frequencies of 600 answers have a "
            f"divergence of {many / 600:.3g} on average, {many:.4f} / 600."
        )
        yield Evidence(claimed, 2 * many - few, "equal", 0.005 * claimed, here, size + 1, sentence=text)


def expected_loss(nu: Any, n: int) -> float:
    """Sum KL(nu || counts / n) over the counts of two or three answers, all of them positive.

    Args:
        nu: Probabilities of two or three answers.
        n: Number of answers drawn.

    Returns:
        The expectation, given that all answers occur.
    """
    first = np.arange(1, n)
    if len(nu) == 2:
        counts = np.stack([first, n - first])
    else:
        a, b = np.meshgrid(first, first, indexing="ij")
        inside = a + b < n
        counts = np.stack([a[inside], b[inside], n - a[inside] - b[inside]])
    logs = gammaln(n + 1) - gammaln(counts + 1).sum(axis=0) + (counts * np.log(nu)[:, None]).sum(axis=0)
    masses = np.exp(logs)
    losses = (nu[:, None] * (np.log(nu)[:, None] - np.log(counts / n))).sum(axis=0)
    return float(masses @ losses / masses.sum())


def plot() -> Plot:
    """Plot the probability that a step makes the policy worse, for views on both sides of the ideal.

    Returns:
        Probabilities by K, for views (1/2 + d, 1/2 - d) and (1/2 - d, 1/2 + d) of the ideal (1/2, 1/2).
    """
    sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]
    lines = [Line(f"d = {d:.2g}", sizes, [worse_between(d, K) for K in sizes], "points") for d in (0.0, 0.05, 0.1, 0.2)]
    return Plot(
        "samples of each view, K",
        "probability that the step makes the policy worse",
        lines,
        "Two views, (1/2 + d, 1/2 - d) and (1/2 - d, 1/2 + d), and the ideal (1/2, 1/2). The exact mean is the ideal. "
        "The frequencies of K samples of each view are worse than the views if they differ from 1/2 by more than d. "
        "If the views agree, d = 0, more samples do not help.",
        log_x=True,
    )


def worse_between(d: float, K: int) -> float:
    """Compute the probability that the pooled frequency of two views differs from 1/2 by more than d.

    Args:
        d: Half of the difference between the views.
        K: Samples of each.

    Returns:
        The probability.
    """
    k = np.arange(K + 1)
    pooled = np.convolve(stats.binom.pmf(k, K, 0.5 + d), stats.binom.pmf(k, K, 0.5 - d))
    off = np.abs(np.arange(2 * K + 1) / (2 * K) - 0.5)
    return float(pooled[off > d + 1e-12].sum())


I71 = Claim(
    id="I.71",
    title="Monotonic improvement at K = 24 or 32",
    whose="paper",
    place="Section 5.2, Convergence and sample coverage, on Theorem F.2",
    plain="With groups of 24 or 32 samples the step towards the average never makes a policy worse.",
    statement=(
        "By Theorem F.2 the loss of the empirical frequency against the geometric mean is at most proportional to the "
        "distance H^2 of the sample group. From this, improvement is said to be guaranteed to be monotonic at moderate "
        "group sizes, K = 24 or 32."
    ),
    printed="Improv(pi_hybrid) >= 0 for K = 24, 32",
    kind="convergence",
    expected="depends",
    readings=(
        Reading(
            supposes="the mean is that of exact marginals, every policy is allowed, and the ideal is coherent",
            expected="holds",
            stated=none,
            sabotage=geometric,
            near_miss=a_hundredth,
            evidence=evidence_of_exact_means,
        ),
        Reading(
            supposes="the mean is the frequency of the sampled answers, K of each of two views",
            expected="false",
            stated=never,
            sabotage=unless_exact,
            near_miss=(
                "A guarantee has no small error; the sabotage is the probability that the step makes the policy worse."
            ),
            evidence=evidence_of_samples,
        ),
    ),
    remark=(
        "With exact means the improvement holds for every K (claim B.8), with sampled means for no K: if the views "
        "agree already, no improvement is possible, and the frequencies differ from the marginal (claim I.71a gives "
        "the probability and the loss). Theorem F.2 does not help either if its distributions are one-hot samples: H^2 "
        "is then 1 unless all agree (claim I.33), .920 and .966 on average for 24 and 32 samples of (.9, .1)."
    ),
    amendment="I.71a",
)

I71A = Claim(
    id="I.71a",
    title="Loss from sampled means",
    whose="ours",
    place="repair of claim I.71",
    plain=(
        "If the views agree already, a step to the frequencies of sampled answers has a loss inversely proportional to "
        "their number."
    ),
    statement=(
        "Let all views have the ideal's marginal nu, and let the policy follow the frequencies of n answers in total. "
        "The policy gets worse unless the counts are n nu. An answer of mass p is missed, at an infinite loss, with "
        "probability (1 - p)^n. If all answers occur, the expected KL(nu || frequencies) is (|Z| - 1) / (2n) to "
        "leading order."
    ),
    printed="P(missed) = (1 - p)^n, E[KL(nu || f) | all occur] = (|Z| - 1) / (2n) + ...",
    kind="equality",
    expected="holds",
    readings=(Reading(expected="holds", stated=stated, sabotage=sabotage, near_miss=near_miss, evidence=evidence),),
    remark=(
        "For K = 24 and two views, n = 48, an answer of mass .05 is missed in 8.5 % of all steps, for K = 32 in 3.8 %. "
        "The step is an improvement where the disagreement of the views exceeds this loss: d in the plot larger than "
        "about 1 / sqrt(8K)."
    ),
    plot=plot,
)

CLAIMS = (I71, I71A)
