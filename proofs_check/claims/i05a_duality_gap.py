"""I.5a: the duality gap of a pair bounds the suboptimality of its policy."""

from proofs_check.claim import Claim
from proofs_check.claims import i05_approximate_equilibrium as i05

CLAIM = Claim(
    id="I.5a",
    title="Approximate equilibrium by the duality gap",
    statement=(
        "If max over targets of G(pi, .) minus min over policies of G(., q) is at most epsilon, then J(pi) is at most "
        "its least value plus epsilon."
    ),
    source="amendment of claim I.5",
    kind="upper bound",
    expected="holds",
    stated=i05.duality_gap,
    sabotage=i05.stated,
    evidence=i05.evidence,
    of_functional=i05.of_functional,
    remark=(
        "max_q G(pi, q) = J(pi), and min_pi G(pi, q) <= G(pi*, q) <= J(pi*) for every q; subtract. Both are "
        "equal at q = q*, which an attack finds. This is the gap that every solver here reports."
    ),
)
