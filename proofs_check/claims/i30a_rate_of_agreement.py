"""I.30a: the views agree on their arithmetic mean after one full step; damped, at the rate 1 - eta."""

from proofs_check.claim import Claim
from proofs_check.claims import i30_projecting_on_the_mean as i30

CLAIM = Claim(
    id="I.30a",
    title="Rate of agreement on the arithmetic mean",
    statement=(
        "If each view has mass on all answers of the others, projecting on the arithmetic mean makes all views that "
        "mean in one step. Steps of length eta in logarithms, nu_x' proportional to nu_x^(1 - eta) mean^eta, multiply "
        "the largest difference of log-ratios between views by exactly 1 - eta."
    ),
    source="amendment of claim I.30",
    kind="equality",
    expected="holds",
    stated=i30.amended,
    sabotage=i30.stated,
    evidence=i30.evidence,
    remark=(
        "The mean and the normalisation drop out of log nu_x(z) / nu_x(w) - log nu_y(z) / nu_y(w), for whatever "
        "consensus. Damped steps end at a common law as well, as their lengths are summable; it depends on eta, and "
        "is neither mean. In the game the arithmetic mean costs KL(AM || GM) more than the least."
    ),
)
