"""Data sets whose row is an orbit: one question in one or several wordings that share their answer.

A row of the training data holds the orbit, and the columns that a constraint selects by. Gold answers stay in
`Orbit.gold`, which evaluation and monitors look up by the orbit's first wording; only a control that rewards them puts
them into the rows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagames_llm._errors import DataError, RecipeError
from dagames_llm.extract import Answer, Extractor, extractor_named, normalise, normalised_text

if TYPE_CHECKING:
    from datasets import Dataset

REPHRASINGS = (
    "{question}\nThink step by step, then write the final answer on a last line as '#### <number>'.",
    (
        "Solve the following problem.\n\nProblem: {question}\n\n"
        "Show your reasoning and finish with one line that reads '#### <number>'."
    ),
)
"""The wordings of a question that comes without paraphrases: the instruction changes, the question does not."""


@dataclass(frozen=True)
class Orbit:
    """One question.

    Attributes:
        views: its wordings, at least one, all different.
        gold: its canonical answer where known.
        aliases: other canonical answers that evaluation accepts.
        columns: what else its row says, by which constraints select rows.
    """

    views: tuple[str, ...]
    gold: Answer | None = None
    aliases: tuple[Answer, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)


def as_messages(prompt: str, system: str | None = None) -> list[dict[str, str]]:
    """Return a prompt as a conversation, which TRL renders by the model's chat template.

    Args:
        prompt: the user's message.
        system: the message before it, or none.

    Returns:
        The messages.
    """
    user = {"role": "user", "content": prompt}
    return [user] if system is None else [{"role": "system", "content": system}, user]


def training_rows(
    orbits: Sequence[Orbit],
    chat: bool = False,
    *,
    system: str | None = None,
    gold: bool = False,
    columns: Sequence[str] = (),
) -> Dataset:
    """Return the data set the trainer sees.

    Args:
        orbits: the questions.
        chat: render each view as a user message instead of plain text.
        system: with `chat`, the message before each.
        gold: add a column `gold`, for a control that rewards it.
        columns: names of `Orbit.columns` that are kept.

    Returns:
        A data set with one row an orbit: `prompt`, its first view, `orbit`, and what was asked for.

    Raises:
        DataError: an orbit lacks what was asked for.
    """
    from datasets import Dataset

    views = [[as_messages(view, system) if chat else view for view in orbit.views] for orbit in orbits]
    rows: dict[str, list[Any]] = {"prompt": [row[0] for row in views], "orbit": views}
    for i, orbit in enumerate(orbits):
        missing = [name for name in columns if name not in orbit.columns]
        if missing or (gold and orbit.gold is None):
            what = f"column {missing[0]!r}, by which a constraint selects" if missing else "`answer` for the target"
            raise DataError(f"row {i + 1} ({orbit.views[0]!r:.60}) has no {what}.")
    rows |= {name: [orbit.columns[name] for orbit in orbits] for name in columns}
    if gold:
        rows["gold"] = [orbit.gold for orbit in orbits]
    return Dataset.from_dict(rows)


def gold_answers(orbits: Iterable[Orbit]) -> dict[str, Answer]:
    """Return the gold answers by the first view of their orbit, for monitors and evaluation.

    Args:
        orbits: the questions; those without gold are left out.

    Returns:
        First view -> canonical answer.
    """
    return {orbit.views[0]: orbit.gold for orbit in orbits if orbit.gold is not None}


def load_orbits(path: str | Path, extractor: Extractor) -> list[Orbit]:
    """Read a data file.

    JSON lines, each an object with `orbit` (a list of wordings) or `question` (reworded by `REPHRASINGS`), and
    optionally `answer`; or a JSON array of objects with `Body`, `Question` and `Answer`. Other keys are columns.

    Args:
        path: the file.
        extractor: reads the gold answer out of the `answer` field, as it reads the model's completions. A list of
            answers is one answer and its aliases.

    Returns:
        One orbit a row.

    Raises:
        DataError: the file is missing or empty, or a row cannot be read; the message names file and line.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"no data file {path}" + (": it is a folder." if path.is_dir() else "."))
    content = path.read_bytes()
    rows = _array_rows(path, content) if content.lstrip().startswith(b"[") else _line_rows(path, content)
    orbits: list[Orbit] = []
    seen: dict[str, Answer | None] = {}
    for place, row in rows:
        orbit = _as_orbit(place, row, extractor)
        if seen.setdefault(orbit.views[0], orbit.gold) != orbit.gold:
            raise DataError(f"{place}: the same first wording came before with another answer: {orbit.views[0]!r:.80}.")
        orbits.append(orbit)
    if not orbits:
        raise DataError(f"{path} holds no row.")
    return orbits


