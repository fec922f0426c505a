"""Sampled questions with the costs of their completions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames_llm._errors import ConstraintError, DataError
from dagames_llm.costs import costs_of
from dagames_llm.counted import counted
from dagames_llm.extract import Extractor
from dagames_llm.forecast.reference_games import SampledQuestion, check_read, question_in, sample_rows
from dagames_llm.forecast.vote_chances import Floats
from dagames_llm.multipliers import Constraint


@dataclass(frozen=True, eq=False)
class CostedQuestion:
    """A question with classes of completions that have equal costs and, if answers are rewarded, equal answers.

    Attributes:
        question: the answers, by view.
        counts: completions by view and class, [M, C].
        costs: of each class under each constraint, [M, d, C]; 0 where the constraint does not apply.
        applies: whether each constraint applies to each view, [M, d].
        answers: the column of `question.counts` that each class has, [C].
    """

    question: SampledQuestion
    counts: NDArray[np.int64]
    costs: Floats
    applies: NDArray[np.bool_]
    answers: NDArray[np.int64]


def costed_questions(
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    constraints: Sequence[Constraint],
    extractor: Extractor,
    *,
    by_answer: bool,
    source: str,
) -> list[CostedQuestion]:
    """Score the completions of sampled questions.

    Args:
        rows: place and content of each question, as `sample_rows` gives them; other keys are the columns by which
            constraints apply.
        constraints: which costs, and of which rows.
        extractor: extracts the answer of a completion.
        by_answer: whether a target rewards answers; otherwise completions differ only by costs.
        source: source of the samples, for messages.

    Returns:
        One question per row.

    Raises:
        DataError: a row cannot be used, or has no completions to score.
        ConstraintError: a constraint applies to no question, or selects by a column that a row lacks.
        CostError: a cost failed.
    """
    questions = []
    for place, row in rows:
        if "answers" in row:
            raise DataError(f"{place}: costs are those of `completions`; this row has `answers` instead.")
        try:
            question = question_in(row, extractor)
        except DataError as error:
            raise DataError(f"{place}: {error}") from None
        views = row["completions"] if isinstance(row["completions"][0], list) else [row["completions"]]
        questions.append(_costed(row, views, question, constraints, extractor, by_answer))
    if not questions:
        raise DataError(f"{source} has no line of samples.")
    if by_answer:
        check_read([each.question for each in questions], source)
    for i, constraint in enumerate(constraints):
        if not any(each.applies[:, i].any() for each in questions):
            raise ConstraintError(
                f"constraint {constraint.name!r} applies to no question of {source} "
                f"({counted(len(questions), 'question')}): `applies_to` is {constraint.applies_to!r}. Sample questions "
                "to which it applies, or omit the constraint."
            )
    return questions


def load_costed(
    path: str | Path, constraints: Sequence[Constraint], extractor: Extractor, *, by_answer: bool
) -> list[CostedQuestion]:
    """Read a file of samples and score its completions; see `costed_questions`."""
    rows = sample_rows(Path(path))
    return costed_questions(rows, constraints, extractor, by_answer=by_answer, source=str(path))


def _costed(
    row: Mapping[str, Any],
    views: Sequence[Sequence[str]],
    question: SampledQuestion,
    constraints: Sequence[Constraint],
    extractor: Extractor,
    by_answer: bool,
) -> CostedQuestion:
    columns = {key: value for key, value in row.items() if key != "completions"}
    applies = np.array([
        [c.applies({**columns, "prompt": prompt, "view": v}) for c in constraints]
        for v, prompt in enumerate(question.views)
    ]).reshape(len(views), len(constraints))
    places = {answer: column for column, answer in enumerate(question.answers)}
    unread = len(question.answers)
    keys: list[list[tuple[float, ...]]] = []
    for v, texts in enumerate(views):
        scored = [costs_of(c.cost, texts) if applies[v, i] else np.zeros(len(texts)) for i, c in enumerate(constraints)]
        column = [float(places.get(extractor(t), unread)) if by_answer else float(unread) for t in texts]  # type: ignore[arg-type]
        keys.append([*zip(column, *(s.tolist() for s in scored), strict=True)])
    return _classes(keys, question, applies)


def _classes(
    keys: Sequence[Sequence[tuple[float, ...]]], question: SampledQuestion, applies: NDArray[np.bool_]
) -> CostedQuestion:
    """Count completions with the same key: the column of the answer, then a cost a constraint."""
    distinct = sorted({key for view in keys for key in view})
    index = {key: place for place, key in enumerate(distinct)}
    counts = np.stack([np.bincount([index[key] for key in view], minlength=len(distinct)) for view in keys])
    table = np.array(distinct)
    costs = table[:, 1:].T[None] * applies[:, :, None]
    return CostedQuestion(question, counts.astype(np.int64), costs, applies, table[:, 0].astype(np.int64))
