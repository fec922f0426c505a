"""One training run: a recipe in, a folder with adapter, model card, metrics and the resolved recipe out.

The work happens in `<output>.partial`, which becomes `<output>` when everything in it is whole. Killed at any moment,
a run resumes from its newest complete checkpoint and comes to the same numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import yaml
from accelerate import PartialState
from transformers import TrainerCallback

from dagames_llm._errors import OutputError
from dagames_llm.build import build_trainer, load_policy, questions_of
from dagames_llm.models import EMBEDDED
from dagames_llm.monitors import collapse_reason
from dagames_llm.output import check_output, partial_folder, write_json
from dagames_llm.recipe import Recipe
from dagames_llm.record import model_card, package_versions, resolved_settings, settings_of, step_history
from dagames_llm.trainer import OrbitGRPOTrainer, last_checkpoint


def train(
    recipe: Recipe,
    output: Path,
    overwrite: bool = False,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Train by a recipe and save what came of it.

    Args:
        recipe: the run.
        output: the folder to make.
        overwrite: replace a folder that is there.
        resume: go on with an unfinished run.
        callbacks: told of progress.
        say: told what happens, in words.

    Returns:
        `output`, with `adapter_model.safetensors` (or the whole model), `README.md`, `metrics.json`, `recipe.yaml`.

    Raises:
        OutputError: the folder exists, or the unfinished run was of another recipe.
        DataError: the data cannot be used.
        ModelError: the model cannot be loaded.
        RecipeError: a setting cannot be used.
    """
    state = PartialState(cpu=recipe.grpo.use_cpu)
    check_output(output, overwrite, resume)
    # Nobody makes the folder before everybody has looked.
    state.wait_for_everyone()
    questions = questions_of(recipe)
    work = partial_folder(output)
    if resume:
        check_same_recipe(work, recipe)
    model, tokenizer = load_policy(recipe)
    recipe.grpo.output_dir = str(work)
    trainer = build_trainer(recipe, model, tokenizer, questions, callbacks)
    state.wait_for_everyone()
    if state.is_main_process and not resume:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        (work / "written.yaml").write_text(yaml.safe_dump(settings_of(recipe)), encoding="utf-8")
    state.wait_for_everyone()
    checkpoint = last_checkpoint(work) if resume else None
    if state.is_main_process:
        more = "es" if state.num_processes > 1 else ""
        start = f", from {Path(checkpoint).name}" if checkpoint else ""
        say(f"training on {len(questions.train)} orbits, {state.num_processes} process{more}{start}")
    trainer.train(resume_from_checkpoint=checkpoint)
    if state.is_main_process:
        _finish(recipe, trainer, work, output, overwrite)
    state.wait_for_everyone()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return output


def check_same_recipe(work: Path, recipe: Recipe) -> None:
    """Check that an unfinished run was started by this recipe.

    Raises:
        OutputError: it was not, or it was killed before it said.
    """
    try:
        before = yaml.safe_load((work / "written.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OutputError(f"{work} was killed before it began; pass --overwrite to drop it.") from error
    if before != settings_of(recipe):
        raise OutputError(f"{work} was started by another recipe; resume with that one, or pass --overwrite.")


def _finish(recipe: Recipe, trainer: OrbitGRPOTrainer, work: Path, output: Path, overwrite: bool) -> None:
    ready = work / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir()
    save_policy(recipe, trainer, ready)
    history = step_history(trainer.state.log_history)
    metrics = {"history": history, "alarm": collapse_reason(history), "packages": package_versions()}
    write_json(ready / "metrics.json", metrics)
    settings = yaml.safe_dump(resolved_settings(recipe))
    (ready / "recipe.yaml").write_text(settings, encoding="utf-8")
    (ready / "README.md").write_text(model_card(recipe, history), encoding="utf-8")
    if overwrite and output.exists():
        # Only now that the new one is whole does the old one go.
        shutil.rmtree(output)
    ready.rename(output)
    shutil.rmtree(work)


def save_policy(recipe: Recipe, trainer: OrbitGRPOTrainer, folder: Path) -> None:
    """Save the adapter, or the whole model where there is none, in safetensors.

    Args:
        recipe: names the base model, which the adapter records as it was named: not as a place in a cache.
        trainer: holds the model.
        folder: where to.
    """
    model = trainer.accelerator.unwrap_model(trainer.model)
    if not hasattr(model, "peft_config"):
        model.save_pretrained(folder)
        trainer.processing_class.save_pretrained(folder)
        return
    for config in model.peft_config.values():
        config.base_model_name_or_path = recipe.model.model_name_or_path or EMBEDDED
    # Said outright, as peft would otherwise ask the hub for the base model's vocabulary.
    model.save_pretrained(folder, save_embedding_layers=False)
