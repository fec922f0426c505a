"""Dry runs: every shipped recipe makes two steps, with its own settings but for what is told, and leaves nothing."""

from __future__ import annotations

import dataclasses
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagames_llm import cli
from dagames_llm._errors import DataError, RecipeError
from dagames_llm.config.recipe import Recipe, read_recipe, resolve_recipe, shipped_recipes
from dagames_llm.models import load_model
from dagames_llm.training import dry_run, tiny_models
from dagames_llm.training.tiny_models import architecture_of, save_tiny, tiny_tokenizer
from tests.llm.tiny import tiny_settings

pytestmark = pytest.mark.usefixtures("equipped")

# One for each algorithm and each architecture.
QUICK = {
    "table1_coherence_qwen",
    "table2_pairwise_llama",
    "table1_pairwise_phi3",
    "table3_safety_qwen",
    "diversity_cpu",
    "slides_mathqa_minimax_llama",
}
EVERY = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.long) for name in shipped_recipes()]
OTHERS = ("qwen3", "gemma", "gemma2", "gemma3_text", "mistral")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty one that is the working directory, and one for temporary files."""
    for name in ("here", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


def left(scratch: Path) -> list[Path]:
    # Torch makes a folder of its own for temporary files when it is imported.
    return [*(scratch / "here").rglob("*"), *(scratch / "temporary").glob("dagames*")]


# The recipes divide by the deviation as eq. 5 does, which the safety reward warns of; TRL uses a deprecated name.
@pytest.mark.filterwarnings("ignore:scale_rewards:UserWarning")
@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")
@pytest.mark.parametrize("name", EVERY)
def test_two_steps_of_every_shipped_recipe(name: str, scratch: Path) -> None:
    found = dry_run.dry_run(name)
    assert len(found.history) == 2
    assert all(step["grad_norm"] >= 0 and math.isfinite(step["loss"]) for step in found.history)
    # Random texts share no word and refuse nothing, and few are read: then groups are paid alike, and nothing moves.
    assert all(step["grad_norm"] > 0 or step["frac_reward_zero_std"] == 1 for step in found.history)
    assert name != "diversity_cpu" or max(step["grad_norm"] for step in found.history) > 0
    assert left(scratch) == []


def recorded(name: str | Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Recipe, dry_run.DryRun]:
    """Return the recipe that a dry run trains by, without the training."""
    recipes: list[Recipe] = []
    monkeypatch.setattr(dry_run, "_train", lambda recipe, _: recipes.append(recipe) or ())
    found = dry_run.dry_run(name)
    return recipes[0], found


CHANGED = {
    "model_name_or_path", "lora_upper_layers", "data", "data_limit", "max_steps", "max_completion_length",
    "load_in_4bit", "use_bnb_nested_quant",
}  # fmt: skip
BATCH = {"per_device_train_batch_size", "gradient_accumulation_steps", "steps_per_generation", "generation_batch_size"}
"""Changed where a generation has more than 64 completions."""

FILES = {"use_cpu", "save_strategy", "report_to", "output_dir"}
"""Where and by what a run is recorded, and that it is on a CPU."""


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_other_setting_is_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, found = recorded(name, monkeypatch)
    whole = resolve_recipe(name, {"use_cpu": True})
    different = {
        field.name
        for made, meant in ((recipe.orbit, whole.orbit), (recipe.grpo, whole.grpo), (recipe.model, whole.model))
        for field in dataclasses.fields(meant)
        if getattr(made, field.name) != getattr(meant, field.name)
    }
    cut = whole.grpo.generation_batch_size > 64
    assert different - FILES <= CHANGED | (BATCH if cut else set())
    told = " ".join(found.changes)
    assert (f"not {whole.grpo.generation_batch_size} completions per process" in told) is cut
    for key in different & set(read_recipe(name)) - FILES - BATCH - {"data_limit"}:
        assert str(read_recipe(name)[key]) in told, key


@pytest.mark.parametrize("architecture", OTHERS)
def test_other_architectures_generate_and_read_every_character(architecture: str, tmp_path: Path) -> None:
    model, tokenizer = load_model(str(save_tiny(tmp_path / "model", architecture)))
    assert model.config.model_type == architecture
    assert sum(p.numel() for p in model.parameters()) < 20_000
    text = "Name 7:\n{x} = 1/2?"
    tokens = tokenizer([text], return_tensors="pt")
    assert tokenizer.decode(tokens["input_ids"][0]) == text
    assert model.generate(**tokens, max_new_tokens=2, do_sample=False).shape[1] > tokens["input_ids"].shape[1]


def test_the_tokenizer_has_one_token_a_character() -> None:
    tokenizer = tiny_tokenizer()
    assert len(tokenizer) == len(tiny_models.CHARACTERS) + 3
    assert len(tokenizer.encode("\n")) == 1
    shown = tokenizer.apply_chat_template(
        [{"role": "system", "content": "Add."}, {"role": "user", "content": "1 + 1"}],
        tokenize=False,
        add_generation_prompt=True,
    )
    assert shown == "system: Add.\nuser: 1 + 1\nassistant: "


@pytest.mark.parametrize(
    ("model", "architecture"),
    [
        ("embedded", "llama"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2"),
        ("Qwen/Qwen3-4B", "qwen3"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi3"),
        ("google/gemma-2b-it", "gemma"),
        ("google/gemma-2-2b-it", "gemma2"),
        ("google/gemma-3-1b-it", "gemma3_text"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral"),
    ],
)
def test_architectures_by_hub_id(model: str, architecture: str) -> None:
    assert architecture_of(model) == architecture
    assert architecture_of(model, "olmo2") == "olmo2"


@pytest.mark.parametrize("model", ["Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen3-30B-A3B", "someone/model", "nowhere"])
def test_an_unknown_architecture_is_not_guessed(model: str) -> None:
    with pytest.raises(RecipeError, match=r"not known without the hub; .*`architecture: qwen2`"):
        architecture_of(model)


def test_a_folder_tells_its_architecture(tiny: Path, tmp_path: Path) -> None:
    assert architecture_of(str(tiny)) == "llama"
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(RecipeError, match="has no `model_type`"):
        architecture_of(str(tmp_path))


def own(scratch: Path, tiny: Path, **more: Any) -> Path:
    path = scratch / "own.yaml"
    path.write_text(yaml.safe_dump(tiny_settings(tiny, **more)))
    return path


def test_rows_of_a_file_are_read_and_its_faults_told(scratch: Path, tiny: Path) -> None:
    data = scratch / "rows.jsonl"
    data.write_text("\n".join(json.dumps({"orbit": [f"{i} + 1 =", f"1 + {i} ="]}) for i in range(2, 10)))
    found = dry_run.dry_run(own(scratch, tiny, data=str(data)))
    assert not any("artificial" in change for change in found.changes)
    data.write_text(data.read_text() + '\n{"orbit": []}\n')
    with pytest.raises(DataError, match="line 9: `orbit` must be a list"):
        dry_run.dry_run(own(scratch, tiny, data=str(data)))
    with pytest.raises(DataError, match=r"no data file absent.jsonl"):
        dry_run.dry_run(own(scratch, tiny, data="absent.jsonl"))
    assert left(scratch) == []


def test_a_batch_of_several_processes(scratch: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = own(scratch, tiny, num_generations=64, per_device_train_batch_size=8, gradient_accumulation_steps=2)
    recipe, found = recorded(wide, monkeypatch)
    assert recipe.grpo.generation_batch_size == 64
    assert (
        "one row of 64 completions per step, not 16 completions per process; the recipe needs a multiple of 4 processes"
        in (found.changes[-1])
    )
    large = own(scratch, tiny, num_generations=8, per_device_train_batch_size=64, gradient_accumulation_steps=8)
    recipe, found = recorded(large, monkeypatch)
    assert recipe.grpo.generation_batch_size == 8
    assert "processes" not in found.changes[-1]


def test_made_up_questions_have_the_columns_that_constraints_select_by() -> None:
    recipe = resolve_recipe("table3_safety_qwen", {"use_cpu": True})
    rows = list(dry_run.made_up_rows(recipe))
    assert [row["kind"] for row in rows[:3]] == ["harmful", "benign", "harmful"]
    choice = resolve_recipe("slides_mathqa_stdlog_qwen", {"use_cpu": True})
    assert next(iter(dry_run.made_up_rows(choice)))["orbit"][0] == "What is 0 and 0 more? A) 0 B) 1"
    kinds = [f"kind {i}" for i in range(50)]
    budget = {"cost": "refusal", "budget": 0.1, "applies_to": {"kind": kinds}}
    many = resolve_recipe("table3_safety_qwen", {"use_cpu": True, "constraints": [budget]})
    assert {row["kind"] for row in dry_run.made_up_rows(many)} == set(kinds)


def test_a_warning_is_printed_once(scratch: Path, tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    dry_run.dry_run(own(scratch, tiny, scale_rewards="group"))
    assert [record.getMessage()[:37] for record in caplog.records] == ["scale_rewards='group' divides the adv"]


def command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        cli.guarded(cli.app, arguments)
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def test_the_command(scratch: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = own(scratch, tiny, max_steps=500, output_dir="out")
    code, out, _ = command(["train", "--config", str(recipe), "--dry-run"], capsys)
    assert code == 0
    assert "2 steps, not 500" in out
    assert "step 2: loss" in out
    assert out.endswith("passed; its files are removed\n")
    assert left(scratch) == []


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"num_generation": 4}, "did you mean `num_generations`"),
        ({"model_name_or_path": "someone/model"}, "write the `model_type` of its config.json"),
        ({"architecture": "bert2"}, "not a causal language model"),
        ({"target": "centrality"}, "needs a `distance`"),
    ],
)
def test_a_recipe_that_fails_in_training_fails_here(
    keys: dict[str, Any], complaint: str, scratch: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = command(["train", "--config", str(own(scratch, tiny, **keys)), "--dry-run"], capsys)
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.count("\n") <= 2
    assert left(scratch) == []
