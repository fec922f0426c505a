"""I.43a: the target step has a closed form for the entropy and the squared distance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class TargetStep:
    """A target step against a marginal.

    Attributes:
        kind: "entropy" for sum nu log nu, "distance" for |nu - centre|^2.
        nu: The marginal, positive.
        centre: The centre.
        beta: Weight of the divergence.
    """

    kind: Literal["entropy", "distance"]
    nu: Sequence[Fraction]
    centre: Sequence[Fraction]
    beta: Fraction

    def functional(self, nu: Sequence[Any]) -> Any:
        """Compute R."""
        if self.kind == "entropy":
            return mp.fsum(oracles.number(p) * oracles.log(p) for p in nu if p > 0)
        return mp.fsum((oracles.number(p) - oracles.number(c)) ** 2 for p, c in zip(nu, self.centre, strict=True))

    def conjugate(self, u: Sequence[Any]) -> Any:
        """Compute R*(u) at the maximiser of <nu, u> - R: the Gibbs law, or the projection of centre + u / 2."""
        if self.kind == "entropy":
            best = oracles.normalised(u)
        else:
            best = _projected([oracles.number(c) + v / 2 for c, v in zip(self.centre, u, strict=True)])
        return mp.fdot(best, u) - self.functional(best)

    def grant(self, q: Sequence[Any]) -> Any:
        """Compute <nu, u> - R*(u) for u = -beta log q; it is at most R(nu)."""
        u = [-oracles.number(self.beta) * mp.log(m) for m in q]
        return mp.fsum(oracles.number(p) * v for p, v in zip(self.nu, u, strict=True)) - self.conjugate(u)


def _projected(point: Sequence[Any]) -> list[Any]:
    """Project on the simplex by sorting."""
    total, kept = mp.mpf(0), mp.mpf(0)
    for k, value in enumerate(sorted(point, reverse=True), start=1):
        total += value
        if value > (total - 1) / k:
            kept = (total - 1) / k
    return [max(value - kept, mp.mpf(0)) for value in point]


def stated(step: TargetStep) -> list[Any]:
    """The target exp(-grad R(nu) / beta): nu^(-1 / beta), or exp(-2 (nu - centre) / beta)."""
    b = oracles.number(step.beta)
    if step.kind == "entropy":
        return oracles.normalised([-oracles.log(p) / b for p in step.nu])
    return oracles.normalised([-2 * oracles.number(p - c) / b for p, c in zip(step.nu, step.centre, strict=True)])


def near_miss(step: TargetStep) -> list[Any]:
    """The same for a beta one percent larger."""
    return oracles.normalised([mp.mpf("0.99") * mp.log(m) for m in stated(step)])


def sabotage(step: TargetStep) -> list[Any]:
    """The marginal itself, the centroid of one distribution."""
    return [oracles.number(p) for p in step.nu]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare <nu, u> - R*(u) at u = -beta log q with R(nu), its supremum over targets.

    Args:
        formula: The target, from the step.
        rng: Source of randomness.

    Yields:
        One comparison per step at 50 digits; the conjugate is computed at its maximiser.
    """
    for i in range(40):
        n = 2 + i % 4
        nu, centre = oracles.random_distribution(rng, n, 9), oracles.random_distribution(rng, n, 9)
        if nu == centre:
            continue
        step = TargetStep("distance" if i % 2 else "entropy", nu, centre, Fraction(int(rng.integers(1, 12)), 4))
        yield Evidence(
            claimed=float(step.functional(nu)),
            measured=float(step.grant(formula(step))),
            relation="equal",
            tolerance=1e-14,  # rounded to float64 at the end
            instance={
                "R": {"entropy": "sum nu log nu", "distance": "|nu - c|^2"}[step.kind],
                "nu": oracles.as_text(nu),
                "c": oracles.as_text(centre) if step.kind == "distance" else "none",
                "beta": str(step.beta),
                "compared": "<nu, u> - R*(u) at u = -beta log q, R(nu)",
            },
            size=oracles.complexity(nu, centre, [step.beta]),
        )


I43A = Claim(
    id="I.43a",
    title="Closed form of the target step",
    whose="paper",
    place="appendix E, 2, Target Step",
    plain="For a given policy the best target has a closed form.",
    statement=(
        "For many functionals, the entropy and the Euclidean distance among them, the maximum of G(pi, .) over "
        "targets has a closed form (a centroid is named as an example)."
    ),
    printed="argmax_q G(pi, q) ~ exp(-grad R(nu_pi) / beta)",
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
        "The closed form holds wherever R is differentiable and every answer has mass: the target is nu^(-1 / beta) "
        "for R = -H, and exp(-2 (nu - c) / beta) for |nu - c|^2. Neither is a centroid. The centroid is the marginal "
        "that coherent views should match (claim I.14)."
    ),
)

CLAIMS = (I43A,)
