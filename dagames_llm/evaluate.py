"""Evaluate a model on orbits: completions, the answers read in them, and means over questions with 95 % intervals.

Completions of one prompt share its difficulty, so they are no independent evidence: the bootstrap draws questions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dagames_llm._errors import DataError
from dagames_llm.costs import costs_of
from dagames_llm.data import Orbit, View, as_messages, canonical_letter, check_form, view_text
from dagames_llm.distances import Distance, distances_of
from dagames_llm.extract import Answer, Extractor
from dagames_llm.monitors import answer_entropy, majority_ratio
from dagames_llm.multipliers import Constraint

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Progress = Callable[[int, int], None]
"""Told how many prompts of how many are done."""


@dataclass(frozen=True)
class Decoding:
    """How completions are drawn.

    Attributes:
        samples: sampled completions of each view, beside one greedy.
        temperature: of the sampled ones.
        max_new_tokens: length bound.
        batch_size: prompts times samples generated at once.
        seed: of the samples.
        chat: render prompts by the chat template.
    """

    samples: int = 8
    temperature: float = 1.0
    max_new_tokens: int = 4
    batch_size: int = 64
    seed: int = 0
    chat: bool = False


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[View],
    decoding: Decoding,
    sampled: bool,
    progress: Progress | None = None,
) -> list[list[str]]:
    """Complete each prompt, once greedily or `decoding.samples` times.

    Args:
        model: in any mode; it is put in evaluation mode and back.
        tokenizer: its own.
        prompts: texts, or conversations; rendered by the chat template where `decoding.chat`.
        decoding: how.
        sampled: draw samples instead of the greedy completion.
        progress: told how many prompts of how many are done.

    Returns:
        The texts behind each prompt. The state of torch's random numbers is left as it was.
    """
    import torch

    width = decoding.samples if sampled else 1
    # A model's own generation settings may hold others: what is measured is what training samples from.
    chosen: dict[str, Any] = {"temperature": decoding.temperature, "top_k": 0, "top_p": 1.0} if sampled else {}
    at_once = max(1, decoding.batch_size // width)
    # Prompts of like length share a batch, so that little of it is padding; the order is undone at the end.
    order = sorted(range(len(prompts)), key=lambda i: len(view_text(prompts[i])))
    texts: list[list[str]] = [[] for _ in prompts]
    training = model.training
    model.eval()
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(decoding.seed)
        for start in range(0, len(order), at_once):
            batch = order[start : start + at_once]
            inputs = _tokens(tokenizer, [prompts[i] for i in batch], decoding.chat).to(model.device)
            tokens = model.generate(
                **inputs,
                do_sample=sampled,
                num_return_sequences=width,
                max_new_tokens=decoding.max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
                repetition_penalty=1.0,
                **chosen,
            )
            new = tokenizer.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            for place, i in enumerate(batch):
                texts[i] = new[place * width : (place + 1) * width]
            if progress is not None:
                progress(min(start + at_once, len(order)), len(order))
    model.train(training)
    return texts


def _tokens(tokenizer: PreTrainedTokenizerBase, prompts: list[View], chat: bool) -> Any:
    if not chat:
        return tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    return tokenizer.apply_chat_template(
        [as_messages(prompt) for prompt in prompts],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        padding=True,
    )


@dataclass(frozen=True)
class Estimate:
    """A mean over questions.

    Attributes:
        mean: the estimate.
        low: lower end of its 95 % interval.
        high: upper end.
        n: questions it is over.
    """

    mean: float
    low: float
    high: float
    n: int


def bootstrap(values: npt.ArrayLike, level: float = 0.95, resamples: int = 10_000, seed: int = 0) -> Estimate:
    """Return the mean over questions with its percentile bootstrap interval.

    Args:
        values: one number a question, `[n]`, n >= 1: a mean over that question's completions.
        level: coverage aimed at. The interval has no width where all questions agree, however few they are.
        resamples: draws of n questions with replacement.
        seed: of the draws.

    Returns:
        The estimate.

    Raises:
        DataError: there is no question, or a value is not finite.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or not np.isfinite(sample).all():
        raise DataError("an interval needs one finite number for each of at least one question.")
    # Counts of a multinomial draw are the same resamples as drawn indices, without an n x resamples array of them.
    draws = np.random.default_rng(seed).multinomial(sample.size, np.full(sample.size, 1 / sample.size), resamples)
    low, high = np.quantile(draws @ sample / sample.size, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(sample.mean()), float(low), float(high), int(sample.size))


Groups = list[list[list[Answer | None]]]
"""Answers by question, view and completion."""

