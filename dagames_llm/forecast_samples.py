"""Draw the samples that a forecast starts from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagames._files import write_text
from dagames_llm.extract import extractor_named
from dagames_llm.reference_games import SampledQuestion, question_of

Row = dict[str, Any]
"""A line of a file of samples: `orbit`, `completions`, `answer` where known, and the question's columns."""


@dataclass(frozen=True)
class Draw:
    """What is drawn.

    Attributes:
        model: "embedded", a folder, or a hub id.
        data: questions, as the key of a recipe, or None for a built-in task.
        task: the built-in task; its training part is asked.
        extractor: how answers are read; the task's own, or "last_number", where None.
        samples: completions of each prompt.
        temperature: of the completions.
        max_new_tokens: length of a completion; 4 for a task and 256 for a file where None.
        batch_size: completions generated at once.
        chat: render prompts by the chat template.
        stop_at_newline: end a completion at the end of its line; for a built-in task where None.
        wordings: that a question without paraphrases is given; one is enough for budgets.
    """

    model: str
    data: Path | str | Mapping[str, Any] | None
    task: str | None
    extractor: str | None
    samples: int
    temperature: float = 1.0
    max_new_tokens: int | None = None
    batch_size: int = 64
    chat: bool = False
    stop_at_newline: bool | None = None
    wordings: int = 2


def draw_samples(draw: Draw, seed: int, save: Path | None = None) -> tuple[list[SampledQuestion], list[Row]]:
    """Sample a model, with a bar. Heavy: loads torch.

    Args:
        draw: what.
        seed: of the samples and of the task's split.
        save: write the completions to this file, in the form that `load_samples` reads.

    Returns:
        The questions, and the rows of completions of which they were read.
    """
    from dagames_llm.data import load_orbits, task_named

    if draw.data is None:
        built_in = task_named(draw.task or "addition", seed)
        orbits, name = list(built_in.train), draw.extractor or built_in.extractor
    else:
        name = draw.extractor or "last_number"
        orbits = load_orbits(draw.data, extractor_named(name), draw.wordings)
    read = extractor_named(name)
    from rich.console import Console

    from dagames_llm import models
    from dagames_llm.cli import quiet_libraries
    from dagames_llm.evaluate import Decoding, generate
    from dagames_llm.progress import progress_bar

    quiet_libraries()
    policy, tokenizer = models.load_model(draw.model)
    if draw.stop_at_newline if draw.stop_at_newline is not None else draw.data is None:
        models.stop_at_newline(policy, tokenizer)
    if draw.chat:
        models.check_chat(tokenizer)
    length = draw.max_new_tokens or (4 if draw.data is None else 256)
    decoding = Decoding(draw.samples, draw.temperature, length, draw.batch_size, seed, draw.chat)
    prompts = [view for orbit in orbits for view in orbit.views]
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("sampling", total=len(prompts))
        texts = generate(policy, tokenizer, prompts, decoding, True, lambda done, _: bar.update(task, completed=done))
    remaining = iter(texts)
    drawn = [[next(remaining) for _ in orbit.views] for orbit in orbits]
    gold = [None if o.gold is None else frozenset({o.gold, *o.aliases}) for o in orbits]
    rows = [
        {"orbit": list(orbit.views)}
        | {key: value for key, value in orbit.columns.items() if isinstance(value, str | int | float)}
        | {"completions": completions}
        | ({} if right is None else {"answer": sorted(map(str, right))})
        for orbit, completions, right in zip(orbits, drawn, gold, strict=True)
    ]
    if save is not None:
        write_text(save, "".join(json.dumps(row) + "\n" for row in rows))
    questions = [
        question_of(orbit.views, [[read(text) for text in view] for view in completions], right)
        for orbit, completions, right in zip(orbits, drawn, gold, strict=True)
    ]
    return questions, rows
