"""Draw the samples that a forecast starts from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dagames._files import write_text
from dagames_llm.extract import extractor_named
from dagames_llm.journal import Journal, header_of, journal_of, open_journal
from dagames_llm.reference_games import SampledQuestion, check_read, question_of

if TYPE_CHECKING:
    from dagames_llm.data import Orbit
    from dagames_llm.evaluate import Decoding


@dataclass(frozen=True)
class Draw:
    """What is drawn.

    Attributes:
        model: "embedded", a folder, or a hub id.
        data: data file of questions, or None for a built-in task.
        task: the built-in task; its training part is asked.
        extractor: how answers are read; the task's own, or "last_number", where None.
        samples: completions of each prompt.
        temperature: of the completions.
        max_new_tokens: length of a completion; 4 for a task and 256 for a file where None.
        batch_size: completions generated at once.
        chat: render prompts by the chat template.
    """

    model: str
    data: Path | None
    task: str | None
    extractor: str | None
    samples: int
    temperature: float = 1.0
    max_new_tokens: int | None = None
    batch_size: int = 64
    chat: bool = False


@dataclass(frozen=True)
class Keep:
    """Where completions are kept.

    Attributes:
        samples: all of them, in the form that `load_samples` reads; or None.
        result: the file beside which they are kept as they come, until `done`; or None for no file.
        overwrite: drop completions kept by a command about something else.
    """

    samples: Path | None = None
    result: Path | None = None
    overwrite: bool = False

    def done(self) -> None:
        """Delete what was kept as it came: the results are written."""
        if self.result is not None:
            journal_of(self.result).unlink(missing_ok=True)


def draw_samples(draw: Draw, seed: int, keep: Keep) -> list[SampledQuestion]:
    """Sample a model, with a bar. Heavy: loads torch.

    Args:
        draw: what.
        seed: of the samples and of the task's split.
        keep: where completions are kept; those that an earlier process kept are not drawn again.

    Returns:
        The questions.
    """
    from dagames_llm.data import load_orbits, task_named

    if draw.data is None:
        built_in = task_named(draw.task or "addition", seed)
        orbits, name = list(built_in.train), draw.extractor or built_in.extractor
    else:
        name = draw.extractor or "last_number"
        orbits = load_orbits(draw.data, extractor_named(name))
    read = extractor_named(name)
    remaining = iter(_texts(draw, seed, orbits, keep))
    drawn = [[next(remaining) for _ in orbit.views] for orbit in orbits]
    gold = [None if o.gold is None else frozenset({o.gold, *o.aliases}) for o in orbits]
    if keep.samples is not None:
        rows = [
            {"orbit": list(orbit.views), "completions": completions}
            | ({} if right is None else {"answer": sorted(map(str, right))})
            for orbit, completions, right in zip(orbits, drawn, gold, strict=True)
        ]
        write_text(keep.samples, "".join(json.dumps(row) + "\n" for row in rows))
    questions = [
        question_of(orbit.views, [[read(text) for text in view] for view in completions], right)
        for orbit, completions, right in zip(orbits, drawn, gold, strict=True)
    ]
    check_read(questions, draw.model)
    return questions


def _texts(draw: Draw, seed: int, orbits: Sequence[Orbit], keep: Keep) -> list[list[str]]:
    """Return the completions of each view of each orbit."""
    from rich.console import Console

    from dagames_llm import models
    from dagames_llm.cli import quiet_libraries
    from dagames_llm.evaluate import Decoding, generate
    from dagames_llm.progress import progress_bar

    quiet_libraries()
    length = draw.max_new_tokens or (4 if draw.data is None else 256)
    decoding = Decoding(draw.samples, draw.temperature, length, draw.batch_size, seed, draw.chat)
    prompts = [view for orbit in orbits for view in orbit.views]
    console = Console(stderr=True)
    journal = None if keep.result is None else _journal(draw, decoding, prompts, keep.result, keep.overwrite)
    if journal is not None and journal.batches:
        console.print(f"going on with {len(journal.batches)} batches that are kept in {journal.path}")
    policy, tokenizer = models.load_model(draw.model)
    if draw.data is None:
        models.stop_at_newline(policy, tokenizer)
    if draw.chat:
        models.check_chat(tokenizer)
    with progress_bar(console) as bar:
        task = bar.add_task("sampling", total=len(prompts))

        def show(done: int, _: int) -> None:
            bar.update(task, completed=done)

        return generate(policy, tokenizer, prompts, decoding, True, show, journal)


def _journal(draw: Draw, decoding: Decoding, prompts: Sequence[object], result: Path, overwrite: bool) -> Journal:
    import torch

    from dagames_llm.model_card import package_versions

    settings = {
        "model": draw.model,
        "stop_at_newline": draw.data is None,
        "threads": torch.get_num_threads(),
        "packages": package_versions(),
    }
    header = header_of(settings, prompts, [Path(draw.model)], asdict(decoding))
    return open_journal(journal_of(result), header, overwrite)
