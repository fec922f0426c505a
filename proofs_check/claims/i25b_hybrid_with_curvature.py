"""I.25b: with the curvature of the training objective, the loss from averaging is bounded on a convex set too."""

from typing import Any

import mpmath as mp

from proofs_check.claim import Claim, Reading
from proofs_check.claims import i25_hybrid_improvement as i25
from proofs_check.segment import Segment


def nearly_curved(case: Segment) -> Any:
    """The bound a hundredth smaller."""
    return mp.mpf("0.99") * i25.curved(case)


I25B = Claim(
    id="I.25b",
    title="Improvement of the hybrid, with the curvature",
    whose="ours",
    place="repair of claim I.25",
    plain=(
        "On a convex set of policies the loss from averaging is bounded by means of the curvature of the training "
        "objective."
    ),
    statement=(
        "Project the arithmetic and the geometric mean of the views on a convex set of policies on N answers, by "
        "least KL(mean || .). On the segment between the projections a and g let L be the Lipschitz constant of "
        "KL(ideal || .), B the largest 1 / pi(z), and m = sum_z AM(z) v(z)^2 / (a(z) g(z)), the mean curvature of "
        "KL(AM || .), where v is the unit vector along the segment. Then the improvement of a is at least that of g "
        "minus sqrt(1 - 1/N) L B H^2 / m. The constant is the best for every N."
    ),
    printed="KL(pi* || a) - KL(pi* || g) <= sqrt(1 - 1/N) L B H^2 / m,  m = sum_z AM(z) v(z)^2 / (a(z) g(z))",
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=i25.curved,
            sabotage=i25.stated,
            near_miss=nearly_curved,
            evidence=i25.evidence,
        ),
    ),
    remark=(
        "Let d = g - a and G = (1 - H^2) GM, so that AM = G + h with h >= 0 of sum H^2. As a and g are minima, sum AM "
        "d / a <= 0 and sum G d / g >= 0. Hence m |d|^2 = sum AM d (1/a - 1/g) <= -sum AM d / g <= -sum h d / g <= "
        "H^2 B max |d|. As d has sum 0, max |d| is at most sqrt(1 - 1/N) |d|, and the loss is at most L |d|. All "
        "steps approach equality for two views that differ a little in one rare answer, and by as much in the others "
        "together. The dependence of m on the views is necessary: see I.25."
    ),
)

CLAIMS = (I25B,)
