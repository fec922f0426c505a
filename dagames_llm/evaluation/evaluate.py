"""Evaluate a model on orbits: completions, extracted answers, and means over questions with 95 % intervals.

Statistics of one question are in `scores`, intervals in `intervals`, completions of an interrupted evaluation in
`journal`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dagames_llm._errors import DataError, RecipeError
from dagames_llm.costs import costs_of
from dagames_llm.counted import counted
from dagames_llm.data import Orbit, View, as_messages, canonical_letter, check_form, view_text
from dagames_llm.distances import Distance, distances_of
from dagames_llm.evaluation.intervals import Estimate, bootstrap, wilson
from dagames_llm.evaluation.journal import Batch, Journal
from dagames_llm.evaluation.scores import (
    Answered,
    default_ks,
    majority_hit,
    question_scores,
    share_right,
    view_scores,
)
from dagames_llm.extract import Answer, Extractor, normalised_text
from dagames_llm.multipliers import Constraint

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = [
    "Decoding",
    "Draw",
    "Estimate",
    "Measure",
    "Progress",
    "bootstrap",
    "checked_ks",
    "evaluate",
    "generate",
    "majority_hit",
    "measures_of",
    "share_right",
    "summary",
    "wilson",
]

Progress = Callable[[int, int], None]
"""Receives the number of completed prompts, and of all."""

OF_SAMPLING = ("typical_p", "epsilon_cutoff", "eta_cutoff", "top_h")
"""Entries of `generation_kwargs` that apply only to sampling."""


@dataclass(frozen=True)
class Decoding:
    """Settings of completions.

    Attributes:
        samples: number of sampled completions of each view, in addition to one greedy completion.
        temperature: sampling temperature.
        max_new_tokens: maximum length in tokens.
        batch_size: maximum number of completions generated at once.
        seed: seed of the samples.
        chat: render prompts by the chat template.
        top_p: sample from the most likely tokens with this total probability; 1 for all.
        top_k: sample from this number of most likely tokens; 0 for all.
        min_p: sample from tokens with at least this probability, relative to the largest; None for all.
        repetition_penalty: penalty of repetitions in all completions; 1 for none.
        generation_kwargs: further settings of `model.generate`, by name; None for none.
    """

    samples: int = 8
    temperature: float = 1.0
    max_new_tokens: int = 4
    batch_size: int = 64
    seed: int = 0
    chat: bool = False
    top_p: float = 1.0
    top_k: int = 0
    min_p: float | None = None
    repetition_penalty: float = 1.0
    generation_kwargs: Mapping[str, Any] | None = None


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[View],
    decoding: Decoding,
    sampled: bool,
    progress: Progress | None = None,
    journal: Journal | None = None,
) -> list[list[str]]:
    """Complete each prompt, once greedily or `decoding.samples` times."""
    import torch

    width = decoding.samples if sampled else 1
    # These override the generation settings of the model, so that sampling is that of training.
    names = ("temperature", "top_k", "top_p", "min_p")
    options = {name: getattr(decoding, name) for name in names} if sampled else {}
    further = {
        name: value for name, value in (decoding.generation_kwargs or {}).items() if sampled or name not in OF_SAMPLING
    }
    options |= {"pad_token_id": tokenizer.pad_token_id, "repetition_penalty": decoding.repetition_penalty, **further}
    at_once = max(1, decoding.batch_size // width)
    # Sort prompts by length, so that batches contain little padding; texts are stored in the original order.
    order = sorted(range(len(prompts)), key=lambda i: len(view_text(prompts[i])))
    texts: list[list[str]] = [[] for _ in prompts]
    training = model.training
    model.eval()
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(decoding.seed)
        for start in range(0, len(order), at_once):
            batch = order[start : start + at_once]
            completed = None if journal is None else journal.find(sampled, batch)
            if completed is None:
                inputs = _tokens(tokenizer, [prompts[i] for i in batch], decoding.chat).to(model.device)
                fixed = {"do_sample": sampled, "num_return_sequences": width, "max_new_tokens": decoding.max_new_tokens}
                with _naming(decoding.generation_kwargs):
                    tokens = model.generate(**inputs, **{**fixed, **options})
                new = tokenizer.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
                completed = Batch([new[place * width : (place + 1) * width] for place in range(len(batch))])
                if journal is not None:
                    journal.add(sampled, batch, replace(completed, state=_random_state(model) if sampled else None))
            elif completed.state is not None:
                _set_random_state(model, completed.state)
            for i, completions in zip(batch, completed.texts, strict=True):
                texts[i] = list(completions)
            if progress is not None:
                progress(min(start + at_once, len(order)), len(order))
    model.train(training)
    return texts


@contextmanager
def _naming(options: Mapping[str, Any] | None) -> Iterator[None]:
    """Raise RecipeError with the options of a recipe if `model.generate` rejects them."""
    try:
        yield
    except (TypeError, ValueError, AttributeError) as error:
        if not options:
            raise
        reason = str(error).strip().partition("\n")[0]
        raise RecipeError(
            f"`generation_kwargs` is {dict(options)!r:.200}, which `generate` refuses: {reason}"
        ) from error


def _random_numbers(model: PreTrainedModel) -> Any:
    """Return the torch module with the random state of a model's device."""
    import torch

    return torch if model.device.type == "cpu" else torch.get_device_module(model.device)


