"""Evaluate the subject of a command: load it on a device, evaluate, and write the result. Imports torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from dagames._files import write_json
from dagames_llm import models
from dagames_llm.config.recipe import Recipe
from dagames_llm.counted import counted
from dagames_llm.data import Orbit
from dagames_llm.evaluation.command import Subject
from dagames_llm.evaluation.evaluate import Decoding, Draw
from dagames_llm.evaluation.held_out import examination_of
from dagames_llm.evaluation.journal import header_of, journal_of, open_journal
from dagames_llm.place import device_of, dtype_of
from dagames_llm.show import evaluation_table
from dagames_llm.training.model_card import package_versions
from dagames_llm.training.train import load_policy


@dataclass(frozen=True)
class Place:
    """Device, dtype and engine of a model.

    Attributes:
        device: Name of the torch device.
        dtype: Name of the torch dtype of the weights.
        engine: `transformers` or `vllm`.
    """

    device: str
    dtype: str
    engine: str = "transformers"


def place_of(recipe: Recipe, device: str, dtype: str, vllm: bool, of_a_run: bool) -> Place:
    """Return device, dtype and engine of an evaluation."""
    device = device_of(device, recipe.grpo.use_cpu)
    if dtype == "auto" and of_a_run:
        dtype = recipe.model.dtype or "float32"
    return Place(device, dtype_of(dtype, device), "vllm" if vllm else "transformers")


def examine(
    recipe: Recipe,
    subject: Subject,
    place: Place,
    orbits: Sequence[Orbit],
    views: Sequence[str] | None,
    decoding: Decoding,
    ks: Sequence[int],
    out: Path | None,
    overwrite: bool,
) -> None:
    """Evaluate, show a table, and write the result."""
    console = Console(stderr=True)
    settings = {
        "model": subject.model,
        "adapter": None if subject.adapter is None else subject.adapter.name,
        "device": place.device,
        "dtype": place.dtype,
        "engine": place.engine,
        "packages": package_versions(),
    }
    journal = None
    if out is not None:
        folders = [Path(subject.model), *(folder for folder in (subject.adapter, subject.whole) if folder is not None)]
        conditions = {
            **settings,
            "stop_at_newline": recipe.orbit.stop_at_newline,
            "threads": torch.get_num_threads() if recipe.orbit.threads is None else recipe.orbit.threads,
        }
        header = header_of(conditions, [orbit.views for orbit in orbits], folders, asdict(decoding))
        journal = open_journal(journal_of(out), header, overwrite)
        if journal.batches:
            console.print(f"continuing with {counted(len(journal.batches), 'batch', 'batches')} in {journal.path}")
    results: dict[str, Any] = {}
    for name, model, tokenizer, draw in _models(recipe, subject, place):
        examination = examination_of(recipe, orbits, views, tokenizer, console, decoding, ks, journal)
        results[name] = examination.of(name, model, draw)
    source = Path(recipe.orbit.data).name if recipe.orbit.data else recipe.orbit.task
    if out is not None:
        more = {"seed": decoding.seed, "questions": source, "extractor": recipe.orbit.extractor}
        write_json(out, {**settings, **more, "results": results})
    if journal is not None:
        journal.remove()
    Console().print(evaluation_table(f"{source}, {subject.model}", results))


def _models(recipe: Recipe, subject: Subject, place: Place) -> Iterator[tuple[str, Any, Any, Draw | None]]:
    """Load the models to evaluate, one at a time, each with the name of its results."""
    if place.engine == "vllm":
        yield from _engines(recipe, subject, place)
        return
    policy, tokenizer = _loaded(recipe, subject.model, place)
    if subject.adapter is None and subject.whole is None:
        yield subject.model, policy, tokenizer, None
        return
    yield "before", policy, tokenizer, None
    if subject.adapter is not None:
        yield "after", models.load_adapter(policy, subject.adapter), tokenizer, None
        return
    del policy
    yield "after", *_loaded(recipe, str(subject.whole), place), None


def _engines(recipe: Recipe, subject: Subject, place: Place) -> Iterator[tuple[str, Any, Any, Draw | None]]:
    from dagames_llm.evaluation.vllm_engine import VllmEngine

    def engine(name: str, adapter: Path | None = None) -> VllmEngine:
        return VllmEngine(name, place.dtype, adapter, recipe.orbit.stop_at_newline, recipe.orbit.chat)

    base = engine(subject.model, subject.adapter)
    trained = subject.adapter is not None or subject.whole is not None
    yield "before" if trained else subject.model, None, base.tokenizer, base.draw
    if subject.adapter is not None:
        yield "after", None, base.tokenizer, partial(base.draw, adapted=True)
    elif subject.whole is not None:
        del base
        other = engine(str(subject.whole))
        yield "after", None, other.tokenizer, other.draw


def _loaded(recipe: Recipe, name: str, place: Place) -> tuple[Any, Any]:
    model, tokenizer = load_policy(
        replace(recipe, model=replace(recipe.model, model_name_or_path=name, dtype=place.dtype))  # type: ignore[type-var]
    )
    return (model if model.device == torch.device(place.device) else model.to(place.device)), tokenizer
