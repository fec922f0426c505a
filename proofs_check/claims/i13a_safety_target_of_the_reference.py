"""I.13a: the equilibrium of safety is the projection of the reference, its target what tilts the one to the other."""

from proofs_check.claim import Claim
from proofs_check.claims import i13_safety_target as i13

CLAIM = Claim(
    id="I.13a",
    title="Target of safety, from the reference",
    statement=(
        "For the indicator of linear budgets that some policy with the support of the reference meets, nu* is the "
        "information projection of nu_0 on them, and the target is nu* / nu_0, proportional to exp(-<lambda, c> / "
        "beta) with lambda the multipliers."
    ),
    source="amendment of claim I.13; the reward is that of paper, eq. 14",
    kind="equality",
    expected="holds",
    stated=i13.amended,
    sabotage=i13.stated,
    evidence=i13.evidence,
    remark=(
        "J is beta KL(nu || nu_0) on C. Its Lagrangian has the minimum nu_0 exp(-<lambda, c> / beta). The reward of "
        "the paper's algorithm, -<lambda, c>, is beta log q* up to a constant, so the algorithm is right where the "
        "description of its target is not. Where no policy meets C, J is infinite and there is no target."
    ),
)
