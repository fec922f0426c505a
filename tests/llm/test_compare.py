"""Paired tests by hand, refusals by name, and the words that follow."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames_llm import cli
from dagames_llm._errors import DataError
from dagames_llm.evaluation.compare import Evaluation, compare, mcnemar, read_evaluation
from dagames_llm.evaluation.scores import Answered

outcomes = st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from([0, 1])), min_size=1, max_size=40)


def evaluation(greedy: str, sampled: list[str], name: str = "a") -> Evaluation:
    """Return an evaluation of questions whose answer is 1, each sampled twice: "11" is right both times."""
    questions = [
        Answered(f"question {i}", ("1",), (best,), (tuple(drawn),))
        for i, (best, drawn) in enumerate(zip(greedy, sampled, strict=True))
    ]
    return Evaluation(name, {"temperature": 1.0, "seed": 0}, False, [2], ["plain"], questions)


@given(outcomes)
def test_mcnemar_is_symmetric_and_a_chance(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    there, back = mcnemar(first, second), mcnemar(second, first)
    assert (there["gained"], there["lost"]) == (back["lost"], back["gained"])
    assert there["p_value"] == pytest.approx(back["p_value"])
    assert 0 < there["p_value"] <= 1 + 1e-12
    assert there["gained"] - there["lost"] == sum(second) - sum(first)
    discordant = there["gained"] + there["lost"]
    tail = sum(math.comb(discordant, k) for k in range(min(there["gained"], there["lost"]) + 1)) / 2**discordant
    assert there["p_value"] == pytest.approx(min(1.0, 2 * tail))


def test_comparison_by_hand() -> None:
    # Greedy: 6 gained, 0 lost, so p = 2 / 2^6 = 1/32. Sampled: differences 1, 1/2 and six times 0, mean 3/16.
    one = evaluation("00000011", ["00", "00", *["11"] * 6], "a")
    other = evaluation("11111111", ["11", "01", *["11"] * 6], "b")
    found = compare(one, other)
    assert found["mcnemar"] == {"plain": {"gained": 6, "lost": 0, "p_value": 0.03125}}
    sampled = found["differences"]["sampled"]
    assert (sampled["first"], sampled["second"]) == (0.75, 0.9375)
    assert sampled["difference"]["mean"] == pytest.approx(3 / 16)
    assert sampled["difference"]["low"] == 0.0
    assert found["differences"]["pass@2"]["difference"]["mean"] == pytest.approx(2 / 8)
    words = " ".join(found["words"])
    assert "p = 0.031: b is right more often" in words
    assert "the interval contains 0" in words
    back = compare(other, one)
    assert back["differences"]["sampled"]["difference"]["mean"] == pytest.approx(-3 / 16)
    assert "p = 0.031: b is right more often" in " ".join(back["words"])


def test_pairing_takes_the_difficulty_of_questions_out() -> None:
    # Half of the questions are hard for both; the second is better by one sample of two on every question.
    one = evaluation("0" * 40, ["00", "01"] * 20, "a")
    other = evaluation("0" * 40, ["01", "11"] * 20, "b")
    difference = compare(one, other)["differences"]["sampled"]["difference"]
    assert (difference["low"], difference["mean"], difference["high"]) == (0.5, 0.5, 0.5)


def test_an_evaluation_does_not_differ_from_itself() -> None:
    one = evaluation("0101", ["00", "01", "10", "11"])
    found = compare(one, one)
    assert all(row["difference"]["low"] == row["difference"]["high"] == 0 for row in found["differences"].values())
    assert "no significant difference" in found["words"][0]


def test_other_settings_are_stated() -> None:
    one = evaluation("01", ["00", "01"])
    warm = replace(one, decoding={"temperature": 0.5, "seed": 3}, name="b")
    assert "The settings differ: `temperature` is 1.0 in a and 0.5 in b." in compare(one, warm)["words"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": "another"}, "question 2 is 'question 1' in a and 'another' in b"),
        ({"gold": ("1", "2")}, "question 2 has the gold answers ('1',) in a and ('1', '2') in b"),
        ({"sampled": (("0", "0"), ("0", "0"))}, "question 2 has the number of wordings 1 in a and 2 in b"),
    ],
)
def test_other_questions_are_refused(change: dict[str, Any], message: str) -> None:
    one = evaluation("000", ["00"] * 3)
    questions = [one.questions[0], replace(one.questions[1], **change), one.questions[2]]
    with pytest.raises(DataError) as caught:
        compare(one, replace(one, name="b", questions=questions))
    assert message in str(caught.value)
    assert "Paired tests need the same questions" in str(caught.value)
    with pytest.raises(DataError, match="a has 3 questions and b 2"):
        compare(one, replace(one, name="b", questions=one.questions[:2]))


def written(path: Path, **results: Evaluation) -> Path:
    content = {
        name: {
            "n_orbits": len(each.questions),
            **{key: getattr(each, key) for key in ("decoding", "words", "ks")},
            "views": dict.fromkeys(each.views),
            "questions": [asdict(question) for question in each.questions],
        }
        for name, each in results.items()
    }
    path.write_text(json.dumps({"model": "m", "results": content}))
    return path


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        cli.guarded(cli.app, ["compare", *arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def test_a_full_standard_output_gives_one_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", before=evaluation("0", ["00"]), after=evaluation("1", ["11"]))
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "dagames_llm.cli", "compare", str(path)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("cannot write to standard output: No space left on device.")
    assert done.stderr.count("\n") == 1


def test_an_output_in_a_folder_that_is_not_there_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command, option in (
        ("compare a.json", "--out"),
        ("inspect a.jsonl", "--out"),
        ("paraphrase a.jsonl --rule all", "--out"),
        ("paraphrase a.jsonl --rule all --out b.jsonl", "--summary"),
        ("evaluate", "--out"),
        ("forecast --task addition", "--json"),
        ("forecast --task addition", "--plot"),
        ("forecast --task addition", "--save-samples"),
    ):
        with pytest.raises(SystemExit) as caught:
            cli.guarded(cli.app, [*command.split(), option, "new/a.svg"])
        output = capsys.readouterr()
        assert caught.value.code == 2
        assert f"{option}: cannot write new/a.svg: there is no folder new. Make it (mkdir -p new)" in output.err
    assert not list(tmp_path.iterdir())


def test_the_command_compares_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = evaluation("00000011", ["00"] * 8), evaluation("11111111", ["11"] * 8)
    file = written(tmp_path / "x.json", before=one, after=other)
    code, out, _ = run([str(file), "--out", str(tmp_path / "d.json")], capsys)
    assert code == 0
    assert "x (after) is right more" in " ".join(out.split())
    found = json.loads((tmp_path / "d.json").read_text())
    assert found["names"] == ["x (before)", "x (after)"]
    assert found["mcnemar"]["plain"]["p_value"] == 0.03125
    assert read_evaluation(file).questions == other.questions
    assert run([str(file), str(file), "--second", "before"], capsys)[0] == 0
    assert run([str(file), "--out", str(tmp_path / "d.json")], capsys)[2].count("exists already") == 1


def test_the_command_refuses_what_is_no_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = written(tmp_path / "x.json", before=evaluation("0", ["00"]))
    (tmp_path / "torn.json").write_text("{")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "old.json").write_text('{"results": {"after": {"n_orbits": 3}}}')
    (tmp_path / "hurt.json").write_text('{"after": {"n_orbits": 1, "questions": [{"question": "?"}]}}')
    for name, message in (
        ("absent.json", "No such file"),
        ("torn.json", "is not JSON"),
        ("list.json", "does not hold an evaluation"),
        ("old.json", "does not hold the answers to single questions"),
        ("hurt.json", "is damaged"),
        (".", "Is a directory"),
    ):
        code, out, err = run([str(one), str(tmp_path / name)], capsys)
        assert (code, out) == (2, ""), name
        assert message in err
    code, _, err = run([str(one)], capsys)
    assert "has no result 'after'; it has before" in err
