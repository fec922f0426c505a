"""From a recipe to a trainer: the questions, the model, the reward and the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback, ProgressCallback, TrainerCallback
from trl import get_peft_config

from dagames_llm._errors import DataError, RecipeError
from dagames_llm.data import Orbit, gold_answers, load_orbits, training_rows
from dagames_llm.extract import extractor_named
from dagames_llm.models import EMBEDDED, check_chat, load_model, stop_at_newline
from dagames_llm.monitors import CollapseAlarm, Monitor
from dagames_llm.recipe import Recipe, target_named
from dagames_llm.rewards import TargetReward
from dagames_llm.tasks import task_named
from dagames_llm.trainer import OrbitGRPOTrainer


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
    if recipe.orbit.data is None:
        task = task_named(recipe.orbit.task, recipe.grpo.seed)
        return Questions(task.train, task.held_out, task.views)
    orbits = load_orbits(recipe.orbit.data, extractor_named(recipe.orbit.extractor))[: recipe.orbit.data_limit]
    kept = len(orbits) - recipe.orbit.held_out
    if kept <= 0 or recipe.orbit.held_out < 0:
        raise DataError(f"`held_out` {recipe.orbit.held_out} leaves none of {len(orbits)} rows to train on.")
    return Questions(orbits[:kept], orbits[kept:])


def load_policy(recipe: Recipe) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load the recipe's model, its end tokens set, torch's threads as the recipe says.

    Args:
        recipe: names the model.

    Returns:
        Model and tokenizer.

    Raises:
        ModelError: it cannot be loaded.
    """
    if recipe.orbit.threads is not None:
        torch.set_num_threads(recipe.orbit.threads)
    model, tokenizer = load_model(
        recipe.model.model_name_or_path or EMBEDDED,
        recipe.model.model_revision,
        recipe.model.dtype or "float32",
        recipe.model.attn_implementation,
    )
    if recipe.orbit.chat:
        check_chat(tokenizer)
    if recipe.orbit.stop_at_newline:
        stop_at_newline(model, tokenizer)
    return model, tokenizer


def build_trainer(
    recipe: Recipe,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Questions,
    callbacks: Sequence[TrainerCallback] = (),
) -> OrbitGRPOTrainer:
    """Build the trainer of a recipe. Gold answers go to the monitor, never to the rows.

    Args:
        recipe: the settings.
        model: the model to train.
        tokenizer: its tokenizer.
        questions: what to train on.
        callbacks: told of progress.

    Returns:
        The trainer.

    Raises:
        DataError: the rows do not fit the recipe.
        RecipeError: TRL refuses a setting.
    """
    peft_config = get_peft_config(recipe.model)
    if peft_config is not None and recipe.orbit.lora_upper_layers is not None:
        layers = model.config.num_hidden_layers
        peft_config.layers_to_transform = list(range(max(0, layers - recipe.orbit.lora_upper_layers), layers))
    reward = TargetReward(
        target_named(recipe.orbit.target, recipe.orbit.target_weight, recipe.orbit.ties),
        extract=recipe.orbit.extractor,
        monitor=Monitor(gold_answers(questions.train)),
    )
    recipe.grpo.disable_tqdm = True
    try:
        trainer = OrbitGRPOTrainer(
            model=model,
            reward_funcs=reward,
            args=recipe.grpo,
            train_dataset=training_rows(questions.train, recipe.orbit.chat),
            processing_class=tokenizer,
            peft_config=peft_config,
            callbacks=[CollapseAlarm(), *callbacks],
        )
    except (ValueError, TypeError) as error:
        raise RecipeError(f"the recipe cannot be used: {error}") from error
    # The log is kept and shown by our own callbacks; these two print each entry as a raw mapping.
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    return trainer
