"""II.9a: a biased reward costs the order of its bias if rare answers are rewarded as rare."""

from proofs_check.claim import Claim
from proofs_check.claims import ii09_biased_reward as ii09


def without_answers(biased: ii09.Biased, n_answers: int) -> ii09.Bounds:
    """The bounds with a constant that does not know |Z|."""
    gap, suboptimality = ii09.amended(biased, n_answers)
    return gap / n_answers, suboptimality / n_answers


CLAIM = Claim(
    id="II.9a",
    title="A biased reward, rare answers rewarded as rare",
    statement=(
        "With epsilon = sup |p (P(p) - log p)| and C = max(1, max over p <= epsilon of exp(P(p)) / epsilon), "
        "suboptimality and duality gap where the centred dynamics rest are at most C |Z| lambda epsilon, for every "
        "beta and nu_0. If P increases up to epsilon, as it does for every table that increases in the count, C <= e."
    ),
    source="amendment of claim II.9",
    kind="upper bound",
    expected="holds",
    stated=ii09.amended,
    sabotage=without_answers,
    evidence=ii09.evidence,
    remark=(
        "The gap is lambda (log sum exp P(nu) - sum nu (P(nu) - log nu)), and log x <= x - 1 makes it at most lambda "
        "sum_z f(nu(z)), f(p) = exp(P(p)) - p - p (P(p) - log p); where P exceeds log p, f(p) <= exp(P(p)) for p <= "
        "epsilon and f(p) <= (e - 2) epsilon beyond, and elsewhere f(p) <= epsilon. Tables of the package have C "
        "between 1 and e but for Taylor's with c_0 = 0. Rare answers in number reach (|Z| - 1) lambda exp(c_0) to "
        "first order."
    ),
)
