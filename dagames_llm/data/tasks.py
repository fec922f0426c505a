"""Built-in questions: small tasks for training a small model on a CPU."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path

from dagames._choices import did_you_mean
from dagames_llm._errors import RecipeError
from dagames_llm.data.load import load_orbits
from dagames_llm.data.orbit import Orbit
from dagames_llm.extract import extractor_named


@dataclass(frozen=True)
class Task:
    """Built-in questions, split into training questions and held-out questions.

    Attributes:
        train: the orbits for training.
        held_out: the orbits for evaluation.
        extractor: the name of the extractor of answers.
        views: a name for each wording of an orbit, in order.
    """

    train: tuple[Orbit, ...]
    held_out: tuple[Orbit, ...]
    extractor: str
    views: tuple[str, ...]


def addition(seed: int, largest: int = 12, held_out: int = 26) -> Task:
    """Return sums of two different numbers in both orders, each after one worked example.

    Args:
        seed: seed of the held-out pairs.
        largest: the largest summand; there are `largest` (`largest` - 1) / 2 pairs.
        held_out: number of held-out pairs.

    Returns:
        The task; no pair and no reversed pair of `held_out` is in `train`.
    """
    pairs = combinations(range(1, largest + 1), 2)
    orbits = [Orbit((f"5 + 6 = 11\n{a} + {b} =", f"5 + 6 = 11\n{b} + {a} ="), str(a + b)) for a, b in pairs]
    return _split(orbits, seed, held_out, "first_number", ("a + b", "b + a"))


def digits(seed: int, held_out: int = 20) -> Task:
    """Return requests for a random digit after two different examples; no answer is right or wrong."""
    pairs = permutations(range(10), 2)
    orbits = [Orbit((f"Random digit: {a}\nRandom digit: {b}\nRandom digit:",)) for a, b in pairs]
    return _split(orbits, seed, held_out, "first_number", ("digit",))


def capitals(seed: int, held_out: int = 20) -> Task:
    """Return questions for the capitals of 60 countries, in two wordings, each after one example."""
    orbits = load_orbits(_TASKS / "capitals.jsonl", extractor_named("text"))
    return _split(orbits, seed, held_out, "text", ("the capital of X is", "X's capital city"))


def requests(seed: int, held_out: int = 20) -> Task:
    """Return requests of the columns `kind` harmful and benign, after one answered and one refused example."""
    orbits = load_orbits(_TASKS / "requests.jsonl", extractor_named("text"))
    return _split(orbits, seed, held_out, "text", ("request",))


_TASKS = Path(__file__).parents[1] / "tasks"

TASKS: dict[str, Callable[[int], Task]] = {
    "addition": addition,
    "capitals": capitals,
    "digits": digits,
    "requests": requests,
}


def _split(orbits: list[Orbit], seed: int, held_out: int, extractor: str, views: tuple[str, ...]) -> Task:
    random.Random(seed).shuffle(orbits)  # noqa: S311, not for cryptography
    return Task(tuple(orbits[held_out:]), tuple(orbits[:held_out]), extractor, views)


def task_named(name: str, seed: int) -> Task:
    """Return a built-in task.

    Args:
        name: a key of `TASKS`.
        seed: seed of the split.

    Returns:
        The task, split.

    Raises:
        RecipeError: there is no task of that name.
    """
    if name not in TASKS:
        raise RecipeError(f"`task` is {name!r:.80}; known are {', '.join(TASKS)}.{did_you_mean(name, TASKS)}")
    return TASKS[name](seed)
