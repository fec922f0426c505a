"""I.12a: the target of the entropy game is nu*^(-lambda / beta), its equilibrium nu_0^(beta / (beta + lambda))."""

from proofs_check.claim import Claim
from proofs_check.claims import i12_diversity_target as i12

CLAIM = Claim(
    id="I.12a",
    title="Target of diversity, by its weight",
    statement=(
        "For R = lambda sum nu log nu the equilibrium is nu* proportional to nu_0^(beta / (beta + lambda)), with the "
        "target q* proportional to nu*^(-lambda / beta)."
    ),
    source="amendment of claim I.12",
    kind="equality",
    expected="holds",
    stated=i12.amended,
    sabotage=i12.stated,
    evidence=i12.evidence,
    remark=(
        "u* = lambda (log nu* + 1) gives the target, and log nu* = log nu_0 - u* / beta up to a constant the "
        "equilibrium. The reward -lambda log nu of the sources is beta log q* up to a constant: it is right as it is."
    ),
)
