"""Draw the samples that a forecast starts from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagames._files import write_text
from dagames_llm.extract import extractor_named
from dagames_llm.reference_games import SampledQuestion, check_read, question_of

if TYPE_CHECKING:
    from dagames_llm.data import Orbit
    from dagames_llm.evaluate import Decoding
    from dagames_llm.forecast import Plan


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
        device: as torch names it, or "auto".
        dtype: of the weights, as torch names it, or "auto".
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
    device: str = "auto"
    dtype: str = "auto"


def draw_samples(
    draw: Draw, seed: int, save: Path | None = None, overwrite: bool = False, plan: Plan | None = None
) -> list[SampledQuestion]:
    """Sample a model, with a bar. Heavy: loads torch.

    Args:
        draw: what.
        seed: of the samples and of the task's split.
        save: write the completions to this file, in the form that `load_samples` reads. While they are drawn they are
            kept beside it, so that a killed process goes on.
        overwrite: drop completions that are kept from a drawing of something else.
        plan: the forecast that the samples are for, which is checked before anything is drawn.

    Returns:
        The questions.

    Raises:
        DataError: no question, or no answer in any completion.
        OutputError: completions of another drawing are kept beside `save`.
        RecipeError: the plan's target cannot be forecast for these questions.
    """
    from dagames_llm.data import load_orbits, task_named

    if draw.data is None:
        built_in = task_named(draw.task or "addition", seed)
        orbits, name = list(built_in.train), draw.extractor or built_in.extractor
    else:
        name = draw.extractor or "last_number"
        orbits = load_orbits(draw.data, extractor_named(name))
    read = extractor_named(name)
    if plan is not None:
        _check_plan(plan, orbits)
    from rich.console import Console

    from dagames_llm import models
    from dagames_llm.cli import quiet_libraries
    from dagames_llm.evaluate import Decoding, generate
    from dagames_llm.journal import journal_of, open_journal
    from dagames_llm.place import load_on
    from dagames_llm.progress import progress_bar

    quiet_libraries()
    policy, tokenizer = load_on(draw.model, draw.device, draw.dtype)
    if draw.data is None:
        models.stop_at_newline(policy, tokenizer)
    if draw.chat:
        models.check_chat(tokenizer)
    length = draw.max_new_tokens or (4 if draw.data is None else 256)
    decoding = Decoding(draw.samples, draw.temperature, length, draw.batch_size, seed, draw.chat)
    prompts = [view for orbit in orbits for view in orbit.views]
    console = Console(stderr=True)
    journal = (
        None if save is None else open_journal(journal_of(save), _header(draw, policy, prompts, decoding), overwrite)
    )
    if journal is not None and journal.batches:
        console.print(f"going on with {len(journal.batches)} batches that are kept in {journal.path}")
    with progress_bar(console) as bar:
        task = bar.add_task("sampling", total=len(prompts))
        texts = generate(
            policy, tokenizer, prompts, decoding, True, lambda done, _: bar.update(task, completed=done), journal
        )
    remaining = iter(texts)
    drawn = [[next(remaining) for _ in orbit.views] for orbit in orbits]
    gold = [None if o.gold is None else frozenset({o.gold, *o.aliases}) for o in orbits]
    if save is not None:
        rows = [
            {"orbit": list(orbit.views), "completions": completions}
            | ({} if right is None else {"answer": sorted(map(str, right))})
            for orbit, completions, right in zip(orbits, drawn, gold, strict=True)
        ]
        write_text(save, "".join(json.dumps(row) + "\n" for row in rows))
    if journal is not None:
        journal.remove()
    questions = [
        question_of(orbit.views, [[read(text) for text in view] for view in completions], right)
        for orbit, completions, right in zip(orbits, drawn, gold, strict=True)
    ]
    check_read(questions, draw.model)
    return questions


def _check_plan(plan: Plan, orbits: Sequence[Orbit]) -> None:
    """Raise if the target cannot be forecast for these questions: samples take long, and would be drawn in vain."""
    from dagames_llm.group_rules import rule_of

    for orbit in {(len(orbit.views), orbit.gold is None): orbit for orbit in orbits}.values():
        gold = None if orbit.gold is None else frozenset({orbit.gold})
        rule_of(plan.target, question_of(orbit.views, [["0", "1"]] * len(orbit.views), gold), plan.group_size)


def _header(draw: Draw, policy: Any, prompts: Sequence[Any], decoding: Decoding) -> dict[str, Any]:
    """Return what decides completions, as plain data; see `journal`."""
    from dagames_llm.model_card import package_versions

    files = sorted(Path(draw.model).glob("*.safetensors"))
    return {
        "model": draw.model,
        "weights": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files],
        "device": policy.device.type,
        "dtype": str(policy.dtype),
        "packages": package_versions(),
        "decoding": asdict(decoding),
        "task": draw.task if draw.data is None else None,
        "prompts": hashlib.sha256(json.dumps(list(prompts)).encode()).hexdigest()[:16],
    }
