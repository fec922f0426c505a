"""I.62: the modulus of strong convexity of KL(q || .) in its second argument."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from proofs_check import oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
Weights = Sequence[Fraction]


def some(q: Weights) -> Any:  # noqa: ARG001 - the same for every q
    """A small modulus, in the place of any modulus greater than 0."""
    return mp.mpf("1e-30")


def pinsker(q: Weights) -> Any:  # noqa: ARG001 - the same for every q
    """The modulus 1, as in Pinsker's inequality."""
    return mp.mpf(1)


def best(q: Weights) -> Any:
    """(a^(1/3) + b^(1/3))^3 / 4, a and b the two smallest masses of q."""
    a, b = (oracles.number(p) for p in sorted(q)[:2])
    return (mp.cbrt(a) + mp.cbrt(b)) ** 3 / 4


def nearly_best(q: Weights) -> Any:
    """The best modulus times 1.01."""
    return mp.mpf("1.01") * best(q)


def zeros(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """Compute the divergence at both ends and at the midpoint of chords, to 50 digits, for q with zeros.

    Args:
        formula: The modulus, by q.

    Yields:
        The mean of the ends less the value at the midpoint, times 8 / |a - b|^2, against the modulus.
    """
    half, zero, one = Fraction(1, 2), Fraction(0), Fraction(1)
    yield _chord(
        formula,
        [one, zero, zero],
        [half, half, zero],
        [half, zero, half],
        sentence=(
            "Take q = (1, 0, 0) and the policies (1/2, 1/2, 0) and (1/2, 0, 1/2). At both, and at (1/2, 1/4, 1/4) "
            "halfway, KL(q || pi) = -log(1/2) = .693. KL(q || .) is constant on this segment: every modulus above 0 is "
            "too large."
        ),
    )
    third = Fraction(1, 3)
    yield _chord(formula, [half, half, zero, zero], [third, third, third, zero], [third, third, zero, third])


def rare(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """Compute the divergence on one chord, to 50 digits, for two answers that become rare under q.

    Args:
        formula: The modulus, by q.

    Yields:
        The mean of the ends less the value at the midpoint, times 8 / |a - b|^2, against the modulus.
    """
    a, b = ([Fraction(n, 5) for n in counts] for counts in ((1, 3, 1), (1, 1, 3)))
    for digits in (2, 4, 8, 12):
        e = Fraction(1, 10**digits)
        words = (
            "Take q = (.98, .01, .01) and the policies a = (.2, .6, .2) and b = (.2, .2, .6), with (.2, .4, .4) "
            "halfway. There KL(q || .) is below its mean at a and b by .01 log(.4^2 / (.6 .2)) = .01 log(4/3) = "
            + f"{0.01 * np.log(4 / 3):.4f}".lstrip("0")
            + ". A modulus of 1 requires |a - b|_1^2 / 8 = .8^2 / 8 = .08."
        )
        yield _chord(formula, [1 - 2 * e, e, e], a, b, sentence=words if formula is pinsker and digits == 2 else "")


def positive(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the divergence on chords to 50 digits: random, at the ends of attacks, and short ones of least curvature.

    Args:
        formula: The modulus, by q.
        rng: Source of randomness.

    Yields:
        The mean of the ends less the value at the midpoint, times 8 / |a - b|^2, against the modulus.
    """
    yield from _chords(formula, _positive(rng), rng)


def any_target(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the divergence on chords to 50 digits, also for q with zeros, in L1 and L2.

    Args:
        formula: The modulus, by q.
        rng: Source of randomness.

    Yields:
        The mean of the ends less the value at the midpoint, times 8 / |a - b|^2, against the modulus.
    """
    one, zero = Fraction(1), Fraction(0)
    targets = [[one, zero], [zero, one, zero], [zero, one / 2, one / 2], *_positive(rng)]
    yield from _chords(formula, targets, rng)
    yield from _chords(formula, targets, rng, euclidean=True)


def _positive(rng: np.random.Generator) -> list[list[Fraction]]:
    third = Fraction(1, 3)
    return [[third, third, third], *(oracles.random_distribution(rng, 2 + i % 4, 20) for i in range(8))]


def _chords(
    formula: Formula, targets: Iterable[Weights], rng: np.random.Generator, *, euclidean: bool = False
) -> Iterator[Evidence]:
    for i, q in enumerate(targets):
        n = len(q)
        for _ in range(4):
            ends = [oracles.random_distribution(rng, n, 20) for _ in range(2)]
            yield _chord(formula, q, *ends, euclidean=euclidean)
        if i % 3 == 0:
            found = attack_distributions(_flatness(q), (2, n), rng, trials=8, rounds=30)
            yield _chord(formula, q, *(oracles.rounded(p) for p in found.place), euclidean=euclidean, attack=True)
        yield _chord(formula, q, *_flattest(q), euclidean=euclidean, attack=True)


def _flattest(q: Weights) -> tuple[list[Fraction], list[Fraction]]:
    """Give the ends of a short chord between the two rarest answers, with nearly all mass on them."""
    i, j = sorted(range(len(q)), key=lambda z: q[z])[:2]
    roots = [float(q[z]) ** (1 / 3) for z in (i, j)]
    step, rest = Fraction(1, 10**7), Fraction(1, 10**7) * (len(q) > 2)
    share = Fraction(roots[0] / sum(roots) if roots[1] else 0.5).limit_denominator(10**4)
    share = max(share, 2 * step)
    middle = [rest / max(len(q) - 2, 1)] * len(q)
    middle[i], middle[j] = share * (1 - rest), (1 - share) * (1 - rest)
    ends = [list(middle), list(middle)]
    for end, sign in zip(ends, (1, -1), strict=True):
        end[i] += sign * step
        end[j] -= sign * step
    return ends[0], ends[1]


def _flatness(q: Weights) -> Any:
    weights = np.array([float(p) for p in q])

    def ratio(ends: Array) -> Array:
        logs = np.log(ends)
        middle = np.log(ends.mean(axis=1))
        drop = ((middle - logs.mean(axis=1)) * weights).sum(axis=1)
        length = np.abs(ends[:, 0] - ends[:, 1]).sum(axis=1)
        return np.asarray(np.where(length > 1e-2, length**2 / np.maximum(drop, 1e-12), 0.0))

    return ratio


def _chord(
    formula: Formula,
    q: Weights,
    a: Weights,
    b: Weights,
    *,
    euclidean: bool = False,
    attack: bool = False,
    sentence: str = "",
) -> Evidence:
    """Compare the mean of KL(q || .) at a and b less the midpoint value with m |a - b|^2 / 8, or with 2 m in L2."""
    middle = [(x + y) / 2 for x, y in zip(a, b, strict=True)]
    sag = (_divergence(q, a) + _divergence(q, b)) / 2 - _divergence(q, middle)
    steps = [x - y for x, y in zip(a, b, strict=True)]
    square = 2 * sum(s * s for s in steps) if euclidean else sum(map(abs, steps)) ** 2
    if not square:
        return Evidence(0.0, 0.0, "at least", 0.0, {"q": oracles.as_text(q)}, 1000)
    # Divided by the squared length, so that short chords have the same weight.
    needed, found = formula(q), 8 * sag / oracles.number(square)
    if abs(found) < mp.mpf("1e-40"):
        found = mp.mpf(0)
    instance = {
        "q": oracles.as_text(q),
        "a": oracles.as_text(a),
        "b": oracles.as_text(b),
        "norm": "L2" if euclidean else "L1",
        "compared": "8 / |a - b|^2 times (mean of KL(q || .) at a and b, less that at the midpoint)",
    }
    return Evidence(
        float(needed),
        float(found),
        "at least",
        0.0,
        instance,
        oracles.complexity(q, a, b),
        ratio=float(needed / found) if attack and found else None,
        sentence=sentence if found < needed else "",
    )


def _divergence(q: Weights, pi: Weights) -> Any:
    return mp.fsum(
        oracles.number(p) * (oracles.log(p) - mp.log(oracles.number(r))) for p, r in zip(q, pi, strict=True) if p
    )


I62 = Claim(
    id="I.62",
    title="Curvature of KL in its second argument",
    whose="paper",
    place="appendix F.4, proof of theorem F.2, after equation 16",
    plain="The loss of fitting a policy to a fixed target has at least a fixed positive curvature in every direction.",
    statement=(
        "For any fixed distribution q, KL(q || pi) is said to be strongly convex in pi with respect to L1, by "
        "Pinsker's inequality, and so with respect to L2. No modulus is given. The next step bounds the distance of "
        "two minima by the difference of gradients, which needs a modulus of at least 1."
    ),
    printed="pi -> KL(q || pi) strongly convex with respect to L1 (Pinsker), therefore also L2",
    kind="lower bound",
    expected="depends",
    readings=(
        Reading(
            supposes="for any distribution q there is a modulus greater than 0",
            expected="false",
            stated=some,
            sabotage=best,
            near_miss="The divergence is constant on the chord: every modulus greater than 0 is too large.",
            evidence=zeros,
        ),
        Reading(
            supposes="q has positive masses, and the modulus may depend on q",
            expected="holds",
            stated=best,
            sabotage=pinsker,
            near_miss=nearly_best,
            evidence=positive,
        ),
        Reading(
            supposes="q has positive masses, and one modulus holds for all q, as 1 does in Pinsker's inequality",
            expected="false",
            stated=pinsker,
            sabotage=best,
            near_miss=(
                "The sabotage is the right modulus. No constant is right: the difference on the chord is e log(4/3) "
                "for q = (1 - 2e, e, e)."
            ),
            evidence=rare,
        ),
    ),
    remark=(
        "Pinsker's inequality gives a modulus of 1 in the first argument, KL(. || pi). In the second argument the "
        "curvature along v is sum q v^2 / pi^2, which is small where q is small. The best modulus is that of claim "
        "I.62a; it tends to 0 with the two smallest masses of q, so that no constant holds for all q. With two answers "
        "the modulus 1/4 holds for every q, in L1. Claim I.25b takes the curvature into account."
    ),
    amendment="I.62a",
)

I62A = Claim(
    id="I.62a",
    title="Best modulus of KL in its second argument",
    whose="ours",
    place="repair of claim I.62",
    plain="The curvature of the loss is determined by the two rarest answers of the target.",
    statement=(
        "On the policies over N >= 2 answers KL(q || .) is strongly convex in L1 with the modulus m = (a^(1/3) + "
        "b^(1/3))^3 / 4, a and b the two smallest masses of q, and in L2 with 2 m. No larger modulus holds. So KL(q || "
        ".) is strongly convex if and only if q is 0 at one answer at most."
    ),
    printed="(KL(q||p) + KL(q||r)) / 2 - KL(q || (p + r)/2) >= m |p - r|_1^2 / 8,  m = (a^(1/3) + b^(1/3))^3 / 4",
    kind="lower bound",
    expected="holds",
    readings=(Reading(expected="holds", stated=best, sabotage=pinsker, near_miss=nearly_best, evidence=any_target),),
    remark=(
        "By Hoelder's inequality sum q v^2 / pi^2 is at least (sum q^(1/3) |v|^(2/3))^3, with equality for pi "
        "proportional to (q v^2)^(1/3). The base of the cube is concave in |v|, so that for sum v = 0 and |v|_1 fixed "
        "the bound is least if v moves mass between two answers, namely the two rarest. For such v |v|_2^2 = |v|_1^2 / "
        "2, and for other v it is less. With N equal masses 2 m is 4/N, its largest value for N answers: the modulus 1 "
        "in L2 needs N <= 4."
    ),
)

CLAIMS = (I62, I62A)
