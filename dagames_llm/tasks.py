"""Built-in tasks, whose rows are made by rule: one-shot addition, with the orbit {a + b, b + a}."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from dagames_llm._errors import RecipeError
from dagames_llm.data import Orbit


@dataclass(frozen=True)
class Task:
    """A family of questions, split into those trained on and those held out.

    Attributes:
        name: what a recipe calls it.
        views: a name for each wording of an orbit, in their order.
        train: the orbits trained on.
        held_out: the orbits evaluated on.
        extractor: the name of the extractor that reads its answers.
    """

    name: str
    views: tuple[str, ...]
    train: tuple[Orbit, ...]
    held_out: tuple[Orbit, ...]
    extractor: str


def addition(seed: int, largest: int = 12, held_out: int = 26) -> Task:
    """Return sums of two different numbers, each asked in both orders after one worked example.

    Args:
        seed: decides which pairs are held out.
        largest: the largest summand; there are `largest` (`largest` - 1) / 2 pairs.
        held_out: how many pairs are held out.

    Returns:
        The task; no pair and no reversed pair of `held_out` is in `train`.
    """
    pairs = list(combinations(range(1, largest + 1), 2))
    random.Random(seed).shuffle(pairs)  # noqa: S311, a split and no secret
    orbits = [Orbit((_one_shot(a, b), _one_shot(b, a)), str(a + b)) for a, b in pairs]
    return Task("addition", ("a + b", "b + a"), tuple(orbits[held_out:]), tuple(orbits[:held_out]), "first_number")


def _one_shot(a: int, b: int) -> str:
    return f"5 + 6 = 11\n{a} + {b} ="


TASKS: dict[str, Callable[[int], Task]] = {"addition": addition}


def task_named(name: str, seed: int) -> Task:
    """Return a built-in task.

    Args:
        name: a key of `TASKS`.
        seed: decides the split.

    Returns:
        The task, split.

    Raises:
        RecipeError: there is no task of that name.
    """
    if name not in TASKS:
        raise RecipeError(f"`task` is {name!r}; known are {', '.join(TASKS)}.")
    return TASKS[name](seed)