def _random_state(model: PreTrainedModel) -> str:
    return base64.b64encode(bytes(_random_numbers(model).get_rng_state().tolist())).decode("ascii")


def _set_random_state(model: PreTrainedModel, state: str) -> None:
    import torch

    _random_numbers(model).set_rng_state(torch.tensor(list(base64.b64decode(state)), dtype=torch.uint8))


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


Groups = list[list[list[Answer | None]]]
"""Answers by question, view and completion."""

Measure = Callable[[Orbit, Sequence[str], Sequence[Answer | None]], float | None]
"""A number for a question, from its sampled completions and their answers; None if it does not apply."""

Draw = Callable[[Sequence[str], Decoding, bool, Progress | None, Journal | None], list[list[str]]]
"""Completes prompts; the arguments are those of `generate` without the first two."""


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    orbits: Sequence[Orbit],
    extractor: Extractor,
    decoding: Decoding,
    view_names: Sequence[str] | None = None,
    progress: Progress | None = None,
    measures: Mapping[str, Measure] | None = None,
    *,
    ks: Sequence[int] = (),
    journal: Journal | None = None,
    draw: Draw | None = None,
) -> dict[str, Any]:
    """Evaluate a model on orbits.

    Args:
        model: the model, with or without its adapter.
        tokenizer: its tokenizer.
        orbits: the questions, all with the same number of views for a table by view.
        extractor: extracts the answer of a completion.
        decoding: settings of the completions.
        view_names: names of the views.
        progress: receives the number of completed prompts, and of all.
        measures: other statistics of the sampled completions, by name.
        ks: the k of maj@k and pass@k, from 1 to `decoding.samples`; powers of two if empty.
        journal: file of completions, with those of an interrupted process.
        draw: completes prompts in place of `generate`.

    Returns:
        `n_orbits`, `n_prompts`, `decoding`, `ks`, `words`, and statistics with their intervals: in `orbit`, those of
        `scores.question_scores`, accuracies only if all gold answers are known; in `views` those of
        `scores.view_scores` for each view. `questions` contains the answers of each question, for `compare`.

    Raises:
        DataError: there is no question, some but not all gold answers are known, or k is out of range.
    """
    known = [orbit.checkable for orbit in orbits]
    if not orbits or any(known) != all(known):
        raise DataError("evaluation needs at least one question, and the gold answers of all of them or of none.")
    ks = checked_ks(ks, decoding.samples)
    check_form(orbits, decoding.chat)
    prompts = [view for orbit in orbits for view in orbit.views]
    total = 2 * len(prompts)
    first = None if progress is None else lambda done, _: progress(done, total)
    second = None if progress is None else lambda done, _: progress(len(prompts) + done, total)
    draw = draw or partial(generate, model, tokenizer)
    greedy = _by_orbit(draw(prompts, decoding, False, first, journal), orbits)
    drawn = _by_orbit(draw(prompts, decoding, True, second, journal), orbits)
    questions = [
        _answered(orbit, greedy_texts, sampled_texts, extractor, measures or {})
        for orbit, greedy_texts, sampled_texts in zip(orbits, greedy, drawn, strict=True)
    ]
    names = view_names or [f"view {v}" for v in range(min(len(orbit.views) for orbit in orbits))]
    return {
        "n_orbits": len(orbits),
        "n_prompts": len(prompts),
        "decoding": asdict(decoding),
        **summary(questions, ks, extractor is normalised_text, names),
        "questions": [asdict(question) for question in questions],
    }


