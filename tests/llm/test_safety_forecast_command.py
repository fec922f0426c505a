"""`dagames-llm forecast` with budgets: recipes, options, and input that is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dagames_llm import cli
from dagames_llm.forecast.picture import draw_forecast

BUDGET = '[{"cost": "refusal", "budget": 0.2, "name": "refuses", "step": 0.5}]'


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    rows = [
        {"orbit": ["Name a tool:"], "kind": "benign", "completions": [["Sorry."] * 4 + [" A saw."] * 4]},
        {"orbit": ["Rob a bank:"], "kind": "harmful", "completions": [["Sorry."] * 6 + [" Take a mask."] * 2]},
    ]
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        cli.guarded(cli.app, arguments)
    shown = capsys.readouterr()
    return int(end.value.code or 0), " ".join((shown.out + shown.err).split())


def test_the_command_reads_a_recipe(samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "forecast.svg"
    more = [
        "--config",
        "safety_cpu",
        "--resamples",
        "5",
        "--plot",
        str(out),
        "--match",
        "safety/refuses harmful/cost=.8",
    ]
    code, shown = run(["forecast", str(samples), *more], capsys)
    assert code == 0, shown
    for words in ("refuses harmful, at least 0.9, 1 question:", "multiplier, refuses benign", "duality gap", "reaches"):
        assert words in shown
    content = json.loads(out.with_suffix(".json").read_text())
    assert draw_forecast(content, "svg") == out.read_bytes()
    assert (content["beta"], content["group_size"], content["steps"], content["together"]) == (0.1, 8, 60, 2)
    assert [row["step"] for row in content["constraints"]] == [0.2, 0.2]
    assert content["target"] is None
    assert content["reference"]["safety/refuses harmful/cost"]["mean"] == 0.75
    assert content["match"]["statistics"]["safety/refuses harmful/cost"]["mean"] == pytest.approx(0.8)


def test_options_win_over_the_recipe(samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out.json"
    more = ["--config", "safety_cpu", "--constraints", BUDGET, "--steps", "4", "--beta", "0.5", "-K", "4"]
    more += ["--questions-per-step", "1", "--target", "gini_diversity", "--resamples", "2", "--json", str(file)]
    code, shown = run(["forecast", str(samples), *more, "--extractor", "text"], capsys)
    assert code == 0, shown
    content = json.loads(file.read_text())
    assert (content["beta"], content["group_size"], content["steps"], content["together"]) == (0.5, 4, 4, 1)
    assert [row["name"] for row in content["constraints"]] == ["refuses"]
    assert content["target"] == "GiniDiversity"
    assert content["equilibrium"] is None


def test_a_recipe_without_budgets_gives_target_beta_and_group(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, file = tmp_path / "recipe.yaml", tmp_path / "out.json"
    recipe.write_text("target: gini_diversity\ntarget_options: {weight: 2.0}\nbeta: 0.3\nnum_generations: 6\n")
    with recipe.open("a") as more:
        more.write("extractor: text\nmax_steps: 500\n")
    code, shown = run(
        ["forecast", str(samples), "--config", str(recipe), "--resamples", "1", "--json", str(file)], capsys
    )
    assert code == 0, shown
    content = json.loads(file.read_text())
    assert (content["target_settings"], content["beta"]) == ("GiniDiversity(weight=2.0)", 0.3)
    assert (content["group_size"], content["steps"]) == (6, 32)


REFUSED: dict[str, tuple[list[str], str]] = {
    "json": (["--constraints", "[{"], "--constraints is not JSON"),
    "no list": (["--constraints", '{"cost": "refusal"}'], "`constraints`"),
    "no budget": (["--constraints", '[{"cost": "refusal"}]'], "must have `cost` and `budget`"),
    "unknown cost": (["--constraints", '[{"cost": "joy", "budget": 1}]'], "joy"),
    "unknown key": (["--constraints", '[{"cost": "refusal", "budget": 1, "bugdet": 1}]'], "unknown key `bugdet`"),
    "step": (["--constraints", '[{"cost": "refusal", "budget": 0.1, "step": 0}]'], "`step` is 0"),
    "nan": (["--constraints", '[{"cost": "refusal", "budget": NaN}]'], "`budget` is nan"),
    "column": (["--constraints", '[{"cost": "refusal", "budget": 0.1, "applies_to": {"sort": 1}}]'], "column 'sort'"),
    "nobody": (
        ["--constraints", '[{"cost": "refusal", "budget": 0.1, "applies_to": {"kind": 1}}]'],
        "applies to no question of",
    ),
    "beta": (["--constraints", BUDGET, "--beta", "0"], "`beta`"),
    "step size": (["--constraints", BUDGET, "--step-size", "nan"], "`step_size`"),
    "K": (["--constraints", BUDGET, "-K", "1"], "`group_size` is 1"),
    "match": (["--constraints", BUDGET, "--match", "sampled=1"], "known are step, reward, kl, safety/refuses/cost"),
    "distances": (["--constraints", BUDGET, "--target", "centrality"], "needs distances"),
    "centrality recipe": (["--config", "table1_pairwise_qwen"], "needs distances"),
    "recipe": (["--config", "safety"], "no recipe safety"),
    "drawing": (
        ["--config", "safety_cpu", "--temperature", "0.5", "--no-chat", "--dtype", "float32"],
        "--dtype, --temperature, --chat: these options apply to drawn samples",
    ),
    "together": (["--questions-per-step", "2"], "--questions-per-step applies to the multipliers"),
    "nothing": (["--target", "null"], "a forecast needs a target, or --constraints"),
    "table": (["--constraints", BUDGET, "--table", "plugin"], "has no table"),
    "plot": (["--constraints", BUDGET, "--plot", "picture.bmp"], "must end in"),
    "two sources": (["--config", "safety_cpu", "--task", "requests"], "not both"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_one_message(
    name: str, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, message = REFUSED[name]
    code, shown = run(["forecast", str(samples), "--resamples", "1", *more], capsys)
    assert code == 2, shown
    assert message in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == [samples]


BROKEN = {
    "answers": ({"prompt": "a", "answers": ["1", "2"]}, "line 1: costs are those of `completions`"),
    "one": ({"prompt": "a", "completions": ["1"]}, "line 1: wording 1 has 1 completion; at least 2"),
    "kind": ({"prompt": "a", "completions": [1, 2]}, "line 1: `completions` holds 1, which is not a text"),
    "key": ({"completions": ["1", "2"]}, "line 1: needs `orbit`"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_one_message(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row, message = BROKEN[name]
    file = tmp_path / "broken.jsonl"
    file.write_text(json.dumps(row) + "\n")
    code, shown = run(["forecast", str(file), "--constraints", BUDGET], capsys)
    assert code == 2
    assert message in shown
    assert str(file) in shown.replace(" ", "") or file.name in shown


def test_a_recipe_that_divides_advantages_is_noted(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("extends: safety_cpu\nscale_rewards: group\nnum_generations: null\nmax_steps: 3\n")
    code, shown = run(["forecast", str(samples), "--config", str(recipe), "--resamples", "1"], capsys)
    assert code == 0
    assert "scale_rewards is 'group'" in shown


def test_requests_of_a_recipe_are_drawn_kept_with_their_columns_and_read_again(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data.jsonl").write_text(
        "".join(json.dumps({"orbit": [f"a{i}="], "kind": k}) + "\n" for i, k in enumerate(("harmful", "benign")))
    )
    recipe, kept = tmp_path / "recipe.yaml", tmp_path / "samples.jsonl"
    recipe.write_text(
        f"extends: safety_cpu\nmodel_name_or_path: {tiny}\ndata: {tmp_path / 'data.jsonl'}\nmax_completion_length: 2\n"
        "max_steps: 3\nstop_at_newline: false\n"
    )
    common = ["--config", str(recipe), "--resamples", "1"]
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    more = ["--samples", "4", "--save-samples", str(kept), "--json", str(first)]
    code, shown = run(["forecast", *common, *more], capsys)
    assert code == 0, shown
    code, shown = run(["forecast", str(kept), *common, "--json", str(second)], capsys)
    assert code == 0, shown
    assert json.loads(first.read_text()) == json.loads(second.read_text())
    rows = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["harmful", "benign"]
    assert [len(row["completions"][0]) for row in rows] == [4, 4]
    assert json.loads(first.read_text())["steps"] == 3
