"""Procedural questions of `reasoning-gym`: entries, verifiers, and a package that is missing."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from dagames_llm._errors import DataError, RecipeError
from dagames_llm.data import load_orbits
from dagames_llm.extract import choice, last_number


class FakeTask:
    """As `reasoning-gym` makes them: entries by index, and a verifier."""

    def __init__(self, size: int, seed: int, terms: int = 2) -> None:
        if terms < 2:
            raise AssertionError("terms must be at least 2")
        self.size, self.seed, self.terms = size, seed, terms

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, i: int) -> dict[str, Any]:
        return {
            "question": f"Name an even number above {i}.",
            "answer": None if i % 2 else str(2 * i + 2),
            "metadata": {},
        }

    def score_answer(self, answer: str, entry: dict[str, Any]) -> float:
        above = int(entry["question"].rstrip(".").rsplit(" ", 1)[1])
        return 1.0 if int(answer) % 2 == 0 and int(answer) > above else 0.01


@pytest.fixture
def gym(monkeypatch: pytest.MonkeyPatch) -> None:
    package, factory = types.ModuleType("reasoning_gym"), types.ModuleType("reasoning_gym.factory")
    factory.DATASETS = {"evens": FakeTask}  # type: ignore[attr-defined]
    package.create_dataset = lambda name, **more: factory.DATASETS[name](**more)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "reasoning_gym", package)
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", factory)


def test_procedural_questions_come_with_a_verifier(gym: None) -> None:
    orbits = load_orbits({"name": "reasoning_gym:evens", "size": 4}, last_number)
    assert [orbit.gold for orbit in orbits] == ["2", None, "6", None]
    assert all(orbit.checkable for orbit in orbits)
    assert ["4" in orbit.accepted for orbit in orbits] == [True] * 4
    assert ["3" in orbit.accepted for orbit in orbits] == [False] * 4
    assert ["7/2" in orbit.accepted for orbit in orbits] == [False] * 4  # the verifier fails on it
    assert len(load_orbits("reasoning_gym:evens", last_number)) == 500
    with pytest.raises(RecipeError, match="Did you mean evens"):
        load_orbits("reasoning_gym:event", last_number)
    with pytest.raises(RecipeError, match="terms must be at least 2"):
        load_orbits({"name": "reasoning_gym:evens", "options": {"terms": 1}}, last_number)
    with pytest.raises(DataError, match=r"`choice` reads none of its answers, such as .2.; choose another"):
        load_orbits("reasoning_gym:evens", choice)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(RecipeError, match=r"pip install 'dagames\[reasoning\]'"):
        load_orbits("reasoning_gym:gcd", last_number)
