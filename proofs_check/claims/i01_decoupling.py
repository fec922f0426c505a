"""I.1: the coupling of marginal and target is an expectation over traces."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


def stated(pi: Sequence[Fraction], q: Sequence[Fraction], E: Sequence[int], beta: Fraction) -> Any:
    """Compute -beta E_y log q(E(y)), trace by trace."""
    return -oracles.number(beta) * oracles.expectation(pi, [oracles.log(q[z]) for z in E])


def sabotage(pi: Sequence[Fraction], q: Sequence[Fraction], E: Sequence[int], beta: Fraction) -> Any:  # noqa: ARG001
    """Drop beta."""
    return stated(pi, q, E, Fraction(1))


def near_miss(pi: Sequence[Fraction], q: Sequence[Fraction], E: Sequence[int], beta: Fraction) -> Any:
    """A millionth too much."""
    return stated(pi, q, E, beta * Fraction(1000001, 1000000))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare with the sum over answers, where the marginal is summed exactly.

    Args:
        formula: The right-hand side of the claim.
        rng: Source of randomness.

    Yields:
        Comparisons over random games and over the extremes.
    """
    for pi, q, E, beta in _instances(rng):
        nu = oracles.marginal(pi, E, len(q))
        coupling = oracles.expectation(nu, [-oracles.number(beta) * oracles.log(mass) for mass in q])
        claimed = formula(pi, q, E, beta)
        yield Evidence(
            # The comparison is made at 50 digits; float64 only shows it.
            claimed=0.0,
            measured=float(abs(coupling - claimed) / max(1, abs(coupling))),
            relation="equal",
            tolerance=1e-45,
            instance={"pi": oracles.as_text(pi), "q": oracles.as_text(q), "E": list(E), "beta": str(beta)},
            size=oracles.complexity(pi, q, [beta]),
        )


def _instances(rng: np.random.Generator) -> Iterator[tuple[list[Fraction], list[Fraction], list[int], Fraction]]:
    one, tiny = Fraction(1), Fraction(1, 10**300)
    yield [one], [one], [0], Fraction(1, 2)  # |Z| = 1
    yield [tiny, 1 - tiny], [1 - tiny, tiny], [0, 1], Fraction(3)  # masses of 1e-300
    yield [Fraction(0), one], [Fraction(0), one], [0, 1], Fraction(2)  # an answer without mass
    for _ in range(200):
        n_traces, n_answers = int(rng.integers(1, 13)), int(rng.integers(1, 6))
        pi, q = oracles.random_distribution(rng, n_traces), oracles.random_distribution(rng, n_answers)
        beta = Fraction(int(rng.integers(1, 100)), int(rng.integers(1, 100)))
        yield pi, q, [int(z) for z in rng.integers(0, n_answers, size=n_traces)], beta


I1 = Claim(
    id="I.1",
    title="Decoupling",
    whose="paper",
    place="section 2.2, display of the coupling term; also the slides, Why the Game Works: Key Decoupling",
    plain=(
        "The term that couples policy and target is an expectation over single traces, without a sum over the traces "
        "of an answer."
    ),
    statement=(
        "For every policy pi, target q and extraction E, the sum over answers of nu_pi(z) (-beta log q(z)) equals "
        "-beta E_{y ~ pi} log q(E(y))."
    ),
    printed="<nu_pi, -beta log q> = -beta E_{y ~ pi}[log q(E(y))]",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "The identity reorders one finite sum; it holds to the last of 50 digits, with 0 log 0 = 0. So the coupling "
        "can be estimated from sampled traces, as the slides add. The target's best response still depends on nu_pi."
    ),
)

CLAIMS = (I1,)
