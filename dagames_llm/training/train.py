"""Train by a recipe, and write a folder with adapter, model card, metrics and the resolved recipe.

A run works in `<output>.partial`, which is renamed to `<output>`, with its checkpoints, when all files are complete.
A run that is killed at any moment can be resumed from its newest complete checkpoint, with the same numbers. Torch is
imported late, so that an output that cannot be used is refused at once.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dagames._files import write_json
from dagames_llm._errors import DataError, DivergedError, ModelError, OutputError, RecipeError
from dagames_llm.config.kinds import shown
from dagames_llm.config.recipe import Recipe
from dagames_llm.data import Orbit, gold_answers, load_orbits, task_named, training_rows, with_system
from dagames_llm.extract import extractor_named
from dagames_llm.training.assembly import adapter_of, check_optimiser, check_rows_for, evaluates, quantisation_of
from dagames_llm.training.model_card import (
    evaluation_history,
    model_card,
    package_versions,
    resolved_settings,
    step_history,
)
from dagames_llm.training.run_folder import (
    RunRecord,
    check_output,
    code_version,
    digest_of,
    partial_folder,
    resumed_record,
)
from dagames_llm.training.saving import save_policy

if TYPE_CHECKING:
    from accelerate import PartialState
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

    from dagames_llm.trainer import OrbitGRPOTrainer

HELD_OUT = "held_out.json"
"""Name of the file with the evaluations of the held-out questions in a run's folder."""


@dataclass(frozen=True)
class Questions:
    """The orbits of a run.

    Attributes:
        train: orbits for training.
        held_out: orbits for evaluation; may be empty.
        views: names of the wordings, or None.
    """

    train: Sequence[Orbit]
    held_out: Sequence[Orbit]
    views: Sequence[str] | None = None


def questions_of(recipe: Recipe) -> Questions:
    """Return the orbits of a recipe, from its data or its built-in task."""
    read = extractor_named(recipe.orbit.extractor)
    if recipe.orbit.data is None:
        task = task_named(recipe.orbit.task, recipe.grpo.seed)
        parts = (with_system(part, recipe.orbit.system) for part in (task.train, task.held_out))
        return Questions(*parts, task.views)
    try:
        orbits = load_orbits(recipe.orbit.data, read, wordings_for(recipe.orbit.target))[: recipe.orbit.data_limit]
    except DataError as error:
        raise DataError(f"`data`: {error}") from error
    n_train = len(orbits) - recipe.orbit.held_out
    if n_train <= 0 or recipe.orbit.held_out < 0:
        raise DataError(
            f"`held_out` is {recipe.orbit.held_out}, which leaves none of the rows to train on; it must be less than "
            f"their number, {len(orbits)}."
        )
    orbits = with_system(orbits, recipe.orbit.system)
    return Questions(orbits[:n_train], orbits[n_train:])


POOLS_NO_VIEWS = (None, "gini_diversity", "inverse_frequency", "prior_matching")
"""Targets whose votes do not pool the views of an orbit."""


def wordings_for(target: str | None) -> int:
    """Return the least number of wordings of a question: 1 if the target does not pool views, and else 2."""
    return 1 if target in POOLS_NO_VIEWS else 2