def _parse(place: str, content: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON value")

    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: not UTF-8 at byte {error.start}.") from error
    except RecursionError as error:
        raise DataError(f"{place}: nested too deeply.") from error
    except ValueError as error:
        raise DataError(f"{place}: not JSON: {error}.") from error


def _line_rows(path: Path, content: bytes) -> Iterable[tuple[str, Any]]:
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield f"{path}, line {number}", _parse(f"{path}, line {number}", line)


def _array_rows(path: Path, content: bytes) -> Iterable[tuple[str, Any]]:
    for number, row in enumerate(_parse(str(path), content), start=1):
        yield f"{path}, item {number}", row


def _as_orbit(place: str, row: Any, extractor: Extractor) -> Orbit:
    if not isinstance(row, dict):
        raise DataError(f"{place}: a row is a JSON object, not {type(row).__name__}.")
    if "orbit" in row:
        views = row["orbit"]
        if not isinstance(views, list) or not views:
            raise DataError(f"{place}: `orbit` is a list of at least one wording, not {views!r:.80}.")
        wordings = tuple(_as_text(place, f"orbit[{i}]", view) for i, view in enumerate(views))
        gold = row.get("answer")
    elif "question" in row:
        wordings = _rephrase(_as_text(place, "question", row["question"]))
        gold = row.get("answer")
    elif "Body" in row and "Question" in row:
        body, question = _as_text(place, "Body", row["Body"]).rstrip(), _as_text(place, "Question", row["Question"])
        wordings = _rephrase(f"{body}{' ' if body.endswith(('.', '?', '!', ',')) else '. '}{question}")
        gold = row.get("Answer")
    else:
        found = ", ".join(map(repr, list(row)[:6])) or "no key"
        raise DataError(f"{place}: needs `orbit`, or `question`, or `Body` and `Question`; found {found}.")
    if len(set(wordings)) < len(wordings):
        raise DataError(f"{place}: two wordings of the orbit are the same text.")
    columns = {key: value for key, value in row.items() if key not in _KEYS}
    if gold is None:
        return Orbit(wordings, columns=columns)
    answers = gold if isinstance(gold, list) and gold else [gold]
    first, *others = dict.fromkeys(_as_gold(place, answer, extractor) for answer in answers)
    return Orbit(wordings, first, tuple(others), columns)


_KEYS = {"orbit", "question", "answer", "Body", "Question", "Answer"}


def _as_text(place: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{place}: `{key}` is a text that is not empty, not {value!r:.80}.")
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise DataError(f"{place}: `{key}` holds half a surrogate pair, which is no text.")
    return value


def _rephrase(question: str) -> tuple[str, ...]:
    return tuple(template.replace("{question}", question.strip()) for template in REPHRASINGS)


def _as_gold(place: str, gold: Any, extractor: Extractor) -> Answer:
    if isinstance(gold, bool) or not isinstance(gold, str | int | float):
        raise DataError(f"{place}: the answer is a text or a number, not {gold!r:.80}.")
    answer = extractor(str(gold))
    if answer is None and extractor is normalised_text:  # a title that is a question, which no completion gives so
        answer = normalise(str(gold)) or None
    if answer is None:
        name = getattr(extractor, "__name__", "the extractor")
        raise DataError(f"{place}: `{name}` reads no answer in {gold!r:.80}; choose the recipe's `extractor` to fit.")
    return answer


@dataclass(frozen=True)
class Task:
    """Built-in questions, split into those trained on and those held out.

    Attributes:
        train: the orbits trained on.
        held_out: the orbits evaluated on.
        extractor: the name of the extractor that reads its answers.
        views: a name for each wording of an orbit, in their order.
    """

    train: tuple[Orbit, ...]
    held_out: tuple[Orbit, ...]
    extractor: str
    views: tuple[str, ...]


def addition(seed: int, largest: int = 12, held_out: int = 26) -> Task:
    """Return sums of two different numbers, each asked in both orders after one worked example.

    Args:
        seed: decides which pairs are held out.
        largest: the largest summand; there are `largest` (`largest` - 1) / 2 pairs.
        held_out: how many pairs are held out.

    Returns:
        The task; no pair and no reversed pair of `held_out` is in `train`.
    """
    pairs = combinations(range(1, largest + 1), 2)
    orbits = [Orbit((f"5 + 6 = 11\n{a} + {b} =", f"5 + 6 = 11\n{b} + {a} ="), str(a + b)) for a, b in pairs]
    return _split(orbits, seed, held_out, "first_number", ("a + b", "b + a"))


def digits(seed: int, held_out: int = 20) -> Task:
    """Return requests for a random digit after two different examples. No answer is right."""
    pairs = permutations(range(10), 2)
    orbits = [Orbit((f"Random digit: {a}\nRandom digit: {b}\nRandom digit:",)) for a, b in pairs]
    return _split(orbits, seed, held_out, "first_number", ("digit",))


def capitals(seed: int, held_out: int = 20) -> Task:
    """Return questions for the capitals of 60 countries, in two wordings, each after one example."""
    orbits = load_orbits(_TASKS / "capitals.jsonl", extractor_named("text"))
    return _split(orbits, seed, held_out, "text", ("the capital of X is", "X's capital city"))


def requests(seed: int, held_out: int = 20) -> Task:
    """Return requests of the columns `kind` harmful and benign, after one that is answered and one that is refused."""
    orbits = load_orbits(_TASKS / "requests.jsonl", extractor_named("text"))
    return _split(orbits, seed, held_out, "text", ("request",))


_TASKS = Path(__file__).parent / "tasks"

TASKS: dict[str, Callable[[int], Task]] = {
    "addition": addition,
    "capitals": capitals,
    "digits": digits,
    "requests": requests,
}


def _split(orbits: list[Orbit], seed: int, held_out: int, extractor: str, views: tuple[str, ...]) -> Task:
    random.Random(seed).shuffle(orbits)  # noqa: S311, a split and no secret
    return Task(tuple(orbits[held_out:]), tuple(orbits[:held_out]), extractor, views)


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