def checked_ks(ks: Sequence[int], samples: int) -> list[int]:
    """Return the k of maj@k and pass@k, by default powers of two up to the number of samples."""
    for k in ks:
        if not 1 <= k <= samples:
            raise DataError(
                f"k is {k}; with {counted(samples, 'sample')} of each prompt it must be from 1 to {samples}. Increase "
                "--samples."
            )
    return sorted(set(ks)) or default_ks(samples)


def summary(questions: Sequence[Answered], ks: Sequence[int], words: bool, names: Sequence[str]) -> dict[str, Any]:
    """Return the means over questions of their statistics."""
    gold = all(question.gold for question in questions)
    views = {
        name: _means([view_scores(question, v, ks) for question in questions], 1)
        for v, name in enumerate(names if gold else ())
    }
    width = max(len(question.greedy) for question in questions)
    orbit = _means([question_scores(question, ks, words) for question in questions], width)
    return {"ks": list(ks), "words": words, "orbit": orbit, "views": views}


def _means(scores: Sequence[Mapping[str, float]], width: int) -> dict[str, Any]:
    """Return the mean of each statistic over the questions that have it, with its interval."""
    means = {}
    for name in dict.fromkeys(name for each in scores for name in each):
        values = [each[name] for each in scores if name in each]
        single = name == "coherence" or (width == 1 and name in ("greedy", "exact_match"))
        means[name] = asdict(wilson(values) if single else bootstrap(values))
    return means


def answers_of(orbits: Sequence[Orbit], texts: Sequence[Sequence[Sequence[str]]], extractor: Extractor) -> Groups:
    """Return the answers of completions, by question, view and completion."""
    return [
        [
            [canonical_letter(extractor(text), orbit.letters[v] if orbit.letters else "") for text in view]
            for v, view in enumerate(group)
        ]
        for orbit, group in zip(orbits, texts, strict=True)
    ]


def _answered(
    orbit: Orbit, greedy: list[list[str]], drawn: list[list[str]], extractor: Extractor, measures: Mapping[str, Measure]
) -> Answered:
    greedy_answers = tuple(answer for view in answers_of([orbit], [greedy], extractor)[0] for answer in view)
    sampled = tuple(tuple(view) for view in answers_of([orbit], [drawn], extractor)[0])
    texts = [text for view in drawn for text in view]
    pooled = [answer for view in sampled for answer in view]
    values = {name: measure(orbit, texts, pooled) for name, measure in measures.items()}
    return Answered(
        view_text(orbit.views[0]),
        _right_answers(orbit, [*greedy_answers, *pooled]),
        greedy_answers,
        sampled,
        {name: value for name, value in values.items() if value is not None},
    )


NONE_RIGHT = "(no right answer was seen)"
"""Placeholder for the right answers of a question whose verifier accepts none of the observed answers."""


def _right_answers(orbit: Orbit, observed: Sequence[Answer | None]) -> tuple[Answer, ...]:
    """Return the gold answers and the observed ones that the verifier accepts; empty if a question has neither."""
    listed = () if orbit.gold is None else (str(orbit.gold), *orbit.aliases)
    accepted = (
        [answer for answer in observed if answer is not None and answer in orbit.accepted] if orbit.verifier else []
    )
    return tuple(dict.fromkeys([*listed, *accepted])) or ((NONE_RIGHT,) if orbit.checkable else ())


def _by_orbit(texts: list[list[str]], orbits: Sequence[Orbit]) -> list[list[list[str]]]:
    remaining = iter(texts)
    return [[next(remaining) for _ in orbit.views] for orbit in orbits]


def measures_of(constraints: Sequence[Constraint], distance: Distance | None) -> dict[str, Measure]:
    """Return the mean costs of a run's constraints and the mean distance."""

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

    measures = {f"mean cost, {constraint.name}": mean_cost(constraint) for constraint in constraints}
    return measures if distance is None else {**measures, "mean distance": mean_distance}
