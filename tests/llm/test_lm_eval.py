"""The tasks for lm-evaluation-harness ask and read as training does; the harness itself is not installed here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from dagames_llm.data import load_orbits
from dagames_llm.extract import last_number

FOLDER = Path(__file__).parents[2] / "examples" / "lm_eval"


def test_the_task_asks_in_the_first_wording_of_a_question() -> None:
    task = yaml.safe_load((FOLDER / "dagames_questions.yaml").read_text())
    file = FOLDER / task["dataset_kwargs"]["data_files"]["test"]
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    orbits = load_orbits(file, last_number)
    asked = [task["doc_to_text"].replace("{{question|trim}}", row["question"].strip()) for row in rows]
    assert asked == [orbit.views[0] for orbit in orbits]
    assert [orbit.gold for orbit in orbits] == ["29", "85", "30", "80"]


@pytest.mark.parametrize(
    "text", ["3 * 12 = 36\n36 - 7 = 29\n#### 29", "so it is\n#### $1,200", "####-3.5", "#### 7 (7.0)"]
)
def test_the_tasks_filter_reads_what_the_extractor_reads(text: str) -> None:
    task = yaml.safe_load((FOLDER / "dagames_questions.yaml").read_text())
    pattern = task["filter_list"][0]["filter"][0]["regex_pattern"]
    assert last_number(re.findall(pattern, text)[-1]) == last_number(text)


def test_the_vote_has_as_many_samples_as_its_name_says() -> None:
    task = yaml.safe_load((FOLDER / "dagames_questions_maj8.yaml").read_text())
    assert task["include"] == "dagames_questions.yaml"
    assert task["repeats"] == 8
    assert [one["name"] for one in task["filter_list"]] == ["sampled", "maj@8"]
