"""Tables and costs of targets within targets are checked."""

import pytest

from dagames.estimators import recommended_table
from dagames.targets import Clustered, InverseFrequency, MajorityVote, Schedule, Score
from dagames_llm._errors import RecipeError
from dagames_llm.target_checks import check_costs, check_tables


@pytest.mark.parametrize("within", [
    lambda target: target,
    lambda target: Schedule({0: MajorityVote(), 5: target}),
    lambda target: MajorityVote() + 2.0 * Clustered(target, 0.5),
])  # fmt: skip
def test_tables_and_costs_of_targets_within_targets_are_checked(within) -> None:
    tabled, scored = within(InverseFrequency(table=recommended_table(8))), within(Score("quality"))
    check_tables(tabled, 8)
    for size in (4, 16):
        with pytest.raises(RecipeError, match="InverseFrequency is for groups of 8 traces"):
            check_tables(tabled, size)
    check_costs(scored, ["quality"])
    with pytest.raises(RecipeError, match="needs the cost 'quality'"):
        check_costs(scored, ["qualty"])
