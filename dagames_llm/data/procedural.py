"""Questions made on the spot by `reasoning-gym`, for a machine without a hub; its verifiers tell right answers.

Needs the optional package: `pip install 'dagames[reasoning]'`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dagames._choices import did_you_mean
from dagames_llm._errors import DataError, RecipeError
from dagames_llm.data.orbit import Orbit
from dagames_llm.data.rows import Asking, as_orbit
from dagames_llm.extract import Answer

PREFIX = "reasoning_gym:"
SIZE = 500
"""Questions that are made where no `size` is given."""


def procedural_orbits(
    task: str, asking: Asking, size: int = SIZE, seed: int = 0, options: Mapping[str, Any] | None = None
) -> list[Orbit]:
    """Make questions of one of the tasks of `reasoning-gym`."""
    source = _source(task, size, seed, options or {})
    found: dict[str, Orbit] = {}
    answered = unread = 0
    for number, entry in enumerate(_entries(source, task), start=1):
        place = f"{PREFIX}{task}, question {number}"
        answer = entry.get("answer")
        gold = None if answer is None else asking.extractor(str(answer))
        answered += answer is not None
        unread += answer is not None and gold is None
        # Its level and its settings are not the same from row to row; what a constraint may select by is the task.
        orbit = as_orbit(place, {"question": entry["question"], "kind": task}, asking)
        verifier = _Verifier(source, entry)
        # Of a small task the same question may come twice.
        key = str(entry["question"])
        found.setdefault(key, Orbit(orbit.views, gold, (), orbit.columns, orbit.letters, verifier))
    if answered and unread == answered:
        name = getattr(asking.extractor, "__name__", "the extractor")
        raise DataError(
            f"{PREFIX}{task}: `{name}` reads none of its answers, such as {answer!r:.60}; choose `extractor`."
        )
    return list(found.values())


class _Verifier:
    """Whether a task takes an answer as wholly right."""

    def __init__(self, source: Any, entry: Mapping[str, Any]) -> None:
        self.source = source
        self.entry = entry

    def __call__(self, answer: Answer) -> bool:
        try:
            return float(self.source.score_answer(answer=str(answer), entry=self.entry)) >= 1.0
        except Exception:  # noqa: BLE001, a verifier of another package on a model's text: what it cannot read is wrong
            return False


def _source(task: str, size: int, seed: int, options: Mapping[str, Any]) -> Any:
    try:
        import reasoning_gym
        from reasoning_gym.factory import DATASETS
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"`data` is {PREFIX + task!r}, which needs the package reasoning-gym: pip install 'dagames[reasoning]'."
        ) from error
    if task not in DATASETS:
        hint = did_you_mean(task, DATASETS) or f" It has {len(DATASETS)} tasks, such as basic_arithmetic."
        raise RecipeError(f"`data`: reasoning-gym has no task {task!r}.{hint}")
    try:
        return reasoning_gym.create_dataset(task, size=size, seed=seed, **options)
    except (TypeError, ValueError, AssertionError) as error:
        raise RecipeError(
            f"`data`: the task {task} of reasoning-gym cannot be made with {dict(options)}: {error}."
        ) from error


def _entries(source: Any, task: str) -> Iterator[Mapping[str, Any]]:
    for i in range(len(source)):
        try:
            yield source[i]
        except (ValueError, AssertionError, IndexError) as error:
            raise DataError(f"{PREFIX}{task}: question {i + 1} cannot be made: {error}.") from error
