"""Draw the samples that a forecast starts from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagames._files import write_text
from dagames_llm.counted import counted
from dagames_llm.evaluation.journal import Journal, header_of, journal_of, open_journal
from dagames_llm.extract import Extractor, extractor_named
from dagames_llm.forecast.group_rules import rule_of, sizes_of
from dagames_llm.forecast.reference_games import SampledQuestion, question_of

if TYPE_CHECKING:
    from dagames_llm.data import Orbit
    from dagames_llm.evaluation.evaluate import Decoding
    from dagames_llm.forecast.answers_forecast import Plan
    from dagames_llm.forecast.safety_forecast import SafetyPlan

Row = dict[str, Any]
"""A line of a file of samples: `orbit`, `completions`, `answer` where known, and the question's columns."""


@dataclass(frozen=True)
class Draw:
    """The settings of the samples.

    Attributes:
        model: "embedded", a folder, or a hub id.
        data: questions, as the key of a recipe, or None for a built-in task.
        task: the built-in task, of which the training questions are used.
        extractor: extractor of answers; by default that of the task, or "last_number".
        samples: completions of each prompt.
        temperature: sampling temperature.
        max_new_tokens: maximum length of a completion; by default 4 for a task and 256 for a file.
        batch_size: completions generated at once.
        chat: render prompts by the chat template.
        stop_at_newline: end a completion at the end of its line; by default for a built-in task only.
        wordings: number of wordings of a question without paraphrases; one is enough for budgets.
        device: as torch names it, or "auto".
        dtype: of the weights, as torch names it, or "auto".
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
    device: str = "auto"
    dtype: str = "auto"

    @property
    def one_line(self) -> bool:
        """Whether a completion ends with its line."""
        return self.data is None if self.stop_at_newline is None else self.stop_at_newline


@dataclass(frozen=True)
class SampleFiles:
    """The files of drawn completions.

    Attributes:
        samples: file for all completions, in the format of `load_samples`, or None.
        result: output file beside which a journal of completions exists until `done`, or None.
        overwrite: discard a journal of a command with other settings.
    """

    samples: Path | None = None
    result: Path | None = None
    overwrite: bool = False

    def done(self) -> None:
        """Delete the journal."""
        if self.result is not None:
            journal_of(self.result).unlink(missing_ok=True)


def draw_samples(
    draw: Draw, seed: int, plan: Plan | SafetyPlan, files: SampleFiles
) -> tuple[list[SampledQuestion], list[Row]]:
    """Sample a model, with a progress bar. Imports torch."""
    orbits, extract = _orbits(draw, seed)
    _check_plan(plan, orbits)
    remaining = iter(_texts(draw, seed, orbits, files))
    drawn = [[next(remaining) for _ in orbit.views] for orbit in orbits]
    gold = [None if o.gold is None else frozenset({o.gold, *o.aliases}) for o in orbits]
    rows = [
        {"orbit": list(orbit.views)}
        | {key: value for key, value in orbit.columns.items() if isinstance(value, str | int | float)}
        | {"completions": completions}
        | ({} if right is None else {"answer": sorted(map(str, right))})
        for orbit, completions, right in zip(orbits, drawn, gold, strict=True)
    ]
    if files.samples is not None:
        write_text(files.samples, "".join(json.dumps(row) + "\n" for row in rows))
    questions = [
        question_of(orbit.views, [[extract(text) for text in view] for view in completions], right)
        for orbit, completions, right in zip(orbits, drawn, gold, strict=True)
    ]
    return questions, rows


def _orbits(draw: Draw, seed: int) -> tuple[list[Orbit], Extractor]:
    """Return the questions and their extractor."""
    from dagames_llm.data import load_orbits, task_named

    if draw.data is None:
        built_in = task_named(draw.task or "addition", seed)
        return list(built_in.train), extractor_named(draw.extractor or built_in.extractor)
    extract = extractor_named(draw.extractor or "last_number")
    return load_orbits(draw.data, extract, draw.wordings), extract


def _check_plan(plan: Plan | SafetyPlan, orbits: Sequence[Orbit]) -> None:
    """Raise if these questions cannot be forecast, before sampling, which takes long."""
    for orbit in {(len(orbit.views), orbit.gold is None): orbit for orbit in orbits}.values():
        sizes_of(plan.group_size, len(orbit.views))
        if plan.target is not None:
            gold = None if orbit.gold is None else frozenset({orbit.gold})
            views = [str(view) for view in orbit.views]
            rule_of(plan.target, question_of(views, [["0", "1"]] * len(views), gold), plan.group_size)


def _texts(draw: Draw, seed: int, orbits: Sequence[Orbit], files: SampleFiles) -> list[list[str]]:
    """Return the completions of each view of each orbit."""
    from rich.console import Console

    from dagames_llm import models
    from dagames_llm.cli import quiet_libraries
    from dagames_llm.evaluation.evaluate import Decoding, generate
    from dagames_llm.place import device_of, dtype_of, load_on
    from dagames_llm.progress import progress_bar

    quiet_libraries()
    length = draw.max_new_tokens or (4 if draw.data is None else 256)
    decoding = Decoding(draw.samples, draw.temperature, length, draw.batch_size, seed, draw.chat)
    prompts = [view for orbit in orbits for view in orbit.views]
    device = device_of(draw.device)
    place = device, dtype_of(draw.dtype, device)
    console = Console(stderr=True)
    journal = None
    if files.result is not None:
        journal = _journal(draw, place, decoding, prompts, files.result, files.overwrite)
    if journal is not None and journal.batches:
        console.print(f"continuing with {counted(len(journal.batches), 'batch', 'batches')} in {journal.path}")
    policy, tokenizer = load_on(draw.model, *place)
    if draw.one_line:
        models.stop_at_newline(policy, tokenizer)
    if draw.chat:
        models.check_chat(tokenizer)
    with progress_bar(console) as bar:
        task = bar.add_task("sampling", total=len(prompts))

        def show(done: int, _: int) -> None:
            bar.update(task, completed=done)

        return generate(policy, tokenizer, prompts, decoding, True, show, journal)


def _journal(
    draw: Draw, place: tuple[str, str], decoding: Decoding, prompts: Sequence[object], result: Path, overwrite: bool
) -> Journal:
    import torch

    from dagames_llm.training.model_card import package_versions

    settings = {
        "model": draw.model,
        "device": place[0],
        "dtype": place[1],
        "stop_at_newline": draw.one_line,
        "threads": torch.get_num_threads(),
        "packages": package_versions(),
    }
    header = header_of(settings, prompts, [Path(draw.model)], asdict(decoding))
    return open_journal(journal_of(result), header, overwrite)
