"""I.11a: the target of supervised fine-tuning weighs the right answer by exp(1 / (beta nu*(g)))."""

from proofs_check.claim import Claim
from proofs_check.claims import i11_sft_target as i11

CLAIM = Claim(
    id="I.11a",
    title="Target of supervised fine-tuning at equilibrium",
    statement=(
        "For R(nu) = -log nu(g) the equilibrium target has q*(g) proportional to exp(1 / (beta nu*(g))), and 1 for "
        "every other answer."
    ),
    source="amendment of claim I.11",
    kind="equality",
    expected="holds",
    stated=i11.amended,
    sabotage=i11.stated,
    evidence=i11.evidence,
    remark=(
        "u* = grad R(nu*) is -1 / nu*(g) at g and 0 elsewhere. As nu*(g) <= 1, another answer has at most exp(-1 / "
        "beta) of the right one's weight: the point mass is the limit of small beta."
    ),
)
