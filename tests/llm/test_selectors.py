"""The values of columns, as messages on constraints that select no row list them."""

import pytest

from dagames_llm.selectors import collect_values, explain_no_row


def test_rows_may_lack_a_column() -> None:
    found: dict = {}
    collect_values({"kind": "a", "level": 1}, [{"kind": "a"}, {"level": 2, "other": 3}], found)
    assert found == {"kind": {"'a'": "a"}, "level": {"2": 2}}


@pytest.mark.parametrize("number", [1, 10, 11])
def test_ten_values_are_listed(number: int) -> None:
    found: dict = {}
    collect_values({"level": -5}, [{"level": level} for level in range(number)], found)
    assert ("9, ..." in explain_no_row({"level": -5}, found)) == (number > 10)
