"""The embedded model for real: unpacked, asked, trained one step. And the shipped recipes and results are sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dagames_llm.config.recipe import resolve_recipe, shipped_recipes
from dagames_llm.demo import COMMITTED, committed_results, show_results
from dagames_llm.evaluation.evaluate import Decoding, generate
from dagames_llm.models import load_model, locate_model, stop_at_newline


def test_it_loads_adds_and_learns_one_step(tmp_path: Path) -> None:
    from dagames_llm.training.train import Questions, build_trainer, load_policy, questions_of

    recipe = resolve_recipe(
        "coherence_cpu", {"max_steps": 1, "per_device_train_batch_size": 8, "num_generations": 4, "save_strategy": "no"}
    )
    recipe.grpo.output_dir = str(tmp_path)
    model, tokenizer = load_policy(recipe)
    ends = model.generation_config.eos_token_id
    assert tokenizer.encode("\n") == [ends[-1]]
    (text,) = generate(model, tokenizer, ["5 + 6 = 11\n1 + 1 ="], Decoding(max_new_tokens=4), sampled=False)[0]
    assert text.strip() == "2"
    questions = questions_of(recipe)
    trainer = build_trainer(recipe, model, tokenizer, Questions(questions.train[:4], []))
    trained = {name for name, weight in trainer.model.named_parameters() if weight.requires_grad}
    assert {int(name.split(".layers.")[1].split(".")[0]) for name in trained} == set(range(15, 30))
    trainer.train()
    (entry,) = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert 0 < entry["reward"] <= 1
    assert entry["grad_norm"] > 0
    assert entry["completions/max_length"] <= 4


def test_a_second_load_comes_from_the_cache() -> None:
    folder = Path(locate_model("embedded"))
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert Path(locate_model("embedded")) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert not list(folder.parent.glob(f"{folder.name}.*")), "no half-unpacked copy is left"


@pytest.mark.usefixtures("equipped")
@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_resolve_to_the_game(name: str) -> None:
    recipe = resolve_recipe(name)
    assert recipe.grpo.beta > 0
    # The paper's recipes divide by the deviation, as it prints; ours do not.
    assert recipe.grpo.scale_rewards == ("group" if name.startswith(("table", "slides")) else "none")
    assert recipe.grpo.num_generations % 2 == 0
    assert recipe.target is not None or recipe.constraints


def test_stopping_at_a_newline_keeps_the_model_s_own_ends(tiny: Path) -> None:
    model, tokenizer = load_model(str(tiny))
    stop_at_newline(model, tokenizer)
    assert model.generation_config.eos_token_id == [1, tokenizer.convert_tokens_to_ids("\n")]


def test_committed_results_are_five_whole_runs(capsys: pytest.CaptureFixture[str]) -> None:
    results = committed_results(COMMITTED)
    assert [result["seed"] for result in results] == [0, 1, 2, 3, 4]
    for result in results:
        assert len(result["history"]) == result["recipe"]["max_steps"]
        assert result["before"]["n_orbits"] == result["after"]["n_orbits"] == 26
        assert result["recipe"]["beta"] > 0
        assert {"accuracy", "majority_ratio", "answer_entropy", "reward"} <= set(result["history"][-1])
        assert "/" not in json.dumps({key: result[key] for key in ("recipe", "packages")})
    assert len({json.dumps(result["recipe"] | {"seed": 0}) for result in results}) == 1
    show_results(results[0], results[1:])
    shown = capsys.readouterr().out
    assert "this run" in shown
    assert shown.count("earlier   before") == 4
