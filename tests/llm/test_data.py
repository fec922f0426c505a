"""Data files: what is read, what is refused and with which words; the gold answer never enters a training row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames_llm._errors import DataError, RecipeError
from dagames_llm.data import TASKS, Orbit, addition, gold_answers, load_orbits, task_named, training_rows
from dagames_llm.extract import extractor_named, last_number, normalised_text
from dagames_llm.orbits import view_of_slot

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)


@given(st.integers(1, 8), st.integers(1, 8))
def test_slots_are_shared_equally_and_in_order(n_views: int, per_view: int) -> None:
    group_size = n_views * per_view
    views = [view_of_slot(slot, n_views, group_size) for slot in range(group_size)]
    assert views == sorted(views)
    assert [views.count(view) for view in range(n_views)] == [per_view] * n_views


@given(st.lists(st.tuples(st.lists(words, min_size=2, max_size=4, unique=True), words), min_size=1, max_size=5))
def test_rows_hold_the_orbit_and_no_gold(rows: list[tuple[list[str], str]]) -> None:
    orbits = [Orbit(tuple(views), f"GOLD {gold}") for views, gold in rows]
    table = training_rows(orbits)
    assert set(table.column_names) == {"prompt", "orbit"}
    assert list(table["orbit"]) == [list(orbit.views) for orbit in orbits]
    assert "GOLD" not in json.dumps(table.to_dict(), ensure_ascii=False)


def test_chat_rows_are_conversations() -> None:
    row = training_rows([Orbit(("a", "b"))], chat=True)[0]
    assert row["orbit"] == [[{"role": "user", "content": view}] for view in ("a", "b")]
    assert row["prompt"] == row["orbit"][0]


def write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_three_kinds_of_file(tmp_path: Path) -> None:
    given_orbit = {"orbit": ["one?", "eins?"], "answer": 1}
    worked = {"question": "How many?", "answer": "2 + 1 = <<2+1=3>>3\n#### 3"}
    lines = load_orbits(write(tmp_path / "a.jsonl", given_orbit, "", worked), last_number)
    assert lines[0] == Orbit(("one?", "eins?"), "1")
    assert lines[1].gold == "3"
    assert len(lines[1].views) == 2
    assert all("How many?" in view for view in lines[1].views)
    items = [{"Body": "Ann has 2", "Question": "How many?", "Answer": 2.0}]
    (item,) = load_orbits(write(tmp_path / "b.json", json.dumps(items, indent=1)), last_number)
    assert item.gold == "2"
    assert "Ann has 2. How many?" in item.views[0]
    assert gold_answers([*lines, item]) == {"one?": "1", lines[1].views[0]: "3", item.views[0]: "2"}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('{"orbit": ["a", "b"', "not JSON"),
        ("[1]", "JSON object"),
        ("7", "JSON object"),
        ({}, "found no key"),
        ({"prompt": "x"}, "found 'prompt'"),
        ({"orbit": "ab"}, "at least one"),
        ({"orbit": []}, "at least one"),
        ({"orbit": ["a", 7]}, "orbit[1]"),
        ({"orbit": ["a", " "]}, "orbit[1]"),
        ({"orbit": ["a", "a"]}, "two wordings of the orbit are equal; remove one"),
        ({"orbit": ["a", "b"], "answer": [[1]]}, "text or a number"),
        ({"orbit": ["a", "b"], "answer": "none"}, "reads no answer"),
        ('{"orbit": ["a", "b"], "answer": NaN}', "NaN"),
        ('{"orbit": ["a", "b\\ud800"]}', "surrogate"),
        ({"orbit": ["ok 1", "ok 2"], "answer": 8}, "another answer"),
        ("[" * 100_000, "nested"),
        ('{"orbit": ["a", "b"], "answer": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_a_broken_line_is_named(row: Any, complaint: str, tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", {"orbit": ["ok 1", "ok 2"], "answer": 7}, "", row)
    with pytest.raises(DataError) as caught:
        load_orbits(path, last_number)
    assert f"{path}, line 3" in str(caught.value)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(path))


def test_missing_empty_and_undecodable_files(tmp_path: Path) -> None:
    for content in (b"", b" \n\n"):
        (tmp_path / "empty").write_bytes(content)
        with pytest.raises(DataError, match="no row"):
            load_orbits(tmp_path / "empty", last_number)
    (tmp_path / "latin").write_bytes(b'{"orbit": ["a", "b"]}\n{"orbit": ["\xff", "b"]}')
    with pytest.raises(DataError, match="line 2: not UTF-8"):
        load_orbits(tmp_path / "latin", last_number)
    with pytest.raises(DataError, match="no data file"):
        load_orbits(tmp_path / "absent", last_number)
    with pytest.raises(DataError, match="folder"):
        load_orbits(tmp_path, last_number)


@given(st.integers(0, 10**6))
def test_the_split_of_addition_keeps_pairs_apart_and_covers_all(seed: int) -> None:
    task = addition(seed)
    train, held_out = ({frozenset(orbit.views) for orbit in part} for part in (task.train, task.held_out))
    assert not train & held_out
    assert len(train) + len(held_out) == 66
    assert len(held_out) == 26
    assert task == addition(seed)


def test_the_views_of_a_sum_share_its_answer() -> None:
    for orbit in addition(0).train:
        sums = {sum(map(int, view.splitlines()[1].rstrip(" =").split(" + "))) for view in orbit.views}
        assert sums == {int(str(orbit.gold))}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_splits_the_same_questions_by_its_seed(name: str) -> None:
    first, second = task_named(name, 0), task_named(name, 1)
    for task in (first, second):
        assert not {orbit.views for orbit in task.train} & {orbit.views for orbit in task.held_out}
        assert {len(orbit.views) for orbit in (*task.train, *task.held_out)} == {len(task.views)}
        assert len({orbit.gold is None for orbit in (*task.train, *task.held_out)}) == 1
        extractor_named(task.extractor)
    assert {o.views for o in (*first.train, *first.held_out)} == {o.views for o in (*second.train, *second.held_out)}
    assert first.held_out != second.held_out
    assert task_named(name, 0) == first
    with pytest.raises(RecipeError, match=rf"known are .* Did you mean {name}\?"):
        task_named(name + "s", 0)


def test_text_answers_are_normalised_alike(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", {"orbit": ["Capital of France?", "France's capital?"], "answer": "Paris."})
    assert load_orbits(path, normalised_text)[0].gold == normalised_text(" paris\n")


def test_a_list_of_answers_is_one_and_its_aliases(tmp_path: Path) -> None:
    views = ["Which country?", "What country?"]
    path = write(tmp_path / "t.jsonl", {"orbit": views, "answer": ["U.S.A.", "The United States", "USA"]})
    assert load_orbits(path, normalised_text) == [Orbit(tuple(views), "usa", ("united states",))]
    question = write(tmp_path / "q.jsonl", {"orbit": views, "answer": "Who's Afraid of Virginia Woolf?"})
    assert load_orbits(question, normalised_text)[0].gold == "whos afraid of virginia woolf"
    for refused in ([], [None], ["7", {}]):
        with pytest.raises(DataError, match="answer"):
            load_orbits(write(tmp_path / "r.jsonl", {"orbit": views, "answer": refused}), normalised_text)
