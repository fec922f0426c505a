"""The game of each question on the sampled answers, with the empirical reference of each view."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames._choices import nearest
from dagames_llm._errors import DataError
from dagames_llm.counted import counted
from dagames_llm.extract import Answer, Extractor


@dataclass(frozen=True, eq=False)
class SampledQuestion:
    """One question, with the counts of answers in the completions of each view.

    Attributes:
        views: its wordings, [M].
        answers: the different answers, the most frequent first.
        counts: completions by view and answer, [M, C]; the last column counts completions without an answer.
        gold: the right answers, or None if unknown.
    """

    views: tuple[str, ...]
    answers: tuple[Answer, ...]
    counts: NDArray[np.int64]
    gold: frozenset[Answer] | None = None

    @property
    def reference(self) -> NDArray[np.float64]:
        """The shares of the answers in each view, [M, C], the last column for completions without an answer."""
        return np.asarray(self.counts / self.counts.sum(axis=1, keepdims=True))

    @property
    def right(self) -> NDArray[np.bool_] | None:
        """Which columns of `counts` are right, [C], or None."""
        if self.gold is None:
            return None
        return np.array([answer in self.gold for answer in self.answers] + [False])


def question_of(
    views: Sequence[str], answers: Sequence[Sequence[Answer | None]], gold: frozenset[Answer] | None = None
) -> SampledQuestion:
    """Count the answers of one question."""
    if len(answers) != len(views):
        raise DataError(
            f"{counted(len(answers), 'list')} of completions for {counted(len(views), 'wording')}; give one list for "
            "each wording."
        )
    for view, read in enumerate(answers):
        if len(read) < 2:
            raise DataError(
                f"wording {view + 1} has {counted(len(read), 'completion')}; at least 2 are needed to estimate a "
                "distribution of answers, and 16 or more for a forecast. Draw more samples of each prompt."
            )
    pooled = [answer for read in answers for answer in read if answer is not None]
    distinct = sorted(set(pooled), key=lambda answer: (-pooled.count(answer), str(answer)))
    columns = [*distinct, None]
    counts = np.array([[sum(a == column for a in read) for column in columns] for read in answers], dtype=np.int64)
    return SampledQuestion(tuple(views), tuple(distinct), counts, gold)


def load_samples(path: str | Path, extractor: Extractor) -> list[SampledQuestion]:
    """Read sampled completions.

    JSON lines, each an object with `orbit` (a list of wordings) or `prompt`, and with `completions` (texts) or
    `answers` (extracted; null if a completion has none): one list for each wording, or a plain list for one wording.
    Optionally `answer`, the right one, or a list of right ones. Other keys are ignored.

    Args:
        path: the file.
        extractor: extracts the answer of a completion, and of `answer` in a row with `completions`.

    Returns:
        One question per line.

    Raises:
        DataError: the file is missing or holds no line, a line cannot be used (the message names file and line), or no
            completion of the whole file has an answer.
    """
    questions = []
    for place, row in sample_rows(Path(path)):
        try:
            questions.append(question_in(row, extractor))
        except DataError as error:
            raise DataError(f"{place}: {error}") from None
    if not questions:
        raise DataError(f"{path} has no line of samples.")
    check_read(questions, str(path))
    return questions


def sample_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the place and the content of each line of a file of samples."""
    if not path.is_file():
        raise DataError(f"no file of samples {path}" + (": it is a folder." if path.is_dir() else "."))
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if line.strip():
            place = f"{path}, line {number}"
            try:
                row = _row(line)
            except DataError as error:
                raise DataError(f"{place}: {error}") from None
            yield place, row


def check_read(questions: Sequence[SampledQuestion], source: str) -> None:
    """Raise if no completion has an answer."""
    if not any(question.answers for question in questions):
        raise DataError(
            f"{source}: no answer was found in any completion, so there is no game. Check `extractor`, the length of "
            "the completions, and the answer format in the prompt."
        )


def _row(line: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start}.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}.") from error
    if not isinstance(row, dict):
        raise DataError(f"a line must be a JSON object, not {type(row).__name__}.")
    return row


def question_in(row: Mapping[str, Any], extractor: Extractor) -> SampledQuestion:
    """Read one question from a row of samples."""
    views = _views(row)
    key = "answers" if "answers" in row else "completions"
    if key not in row:
        keys, others = ", ".join(map(repr, list(row)[:6])), [name for name in row if name != "answer"]
        hint = nearest(others, ("completions", "answers"))
        raise DataError(f"needs `completions` or `answers`, a list for each wording; found {keys}.{hint}")
    lists = _lists(row[key], key, len(views))
    if key == "completions":
        read: list[list[Answer | None]] = [[extractor(_text(t, key)) for t in texts] for texts in lists]
    else:
        read = [[None if a is None else _answer(a, key) for a in answers] for answers in lists]
    gold = row.get("answer")
    if gold is None:
        return question_of(views, read)
    right = [_answer(g, "answer") for g in (gold if isinstance(gold, list) else [gold])]
    if not right:
        raise DataError("`answer` is an empty list; omit it if the right answer is unknown.")
    if key == "completions":
        # A gold answer that the extractor cannot read is compared unchanged.
        right = [extractor(g) or g for g in right]
    return question_of(views, read, frozenset(right))


def _views(row: Mapping[str, Any]) -> list[str]:
    views = row.get("orbit", row.get("prompt"))
    views = [views] if isinstance(views, str) else views
    if not isinstance(views, list) or not views or not all(isinstance(v, str) and v.strip() for v in views):
        keys = ", ".join(map(repr, list(row)[:6])) or "no key"
        raise DataError(
            f"needs `orbit`, a list of wordings, or `prompt`, a text; found {keys}.{nearest(row, ('orbit', 'prompt'))}"
        )
    return views


def _lists(value: Any, key: str, n_views: int) -> list[list[Any]]:
    if n_views == 1 and isinstance(value, list) and not any(isinstance(v, list) for v in value):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(v, list) for v in value):
        raise DataError(f"needs `completions` or `answers`, a list for each wording, not {value!r:.80}.")
    if len(value) != n_views:
        raise DataError(
            f"`{key}` has {counted(len(value), 'list')} for {counted(n_views, 'wording')}; give one list for each "
            "wording."
        )
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"`{key}` holds {value!r:.60}, which is not a text.")
    return value


def _answer(value: Any, key: str) -> Answer:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"`{key}` holds {value!r:.60}; an answer is a text or a number.")
    if isinstance(value, float):
        if not isfinite(value):
            raise DataError(f"`{key}` holds {value}; a number must be finite.")
        value = int(value) if value.is_integer() else value  # 2 and 2.0 are one number, and one answer
    elif isinstance(value, str) and not value.strip():
        raise DataError(f"`{key}` holds {value!r}; write null for a completion without an answer.")
    return str(value)
