"""Evaluate with a bar that shows how far it is: what the demo and the command line share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dagames_llm.data import Orbit
from dagames_llm.decoding import Decoding
from dagames_llm.evaluate import evaluate
from dagames_llm.extract import Extractor
from dagames_llm.show import progress_bar


@dataclass(frozen=True)
class Examination:
    """The same questions, asked in the same way of several models.

    Attributes:
        orbits: the questions, their answers known.
        extractor: reads answers.
        decoding: how completions are drawn.
        tokenizer: of all the models.
        views: names of the wordings.
        console: where the bar is shown.
    """

    orbits: Sequence[Orbit]
    extractor: Extractor
    decoding: Decoding
    tokenizer: PreTrainedTokenizerBase
    views: Sequence[str] | None
    console: Console

    def of(self, name: str, model: PreTrainedModel) -> dict[str, Any]:
        """Return the result of `evaluate`, with `name` beside the bar."""
        with progress_bar(self.console) as bar:
            task = bar.add_task(f"evaluating {name}")
            return evaluate(
                model,
                self.tokenizer,
                self.orbits,
                self.extractor,
                self.decoding,
                self.views,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
