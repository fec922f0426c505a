"""Train by a recipe: a folder with adapter, model card, metrics and the resolved recipe comes out.

The work happens in `<output>.partial`, which becomes `<output>` when everything in it is whole. Killed at any moment,
a run resumes from its newest complete checkpoint and comes to the same numbers. Torch is imported when it is needed, so
that an output that cannot be used is refused at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dagames._files import write_json
from dagames.targets import GiniDiversity, InverseFrequency, PriorMatching, Target
from dagames_llm._errors import DataError, OutputError, RecipeError
from dagames_llm.data import Orbit, gold_answers, load_orbits, task_named, training_rows
from dagames_llm.extract import extractor_named
from dagames_llm.model_card import model_card, package_versions, resolved_settings, settings_of, step_history
from dagames_llm.recipe import Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

    from dagames_llm.trainer import OrbitGRPOTrainer

RESULT = ("metrics.json", "recipe.yaml")
"""Files by which a folder is known as a result, which may be replaced when that is asked for."""


def partial_folder(output: Path) -> Path:
    """Return the folder an unfinished run of `output` works in."""
    return output.parent / f"{output.name}.partial"


def check_output(output: Path, overwrite: bool, resume: bool) -> None:
    """Refuse an output that exists, or that an unfinished run is writing, unless asked.

    Raises:
        OutputError: with what to pass.
    """
    above = next((parent for parent in output.parents if parent.exists()), Path())
    if not above.is_dir():
        raise OutputError(f"{output} cannot be made: {above} is a file.")
    work = partial_folder(output)
    if resume and not work.is_dir():
        raise OutputError(f"nothing to resume: there is no {work}.")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists already; pass --overwrite to replace it, or name another folder.")
    if output.exists() and not all((output / name).is_file() for name in RESULT):
        raise OutputError(f"{output} is no result of a training run; it is not replaced. Name another folder.")
    if work.exists() and not (resume or overwrite):
        raise OutputError(f"{work} is an unfinished run; pass --resume to go on with it, or --overwrite to drop it.")


@dataclass(frozen=True)
class Questions:
    """The orbits of a run.

    Attributes:
        train: trained on.
        held_out: evaluated on; may be empty.
        views: names of the wordings.
    """

    train: Sequence[Orbit]
    held_out: Sequence[Orbit]
    views: Sequence[str] | None = None


def questions_of(recipe: Recipe) -> Questions:
    """Return the orbits a recipe asks for, from its data file or its built-in task.

    Args:
        recipe: names them.

    Returns:
        Those to train on and those held out; the split of a task follows the recipe's seed.

    Raises:
        DataError: the file cannot be read, or no row is left to train on.
        RecipeError: no such task or extractor.
    """
    read = extractor_named(recipe.orbit.extractor)
    if recipe.orbit.data is None:
        task = task_named(recipe.orbit.task, recipe.grpo.seed)
        return Questions(task.train, task.held_out, task.views)
    orbits = load_orbits(recipe.orbit.data, read, wordings_for(recipe.target))[: recipe.orbit.data_limit]
    kept = len(orbits) - recipe.orbit.held_out
    if kept <= 0 or recipe.orbit.held_out < 0:
        raise DataError(f"`held_out` {recipe.orbit.held_out} leaves none of {len(orbits)} rows to train on.")
    return Questions(orbits[:kept], orbits[kept:])


def wordings_for(target: Target | None) -> int:
    """Return how many wordings a question without paraphrases is given: one where the target pools no views."""
    return 1 if target is None or isinstance(target, InverseFrequency | GiniDiversity | PriorMatching) else 2


def load_policy(recipe: Recipe) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load the recipe's model, its end tokens set, torch's threads as the recipe says.

    Args:
        recipe: names the model.

    Returns:
        Model and tokenizer.

    Raises:
        ModelError: it cannot be loaded.
    """
    import torch

    from dagames_llm import models

    if recipe.orbit.threads is not None:
        torch.set_num_threads(recipe.orbit.threads)
    model, tokenizer = models.load_model(
        recipe.model.model_name_or_path or models.EMBEDDED,
        recipe.model.model_revision,
        recipe.model.dtype or "float32",
        recipe.model.attn_implementation,
    )
    if recipe.orbit.chat:
        models.check_chat(tokenizer)
    if recipe.orbit.stop_at_newline:
        models.stop_at_newline(model, tokenizer)
    return model, tokenizer


