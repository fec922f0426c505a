"""I.25b: the strong convexity along the allowed policies repairs the bound on the hybrid's loss."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula
from proofs_check.claims import i25_hybrid_improvement as i25


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the bound as in I.25, and see whether its order is right.

    Args:
        formula: The bound on the loss.
        rng: Source of randomness.

    Yields:
        The comparisons of I.25; then, in its simple instance, loss / bound at e = 1e-9 over that at e = 1e-6: 1 if the
        bound shrinks neither faster nor slower than the loss.
    """
    yield from i25.evidence(formula, rng)
    shares = [case.loss() / formula(case) for case in (i25.simple(Fraction(1, 10**k)) for k in (6, 9))]
    instance = {"loss / bound at e = 1e-9": round(float(shares[1]), 6), "compared": "its ratio to that at e = 1e-6"}
    yield Evidence(1.0, float(shares[1] / shares[0]), "equal", 1e-4, instance)


CLAIM = Claim(
    id="I.25b",
    title="Improvement of the hybrid, with the curvature",
    statement=(
        "In the setting of I.25, if KL(q || .) has curvature at least m along the segment between the two projections, "
        "q being either mean, the loss of improvement is at most 2 L B H^2 / m. m = min over directions v of "
        "sum_z q(z) v(z)^2 / M(z)^2 over |v|^2 will do, M(z) the largest pi(z)."
    ),
    source="amendment of claim I.25",
    kind="upper bound",
    expected="holds",
    stated=i25.curved,
    sabotage=i25.stated,
    evidence=evidence,
    remark=(
        "Let a and g be the projections and f_q = -sum q log pi. Both minimise, so that m |a - g|^2 <= <grad f_AM(g) - "
        "grad f_AM(a), g - a> <= <grad f_AM(g) - grad f_GM(g), g - a> <= B |AM - GM| |a - g|, and |AM - GM| <= 2 H^2 "
        "(I.24). The same with GM for AM. m depends on the views, and must: in the simple instance of I.25 loss over "
        "bound tends to a positive limit. The constants have room: the largest loss over bound found is .16."
    ),
)
