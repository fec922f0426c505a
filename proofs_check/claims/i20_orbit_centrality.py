"""I.20: when the gradient of an orbit's expected distance is twice the policy gradient of the centrality."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Rows = list[list[Fraction]]


@dataclass(frozen=True)
class Orbit:
    """Policies of the views of one prompt, and a distance of traces.

    Attributes:
        policies: Probabilities of traces, [X, Y].
        shares: Probability of each view, [X].
        distances: d, [Y, Y].
        E: Answer of each trace if d = 1{E != E'}, else none.
    """

    policies: Rows
    shares: Sequence[Fraction]
    distances: Rows
    E: Sequence[int] | None = None

    def incoherence(self, policies: Rows) -> Fraction:
        """Compute the expected distance of two traces, of views drawn independently."""
        pooled = self.pooled(policies)
        pairs = (
            (p * q * d) for p, row in zip(pooled, self.distances, strict=True) for q, d in zip(pooled, row, strict=True)
        )
        return sum(pairs, Fraction(0))

    def pooled(self, policies: Rows) -> list[Fraction]:
        """Compute the probabilities of traces of a random view, [Y]."""
        return [
            sum((s * pi[y] for s, pi in zip(self.shares, policies, strict=True)), Fraction(0))
            for y in range(len(self.distances))
        ]


def stated(orbit: Orbit) -> list[Fraction]:
    """The reward whose policy gradient is that of the incoherence: twice the expected distance to the orbit, [Y]."""
    if orbit.E is not None:
        nu = oracles.marginal(orbit.pooled(orbit.policies), orbit.E, max(orbit.E) + 1)
        return [2 * (1 - nu[z]) for z in orbit.E]
    pooled = orbit.pooled(orbit.policies)
    return [2 * sum((p * d for p, d in zip(pooled, row, strict=True)), Fraction(0)) for row in orbit.distances]


def sabotage(orbit: Orbit) -> list[Fraction]:
    """Count each pair once."""
    return [r / 2 for r in stated(orbit)]


def near_miss(orbit: Orbit) -> list[Fraction]:
    """A factor of 1.99 for 2."""
    return [r * Fraction(199, 200) for r in stated(orbit)]


def amended(orbit: Orbit) -> list[Fraction]:
    """The expected distance to the orbit plus that from the orbit, [Y]."""
    pooled, n = orbit.pooled(orbit.policies), len(orbit.distances)
    return [
        sum((pooled[w] * (orbit.distances[y][w] + orbit.distances[w][y]) for w in range(n)), Fraction(0))
        for y in range(n)
    ]


def lopsided(orbit: Orbit) -> list[Fraction]:
    """The amended reward with weights 1.005 and .995 of the distances to and from the orbit."""
    return [s / 200 + Fraction(199, 200) * a for s, a in zip(stated(orbit), amended(orbit), strict=True)]


def symmetric(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate the expected distance in the logits of every view, exactly, for symmetric distances.

    Args:
        formula: The reward of each trace.
        rng: Source of randomness.

    Yields:
        As `_slopes`.
    """
    yield from _slopes(formula, _instances(rng))


def any_sign(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate the expected distance in the logits of every view, exactly, for any distance.

    Args:
        formula: The reward of each trace.
        rng: Source of randomness.

    Yields:
        As `_slopes`.
    """
    yield from _slopes(formula, _with_direction(rng))


def _slopes(formula: Formula, orbits: Iterable[Orbit]) -> Iterator[Evidence]:
    """Compare the slope in each logit with the policy gradient of the reward, for each view and trace."""
    # The distance is quadratic in the policies, so that the symmetric difference quotient is exact at any step.
    for orbit in orbits:
        rewards = formula(orbit)
        for x, (share, pi) in enumerate(zip(orbit.shares, orbit.policies, strict=True)):
            mean = sum((p * r for p, r in zip(pi, rewards, strict=True)), Fraction(0))
            for y, p in enumerate(pi):
                # The logit of trace y moves the policy along pi(y) (e_y - pi).
                along = [p * (int(w == y) - m) for w, m in enumerate(pi)]
                ends = [
                    orbit.incoherence([
                        [a + sign * b for a, b in zip(row, along, strict=True)] if v == x else row
                        for v, row in enumerate(orbit.policies)
                    ])
                    for sign in (1, -1)
                ]
                slope = (ends[0] - ends[1]) / 2
                wanted = share * p * (rewards[y] - mean)
                by_hand = formula is stated and orbit == one_way()
                yield Evidence(
                    claimed=float(wanted),
                    measured=float(slope),
                    relation="equal",
                    tolerance=1e-15,
                    instance={
                        "policies": "; ".join(oracles.as_text(row) for row in orbit.policies),
                        "shares": oracles.as_text(orbit.shares),
                        "d": "; ".join(oracles.as_text(row) for row in orbit.distances),
                        "view": x,
                        "trace": y,
                        "slope": str(slope),
                    },
                    size=oracles.complexity(*orbit.policies, orbit.shares, *orbit.distances),
                    sentence=_sentence(wanted, slope) if by_hand else "",
                )


def one_way() -> Orbit:
    """Two traces of one prompt with d = 1 from the first to the second and d = 0 from the second to the first."""
    half, zero, one = Fraction(1, 2), Fraction(0), Fraction(1)
    return Orbit([[half, half]], [one], [[zero, one], [zero, zero]])


def _sentence(wanted: Fraction, slope: Fraction) -> str:
    return (
        "Take one prompt, pi = (1/2, 1/2), d(0, 1) = 1 and d(1, 0) = 0. Then the expected disagreement is pi(0) pi(1), "
        f"which is largest at 1/2: its slope in the first logit is {slope}. But twice the expected disagreement with "
        f"the "
        "orbit is 1 for the first trace and 0 for the second, 1/2 on average, and equation 10 gives "
        f"1/2 (1 - 1/2) = {wanted}."
    )


def _instances(rng: np.random.Generator) -> Iterator[Orbit]:
    half, zero, one = Fraction(1, 2), Fraction(0), Fraction(1)
    yield Orbit([[Fraction(1, 3), Fraction(2, 3)]], [one], [[zero, one], [one, zero]], (0, 1))
    yield Orbit([[half, half], [Fraction(1, 3), Fraction(2, 3)]], [half, half], [[zero, one], [one, zero]])
    for i in range(16):
        n, views = 2 + i % 3, 1 + i % 4
        policies = [oracles.random_distribution(rng, n, 9) for _ in range(views)]
        shares = oracles.random_distribution(rng, views, 9)
        if i % 2:
            E = (*(int(z) for z in rng.integers(0, 2, size=n - 1)), 1)
            yield Orbit(policies, shares, [[Fraction(int(a != b)) for a in E] for b in E], E)
        else:
            drawn = np.triu(rng.integers(0, 5, size=(n, n)), 1)
            yield Orbit(policies, shares, [[Fraction(int(a), 4) for a in row] for row in drawn + drawn.T])


def _with_direction(rng: np.random.Generator) -> Iterator[Orbit]:
    yield one_way()
    for i in range(12):
        n, views = 2 + i % 3, 1 + i % 4
        policies = [oracles.random_distribution(rng, n, 9) for _ in range(views)]
        drawn = rng.integers(0, 5, size=(n, n)) * (1 - np.eye(n, dtype=int))
        distances = [[Fraction(int(a), 4) for a in row] for row in drawn]
        yield Orbit(policies, oracles.random_distribution(rng, views, 9), distances)


I20 = Claim(
    id="I.20",
    title="Orbit centrality",
    whose="paper",
    place="appendix B.2, proposition B.1 and equation 10",
    plain=(
        "To make the answers to paraphrases agree, reward a text by its mean nearness to the texts for all paraphrases."
    ),
    statement=(
        "For traces of inputs drawn independently from a class, the gradient of the expected d(y_a, y_b) is twice "
        "the policy gradient of the expected distance of a trace to the orbit. Appendix B introduces d as a "
        "disagreement in [0, 1], section B.2 calls it a distance metric, and the proof says 'by symmetry'."
    ),
    printed="grad J_orbit = 2 E_x E_y[grad log pi(y|x) E_x' E_y'[d(y, y')]]   (eq. 10)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss="The sabotage is the true reward; a mean with other weights than 1/2 is false (claim I.20a).",
            evidence=any_sign,
            supposes=(
                "d is any disagreement in [0, 1], as appendix B introduces it; an entailment score is not symmetric"
            ),
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=symmetric,
            supposes="d is symmetric, as the word metric in section B.2 says",
        ),
    ),
    remark=(
        "The objective is a quadratic form in the pooled policy, whose slope contains d and its transpose. With d = "
        "1{E != E'} the distance is one minus the pooled frequency of the trace's answer. In a group the trace's zero "
        "distance to itself is included: the expected centrality is (K - 1) / K of this for one view, and for several "
        "views each trace lacks a share 1 / |G| of its own view."
    ),
    amendment="I.20a",
)

I20A = Claim(
    id="I.20a",
    title="Orbit centrality in both directions",
    whose="ours",
    place="repair of claim I.20",
    plain="If the disagreement is not symmetric, reward a text by the mean of both directions.",
    statement=(
        "For every d, symmetric or not, and views drawn independently with any shares, the gradient of the expected "
        "d(y_a, y_b) is the policy gradient of the expected d(y, y') + d(y', y), where y' is a trace of the orbit."
    ),
    printed="grad J_orbit = E_x E_y[grad log pi(y|x) E_x' E_y'[d(y, y') + d(y', y)]]",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            near_miss=lopsided,
            evidence=any_sign,
        ),
    ),
    remark="The gradient acts on both traces of a pair: each is once the first and once the second argument of d.",
)

CLAIMS = (I20, I20A)
