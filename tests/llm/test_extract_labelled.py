"""Completions as models write them are read as a person reads them, and what is not read is not misread."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from dagames_llm.extract import EXTRACTORS

DATA = Path(__file__).parent / "data"
FILES = ("completions.jsonl", "readings.jsonl", "held_out.jsonl", "second.jsonl")

MISREAD = {
    " 8 + 9 = 17": "read as 8: a number followed by an equation continues `5 + 3 =`, and the text does not tell which",
}
"""Completions that are read otherwise than labelled, with the reason."""


def rows(name: str) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", FILES)
def test_completions_are_read_as_a_person_reads_them(name: str) -> None:
    right, wrong, total = Counter[str](), [], Counter[str]()
    for row in rows(name):
        extractor, completion = str(row["extractor"]), str(row["completion"])
        answer = EXTRACTORS[extractor](completion)
        total[extractor] += 1
        right[extractor] += answer == row["answer"]
        if answer not in {None, row["answer"]} and completion not in MISREAD:
            wrong.append((extractor, completion, answer, row["answer"]))
    assert not wrong, "misread"
    for extractor, count in total.items():
        floor = 0.85 if extractor == "first_number" else 0.98
        assert right[extractor] >= floor * count, extractor
    assert right.total() >= 0.98 * total.total()


def test_the_completions_cover_every_extractor() -> None:
    assert {row["extractor"] for name in FILES for row in rows(name)} == set(EXTRACTORS)
