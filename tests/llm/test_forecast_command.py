"""`dagames-llm forecast`: tables, JSON and pictures, and input that is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dagames.targets import (
    InverseFrequency,
)
from dagames_llm import cli
from dagames_llm.config.named_rewards import TABLES, target_of
from dagames_llm.config.recipe import OrbitScriptArguments
from dagames_llm.extract import extractor_named
from dagames_llm.forecast.picture import draw_forecast
from dagames_llm.forecast.reference_games import load_samples
from dagames_llm.forecast.settings import forecast_target

LINE = {"orbit": ["6 x 7?"], "answers": [["42"] * 6 + ["36"] * 4], "answer": 42}


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    other = {"prompt": "7 x 8?", "completions": ["= 54", "54", "it is 56", "no", "54", "56"], "answer": "56"}
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps(LINE) + "\n" + json.dumps(other) + "\n")
    return file


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        cli.guarded(cli.app, arguments)
    shown = capsys.readouterr()
    return int(end.value.code or 0), shown.out + shown.err


@pytest.mark.parametrize("name", TABLES)
def test_a_forecast_takes_the_tables_of_recipes(name: str) -> None:
    recipe = OrbitScriptArguments(target="inverse_frequency", target_options={"table": name})
    found, wanted = forecast_target("inverse_frequency", None, name, 8), target_of(recipe, 8)
    assert isinstance(found, InverseFrequency)
    assert isinstance(wanted, InverseFrequency)
    assert found.table is not None
    assert wanted.table is not None
    assert found.table.coefficients.tolist() == wanted.table.coefficients.tolist()


def test_the_command_writes_a_table_a_json_and_a_picture(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "forecast.svg"
    more = ["--resamples", "2", "--plot", str(out), "--json", str(tmp_path / "out.json"), "--match", "reward=0.8"]
    code, shown = run(["forecast", str(samples), "--beta", "0.05", *more], capsys)
    assert code == 0, shown
    for words in ("sampled accuracy", "collapse threshold", "generalis", "goes extinct", "at step"):
        assert words in " ".join(shown.split()) or words == "generalis"
    content = json.loads((tmp_path / "out.json").read_text())
    assert content == json.loads(out.with_suffix(".json").read_text())
    assert draw_forecast(content, "svg") == out.read_bytes()
    assert content["questions"] == 2
    assert content["votes_wrong"]["mean"] == 0.5
    assert content["marginals"][0]["views"][0]["42"]["reference"] == 0.6


def test_one_question_is_counted_in_the_singular(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps(LINE))
    code, shown = run(["forecast", str(file), "--resamples", "1", "--steps", "1"], capsys)
    assert code == 0, shown
    assert "1 question, 10 completions" in " ".join(shown.split())
    assert "1 step " in shown


BROKEN: dict[str, tuple[str, str]] = {
    "empty": ("", "has no line"),
    "torn": (json.dumps(LINE) + '\n{"orbit": ["half"', "line 2: not JSON"),
    "list": ("[1]", "line 1: a line must be a JSON object, not list"),
    "no key": ('{"question": "6 x 7?"}', "line 1: needs `orbit`"),
    "no answers": ('{"orbit": ["6 x 7?"]}', "line 1: needs `completions` or `answers`"),
    "misspelled": ('{"orbit": ["a"], "answrs": [["1", "2"]]}', "found 'orbit', 'answrs'. Did you mean answers?"),
    "one completion": ('{"prompt": "6 x 7?", "answers": ["42"]}', "line 1: wording 1 has 1 completion; at least 2"),
    "views": ('{"orbit": ["a", "b"], "answers": [["1", "2"]]}', "line 1: `answers` has 1 list for 2 wordings"),
    "kind": ('{"prompt": "a", "answers": [true, "2"]}', "line 1: `answers` holds True"),
    "text": ('{"prompt": "a", "completions": [1, 2]}', "line 1: `completions` holds 1, which is not a text"),
    "unread": ('{"prompt": "a", "answers": [null, null]}', "no answer was found in any completion"),
    "infinite": ('{"prompt": "a", "answers": ["1", 1e999]}', "line 1: `answers` holds inf"),
    "blank": ('{"prompt": "a", "answers": ["1", " "]}', "write null for a completion without an answer"),
    "no gold": ('{"prompt": "a", "answers": ["1", "2"], "answer": []}', "line 1: `answer` is an empty list"),
    "bytes": ('{"prompt": "\udcff"}', "line 1: not UTF-8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_message(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_bytes(BROKEN[name][0].encode("utf-8", "surrogateescape"))
    code, shown = run(["forecast", str(file), "--json", str(tmp_path / "out.json")], capsys)
    assert code == 2
    assert BROKEN[name][1] in shown
    assert str(file) in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == [file]


REFUSED: dict[str, tuple[list[str], str]] = {
    "target": (["--target", "majority"], "Did you mean majority_vote"),
    "options": (["--target-options", "{ties"], "--target-options is not JSON"),
    "option": (["--target-options", '{"tie": "none"}'], "no option `tie`. Did you mean ties?"),
    "table": (["--table", "harmonics"], "taylor, harmonic, plugin. Did you mean harmonic?"),
    "no table": (["--table", "plugin"], "has no table"),
    "K": (["--group-size", "1"], "`group_size` is 1"),
    "beta": (["--beta", "0"], "`beta`"),
    "nan": (["--beta", "nan"], "`beta`"),
    "step": (["--step-size", "-1"], "`step_size`"),
    "match": (["--match", "reward"], "--match is 'reward'"),
    "no number": (["--match", "reward=nan"], "--match is 'reward=nan'"),
    "large": (["-K", "100000"], "`group_size` is 100000; expectations over groups are computed for at most 256"),
    "large table": (["-K", "257", "--target", "inverse_frequency", "--table", "minimax"], "`group_size` is 257"),
    "for drawing": (["--chat", "--samples", "4"], "--samples, --chat: these options apply to drawn samples"),
    "type": (["--dtype", "int8"], "--dtype: these options apply to drawn samples"),
    "statistic": (["--match", "rewards=1"], "a forecast has no statistic 'rewards'; known are step, "),
    "distances": (["--target", "centrality"], "needs distances"),
    "plot": (["--plot", "picture.bmp"], "must end in"),
    "both": (["--model", "embedded"], "not both"),
    "keep": (["--save-samples", "kept.jsonl"], "--save-samples"),
    "extractor": (["--extractor", "eval"], "eval"),
    "no budgets": (["--constraints", "[]"], "--constraints is []; it must be a JSON list of at least one budget"),
    "null budgets": (["--constraints", "null"], "--constraints is null; it must be a JSON list"),
    "one budget": (["--constraints", '{"cost": "refusal"}'], '--constraints is {"cost": "refusal"}; it must be a JSON'),
    "null options": (["--target-options", "null"], "--target-options is null; it must be a JSON object"),
    "empty extractor": (["--extractor", ""], "--extractor is ''; it must be a text that is not empty"),
    "empty recipe": (["--config", " "], "--config is ' '; it must be a text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_one_message(
    name: str, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, message = REFUSED[name]
    code, shown = run(["forecast", str(samples), "--resamples", "1", *more], capsys)
    assert code == 2
    assert message in " ".join(shown.split())
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == [samples]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a file of samples"),
        (["absent.jsonl"], "no file of samples absent.jsonl"),
        (["--task", "addition", "--data", "x.jsonl"], "both name questions"),
        (["--data", "x.jsonl"], "no data file x.jsonl"),
        (["--task", "juggling"], "`task` is 'juggling'"),
    ],
)
def test_samples_have_one_source(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(["forecast", *arguments], capsys)
    assert code == 2
    assert message in shown


def test_a_number_is_the_same_answer_however_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text('{"prompt": "a", "answers": [1, 2.0, "1"], "answer": 1.0}')
    (found,) = load_samples(file, extractor_named("last_number"))
    assert found.answers == ("1", "2")
    assert found.right is not None
    assert found.right.tolist() == [True, False, False]
