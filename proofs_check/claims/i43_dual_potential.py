"""I.43: the diversity target maximises the whole dual objective, in which Psi has a minus sign."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def potential(nu: Sequence[Fraction], q: Sequence[Any], beta: Fraction) -> Any:  # noqa: ARG001 - q alone
    """Psi(q) = R*(-beta log q) = log sum q^-beta."""
    return mp.log(mp.fsum(mp.exp(-oracles.number(beta) * mp.log(m)) for m in q))


def objective(nu: Sequence[Fraction], q: Sequence[Any], beta: Fraction, share: Any = 1) -> Any:
    """-beta <nu, log q> - Psi(q)."""
    linear = mp.fsum(oracles.number(p) * mp.log(m) for p, m in zip(nu, q, strict=True))
    return -oracles.number(beta) * linear - share * potential(nu, q, beta)


def turned(nu: Sequence[Fraction], q: Sequence[Any], beta: Fraction) -> Any:
    """The objective with a plus sign before Psi."""
    return objective(nu, q, beta, -1)


def near_miss(nu: Sequence[Fraction], q: Sequence[Any], beta: Fraction) -> Any:
    """The objective with 1.01 Psi in the place of Psi."""
    return objective(nu, q, beta, mp.mpf("1.01"))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the maximised expression at the best target with its values at other targets, near, uniform and random.

    Args:
        formula: The maximised expression, from nu, q and beta.
        rng: Source of randomness.

    Yields:
        One comparison per other target at 50 digits; the best target against nu is nu^(-1 / beta), normalised.
    """
    for nu, beta in _instances(rng):
        logs = [-oracles.log(p) / oracles.number(beta) for p in nu]
        best = oracles.normalised(logs)
        for other in _others(nu, logs, rng):
            here, there = formula(nu, best, beta), formula(nu, other, beta)
            psi = [potential(nu, q, beta) for q in (best, other)]
            whole = [objective(nu, q, beta) for q in (best, other)]
            yield Evidence(
                claimed=float(here),
                measured=float(there),
                relation="at most",
                tolerance=1e-14,
                instance={
                    "nu": oracles.as_text(nu),
                    "beta": str(beta),
                    "q*": _text(best),
                    "q": _text(other),
                    "compared": "value at q, value at q*",
                },
                size=oracles.complexity(nu, [beta]),
                sentence=(
                    f"Take nu = {oracles.as_text(nu)} and beta = {beta}. The best target is q* = {_text(best)}, with "
                    f"Psi = log sum q^-beta = {mp.nstr(psi[0], 3)}. But Psi is larger at q = {_text(other)}, "
                    f"{mp.nstr(psi[1], 3)}. The objective -beta <nu, log q> - Psi is {mp.nstr(whole[1], 3)} at q and "
                    f"{mp.nstr(whole[0], 3)} at q*."
                    if psi[1] > psi[0]
                    else ""
                ),
            )


def _others(nu: Sequence[Fraction], logs: Sequence[Any], rng: np.random.Generator) -> Iterator[list[Any]]:
    n = len(nu)
    yield [mp.mpf(1) / (10 * (n - 1))] * (n - 1) + [mp.mpf(9) / 10]
    yield [mp.mpf(1) / n] * n
    for power in ("0.99", "1.01"):
        yield oracles.normalised([mp.mpf(power) * a for a in logs])
    for _ in range(4):
        yield [oracles.number(p) for p in oracles.random_distribution(rng, n, 99)]


def _text(nu: Sequence[Any]) -> str:
    return "(" + ", ".join(mp.nstr(p, 3) for p in nu) + ")"


def _instances(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], Fraction]]:
    yield [Fraction(1, 4), Fraction(3, 4)], Fraction(1)
    for i in range(15):
        yield oracles.random_distribution(rng, 2 + i % 3, 9), Fraction(int(rng.integers(1, 12)), 4)


I43 = Claim(
    id="I.43",
    title="What the target of diversity maximises",
    whose="paper",
    place="section 2.4, Diversity",
    plain="For the diversity functional the target maximises a potential, and so has more mass on rare answers.",
    statement=(
        "For R = -H the target is an adversary: it maximises Psi, the log of the partition function, as the dual "
        "potential. The optimal target has much mass on under-represented answers."
    ),
    printed="q* = argmax_q Psi(q),  Psi(q) = R*(-beta log q)",
    kind="existence",
    expected="depends",
    readings=(
        Reading(
            supposes="the potential is Psi as section 2.2 defines it",
            expected="false",
            stated=potential,
            sabotage=objective,
            near_miss="The sabotage is the true objective, in which Psi is one term with the opposite sign.",
            evidence=evidence,
        ),
        Reading(
            supposes="the potential is what q contributes to G: -beta <nu, log q> - Psi(q)",
            expected="holds",
            stated=objective,
            sabotage=turned,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "Psi enters G with a minus sign. Psi alone is least at the uniform target and unbounded above: it tends to "
        "infinity as the mass of an answer tends to 0. The second statement is correct: q* ~ nu^(-1 / beta) has more "
        "mass on rare answers."
    ),
    amendment="I.12a",
)

CLAIMS = (I43,)