def load_policy(recipe: Recipe) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load the recipe's model and tokenizer, and set the end tokens and the number of torch's threads."""
    import torch

    from dagames_llm import models

    if recipe.orbit.threads is not None:
        torch.set_num_threads(recipe.orbit.threads)
    options = dict(recipe.grpo.model_init_kwargs or {})
    try:
        model, tokenizer = models.load_model(
            recipe.model.model_name_or_path or models.EMBEDDED,
            recipe.model.model_revision,
            recipe.model.dtype or "float32",
            recipe.model.attn_implementation,
            **options,
            **quantisation_of(recipe),
        )
    except ModelError as error:
        if not options:
            raise
        raise ModelError(
            f"{error} `model_init_kwargs` is {shown(options)}: leave out options that the model does not have."
        ) from error
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

    The monitor has the gold answers. Rows contain them only if the target is a control that rewards them.

    Args:
        recipe: the settings.
        model: the model to train.
        tokenizer: its tokenizer.
        questions: the orbits for training and evaluation.
        callbacks: further callbacks of the trainer.

    Returns:
        The trainer.

    Raises:
        DataError: the rows do not fit the recipe, or lack a column.
        RecipeError: TRL refuses a setting.
    """
    from transformers import PrinterCallback, ProgressCallback

    from dagames_llm import trainer as trainers
    from dagames_llm.monitors import CollapseAlarm

    adapter = adapter_of(recipe, model)
    rewards, more = rewards_of(recipe, questions)
    recipe.grpo.disable_tqdm = True
    needs_gold = recipe.target is not None and "gold" in recipe.target.needs
    columns = {name for c in recipe.constraints if isinstance(c.applies_to, Mapping) for name in c.applies_to}
    rows, evaluated = (
        training_rows(part, recipe.orbit.chat, gold=needs_gold, columns=sorted(columns))
        for part in (questions.train, questions.held_out if evaluates(recipe) else [])
    )
    try:
        trainer = trainers.OrbitGRPOTrainer(
            model=model,
            reward_funcs=rewards,
            args=recipe.grpo,
            train_dataset=rows,
            eval_dataset=evaluated if evaluates(recipe) else None,
            processing_class=tokenizer,
            peft_config=adapter,
            callbacks=[CollapseAlarm(stop=recipe.orbit.stop_on_collapse), *more, *callbacks],
        )
    except (ValueError, TypeError, ImportError, NotImplementedError, RuntimeError, AttributeError) as error:
        raise RecipeError(f"the recipe cannot be used: {' '.join(str(error).split())}") from error
    # `ShowSteps` prints the log; these two callbacks print each entry as a raw mapping.
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    return trainer


def rewards_of(recipe: Recipe, questions: Questions) -> tuple[list[Any], list[TrainerCallback]]:
    """Return the reward functions of a recipe, and the callbacks that they need."""
    from dagames_llm.monitors import Monitor
    from dagames_llm.rewards import TargetReward
    from dagames_llm.safety import SafetyReward

    rewards: list[Any] = []
    callbacks: list[TrainerCallback] = []
    if recipe.target is not None:
        monitor = Monitor(gold_answers([*questions.train, *questions.held_out]))
        reward = TargetReward(
            recipe.target,
            extract=recipe.orbit.extractor,
            distance=recipe.distance,
            gold="gold" if "gold" in recipe.target.needs else None,
            monitor=monitor,
        )
        rewards.append(reward)
        callbacks.append(monitor.votes)
    if not recipe.constraints:
        return rewards, callbacks
    safety = SafetyReward(recipe.constraints)
    return [*rewards, safety], [*callbacks, safety.callback]


