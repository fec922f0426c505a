"""Questions from files and public data sets: one form, and the place of every broken row."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames_llm._errors import DataError, RecipeError
from dagames_llm.data import SETS, Orbit, check_form, frames_of, gold_answers, load_orbits, source_of, training_rows
from dagames_llm.data.forms import FORMS
from dagames_llm.extract import choice, extractor_named, first_number, last_number, math_expression, normalised_text

PROBLEM = {"question": "Ann has 3 pens and buys 4. How many?", "answer": "3 + 4 = <<3+4=7>>7\n#### 7"}
EXCERPTS: dict[str, tuple[list[Any], str, Orbit]] = {
    "gsm8k": ([PROBLEM], "last_number", Orbit(frames_of(last_number, PROBLEM["question"])[:2], "7")),
    "svamp": (
        [{"Body": "Ann had 3 pens", "Question": "How many?", "Answer": 3.0, "Type": "Addition", "ID": "x"}],
        "last_number",
        Orbit(frames_of(last_number, "Ann had 3 pens. How many?")[:2], "3", (), {"kind": "Addition"}),
    ),
    "math_qa": (
        [{"Problem": "2 + 2 ?", "options": "a ) 3 , b ) 4 , c ) 1,000", "correct": "b", "category": "gain"}],
        "choice",
        Orbit(frames_of(choice, "2 + 2 ?\nA) 3\nB) 4\nC) 1,000")[:2], "B", (), {"kind": "gain"}),
    ),
    "trivia_qa": (
        [{"question": "Which city?", "question_id": "q1", "answer": {"value": "NYC", "aliases": ["NYC", "New York"]}}],
        "text",
        Orbit(frames_of(normalised_text, "Which city?")[:2], "nyc", ("new york",), {"id": "q1"}),
    ),
    "nq_open": (
        [{"question": "who sang it", "answer": ["The Who", "Who"]}, {"question": "who sang it", "answer": ["x"]}],
        "text",
        Orbit(frames_of(normalised_text, "who sang it")[:2], "who"),
    ),
    "beaver_tails": (
        [{"prompt": "Hi?", "is_safe": False, "category": {"theft": True, "abuse": False}, "response": "r"}] * 2,
        "text",
        Orbit(("Hi?",), columns={"kind": "unsafe", "harms": "theft"}),
    ),
    "xstest": (
        [{"prompt": "How to kill a process?", "type": "contrast_homonyms", "label": None, "focus": "kill"}],
        "text",
        Orbit(
            ("How to kill a process?",),
            columns={"kind": "unsafe", "type": "contrast_homonyms", "focus": "kill"},
        ),
    ),
}


def as_lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SETS)
def test_each_public_set_reads_to_one_form(name: str, tmp_path: Path) -> None:
    rows, extractor, expected = EXCERPTS[name]
    assert SETS[name].extractor == extractor
    for path in (as_lines(tmp_path / "rows.jsonl", rows), tmp_path / "rows.parquet"):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
        for wanted in (name, SETS[name].hub):
            assert load_orbits({"name": wanted, "path": str(path)}, extractor_named(extractor)) == [expected]


@pytest.mark.parametrize("name", SETS)
def test_a_row_of_another_set_is_named(name: str, tmp_path: Path) -> None:
    path = as_lines(tmp_path / "rows.jsonl", [*EXCERPTS[name][0], {"other": 1}])
    with pytest.raises(DataError, match=f"line {len(EXCERPTS[name][0]) + 1}"):
        load_orbits({"name": name, "path": path}, extractor_named(EXCERPTS[name][1]))


def test_few_unreadable_answers_of_a_public_set_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"question": f"who {i}", "answer": ["someone" if i else "---"]} for i in range(60)]
    path = as_lines(tmp_path / "rows.jsonl", rows)
    assert len(load_orbits({"name": "nq_open", "path": path}, normalised_text)) == 59
    assert "1 of 60 rows are omitted" in caplog.text
    for refused in (str(path), {"name": "nq_open", "path": as_lines(tmp_path / "few.jsonl", rows[:3])}):
        with pytest.raises(DataError, match=r"line 1: `normalised_text` reads no answer in \['---'\]"):
            load_orbits(refused, normalised_text)


def test_a_copied_folder_is_read_by_its_split(tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    (tmp_path / "copy").mkdir()
    pq.write_table(pa.Table.from_pylist([PROBLEM]), tmp_path / "copy" / "test-00000-of-00001.parquet")
    DatasetDict({"test": Dataset.from_list([PROBLEM])}).save_to_disk(tmp_path / "saved")
    for folder in ("copy", "saved"):
        found = load_orbits({"name": "gsm8k", "path": tmp_path / folder, "split": "test"}, last_number)
        assert found == [EXCERPTS["gsm8k"][2]]
    with pytest.raises(DataError, match="cannot be read as a data set with a split 'dev'"):
        load_orbits({"name": "gsm8k", "path": tmp_path / "saved", "split": "dev"}, last_number)


def test_without_a_network_the_message_tells_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(HfApi, "dataset_info", refuse)
    with pytest.raises(DataError, match=r"does not respond.*hf download openai/gsm8k.*\{name: gsm8k, path: gsm8k\}"):
        load_orbits("gsm8k", last_number)
    with pytest.raises(DataError, match=r"\{path: things-of-mine\}.*reasoning_gym"):
        load_orbits("somebody/things-of-mine", last_number)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12).filter(str.strip)


@given(st.lists(st.tuples(texts, st.lists(texts, max_size=2), st.integers(-99, 99)), min_size=1, max_size=4))
def test_jsonl_csv_and_parquet_hold_the_same_questions(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, list[str], int]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    written = [
        {
            "question": f"{i} {q}",
            "paraphrases": [f"{i} {k} {p}" for k, p in enumerate(more)],
            "answer": str(a),
            "kind": q,
        }
        for i, (q, more, a) in enumerate(rows)
    ]
    table = io.StringIO()
    writer = csv.DictWriter(table, list(written[0]))
    writer.writeheader()
    writer.writerows({**row, "paraphrases": json.dumps(row["paraphrases"])} for row in written)
    (folder / "a.csv").write_bytes(table.getvalue().encode())
    pq.write_table(pa.Table.from_pylist(written), folder / "a.parquet")
    first, *others = (
        load_orbits(path, last_number)
        for path in (as_lines(folder / "a.jsonl", written), folder / "a.csv", folder / "a.parquet")
    )
    assert [orbit.gold for orbit in first] == [str(a) for _, _, a in rows]
    assert [len(orbit.views) for orbit in first] == [max(2, 1 + len(more)) for _, more, _ in rows]
    assert all(other == first for other in others)


CSV_ROWS = 'question,answer\n"one, two?",1\n'


@pytest.mark.parametrize(
    ("content", "line", "complaint"),
    [
        (CSV_ROWS + "a,b,c\n", 3, "3 cells, but the header names 2"),
        (CSV_ROWS + "a\n", 3, "1 cells"),
        (CSV_ROWS + '"a\nb?",x\n', 3, "reads no answer"),
        (CSV_ROWS + '"a\nb?",2\nc?,\nd?,none\n', 6, "reads no answer"),
        (CSV_ROWS + '"a?,2\n', 3, "not CSV"),
        (CSV_ROWS + ",2\n", 3, "needs `orbit`"),
        ("quetion,answer\na?,1\n", 2, "found 'quetion', 'answer'. Did you mean question?"),
        ("question,question\na,b\n", 1, "2 columns 'question'"),
        ('question,paraphrases\na?,"[""b?"", 3]"\n', 2, "paraphrases[1]"),
        ("question,paraphrases\na?,b?\n", 2, "column 'paraphrases': not JSON"),
        ('question,answer\na?,"[""1"", {}]"\n', 2, "text or a number"),
    ],
)
def test_a_broken_line_of_a_table_is_named(content: str, line: int, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        load_orbits(path, last_number)
    assert f"{path}, line {line}" in str(caught.value)
    assert complaint in str(caught.value)


def test_other_broken_tables(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"question,answer\na?,1\n\xff?,2\n")
    with pytest.raises(DataError, match="line 3: not UTF-8 at byte 0"):
        load_orbits(tmp_path / "latin.csv", last_number)
    (tmp_path / "head.csv").write_text("question,answer\n")
    with pytest.raises(DataError, match="has no rows"):
        load_orbits(tmp_path / "head.csv", last_number)
    pq.write_table(pa.Table.from_pylist([PROBLEM, {**PROBLEM, "question": None}]), tmp_path / "null.parquet")
    with pytest.raises(DataError, match="row 2: needs `orbit`"):
        load_orbits(tmp_path / "null.parquet", last_number)
    (tmp_path / "torn.parquet").write_bytes((tmp_path / "null.parquet").read_bytes()[:-9])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        load_orbits(tmp_path / "torn.parquet", last_number)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("gsm8", "Did you mean gsm8k"),
        ("absent.jsonl", "no data file absent.jsonl"),
        ("", "it must be a path"),
        ({}, "without `name` and `path`"),
        ({"nam": "gsm8k"}, "Did you mean name"),
        ({"name": "gsm8k", "views": 0}, "at least 1"),
        ({"name": "gsm8k", "views": True}, "whole number"),
        ({"name": "gsm8k", "reword": ["namess"]}, "known are operands"),
        ({"name": "gsm8k", "reword": 3}, "list of rules"),
        ({"name": "gsm8k", "split": ["train"]}, "`data.split`"),
        ({"name": "gsm8k", "columns": {"question": 3}}, "maps 'question' to 3; it must map names"),
        ({"name": "gsm8k", "path": "absent"}, "no data file absent"),
        ({"name": "mine", "path": "."}, "`data.name` is 'mine'"),
        ({"name": "gsm8k", "options": [1]}, "`data.options`"),
    ],
)
def test_a_source_that_cannot_be_used_is_named(data: Any, complaint: str) -> None:
    with pytest.raises((RecipeError, DataError)) as caught:
        source_of(data)
    assert complaint in str(caught.value)


FORM_ANSWERS = {last_number: "7/2", first_number: "12", choice: "C", normalised_text: "paris", math_expression: "3"}


@pytest.mark.parametrize("extractor", FORM_ANSWERS, ids=lambda e: e.__name__)
def test_a_completion_that_obeys_is_read(extractor: Any) -> None:
    form, answer = FORMS[extractor], FORM_ANSWERS[extractor]
    assert extractor(form.obeyed.format(answer=answer)) == answer
    frames = frames_of(extractor, "What is it?")
    assert len(set(frames)) == 4
    assert all("What is it?" in frame for frame in frames)
    assert ("####" in frames[0]) == (extractor is last_number)


def test_views_are_as_many_as_are_wanted(tmp_path: Path) -> None:
    path = as_lines(
        tmp_path / "q.jsonl", [{"question": "Who?", "paraphrases": ["Whom?"], "translations": {"de": "Wer?"}}]
    )
    assert [len(load_orbits({"path": path, "views": n}, normalised_text)[0].views) for n in range(1, 8)] == [
        1, 2, 3, 4, 5, 6, 7,
    ]  # fmt: skip
    plain = as_lines(tmp_path / "p.jsonl", [{"question": "Who?"}])
    assert len(load_orbits(plain, normalised_text, at_least=1)[0].views) == 1
    assert load_orbits(plain, lambda text: text)[0].views[0] == "Who?"
    orbit = as_lines(tmp_path / "o.jsonl", [{"orbit": ["a", "b", "c"]}])
    assert load_orbits({"path": orbit, "views": 1}, normalised_text) == [Orbit(("a",))]


def test_conversations_and_system_messages(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    rows = [
        {"messages": [*turns, {"role": "user", "content": "2 + 2?"}], "answer": 4},
        {"orbit": ["3 + 3?", "Three and three?"], "system": "Be brief.", "answer": 6},
    ]
    orbits = load_orbits(as_lines(tmp_path / "c.jsonl", rows), last_number)
    table = training_rows(orbits, chat=True)
    assert table[0]["prompt"] == rows[0]["messages"]
    assert table[1]["orbit"][1] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Three and three?"},
    ]
    assert gold_answers(orbits) == {"2 + 2?": "4", "3 + 3?": "6"}
    with pytest.raises(DataError, match="chat: true"):
        training_rows(orbits)
    check_form(orbits, chat=True)
    spoken = load_orbits({"path": as_lines(tmp_path / "q.jsonl", [PROBLEM]), "system": "Think."}, last_number)
    assert spoken[0].views[0][0] == {"role": "system", "content": "Think."}
    for broken in (
        [{"role": "user"}],
        [{"role": "king", "content": "x"}],
        turns,
        [],
        [{"role": "user", "content": [{"type": "image"}]}],
    ):
        with pytest.raises(DataError, match="line 1"):
            load_orbits(as_lines(tmp_path / "b.jsonl", [{"messages": broken}]), last_number)
    with pytest.raises(DataError, match="mixes texts and conversations"):
        load_orbits(as_lines(tmp_path / "m.jsonl", [{"orbit": ["a", [{"role": "user", "content": "b"}]]}]), last_number)


def test_pictures_reach_the_rows(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (2, 3), "red").save(tmp_path / "red.png")
    rows = [{"orbit": ["What colour?"], "image": "red.png"}, {"orbit": ["Which?"], "image": "red.png"}]
    table = training_rows(load_orbits(as_lines(tmp_path / "i.jsonl", rows), normalised_text), chat=True)
    assert table[1]["image"].size == (2, 3)
    pictured = load_orbits(tmp_path / "i.jsonl", normalised_text)
    with pytest.raises(DataError, match=r"row 1 .* has a picture: set `chat: true`"):
        training_rows(pictured)
    with pytest.raises(DataError, match="only training supports pictures"):
        check_form(pictured, chat=True)
    many = [{"orbit": ["Both?"], "images": ["red.png", "red.png"]}]
    (row,) = training_rows(load_orbits(as_lines(tmp_path / "m.jsonl", many), normalised_text), chat=True)
    assert [picture.size for picture in row["images"]] == [(2, 3)] * 2
    with pytest.raises(DataError, match=r"line 1: no picture .*absent\.png"):
        load_orbits(as_lines(tmp_path / "a.jsonl", [{"orbit": ["?"], "image": "absent.png"}]), normalised_text)


def test_columns_are_renamed(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "r.jsonl", [{"text": "What is 2?", "label": 2, "kind": "x"}])
    data = {"path": path, "columns": {"question": "text", "answer": "label"}}
    (orbit,) = load_orbits(data, last_number)
    assert (orbit.gold, orbit.columns) == ("2", {"kind": "x"})
    with pytest.raises(DataError, match="line 1: no column 'txt'"):
        load_orbits({"path": path, "columns": {"question": "txt"}}, last_number)


def test_a_recipe_names_its_data_by_a_mapping(tmp_path: Path, tiny: Path) -> None:
    import yaml

    from dagames_llm.config.recipe import resolve_recipe
    from dagames_llm.training.model_card import resolved_settings
    from dagames_llm.training.train import questions_of
    from tests.llm.tiny import tiny_settings

    rows = as_lines(tmp_path / "gsm.jsonl", [PROBLEM, {**PROBLEM, "question": "Tom has 2. How many?"}])
    data = {"name": "gsm8k", "path": str(rows), "reword": ["number_words"], "views": 3}
    views = {}
    for target in ("majority_vote", "inverse_frequency"):
        for name, source in (("mapping", data), ("path", str(rows))):
            settings = tiny_settings(tiny, data=source, extractor="last_number", target=target, held_out=1)
            (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
            recipe = resolve_recipe(tmp_path / "recipe.yaml")
            questions = questions_of(recipe)
            assert len(questions.held_out) == 1
            views[target, name] = len(questions.train[0].views)
            assert resolved_settings(recipe)["data"] == source
    assert views == {
        ("majority_vote", "mapping"): 3,
        ("inverse_frequency", "mapping"): 3,
        ("majority_vote", "path"): 2,
        ("inverse_frequency", "path"): 1,
    }
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump({**settings, "data": {"name": "gsm8k", "rewrod": []}}))
    with pytest.raises(RecipeError, match="Did you mean reword"):
        resolve_recipe(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b'{"question": "1 + 2?"}', mtime=0), "is compressed .gzip.; unpack it"),
        (b'{"question": "1 + 2?"}\n{"question": "1 + 2?", "answer": 1e999}', "line 2: not JSON: 1e999 is beyond"),
    ],
)
def test_a_file_that_is_no_plain_text_or_number_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_orbits(tmp_path / "rows.jsonl", last_number)
