"""Names of the statistics of an evaluation in tables, in order."""

from __future__ import annotations

from collections.abc import Iterable

STATISTICS = {
    "greedy": "orbit, greedy accuracy",
    "sampled": "orbit, sampled accuracy",
    "majority": "orbit, accuracy of the vote",
    "exact_match": "exact match (greedy)",
    "f1": "F1 (greedy)",
    "f1_sampled": "F1 (sampled)",
    "coherence": "greedy answers of all views agree",
    "coherence_sampled": "samples of two views agree",
    "majority_ratio": "majority ratio",
    "answer_entropy": "answer entropy (nats)",
    "distinct_answers": "distinct answers",
    "unparsed": "unreadable",
}


def statistics_in_order(names: Iterable[str]) -> list[str]:
    """Return the names of statistics in the order in which they are shown: those of `STATISTICS`, then others."""
    places = {name: place for place, name in enumerate(STATISTICS)}
    return sorted(names, key=lambda name: places.get(name, places["exact_match"] - 0.5 if "@" in name else len(places)))
