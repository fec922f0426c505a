"""I.14: the geometric mean is what coherent views agree on, not the target that brings them there."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from dagames import AlignmentGame, CoupledGame, solve_coupled
from dagames.couplings import Coherence
from dagames.functionals import Linear
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Views = Sequence[Sequence[Fraction]]


def stated(views: Views) -> list[list[Any]]:
    """The geometric mean of the views, for each of them."""
    mean = [mp.fsum(oracles.log(nu[z]) for nu in views) / len(views) for z in range(len(views[0]))]
    return [oracles.normalised(mean) for _ in views]


def amended(views: Views) -> list[list[Any]]:
    """The targets that the library finds."""
    n = len(views[0])
    prompts = AlignmentGame([[float(p) for p in nu] for nu in views], list(range(n)), Linear([0.0] * n), 1.0)
    found = solve_coupled(CoupledGame(prompts, Coherence()))
    return [[mp.mpf(float(p)) for p in q] for q in np.exp(found.log_q)]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Ask whether the views that answer their targets are coherent, and at the least price.

    Args:
        formula: The target of each view.
        rng: Source of randomness.

    Yields:
        For every view KL(answer of view 0 || answer), and by how much the mean divergence to the views exceeds the
        least one of a coherent answer: for two answers searched, else bounded by convexity; at 50 digits.
    """
    for views in _instances(rng):
        answers = [
            oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(nu, q, strict=True)])
            for nu, q in zip(views, formula(views), strict=True)
        ]
        instance = {
            "nu_0 of the views": "; ".join(oracles.as_text(nu) for nu in views),
            "answers to q": "; ".join(", ".join(mp.nstr(p, 6) for p in nu) for nu in answers),
        }
        size = oracles.complexity(*views)
        apart = max(mp.fsum(p * mp.log(p / m) for p, m in zip(answers[0], nu, strict=True)) for nu in answers)
        yield Evidence(
            0.0, float(apart), "equal", 1e-20, instance | {"compared": "largest KL(nu_0 || nu_x) of answers"}, size
        )
        for name, price in _prices(views, answers[0]).items():
            yield Evidence(0.0, float(price), "at most", 1e-14, instance | {"compared": name}, size)


def _prices(views: Views, nu: Sequence[Any]) -> dict[str, Any]:
    def price(nu: Sequence[Any]) -> Any:
        return mp.fsum(
            p * (mp.log(p) - oracles.log(r)) for view in views for p, r in zip(nu, view, strict=True) if p
        ) / len(views)

    slope = [mp.log(p) - mp.fsum(oracles.log(view[z]) for view in views) / len(views) for z, p in enumerate(nu)]
    prices = {"price of the first answer, excess by convexity": mp.fdot(nu, slope) - min(slope)}
    if len(nu) == 2:
        t = oracles.by_thirds(lambda t: price([1 - t, t]))
        prices["price of the first answer less the searched one"] = price(nu) - price([1 - t, t])
    return prices


def _instances(rng: np.random.Generator) -> Iterator[list[list[Fraction]]]:
    half = [Fraction(1, 2)] * 2
    yield [[Fraction(1, 3), Fraction(2, 3)]]
    yield [half, [Fraction(1, 5), Fraction(4, 5)]]
    yield [half, half]
    for i in range(30):
        yield [oracles.random_distribution(rng, 2 + i % 3, 9) for _ in range(2 + i % 2)]


I14 = Claim(
    id="I.14",
    title="Target of coherence",
    whose="paper",
    place="paper, section 4.1 and appendix F.1, eq. 15; slides, instantiations",
    statement=(
        "For the indicator of equal marginals over an orbit the equilibrium target is the geometric mean of the "
        "views' reference marginals, the same for each view."
    ),
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            evidence=evidence,
        ),
    ),
    remark=(
        "The geometric mean is the common marginal. As a target it brings each view to nu_0 times itself: with "
        "views (1/2, 1/2) and (1/5, 4/5) it is (1/3, 2/3), and the answers are (1/3, 2/3) and (1/9, 8/9), not "
        "coherent. The least instance is an orbit of one view, (1/3, 2/3), which is coherent as it is and should "
        "stay: the answer is (1/5, 4/5)."
    ),
    amendment="I.14a",
)

I14A = Claim(
    id="I.14a",
    title="Target of coherence for a view",
    whose="ours",
    place="amendment of claim I.14",
    statement=(
        "For the indicator of equal marginals over an orbit the common marginal is the geometric mean of the views'"
        " reference marginals, and the target of view x is that mean over nu_0x, normalised."
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "sum_x s_x KL(nu || nu_0x) is KL(nu || mean) plus a constant, and q_x = mean / nu_0x makes the mean the "
        "answer of view x."
    ),
)

CLAIMS = (
    I14,
    I14A,
)