def build_trainer(
    recipe: Recipe,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Questions,
    callbacks: Sequence[TrainerCallback] = (),
) -> OrbitGRPOTrainer:
    """Build the trainer of a recipe.

    Gold answers go to the monitor. They are in the rows only where the recipe's target is a control that needs them.

    Args:
        recipe: the settings.
        model: the model to train.
        tokenizer: its tokenizer.
        questions: what to train on.
        callbacks: told of progress.

    Returns:
        The trainer.

    Raises:
        DataError: the rows do not fit the recipe, or lack a column.
        RecipeError: TRL refuses a setting.
    """
    from transformers import PrinterCallback, ProgressCallback
    from trl import get_peft_config

    from dagames_llm import trainer as trainers
    from dagames_llm.monitors import CollapseAlarm

    peft_config = get_peft_config(recipe.model)
    if peft_config is not None and recipe.orbit.lora_upper_layers is not None:
        layers = model.config.num_hidden_layers
        peft_config.layers_to_transform = list(range(max(0, layers - recipe.orbit.lora_upper_layers), layers))
    rewards, more = rewards_of(recipe, questions)
    recipe.grpo.disable_tqdm = True
    needs_gold = recipe.target is not None and "gold" in recipe.target.needs
    columns = {name for c in recipe.constraints if isinstance(c.applies_to, Mapping) for name in c.applies_to}
    rows = training_rows(questions.train, recipe.orbit.chat, gold=needs_gold, columns=sorted(columns))
    try:
        trainer = trainers.OrbitGRPOTrainer(
            model=model,
            reward_funcs=rewards,
            args=recipe.grpo,
            train_dataset=rows,
            processing_class=tokenizer,
            peft_config=peft_config,
            callbacks=[CollapseAlarm(), *more, *callbacks],
        )
    except (ValueError, TypeError) as error:
        raise RecipeError(f"the recipe cannot be used: {error}") from error
    # The log is kept and shown by our own callbacks; these two print each entry as a raw mapping.
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    return trainer


def rewards_of(recipe: Recipe, questions: Questions) -> tuple[list[Any], list[TrainerCallback]]:
    """Return the reward functions of a recipe, and the callbacks that they need.

    Args:
        recipe: names target and constraints.
        questions: whose gold answers the monitor compares with.

    Returns:
        A `TargetReward`, a `SafetyReward`, or both; and the callback of the second.
    """
    from dagames_llm.monitors import Monitor
    from dagames_llm.rewards import TargetReward
    from dagames_llm.safety import SafetyReward

    rewards: list[Any] = []
    if recipe.target is not None:
        reward = TargetReward(
            recipe.target,
            extract=recipe.orbit.extractor,
            distance=recipe.distance,
            gold="gold" if "gold" in recipe.target.needs else None,
            monitor=Monitor(gold_answers(questions.train)),
        )
        rewards.append(reward)
    if not recipe.constraints:
        return rewards, []
    safety = SafetyReward(recipe.constraints)
    return [*rewards, safety], [safety.callback]


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
    import torch
    from accelerate import PartialState

    from dagames_llm.trainer import last_checkpoint

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
    from dagames_llm.monitors import collapse_reason

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
    from dagames_llm.models import EMBEDDED

    model = trainer.accelerator.unwrap_model(trainer.model)
    if not hasattr(model, "peft_config"):
        model.save_pretrained(folder)
        trainer.processing_class.save_pretrained(folder)
        return
    for config in model.peft_config.values():
        config.base_model_name_or_path = recipe.model.model_name_or_path or EMBEDDED
    # Said outright, as peft would otherwise ask the hub for the base model's vocabulary.
    model.save_pretrained(folder, save_embedding_layers=False)
