"""Evaluation of a run's held-out questions before and after training, in the run and by `evaluate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from transformers import TrainerCallback

from dagames._files import write_json
from dagames_llm.config.recipe import Recipe
from dagames_llm.config.run_recipe import decoding_of
from dagames_llm.data import Orbit
from dagames_llm.evaluation.evaluate import Decoding, measures_of
from dagames_llm.evaluation.journal import Journal
from dagames_llm.extract import extractor_named
from dagames_llm.show import Examination
from dagames_llm.training.train import HELD_OUT, questions_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerControl, TrainerState, TrainingArguments


def examination_of(
    recipe: Recipe,
    orbits: Sequence[Orbit],
    views: Sequence[str] | None,
    tokenizer: PreTrainedTokenizerBase,
    console: Console,
    decoding: Decoding | None = None,
    ks: Sequence[int] = (),
    journal: Journal | None = None,
) -> Examination:
    """Return the examination of questions with the settings of a run."""
    return Examination(
        orbits,
        extractor_named(recipe.orbit.extractor),
        decoding or decoding_of(recipe),
        tokenizer,
        views,
        console,
        measures_of(recipe.constraints, recipe.distance),
        ks,
        journal,
    )


class _HeldOut(TrainerCallback):
    """Evaluates the held-out questions of a run on one process, and writes the result to the run's working folder."""

    part: str

    def __init__(self, recipe: Recipe, console: Console) -> None:
        """Evaluate the held-out questions of a recipe."""
        self.recipe, self.console = recipe, console

    def evaluate(self, args: TrainingArguments, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Evaluate and write the result, unless it exists from before an interruption."""
        folder = Path(args.output_dir)
        questions = questions_of(self.recipe)
        results = read_held_out(folder)
        if self.part in results or not questions.held_out or not self.recipe.orbit.eval_samples:
            return
        if args.world_size > 1:
            # A sharded model can generate only on all processes together.
            if args.process_index == 0:
                self.console.print(
                    "held-out questions are not evaluated on several processes; use `dagames-llm evaluate`."
                )
            return
        examination = examination_of(self.recipe, questions.held_out, questions.views, tokenizer, self.console)
        write_json(folder / HELD_OUT, {**results, self.part: examination.of(self.part, model)})


class HeldOutBefore(_HeldOut):
    """Evaluates the held-out questions before the first step of a run that is not resumed."""

    part = "before"

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Evaluate."""
        if state.global_step == 0:
            self.evaluate(args, kwargs["model"], kwargs["processing_class"])


class HeldOutAfter(_HeldOut):
    """Evaluates the held-out questions after the last step."""

    part = "after"

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Evaluate."""
        self.evaluate(args, kwargs["model"], kwargs["processing_class"])


def read_held_out(folder: Path) -> dict[str, Any]:
    """Return the evaluations in a run's folder, by `before` and `after`."""
    file = folder / HELD_OUT
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
