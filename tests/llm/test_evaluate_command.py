"""A run is asked again as it asked itself; killed, an evaluation goes on to the same numbers; options win."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagames_llm import cli
from dagames_llm.config.run_recipe import recipe_for_evaluation
from tests.llm.tiny import save_tiny, tiny_settings

ROWS = [{"orbit": [f"a{i}=", f"b{i}?"], "answer": i % 10} for i in range(30)]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        cli.guarded(cli.app, arguments)
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, `out`, that asked 24 held-out questions itself, and its recipe."""
    place = tmp_path_factory.mktemp("runs")
    tiny = save_tiny(place / "tiny")
    (place / "data.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    # One character each, or too few are read for the votes to teach. Nothing here is as `evaluate` has it by default.
    recipe = tiny_settings(
        tiny,
        data=str(place / "data.jsonl"),
        held_out=24,
        max_completion_length=1,
        max_steps=3,
        learning_rate=0.1,
        temperature=0.7,
        chat=True,
        distance="token_f1",
        constraints=[{"cost": {"name": "length", "unit": "words", "limit": 3}, "budget": 0.5}],
        eval_samples=4,
        seed=5,
    )
    (place / "good.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(SystemExit) as caught:
        cli.guarded(cli.app, ["train", "--config", str(place / "good.yaml"), "--output-dir", str(place / "out")])
    assert not caught.value.code
    return place


@pytest.fixture
def place(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(runs)
    return runs


def test_without_an_option_a_run_repeats_its_own_numbers(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held_out = json.loads((place / "out" / "held_out.json").read_text())
    assert list(held_out) == ["before", "after"]
    assert held_out["before"]["orbit"] != held_out["after"]["orbit"], "training changes nothing: this shows nothing"
    assert {"mean cost, length", "mean distance", "coherence", "maj@4"} <= set(held_out["after"]["orbit"])
    decoding = held_out["after"]["decoding"]
    assert (decoding["samples"], decoding["temperature"], decoding["seed"]) == (4, 0.7, 5)
    assert (decoding["chat"], decoding["max_new_tokens"]) == (True, 1)
    for form in (["out"], ["--adapter", "out"]):
        code, out, err = run(["evaluate", *form, "--out", str(tmp_path / f"{len(form)}.json")], capsys)
        assert code == 0, err
        assert "24 questions" in out
        result = json.loads((tmp_path / f"{len(form)}.json").read_text())
        assert result["results"] == held_out
        assert (result["extractor"], result["questions"], result["seed"]) == ("first_number", "data.jsonl", 5)
    assert not list(tmp_path.glob("*.partial"))


def test_a_run_of_the_whole_model_repeats_its_numbers(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = yaml.safe_load((place / "good.yaml").read_text())
    recipe = {key: value for key, value in recipe.items() if not key.startswith("lora_")}
    recipe |= {"use_peft": False, "max_steps": 1, "held_out": 6, "chat": False, "stop_at_newline": True}
    (tmp_path / "whole.yaml").write_text(yaml.safe_dump(recipe))
    whole = tmp_path / "whole"
    assert run(["train", "--config", str(tmp_path / "whole.yaml"), "--output-dir", str(whole)], capsys)[0] == 0
    code, _, err = run(["evaluate", str(whole), "--out", str(tmp_path / "x.json")], capsys)
    assert code == 0, err
    held_out = json.loads((whole / "held_out.json").read_text())
    assert json.loads((tmp_path / "x.json").read_text())["results"] == held_out
    assert held_out["before"]["questions"] != held_out["after"]["questions"]


def test_options_win_over_the_run(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--samples", "3", "--k", "1", "--k", "3", "--temperature", "1.5", "--seed", "9", "--limit", "2"]
    more = ["--no-chat", "--max-new-tokens", "2", "--extractor", "last_number", "--dtype", "float32", "--device", "cpu"]
    assert run(["evaluate", "out", *options, *more, "--out", str(tmp_path / "x.json")], capsys)[0] == 0
    result = json.loads((tmp_path / "x.json").read_text())
    decoding = result["results"]["after"]["decoding"]
    assert (decoding["samples"], decoding["temperature"], decoding["seed"]) == (3, 1.5, 9)
    assert (decoding["chat"], decoding["max_new_tokens"], result["extractor"]) == (False, 2, "last_number")
    questions = result["results"]["after"]["questions"]
    assert [question["question"] for question in questions] == ["a6=", "a7="], "held out are the last 24 of 30"
    assert result["results"]["after"]["ks"] == [1, 3]


REFUSED = [
    ("nowhere", "nowhere is not an adapter folder: there is no such folder"),
    ("unfinished.partial", "unfinished run"),
    ("bare", "has no recipe.yaml"),
    ("out --adapter bare", "both name"),
    ("out --k 9", "k is 9; with 4 samples"),
    ("out --dtype bfloat", "`--dtype` is 'bfloat'; known are auto, float32, bfloat16, float16. Did you mean bfloat16?"),
    ("out --device warp", "`--device` is 'warp'"),
    ("out --device meta", "`--device` is 'meta'"),
    ("out --temperature inf", "`temperature` is inf; it must be a finite number"),
    ("out --data data.jsonl --task addition", "both name questions"),
    ("out --config options.yaml", "`generation_kwargs` is 3"),
    ("out --config refused.yaml", "which `generate` refuses"),
    ("out --data gone.jsonl", "no data file"),
    ("out --config all.yaml", "has no held-out questions"),
    ("out --config cold.yaml", "`temperature` is 0"),
    ("out --config kind.yaml", "`chat` is 'perhaps'"),
    ("out --config lost.yaml", "name others with --data"),
    ("out --config nowhere.yaml", "no recipe nowhere.yaml"),
    ("out --vllm", "needs the package vllm"),
]


def test_help_names_the_questions_without_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(["evaluate", "--help"], capsys)
    assert code == 0
    words = " ".join(out.split())
    assert "Without RUN, --config, --data and --task, the questions are the held-out part of the built-in task" in words
    assert "default: addition" in words


@pytest.mark.parametrize("option", ["--model", "--config", "--task", "--extractor", "--device", "--dtype"])
def test_an_empty_option_is_refused(option: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(["evaluate", "out", option, ""], capsys)
    assert (code, out) == (2, "")
    assert f"{option} is ''; it must be a text that is not empty" in err


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_cannot_be_evaluated(
    arguments: str, message: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = yaml.safe_load((place / "good.yaml").read_text())
    variants = {"all": {"held_out": 0}, "cold": {"temperature": 0}, "kind": {"chat": "perhaps"}, "lost": {"data": "no"}}
    variants |= {"options": {"generation_kwargs": 3}, "refused": {"generation_kwargs": {"joy": 1}}}
    for name, change in variants.items():
        (place / f"{name}.yaml").write_text(yaml.safe_dump({**good, **change}))
    (place / "unfinished.partial").mkdir(exist_ok=True)
    (place / "unfinished.partial" / "written.yaml").write_text("")
    (place / "bare").mkdir(exist_ok=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (place / "bare" / name).write_bytes((place / "out" / name).read_bytes())
    before = sorted(place.rglob("*"))
    code, out, err = run(["evaluate", *arguments.split(), "--out", "never.json"], capsys)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert sorted(place.rglob("*")) == before


def test_a_killed_evaluation_goes_on_to_the_same_numbers(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, killed = tmp_path / "whole.json", tmp_path / "killed.json"
    options = ["evaluate", "out", "--batch-size", "1", "--out"]
    assert run([*options, str(whole)], capsys)[0] == 0
    command = [sys.executable, "-m", "dagames_llm.cli", *options, str(killed)]
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root}, stderr=subprocess.DEVNULL)
    journal = killed.with_name("killed.json.partial")
    for _ in range(20_000):
        if journal.exists() and journal.read_bytes().count(b"\n") > 70:  # 48 greedy prompts of `before`, some sampled
            break
        assert child.poll() is None, "the evaluation ended before it could be killed"
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    kept = journal.read_bytes().count(b"\n")
    assert 70 < kept < 4 * 48 + 1, "it was killed in the middle"
    assert not killed.exists()
    code, _, err = run(["evaluate", "out", "--batch-size", "2", "--out", str(killed)], capsys)
    assert code == 2
    assert "`decoding` was" in err
    assert "--overwrite" in err
    code, _, err = run([*options, str(killed)], capsys)
    assert code == 0
    assert f"continuing with {kept - 1} batches" in " ".join(err.split())
    assert json.loads(killed.read_text()) == json.loads(whole.read_text())
    assert not journal.exists()


class StandIn:
    """What `vllm` looks like from here: completions are the prompt's last token, the temperature and the adapter."""

    calls: list[Any] = []  # noqa: RUF012

    def __init__(self, **settings: Any) -> None:
        self.calls.append(settings)

    def generate(self, prompts: list[Any], parameters: list[Any], lora_request: Any, use_tqdm: bool) -> list[Any]:
        self.calls.append((parameters, lora_request))
        return [
            types.SimpleNamespace(
                outputs=[types.SimpleNamespace(token_ids=[prompt["prompt_token_ids"][-1]])] * each["n"]
            )
            for prompt, each in zip(prompts, parameters, strict=True)
        ]


def test_vllm_gets_the_same_prompts_and_settings(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # vLLM itself needs a GPU: a stand-in shows which of its arguments are given, not what it does with them.
    monkeypatch.setitem(sys.modules, "vllm", types.SimpleNamespace(LLM=StandIn, SamplingParams=dict))
    request = types.SimpleNamespace(LoRARequest=lambda *fields: fields)
    monkeypatch.setitem(sys.modules, "vllm.lora", types.SimpleNamespace(request=request))
    monkeypatch.setitem(sys.modules, "vllm.lora.request", request)
    StandIn.calls.clear()
    code, _, err = run(["evaluate", "out", "--vllm", "--no-chat", "--out", str(tmp_path / "v.json")], capsys)
    assert code == 0, err
    loaded, *calls = StandIn.calls
    assert (loaded["dtype"], loaded["enable_lora"], loaded["max_lora_rank"]) == ("float32", True, 8)
    assert [call[1] for call in calls] == [None, None, *[("adapter", 1, str(place / "out"))] * 2]
    greedy, sampled = (call[0][3] for call in calls[:2])
    assert (greedy["n"], greedy["temperature"], greedy["max_tokens"]) == (1, 0.0, 1)
    assert (sampled["n"], sampled["temperature"], sampled["seed"]) == (4, 0.7, 5 + 3)
    result = json.loads((tmp_path / "v.json").read_text())
    assert result["engine"] == "vllm"
    assert result["results"]["before"]["n_prompts"] == 48


def test_the_resolved_recipe_keeps_mappings(place: Path) -> None:
    settings = yaml.safe_load((place / "out" / "recipe.yaml").read_text())
    assert settings["distance"] == {"name": "token_f1"}
    recipe = recipe_for_evaluation(place / "out" / "recipe.yaml", {})
    assert recipe.distance is not None
    assert [constraint.name for constraint in recipe.constraints] == ["length"]


def test_generation_kwargs_of_the_recipe_are_obeyed(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(place / "tiny")
    digits = tokenizer.convert_tokens_to_ids(list("012345689"))
    good = yaml.safe_load((place / "good.yaml").read_text())
    (tmp_path / "only.yaml").write_text(yaml.safe_dump({**good, "generation_kwargs": {"suppress_tokens": digits}}))
    out = tmp_path / "only.json"
    arguments = ["evaluate", "out", "--config", str(tmp_path / "only.yaml"), "--limit", "6", "--out", str(out)]
    assert run(arguments, capsys)[0] == 0
    result = json.loads(out.read_text())["results"]["before"]
    assert result["decoding"]["generation_kwargs"] == {"suppress_tokens": digits}
    answers = [a for q in result["questions"] for view in [q["greedy"], *q["sampled"]] for a in view]
    assert {answer for answer in answers if answer is not None} == {"7"}


@pytest.mark.parametrize("command", ["inspect", "paraphrase"])
def test_the_type_of_the_weights_is_chosen(
    command: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagames_llm import models

    load, types = models.load_model, []

    def watched(*arguments: Any, **options: Any) -> Any:
        model, tokenizer = load(*arguments, **options)
        types.append(str(model.dtype))
        return model, tokenizer

    monkeypatch.setattr(models, "load_model", watched)
    (tmp_path / "data.jsonl").write_text(json.dumps({"question": "what is 1 + 2?", "answer": 3}))
    arguments = [command, str(tmp_path / "data.jsonl"), "--model", str(place / "tiny"), "--max-new-tokens", "8"]
    arguments += ["--out", str(tmp_path / "out"), "--overwrite"]
    for more in ([], ["--dtype", "bfloat16", "--device", "cpu"]):
        assert run([*arguments, *more], capsys)[0] == 0
    assert types == ["torch.float32", "torch.bfloat16"]
    assert "`--device` is 'warp'" in run([*arguments, "--device", "warp"], capsys)[2]
    assert "`--dtype` is 'int8'" in run([*arguments, "--dtype", "int8"], capsys)[2]


def test_a_model_of_a_silent_hub_is_one_message_or_the_copy_in_the_cache(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub
    from huggingface_hub import HfApi, constants

    from dagames_llm import models
    from dagames_llm._errors import ModelError

    def silent(*_: Any, **__: Any) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(HfApi, "model_info", silent)
    with pytest.raises(
        ModelError, match=r"no model folder somebody/model.*does not respond .Name or service.*hf download"
    ):
        models.load_model("somebody/model")
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: str(place / "tiny" / "config.json"))
    from transformers import AutoTokenizer

    offline = []

    def stop(*_: Any, **__: Any) -> None:
        offline.append(constants.HF_HUB_OFFLINE)
        raise OSError("enough seen")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", stop)
    before = constants.HF_HUB_OFFLINE
    with pytest.raises(ModelError, match="enough seen"):
        models.load_model("somebody/model")
    assert offline == [True]
    assert before == constants.HF_HUB_OFFLINE


def test_a_hub_that_answers_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    from dagames_llm.hub_reach import hub_silence
    from dagames_llm.models import only_cached

    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: None)
    assert hub_silence("somebody/model", "model") is None
    assert not only_cached("somebody/model")