Measure = Callable[[Orbit, Sequence[str], Sequence[Answer | None]], float | None]
"""A number for a question, from its sampled completions and the answers read in them; None where it does not apply."""


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    orbits: Sequence[Orbit],
    extractor: Extractor,
    decoding: Decoding,
    view_names: Sequence[str] | None = None,
    progress: Progress | None = None,
    measures: Mapping[str, Measure] | None = None,
) -> dict[str, Any]:
    """Evaluate a model on orbits.

    Args:
        model: the model, adapter on or off.
        tokenizer: its tokenizer.
        orbits: the questions, all with the same number of views for a table by view.
        extractor: reads an answer out of a completion.
        decoding: how completions are drawn.
        view_names: what to call the views.
        progress: told how many prompts of how many are done.
        measures: other statistics of the sampled completions, by name.

    Returns:
        `n_orbits`, `n_prompts`, `decoding`, and statistics with their intervals: in `orbit`, over whole orbits,
        `majority_ratio`, `answer_entropy`, `unparsed` and `measures`; where all gold answers are known also `greedy`,
        `sampled` and `majority` (the pooled vote's) accuracy, and in `views` the first two for each view.

    Raises:
        DataError: there is no question, or some gold answers are known and others not.
    """
    known = [orbit.checkable for orbit in orbits]
    if not orbits or any(known) != all(known):
        raise DataError("evaluation needs at least one question, and the gold answers of all of them or of none.")
    check_form(orbits, decoding.chat)
    prompts = [view for orbit in orbits for view in orbit.views]
    total = 2 * len(prompts)
    first = None if progress is None else lambda done, _: progress(done, total)
    second = None if progress is None else lambda done, _: progress(len(prompts) + done, total)
    greedy = _by_orbit(generate(model, tokenizer, prompts, decoding, False, first), orbits)
    drawn = _by_orbit(generate(model, tokenizer, prompts, decoding, True, second), orbits)
    answers = answers_of(orbits, drawn, extractor)
    found = {
        "n_orbits": len(orbits),
        "n_prompts": len(prompts),
        "decoding": asdict(decoding),
        "views": {},
        "orbit": _without_gold(orbits, drawn, answers, measures or {}),
    }
    if all(known):
        gold = [orbit.accepted for orbit in orbits]
        best = answers_of(orbits, greedy, extractor)
        names = view_names or [f"view {v}" for v in range(min(len(orbit.views) for orbit in orbits))]
        found["views"] = {
            name: {
                "greedy": _over(best, gold, lambda group, answer, v=v: share_right(group[v], answer)),
                "sampled": _over(answers, gold, lambda group, answer, v=v: share_right(group[v], answer)),
            }
            for v, name in enumerate(names)
        }
        found["orbit"] |= {
            "greedy": _over(best, gold, lambda group, answer: share_right(_flat(group), answer)),
            "sampled": _over(answers, gold, lambda group, answer: share_right(_flat(group), answer)),
            "majority": _over(answers, gold, lambda group, answer: majority_hit(_flat(group), answer)),
        }
    return found


def _without_gold(
    orbits: Sequence[Orbit], drawn: list[list[list[str]]], answers: Groups, measures: Mapping[str, Measure]
) -> dict[str, Any]:
    pooled = [_flat(group) for group in answers]
    found = {
        "majority_ratio": asdict(bootstrap([majority_ratio(group) for group in pooled])),
        "answer_entropy": asdict(bootstrap([answer_entropy(group) for group in pooled])),
        "unparsed": asdict(bootstrap([group.count(None) / len(group) for group in pooled])),
    }
    for name, measure in measures.items():
        groups = zip(orbits, map(_flat, drawn), pooled, strict=True)
        values = [value for group in groups if (value := measure(*group)) is not None]
        if values:
            found[name] = asdict(bootstrap(values))
    return found


def measures_of(constraints: Sequence[Constraint], distance: Distance | None) -> dict[str, Measure]:
    """Return the statistics that say whether a run's constraints and distance moved.

    Args:
        constraints: for the mean cost of each, over the rows to which it applies.
        distance: for the mean distance between two completions of a question.

    Returns:
        Measures by name.
    """

    def mean_cost(constraint: Constraint) -> Measure:
        def measure(orbit: Orbit, texts: Sequence[str], _: Sequence[Answer | None]) -> float | None:
            row = {"prompt": orbit.views[0], **orbit.columns}
            return float(costs_of(constraint.cost, texts).mean()) if constraint.applies(row) else None

        return measure

    def mean_distance(_: Orbit, texts: Sequence[str], answers: Sequence[Answer | None]) -> float | None:
        if distance is None or len(texts) < 2:
            return None
        matrix = distances_of(distance, [(texts, answers)])[0]
        return float(matrix.sum() / (len(texts) * (len(texts) - 1)))

    found = {f"mean cost, {constraint.name}": mean_cost(constraint) for constraint in constraints}
    return found if distance is None else {**found, "mean distance": mean_distance}


def answers_of(orbits: Sequence[Orbit], texts: Sequence[Sequence[Sequence[str]]], extractor: Extractor) -> Groups:
    """Return the answers read in completions, by question, view and completion.

    Args:
        orbits: the questions.
        texts: completions of each view of each.
        extractor: reads an answer.

    Returns:
        Answers; letters of permuted options are canonical.
    """
    return [
        [
            [canonical_letter(extractor(text), orbit.letters[v] if orbit.letters else "") for text in view]
            for v, view in enumerate(group)
        ]
        for orbit, group in zip(orbits, texts, strict=True)
    ]


def _flat(group: list[list[Any]]) -> list[Any]:
    return [item for view in group for item in view]


def _by_orbit(texts: list[list[str]], orbits: Sequence[Orbit]) -> list[list[list[str]]]:
    remaining = iter(texts)
    return [[next(remaining) for _ in orbit.views] for orbit in orbits]


def _over(groups: Groups, gold: list[Collection[Answer]], score: Callable[..., float]) -> dict[str, float]:
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
