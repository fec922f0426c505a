"""Wordings that a model writes, and a look at questions before training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames_llm import cli
from dagames_llm.data import load_orbits
from dagames_llm.extract import last_number
from dagames_llm.inspection import difference_between, difference_within, votes_differ
from dagames_llm.paraphrase import INSTRUCTIONS, cleaned, paraphrases, result_of_checks
from dagames_llm.rewording.numerals import same_numbers

ROWS = [
    {"question": "Ann has 3 pens. She buys 4 more. How many pens has she?", "answer": "#### 7", "level": 1},
    {"question": "Tom has 12 caps and gives 5 away. How many are left?", "answer": 7},
]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        cli.guarded(cli.app, arguments)
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def as_lines(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


completions = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["Ann", "3", "4", "pens", "has", "How", "many", "?", "seven", "one", "."]), max_size=14
    ).map(" ".join),
)


@given(
    st.lists(st.integers(0, 3), min_size=8, max_size=8),
    st.lists(completions, min_size=8, max_size=8),
    st.integers(1, 5),
)
def test_whatever_a_model_writes_the_numbers_survive(kinds: list[int], texts: list[str], count: int) -> None:
    question = str(ROWS[0]["question"])
    good = ["Ann owns 3 pens and gets 4. How many?", "If Ann, with three pens, buys 4, how many has she?"]
    written = iter([good[kind] if kind < 2 else text for kind, text in zip(kinds, texts, strict=True)] * 3)
    seen: list[str] = []

    def write(prompts: Sequence[str]) -> list[str]:
        seen.extend(prompts)
        return [next(written) for _ in prompts]

    (found,) = paraphrases([question], count, write)
    assert len(found.accepted) <= count
    assert len({question, *found.accepted}) == len(found.accepted) + 1
    assert all(same_numbers(question, wording) and "?" in wording for wording in found.accepted)
    assert found.outcomes.total() == len(seen) == found.outcomes["kept"] + len(found.rejected)
    assert all(question in prompt for prompt in seen[: len(INSTRUCTIONS)])


@pytest.mark.parametrize(
    ("wording", "outcome"),
    [
        ("", "empty"),
        ("Ann owns 3 pens and buys 4. How many?", "kept"),
        ("Ann owns 3 pens and buys 4. How", "cut off"),
        ("Ann owns 3 pens and buys 4.", "no question"),
        ("Ann owns 3 pens. How many after 5?", "numbers changed"),
        ("Ann owns 3 pens, buys 4, and has 7. How many?", "numbers changed"),
        ("3 and 4?", "too short or too long"),
        ("Ann has 3 pens; she buys 4 more: How many pens has she?", "not a new wording"),
    ],
)
def test_a_wording_is_judged_by_what_can_be_seen(wording: str, outcome: str) -> None:
    assert result_of_checks(str(ROWS[0]["question"]), wording, []) == outcome


def test_announcements_are_no_part_of_a_wording() -> None:
    for text in (
        "Sure! Here is the rephrased question:\n\nHow many?",
        '"How many?"',
        "Question: How many?\n\nAnswer: 7",
        "How many?\nSolution: 3 + 4",
    ):
        assert cleaned(text) == "How many?"


def test_rules_write_rows_that_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = as_lines(tmp_path / "d.jsonl", ROWS), tmp_path / "o.jsonl"
    more = ["--rule", "all", "--views", "4", "--out", str(out), "--summary", str(tmp_path / "s.json")]
    code, shown, _ = run(["paraphrase", data, *more], capsys)
    assert code == 0
    assert "2 questions" in shown
    orbits = load_orbits(out, last_number)
    assert [len(orbit.views) for orbit in orbits] == [4, 4]
    assert [orbit.gold for orbit in orbits] == ["7", "7"]
    assert orbits[0].columns == {"level": 1}
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["views"] == {"4": 2}
    assert run(["paraphrase", data, *more], capsys)[0] == 2
    assert run(["paraphrase", data, *more, "--overwrite"], capsys)[0] == 0


def test_a_model_writes_and_is_counted(tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = as_lines(tmp_path / "d.jsonl", ROWS), tmp_path / "o.jsonl"
    more = ["--model", str(tiny), "--max-new-tokens", "8", "--summary", str(tmp_path / "s.json")]
    code, shown, _ = run(["paraphrase", data, *more, "--out", str(out)], capsys)
    assert code == 0
    assert "the model wrote" in shown
    summary = json.loads((tmp_path / "s.json").read_text())
    assert sum(summary["outcomes"].values()) == len(summary["dropped"]) == 2 * (len(INSTRUCTIONS))
    assert [row["paraphrases"] for row in map(json.loads, out.read_text().splitlines())] == [[], []]


@pytest.mark.parametrize(
    ("rows", "arguments", "complaint"),
    [
        (ROWS, [], "name a source of wordings"),
        (ROWS, ["--rule", "magic"], "known are operands"),
        ([{"orbit": ["a", "b"]}], ["--rule", "all"], "line 1: only rows with `question`"),
        ([*ROWS, {"question": 7}], ["--rule", "all"], "line 3: `question` must be a text"),
        ([{"question": "a", "paraphrases": "b"}], ["--rule", "all"], "line 1: `paraphrases` must be a list"),
        ([], ["--rule", "all"], "has no rows"),
        (ROWS, ["--model", "no/such/model"], "no model folder"),
    ],
)
def test_bad_input_of_paraphrase(
    rows: list[dict[str, object]],
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, out = as_lines(tmp_path / "d.jsonl", rows), tmp_path / "o.jsonl"
    code, _, message = run(["paraphrase", data, "--out", str(out), *arguments], capsys)
    assert code == 2
    assert complaint in message
    assert message.count("\n") == 1
    assert not out.exists()


answers = st.lists(st.lists(st.sampled_from(["1", "2", "3", None]), min_size=1, max_size=5), min_size=1, max_size=4)


@given(answers)
def test_differences_are_chances_over_pairs(views: list[list[str | None]]) -> None:
    read = [[answer for answer in view if answer is not None] for view in views]
    within = [
        [a != b for i, a in enumerate(view) for j, b in enumerate(view) if i != j] for view in read if len(view) > 1
    ]
    expected = sum(sum(pairs) / len(pairs) for pairs in within) / len(within) if within else None
    assert difference_within(views) == (None if expected is None else pytest.approx(expected))
    full = [view for view in read if view]
    between = [[a != b for a in full[i] for b in full[j]] for i in range(len(full)) for j in range(i + 1, len(full))]
    expected = sum(sum(pairs) / len(pairs) for pairs in between) / len(between) if between else None
    assert difference_between(views) == (None if expected is None else pytest.approx(expected))
    if len({tuple(view) for view in full}) == 1 and len(full) > 1:
        assert votes_differ(views) is False


def test_inspect_reports_what_was_read(tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = as_lines(tmp_path / "d.jsonl", ROWS), tmp_path / "i.json"
    more = ["--model", str(tiny), "--samples", "3", "--max-new-tokens", "3", "--extractor", "first_number"]
    code, shown, progress = run(["inspect", data, *more, "--out", str(out)], capsys)
    assert code == 0
    assert progress.startswith("sampling 12 completions of 4 prompts with ")
    assert "2 of 2 questions: 2 with 2 views; 2 with a known answer" in shown
    found = json.loads(out.read_text())
    assert found["views"] == {"2": 2}
    flat = [answer for row in found["rows"] for view in row["answers"] for answer in view]
    assert len(flat) == 12
    assert found["measured"]["unread"]["mean"] == pytest.approx(flat.count(None) / 12)
    assert run(["inspect", data, *more, "--out", str(out)], capsys)[0] == 2
    chatty = as_lines(tmp_path / "c.jsonl", [{"question": "Hi?", "system": "Be brief."}])
    code, _, message = run(["inspect", chatty, *more], capsys)
    assert code == 2
    assert "--chat" in message
    one = as_lines(tmp_path / "one.jsonl", [{"orbit": ["Hi?"]}])
    assert "1 of 1 question: 1 with 1 view; 0 with a known answer" in run(["inspect", one, *more], capsys)[1]
