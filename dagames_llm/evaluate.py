"""Accuracy of a model on orbits, by view and by orbit, greedy and sampled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dagames_llm._errors import DataError
from dagames_llm.data import Orbit
from dagames_llm.decoding import Decoding, Progress, generate
from dagames_llm.extract import Answer, Extractor
from dagames_llm.intervals import bootstrap
from dagames_llm.monitors import answer_entropy, majority_ratio

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Groups = list[list[list[Answer | None]]]
"""Answers by question, view and completion."""


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    orbits: Sequence[Orbit],
    extractor: Extractor,
    decoding: Decoding,
    view_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a model on orbits whose gold answers are known.

    Args:
        model: the model, adapter on or off.
        tokenizer: its tokenizer.
        orbits: the questions, all with the same number of views for a table by view.
        extractor: reads an answer out of a completion.
        decoding: how completions are drawn.
        view_names: what to call the views.
        progress: told how many prompts of how many are done.

    Returns:
        `n_prompts`, `views` (a table for each: `greedy` and `sampled` accuracy), and over whole orbits `sampled`
        accuracy, `majority` (the pooled vote's) accuracy, `majority_ratio`, `answer_entropy`, `unparsed`.

    Raises:
        DataError: an orbit has no gold answer, or there is none.
    """
    if not orbits or any(orbit.gold is None for orbit in orbits):
        raise DataError("evaluation needs the gold answer of each of at least one question.")
    prompts = [view for orbit in orbits for view in orbit.views]
    total = 2 * len(prompts)
    first = None if progress is None else lambda done, _: progress(done, total)
    second = None if progress is None else lambda done, _: progress(len(prompts) + done, total)
    greedy = _answers(generate(model, tokenizer, prompts, decoding, False, first), extractor, orbits)
    drawn = _answers(generate(model, tokenizer, prompts, decoding, True, second), extractor, orbits)
    gold = [frozenset({str(orbit.gold), *orbit.aliases}) for orbit in orbits]
    n_views = min(len(orbit.views) for orbit in orbits)
    names = view_names or [f"view {v}" for v in range(n_views)]
    pooled = [[answer for view in group for answer in view] for group in drawn]
    return {
        "n_orbits": len(orbits),
        "n_prompts": len(prompts),
        "decoding": asdict(decoding),
        "views": {
            name: {
                "greedy": _over(greedy, gold, lambda group, answer, v=v: share_right(group[v], answer)),
                "sampled": _over(drawn, gold, lambda group, answer, v=v: share_right(group[v], answer)),
            }
            for v, name in enumerate(names)
        },
        "orbit": {
            "greedy": _over(greedy, gold, lambda group, answer: share_right(_flat(group), answer)),
            "sampled": _over(drawn, gold, lambda group, answer: share_right(_flat(group), answer)),
            "majority": asdict(bootstrap([majority_hit(g, a) for g, a in zip(pooled, gold, strict=True)])),
            "majority_ratio": asdict(bootstrap([majority_ratio(group) for group in pooled])),
            "answer_entropy": asdict(bootstrap([answer_entropy(group) for group in pooled])),
            "unparsed": asdict(bootstrap([group.count(None) / len(group) for group in pooled])),
        },
    }


def _flat(group: list[list[Answer | None]]) -> list[Answer | None]:
    return [answer for view in group for answer in view]


def _answers(texts: list[list[str]], extractor: Extractor, orbits: Sequence[Orbit]) -> Groups:
    remaining = iter([[extractor(text) for text in of_prompt] for of_prompt in texts])
    return [[next(remaining) for _ in orbit.views] for orbit in orbits]


def _over(groups: Groups, gold: list[frozenset[Answer]], score: Callable[..., float]) -> dict[str, float]:
    return asdict(bootstrap([score(group, answer) for group, answer in zip(groups, gold, strict=True)]))


def share_right(answers: Sequence[Answer | None], gold: Collection[Answer]) -> float:
    """Return the share of completions whose answer is one of the accepted ones."""
    return sum(answer in gold for answer in answers if answer is not None) / len(answers)


def majority_hit(answers: Sequence[Answer | None], gold: Collection[Answer]) -> float:
    """Return the chance that the majority answer, ties broken evenly, is one of the accepted ones.

    Aliases are counted apart in the vote, as in training, where nobody knows that they are one answer.
    """
    read = [answer for answer in answers if answer is not None]
    counts = {answer: read.count(answer) for answer in read}
    winners = [answer for answer, count in counts.items() if count == max(counts.values())]
    return sum(winner in gold for winner in winners) / len(winners) if winners else 0.0
