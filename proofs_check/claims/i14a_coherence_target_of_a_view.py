"""I.14a: the target of a view is the geometric mean over the view's own reference marginal."""

from proofs_check.claim import Claim
from proofs_check.claims import i14_coherence_target as i14

CLAIM = Claim(
    id="I.14a",
    title="Target of coherence for a view",
    statement=(
        "For the indicator of equal marginals over an orbit the common marginal is the geometric mean of the views' "
        "reference marginals, and the target of view x is that mean over nu_0x, normalised."
    ),
    source="amendment of claim I.14",
    kind="equality",
    expected="holds",
    stated=i14.amended,
    sabotage=i14.stated,
    evidence=i14.evidence,
    remark=(
        "sum_x s_x KL(nu || nu_0x) is KL(nu || mean) plus a constant, and q_x = mean / nu_0x makes the mean the answer "
        "of view x."
    ),
)
