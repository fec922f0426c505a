"""I.27a: direct and two-step projection coincide if both steps use one divergence, and distances count traces."""

from proofs_check.claim import Claim
from proofs_check.claims import i27_two_projections as i27

CLAIM = Claim(
    id="I.27a",
    title="Two-step projection in one divergence",
    statement=(
        "The coherent policies nearest the references are found in two steps: the consensus over all policies, then "
        "its projection by least D(. || consensus) on the policies allowed, the same for all views. For KL the "
        "consensus is the geometric mean. For the Euclidean distance, if no trace ends at 0, it weighs view x's mass "
        "of z by s_x over the number of traces of z in x, and is shifted in inverse proportion to sum 1."
    ),
    source="amendment of claim I.27",
    kind="equality",
    expected="holds",
    stated=i27.amended,
    sabotage=i27.stated,
    evidence=i27.evidence,
    remark=(
        "Coherence is a set of linear equations, so that D(pi, reference) = D(pi, first step) + D(first step, "
        "reference) for every coherent pi: the two objectives differ by a constant. With distances that needs the "
        "first step to be positive. Where each answer has as many traces in all views, the mean is arithmetic."
    ),
)
