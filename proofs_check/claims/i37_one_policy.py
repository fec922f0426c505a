"""I.37: the optimal policy exists and is unique if the set of policies is closed; an open set may have none."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from proofs_check import oracles
from proofs_check.attack import attack, simplex
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
Vector = list[Any]


def strongly_convex(beta: Any, distance: Any) -> Any:
    """The bound beta / 8 |pi - pi'|_1^2 on how far J at the midpoint of two policies is below its mean at the two."""
    return beta * distance**2 / 8


def too_convex(beta: Any, distance: Any) -> Any:
    """Twice the bound."""
    return 2 * strongly_convex(beta, distance)


def slightly_too_convex(beta: Any, distance: Any) -> Any:
    """The bound times 1.02."""
    return strongly_convex(beta, distance) * 51 / 50


def evidence_of_convexity(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare J at the midpoint of two policies with the mean of J at the two, at random and at the end of an attack.

    Args:
        formula: Lower bound on the difference, from beta and the sum of absolute differences of the policies.
        rng: Source of randomness.

    Yields:
        Comparisons at 50 digits, for rewards, a kink and collisions.
    """
    for n in range(2, 5):
        for value in (
            lambda nu: -mp.fsum(z * p for z, p in enumerate(nu)),
            lambda nu: abs(nu[0] - nu[1]),
            lambda nu: mp.fsum(p**2 for p in nu),
        ):
            p, q, nu_0 = (oracles.random_distribution(rng, n, 9) for _ in range(3))
            yield _middle(formula, value, p, q, nu_0, Fraction(int(rng.integers(1, 12)), 4))
        yield _closest(formula, n, rng)


def _closest(formula: Formula, n: int, rng: np.random.Generator) -> Evidence:
    """Attack two policies and a reference, for R = 0 and beta = 1."""

    def ratio(x: Array) -> Array:
        p, q = (0.99 * simplex(part) + 1e-2 / n for part in (x[:, :n], x[:, n:]))
        middle, distance = (p + q) / 2, np.abs(p - q).sum(axis=1)
        below = ((p * np.log(p) + q * np.log(q)) / 2 - middle * np.log(middle)).sum(axis=1)
        return np.asarray(np.where(distance > 1e-2, formula(1.0, distance) / np.maximum(below, 1e-12), 0.0))

    place = attack(ratio, rng.normal(size=(300, 2 * n)), rng, rounds=100).place
    p, q = (oracles.rounded(0.99 * simplex(part) + 1e-2 / n) for part in (place[:n], place[n:]))
    found = _middle(formula, lambda _: mp.mpf(0), p, q, [Fraction(1, n)] * n, Fraction(1))
    return replace(found, ratio=found.claimed / found.measured)


def _middle(
    formula: Formula,
    value: Callable[[Vector], Any],
    p: Sequence[Fraction],
    q: Sequence[Fraction],
    nu_0: Sequence[Fraction],
    beta: Fraction,
) -> Evidence:
    b, middle = oracles.number(beta), [(a + c) / 2 for a, c in zip(p, q, strict=True)]

    def J(pi: Sequence[Fraction]) -> Any:
        return value([oracles.number(a) for a in pi]) + b * oracles.kl(pi, nu_0)

    distance = oracles.number(sum((abs(a - c) for a, c in zip(p, q, strict=True)), Fraction(0)))
    return Evidence(
        claimed=float(formula(b, distance)),
        measured=float((J(p) + J(q)) / 2 - J(middle)),
        relation="at least",
        tolerance=1e-14,
        instance={
            "pi, pi'": f"{oracles.as_text(p)}, {oracles.as_text(q)}",
            "nu_0": oracles.as_text(nu_0),
            "beta": str(beta),
            "compared": "mean of J at pi and pi' less J at their midpoint",
        },
        size=oracles.complexity(p, q, nu_0, [beta]),
    )


def one_policy(nu_0: Sequence[Fraction]) -> int:  # noqa: ARG001 - one whatever the reference
    """1: one policy is optimal."""
    return 1


def no_policy(nu_0: Sequence[Fraction]) -> int:
    """1 if the reference is in the open set, else 0."""
    return int(nu_0[0] > Fraction(1, 2))


def evidence_of_open_set(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare J at policies with pi(0) > 1/2, for R = 0, with J halfway from each to pi(0) = 1/2.

    Args:
        formula: The number of optimal policies, from the reference.
        rng: Not used: the games are given.

    Yields:
        The number of policies, of a hundred, whose J is not above that of the policy halfway to pi(0) = 1/2.
    """
    del rng
    for nu_0 in ([Fraction(1, 2)] * 2, [Fraction(1, 3), Fraction(2, 3)]):
        unbeaten = 0
        for k in range(1, 101):
            t = Fraction(1, 2) + Fraction(k, 200)
            nearer = (t + Fraction(1, 2)) / 2
            unbeaten += not oracles.kl([nearer, 1 - nearer], nu_0) < oracles.kl([t, 1 - t], nu_0)
        yield Evidence(
            claimed=float(formula(nu_0)),
            measured=float(unbeaten),
            relation="equal",
            tolerance=0.0,
            instance={"R": "0", "nu_0": oracles.as_text(nu_0), "beta": "1", "policies": "pi(0) > 1/2"},
            size=oracles.complexity(nu_0),
            sentence=(
                f"Take R = 0, nu_0 = {oracles.as_text(nu_0)} and the policies with pi(0) > 1/2, a convex set. J(pi) = "
                "beta KL(pi || nu_0) decreases as pi(0) decreases to 1/2, but no policy of the set has pi(0) = 1/2: "
                "for every policy of the set another one has a smaller J, so none is optimal."
            ),
        )


I37 = Claim(
    id="I.37",
    title="There is one optimal policy",
    whose="paper",
    place="section 2.1, below eq. (1)",
    plain="The divergence from the reference makes the optimal policy unique.",
    statement=(
        "R is convex and lower semicontinuous, so that solutions exist. J is strictly convex because of the "
        "divergence, which guarantees a unique optimal policy. Pi is a convex set of policies."
    ),
    printed="argmin over Pi of J is one policy",
    kind="lower bound",
    expected="depends",
    readings=(
        Reading(
            supposes="Pi is closed and J is finite at some policy of Pi",
            expected="holds",
            stated=strongly_convex,
            sabotage=too_convex,
            near_miss=slightly_too_convex,
            evidence=evidence_of_convexity,
        ),
        Reading(
            supposes="Pi is any convex set",
            expected="false",
            stated=one_policy,
            sabotage=no_policy,
            near_miss="The claim is whether an optimal policy exists; the sabotage is the correct number, 0.",
            evidence=evidence_of_open_set,
        ),
    ),
    remark=(
        "For the first reading, strong convexity is measured: the mean of J at two policies exceeds J at their "
        "midpoint by at least beta / 8 |pi - pi'|_1^2 for every convex R, so J has at most one minimiser. No larger "
        "constant holds, as policies near the uniform one show. A lower semicontinuous J has a minimum on a closed set "
        "of policies, which is compact. There are never two minimisers."
    ),
)

CLAIMS = (I37,)
