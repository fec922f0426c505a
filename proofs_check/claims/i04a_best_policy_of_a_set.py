"""I.4a: the best policy of a convex set is the KL projection of the product on it."""

from proofs_check.claim import Claim
from proofs_check.claims import i04_best_policy as i04

CLAIM = Claim(
    id="I.4a",
    title="Best policy of a convex set",
    statement=(
        "For a convex set Pi of policies and a fixed target q, the policy of Pi with the least G(., q) is the KL "
        "projection on Pi of the one proportional to pi_0(y) q(E(y)), which it equals if it lies in Pi, so if Pi is "
        "everything."
    ),
    source="amendment of claim I.4",
    kind="equality",
    expected="holds",
    stated=i04.projected,
    sabotage=i04.stated,
    evidence=i04.evidence,
    remark=(
        "G(., q) is beta KL(pi || pi_0 q(E) / Z) plus a constant. The library's projection is judged by the slope of G "
        "towards every extreme policy of Pi."
    ),
)