def train(
    recipe: Recipe,
    output: Path,
    overwrite: bool = False,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
    say: Callable[[str], None] = lambda _: None,
    accept_changes: bool = False,
) -> Path:
    """Train by a recipe and save the result.

    Args:
        recipe: the settings of the run.
        output: the folder to make.
        overwrite: replace an existing folder.
        resume: continue an unfinished run.
        callbacks: further callbacks of the trainer.
        say: a function that prints a line about the progress.
        accept_changes: resume although recipe, questions, code, packages or processes have changed.

    Returns:
        `output`, with `adapter_model.safetensors` (or the whole model), `README.md`, `metrics.json`, `recipe.yaml`,
        `run.json` and the checkpoints.

    Raises:
        OutputError: the folder exists, or the unfinished run was started with another recipe or other conditions.
        DataError: the data cannot be used.
        ModelError: the model cannot be loaded.
        RecipeError: a setting cannot be used.
        DivergedError: the numbers are no longer finite.
    """
    import torch
    from accelerate import PartialState
    from safetensors import SafetensorError

    from dagames_llm.training.checkpoints import go_back_before_collapse, last_checkpoint
    from dagames_llm.training.resume import RateOfRecipe

    state = PartialState(cpu=recipe.grpo.use_cpu)
    check_output(output, overwrite, resume)
    # All processes check the output before one of them makes the folder.
    state.wait_for_everyone()
    questions = questions_of(recipe)
    check_rows_for(recipe, questions.train)
    work = partial_folder(output)
    record = record_of(recipe, questions, state.num_processes)
    if resume:
        record = resumed_record(work, record, accept_changes)
        callbacks = [*callbacks, *([RateOfRecipe()] if accept_changes else [])]
    model, tokenizer = load_policy(recipe)
    recipe.grpo.output_dir = str(work)
    with _fresh(recipe, work, state, resume):
        trainer = build_trainer(recipe, model, tokenizer, questions, callbacks)
        check_optimiser(trainer)
    state.wait_for_everyone()
    if state.is_main_process:
        record.write(work)
    state.wait_for_everyone()
    checkpoint = last_checkpoint(work) if resume else None
    if state.is_main_process:
        more = "es" if state.num_processes > 1 else ""
        start = f", from {Path(checkpoint).name}" if checkpoint else ""
        say(f"training on {len(questions.train)} orbits, {state.num_processes} process{more}{start}")
    _run(trainer, checkpoint, work)
    restored = go_back_before_collapse(trainer) if recipe.orbit.stop_on_collapse else None
    if restored is not None and state.is_main_process:
        say(f"the run looks collapsed; the weights are those of {restored}")
    try:
        _finish(recipe, trainer, work, output, overwrite, restored)
    except (OSError, SafetensorError) as error:
        raise OutputError(
            f"the result cannot be written: {error}. The checkpoints in {work} are complete: remove the obstacle and "
            "pass --resume."
        ) from error
    state.wait_for_everyone()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return output


def record_of(recipe: Recipe, questions: Questions, processes: int) -> RunRecord:
    """Return everything on which the numbers of a run depend."""
    settings = json.loads(json.dumps(resolved_settings(recipe), default=str))
    digest = digest_of(questions.train, questions.held_out)
    return RunRecord(settings, digest, code_version(), package_versions(), processes)


@contextmanager
def _fresh(recipe: Recipe, work: Path, state: PartialState, resume: bool) -> Iterator[None]:
    """Make the folder of a new run, and remove it again if the run is refused before its first step."""
    existed = work.exists()
    state.wait_for_everyone()
    work.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if not existed:
            shutil.rmtree(work, ignore_errors=True)
        raise
    state.wait_for_everyone()
    if existed and not resume and state.is_main_process:
        # The unfinished run is removed only now, when the new run is accepted.
        shutil.rmtree(work)
        (work / ("completions" if recipe.grpo.log_completions else "")).mkdir(parents=True)


def _run(trainer: OrbitGRPOTrainer, checkpoint: str | None, work: Path) -> None:
    try:
        trainer.train(resume_from_checkpoint=checkpoint)
    except DivergedError as error:
        raise DivergedError(
            f"{error} After such a change of the recipe, `--resume --accept-changes` continues from the checkpoint."
        ) from error
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"{work} is unfinished; pass --resume to continue it") from error


def _finish(
    recipe: Recipe, trainer: OrbitGRPOTrainer, work: Path, output: Path, overwrite: bool, restored: str | None
) -> None:
    """Write adapter, card, metrics and recipe into the folder of the checkpoints, and rename the folder."""
    from dagames_llm.monitors import collapse_reason

    save_policy(recipe, trainer, work)
    if not trainer.accelerator.is_main_process:
        return
    log = trainer.state.log_history
    history = step_history(log)
    metrics = {
        "history": history,
        "evaluations": evaluation_history(log),
        "alarm": collapse_reason(history),
        "restored": restored,
        "packages": package_versions(),
    }
    write_json(work / "metrics.json", metrics)
    settings = yaml.safe_dump(resolved_settings(recipe))
    (work / "recipe.yaml").write_text(settings, encoding="utf-8")
    (work / "README.md").write_text(model_card(recipe, history), encoding="utf-8")
    if overwrite and output.exists():
        # The old result is removed only now, when the new one is complete.
        shutil.rmtree(output)
    work.rename(output)
