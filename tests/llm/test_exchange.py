"""Groups over two processes: the answers of both decide, and what fails on one is raised on both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.llm.exchange_worker import IDS, TEXTS
from tests.llm.test_trainer import votes


@pytest.fixture(scope="module")
def ranks(two_processes: Path) -> list[dict[str, Any]]:
    found = [json.loads((two_processes / "exchange" / f"rank{r}.json").read_text()) for r in range(2)]
    assert [rank["world_size"] for rank in found] == [2, 2]
    return found


def test_a_group_is_scored_whole_wherever_its_traces_are(ranks: list[dict[str, Any]]) -> None:
    expected = [reward for start in (0, 4, 8) for reward in votes(list(TEXTS[start : start + 4]))]
    assert ranks[0]["by place"] + ranks[1]["by place"] == expected
    by_id = {key: votes([t for t, i in zip(TEXTS, IDS, strict=True) if i == key]) for key in "abc"}
    assert ranks[0]["by id"] + ranks[1]["by id"] == [by_id[key].pop(0) for key in IDS]


@pytest.mark.parametrize(
    ("case", "first", "second"),
    [
        ("mixed", "GroupError: completions 4 and 7", "GroupError: completions 4 and 7"),
        ("incomplete", *["GroupError: 10 completions are not a multiple"] * 2),
        ("by integer and missing id", "GroupError: completion 11", "GroupError: completion 11"),
        ("extractor", "GroupError: process 1 could not score", "ExtractError: the extractor fails_on_the_second"),
        ("distance", "DistanceError: ", "GroupError: process 0 could not score"),
    ],
)
def test_what_fails_on_one_process_is_raised_on_both(
    case: str, first: str, second: str, ranks: list[dict[str, Any]]
) -> None:
    assert ranks[0][case].startswith(first)
    assert ranks[1][case].startswith(second)


def test_equal_rewards_are_warned_of_if_they_are_equal_on_all_processes(ranks: list[dict[str, Any]]) -> None:
    assert [rank["flat on one"] for rank in ranks] == [[], []]
    assert [len(rank["flat on both"]) for rank in ranks] == [1, 0]


def test_a_constraint_that_applies_to_no_row_is_shown_the_values_of_all_processes(ranks: list[dict[str, Any]]) -> None:
    assert [len(rank["no row"]) for rank in ranks] == [1, 0]
    assert "The column 'kind' has the values 'harmful', 'benign'. Did you mean 'benign'?" in ranks[0]["no row"][0]


def test_the_logged_cost_is_the_mean_over_the_rows_of_all_processes(ranks: list[dict[str, Any]]) -> None:
    assert [rank["cost"] for rank in ranks] == [2.0, 2.0]
