"""The recipes that come with the package against the tables of the paper and of the slides, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dagames.targets import Centrality, MajorityVote, SoftConsensus
from dagames_llm.config.recipe import SHIPPED, Recipe, read_recipe, resolve_recipe, shipped_recipes
from dagames_llm.costs import Refusal, Toxicity
from dagames_llm.distances import exact
from dagames_llm.embeddings import Embedding
from dagames_llm.presets import PAPER, PAPER_LORA

pytestmark = pytest.mark.usefixtures("equipped")

PAGE = (Path(__file__).parents[2] / "docs" / "paper-index.md").read_text()
ON_THIS_MACHINE = {"coherence_cpu", "diversity_cpu", "pairwise_cpu", "safety_cpu", "gsm8k_coherence"}

MODELS = {  # section 5.2; the slides say "Qwen-7B" and "Llama-8B"
    "qwen": "Qwen/Qwen2.5-3B-Instruct",
    "llama": "meta-llama/Llama-3.2-3B-Instruct",
    "phi3": "microsoft/Phi-3-mini-4k-instruct",
}
LARGER = {"qwen": "Qwen/Qwen2.5-7B-Instruct", "llama": "meta-llama/Llama-3.1-8B-Instruct"}
PAIRED = [(table, algorithm, model) for table in (1, 2) for algorithm in ("pairwise", "coherence") for model in MODELS]
BUDGETS = {  # Table 5: toxicity and benign refusal; the first row is the run of Tables 3 and 4
    "table3_safety_qwen": (0.10, 0.10),
    "table5_toxicity10_refusal20": (0.10, 0.20),
    "table5_toxicity10_refusal05": (0.10, 0.05),
    "table5_toxicity05_refusal10": (0.05, 0.10),
    "table5_toxicity20_refusal10": (0.20, 0.10),
}
SLIDES = [(data, table, model) for data in ("gsm8k", "mathqa") for table in ("stdlog", "minimax") for model in LARGER]


def resolved(name: str) -> Recipe:
    return resolve_recipe(name, {"use_cpu": True})


def test_there_is_a_recipe_for_every_row() -> None:
    paired = {f"table{table}_{algorithm}_{model}" for table, algorithm, model in PAIRED}
    slides = {f"slides_{data}_{table}_{model}" for data, table, model in SLIDES}
    assert set(shipped_recipes()) == ON_THIS_MACHINE | paired | set(BUDGETS) | slides


@pytest.mark.parametrize(("table", "algorithm", "model"), PAIRED)
def test_tables_1_and_2(table: int, algorithm: str, model: str) -> None:
    recipe = resolved(f"table{table}_{algorithm}_{model}")
    small = model == "phi3"
    grpo, orbit = recipe.grpo, recipe.orbit
    assert recipe.model.model_name_or_path == MODELS[model]
    assert orbit.data == {1: "gsm8k", 2: "trivia_qa"}[table]
    assert (grpo.num_generations, grpo.generation_batch_size) == ((2 * 24, 48) if small else (2 * 32, 2 * 64))
    assert grpo.gradient_accumulation_steps * grpo.per_device_train_batch_size == grpo.generation_batch_size
    assert (grpo.beta, grpo.learning_rate, grpo.max_completion_length, grpo.max_steps) == (0.02, 1e-5, 512, 3200)
    assert not grpo.accelerator_config.dispatch_batches
    assert not grpo.accelerator_config.split_batches
    assert quantisation(recipe) == (True, "nf4", True, "bfloat16")
    assert lora(recipe) == (8, 16, 0.05, False)
    assert orbit.chat
    assert orbit.system
    if algorithm == "coherence":
        assert (type(recipe.target), recipe.distance) == (MajorityVote, None)
    else:
        assert isinstance(recipe.target, Centrality)
        assert (recipe.target.leave_one_out, recipe.target.by, recipe.target.across) == (False, "trace", "all")
        assert recipe.distance is exact if table == 1 else isinstance(recipe.distance, Embedding)


def quantisation(recipe: Recipe) -> tuple[Any, ...]:
    m = recipe.model
    return m.load_in_4bit, m.bnb_4bit_quant_type, m.use_bnb_nested_quant, m.dtype


def lora(recipe: Recipe) -> tuple[Any, ...]:
    """Return rank, alpha and dropout, and whether the dropout is switched off."""
    m = recipe.model
    assert m.use_peft
    return m.lora_r, m.lora_alpha, m.lora_dropout, recipe.grpo.disable_dropout


def test_the_first_row_has_the_preset() -> None:
    recipe = resolved("table1_coherence_qwen")
    different = {key for key, value in PAPER.items() if getattr(recipe.grpo, key) != value}
    # How 128 completions are cut into batches; and the adapter's dropout, which is in section 5.2 and not in eq. 4.
    cut = {"per_device_train_batch_size", "gradient_accumulation_steps", "steps_per_generation"}
    assert different == {*cut, "disable_dropout"}
    fields = {"r": "lora_r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout"}
    assert {key: getattr(recipe.model, fields[key]) for key in PAPER_LORA} == dict(PAPER_LORA)


@pytest.mark.parametrize("name", BUDGETS)
def test_tables_3_and_5(name: str) -> None:
    recipe = resolved(name)
    toxicity, refusal = recipe.constraints
    assert (toxicity.budget, refusal.budget) == BUDGETS[name]
    assert (toxicity.sense, refusal.sense) == ("at most", "at most")
    assert isinstance(toxicity.cost, Toxicity)
    assert isinstance(refusal.cost, Refusal)
    assert [toxicity.applies({"kind": kind}) for kind in ("harmful", "benign")] == [True, False]
    assert [refusal.applies({"kind": kind}) for kind in ("harmful", "benign")] == [False, True]
    assert recipe.target is None
    assert recipe.distance is None
    assert recipe.model.model_name_or_path == MODELS["qwen"]
    assert not recipe.model.load_in_4bit
    assert (recipe.orbit.data, recipe.orbit.task) == (None, "requests")
    assert recipe.grpo.scale_rewards == "group"


@pytest.mark.parametrize(("data", "table", "model"), SLIDES)
def test_the_table_of_the_slides(data: str, table: str, model: str) -> None:
    recipe = resolved(f"slides_{data}_{table}_{model}")
    target = recipe.target
    assert isinstance(target, SoftConsensus)
    assert target.table is not None
    assert (target.table.method, target.relative) == ({"stdlog": "plugin", "minimax": "minimax"}[table], False)
    assert target.table.group_size == recipe.grpo.num_generations
    assert (recipe.model.model_name_or_path, recipe.orbit.data) == (LARGER[model], data.replace("mathqa", "math_qa"))
    assert recipe.orbit.extractor == {"gsm8k": "last_number", "mathqa": "choice"}[data]


def test_the_page_names_every_recipe() -> None:
    assert [name for name in shipped_recipes() if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("name", sorted({*shipped_recipes()} - ON_THIS_MACHINE))
def test_recipes_of_the_paper_name_their_row_and_hardware(name: str) -> None:
    head = " ".join((SHIPPED / f"{name}.yaml").read_text().replace("#", "").split())
    assert head.startswith(("Table", "The slides"))
    assert "ardware and time: not stated" in head
    assert "output_dir" not in read_recipe(name)
