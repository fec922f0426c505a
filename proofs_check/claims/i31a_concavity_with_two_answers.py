"""I.31a: the payoff is concave in the target for two answers and small weights, and never for three answers."""

from proofs_check.claim import Claim
from proofs_check.claims import i31_concavity_in_the_target as i31

CLAIM = Claim(
    id="I.31a",
    title="Concavity in the target, two answers",
    statement=(
        "With two answers G(pi, q) is concave in q for every policy exactly if: for the negative entropy, weight <= "
        "beta; for Gini, weight / beta <= k, the largest k with k (1 - x) tanh(k x / 2) <= 1 for all x in [0, 1]; for "
        "rewards, the two are equal. With three or more answers it is not, for any R that is finite at a point mass."
    ),
    source="amendment of claim I.31",
    kind="existence",
    expected="holds",
    stated=i31.amended,
    sabotage=i31.stated,
    evidence=i31.evidence,
    remark=(
        "Two answers: R*(u) = u_2 + r(u_1 - u_2), and the second derivative is at most 0 iff beta r'' >= (1 - r') "
        "(1 - 2q) and >= r' (2q - 1), at b = -beta log(q / (1 - q)); k = 3.049. Three: let q(3) go to 0 with R finite "
        "at its point mass. Then R*(-beta log q) + beta log q(3) tends to -R there, whatever q(1) : q(2), and for nu = "
        "(1, 0, 0) there remains -beta log q(1), which is strictly convex."
    ),
)
