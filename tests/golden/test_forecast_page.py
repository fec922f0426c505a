"""The tables of docs/forecast.md are those of results/forecast/demo.json."""

import json

from benchmarks.forecast import OUT, PAGE, SEEDS, page_with


def test_the_page_shows_the_results() -> None:
    content = json.loads(OUT.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    assert page_with(text, content) == text
    assert [row["seed"] for row in content["seeds"]] == list(SEEDS)
