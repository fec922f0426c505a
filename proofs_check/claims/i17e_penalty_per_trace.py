"""I.17e: for traces of several tokens the weight, or the reward, is the whole trace's."""

from proofs_check.claim import Claim
from proofs_check.claims import i17b_penalty_per_token as i17b

CLAIM = Claim(
    id="I.17e",
    title="Divergence per trace",
    statement=(
        "For traces of any lengths, the sum of k3 over the tokens weighed by the whole trace's pi / pi_old, undivided "
        "by its length, has the slopes of KL(pi || pi_0); so has the trace's log(pi_old / pi_0) in its reward."
    ),
    source="amendment of claim I.17b",
    kind="equality",
    expected="holds",
    stated=i17b.amended,
    sabotage=i17b.stated,
    evidence=i17b.evidence,
    remark=(
        "Given the tokens before, k3 of a token has the mean of its divergence whatever pi is, so the weighed sum has "
        "the mean KL(pi || pi_0) for every pi and not only at pi_old: its derivative is right. Divided by the length "
        "it is another divergence, unless all lengths are equal: in the instance of I.17b the first logit's "
        "slope is +.0046 where -.0345 is right. The second is RLOO's way, and that of `Groups.penalised`."
    ),
)
