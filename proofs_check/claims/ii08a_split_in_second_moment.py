"""II.8a: in the worst second moment the augmented program dominates sample splitting."""

from collections.abc import Iterator

import numpy as np

from dagames.estimators import RewardTable, minimax_table
from proofs_check.claim import Claim, Evidence, Formula
from proofs_check.claims import ii08_split_in_variance as ii08


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare worst second moments at the split's bias.

    Args:
        formula: The table for K traces and a budget of bias.
        rng: Source of randomness.

    Yields:
        Comparisons for each size of the group.
    """
    yield from ii08.compare(formula, "second_moment", rng)


def sabotage(K: int, budget: float) -> RewardTable:
    """The table of least bias for all K traces, whose entries explode."""
    del budget
    return minimax_table(K, counts="independent")


CLAIM = Claim(
    id="II.8a",
    title="The program against sample splitting, in its own metric",
    statement=(
        "At the bias of a split in halves, the augmented program's table has no larger a worst second moment E c_X^2 "
        "than the split, at every group size."
    ),
    source="amendment of claim II.8",
    kind="upper bound",
    expected="holds",
    stated=ii08.stated,
    sabotage=sabotage,
    evidence=evidence,
    remark=(
        "The split's table, averaged over all halves of the group, has its bias and no larger second moment (II.8c), "
        "and the program's table is best among all within that bias. At K = 2 both are equal, so it is not strict."
    ),
)
