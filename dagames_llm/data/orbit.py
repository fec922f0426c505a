"""One question in one or several wordings that share their answer, and its rows for a trainer."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dagames_llm._errors import DataError
from dagames_llm.extract import Answer

if TYPE_CHECKING:
    from datasets import Dataset

Message = Mapping[str, str]
"""One turn of a conversation: its `role` and its `content`."""

View = str | Sequence[Message]
"""A wording: a text, or a conversation that ends with a message of the user."""

LETTERS = "option_letters"
"""Column of the canonical letters of permuted options, for each view in the order of the view."""

IMAGE_COLUMNS = ("image", "images")
"""Columns that TRL takes as the pictures of a prompt."""


@dataclass(frozen=True)
class Orbit:
    """One question.

    Attributes:
        views: its wordings, at least one, all different.
        gold: its canonical answer, if known.
        aliases: other canonical answers that evaluation accepts.
        columns: other columns of its row, by which constraints select rows, and its pictures.
        letters: for each view of a multiple-choice question, the canonical letters of the options in the
            order of the view; empty if options are not permuted.
        verifier: returns whether an answer is right, if further answers than `gold` and `aliases` can be right.
    """

    views: tuple[View, ...]
    gold: Answer | None = None
    aliases: tuple[Answer, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    letters: tuple[str, ...] = ()
    verifier: Callable[[Answer], bool] | None = field(default=None, compare=False, repr=False)

    @property
    def checkable(self) -> bool:
        """Whether there is a gold answer or a verifier."""
        return self.gold is not None or self.verifier is not None

    @property
    def accepted(self) -> Collection[Answer]:
        """The right answers, for `answer in orbit.accepted`; iteration yields only the known ones."""
        known = frozenset(() if self.gold is None else (self.gold, *self.aliases))
        return known if self.verifier is None else Verified(known, self.verifier)


@dataclass(frozen=True)
class Verified(Collection[Answer]):
    """Right answers, some listed and the others decided by a verifier.

    >>> even = Verified(frozenset({"4"}), lambda answer: answer in ("2", "4"))
    >>> "2" in even, "3" in even, list(even)
    (True, False, ['4'])
    """

    known: frozenset[Answer]
    verifier: Callable[[Answer], bool]

    def __contains__(self, answer: object) -> bool:
        return isinstance(answer, str) and (answer in self.known or self.verifier(answer))

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def as_messages(prompt: View, system: str | None = None) -> list[dict[str, str]]:
    """Return a prompt as a conversation, which TRL renders by the model's chat template.

    Args:
        prompt: a text, which becomes one user message; or a conversation, which is unchanged.
        system: a system message, added if the conversation has none.

    Returns:
        The messages.

    >>> as_messages("2 + 2 =", system="Be brief.")
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': '2 + 2 ='}]
    """
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else [dict(m) for m in prompt]
    if system is None or (messages and messages[0]["role"] == "system"):
        return messages
    return [{"role": "system", "content": system}, *messages]


def with_system(orbits: Sequence[Orbit], system: str | None) -> list[Orbit]:
    """Return questions with a system message before each wording that has none.

    Args:
        orbits: the questions.
        system: the message, or None for the questions as they are.

    Returns:
        The questions, with conversations as wordings.
    """
    if system is None:
        return list(orbits)
    return [replace(orbit, views=tuple(as_messages(view, system) for view in orbit.views)) for orbit in orbits]


def view_text(view: View) -> str:
    """Return the text of a wording; for a conversation, the text of its last message."""
    return view if isinstance(view, str) else view[-1]["content"]


def view_key(view: View) -> str:
    """Return a text that is equal for equal wordings, and only for these."""
    return json.dumps(view if isinstance(view, str) else as_messages(view), ensure_ascii=False, sort_keys=True)


def canonical_letter(answer: Any, letters: str) -> Any:
    """Return the canonical letter of the option that an answer names in a view.

    Args:
        answer: extracted answer, or None.
        letters: canonical letter of each option in the order of the view; empty if options are not permuted.

    Returns:
        The canonical letter, or the answer if it is not a letter of the view.

    >>> canonical_letter("A", "CAB"), canonical_letter("D", "CAB"), canonical_letter(None, "CAB")
    ('C', 'D', None)
    """
    place = ord(answer) - ord("A") if isinstance(answer, str) and len(answer) == 1 else -1
    return letters[place] if 0 <= place < len(letters) else answer


def view_letters(columns: Mapping[str, Sequence[Any]], row: int) -> str:
    """Return the canonical letters of the options of a row's view; empty if options are not permuted."""
    letters = columns[LETTERS][row] if LETTERS in columns and "view" in columns else None
    return letters[columns["view"][row]] if letters else ""


def check_form(orbits: Iterable[Orbit], chat: bool, *, pictures: bool = False) -> None:
    """Raise DataError if prompts of a row cannot be rendered.

    Args:
        orbits: the questions.
        chat: whether prompts are rendered by the chat template.
        pictures: whether the model receives the pictures of a row, as in training with TRL.

    Raises:
        DataError: a wording is a conversation, or has a system message or a picture, and `chat` is off; or a row has a
            picture that would be ignored.
    """
    for i, orbit in enumerate(orbits):
        has_picture = any(orbit.columns.get(name) is not None for name in IMAGE_COLUMNS)
        if has_picture and not (chat and pictures):
            remedy = "set `chat: true`" if pictures else "only training supports pictures; give rows without"
            raise DataError(f"row {i + 1} ({view_text(orbit.views[0])!r:.60}) has a picture: {remedy}.")
        if not chat and not all(isinstance(view, str) for view in orbit.views):
            raise DataError(
                f"row {i + 1} ({view_text(orbit.views[0])!r:.60}) is a conversation or has a system message, which "
                "only a chat template renders: set `chat: true` (`--chat`), or give plain text."
            )


def training_rows(
    orbits: Sequence[Orbit], chat: bool = False, *, gold: bool = False, columns: Sequence[str] = ()
) -> Dataset:
    """Return the data set for the trainer.

    Args:
        orbits: the questions.
        chat: render each view as a conversation instead of plain text.
        gold: add a column `gold`, for a control that rewards it.
        columns: names of `Orbit.columns` to include.

    Returns:
        A data set with one row per orbit: `prompt`, its first view, `orbit`, and the requested columns;
        `option_letters` if options are permuted, `image` or `images` if rows have pictures.

    Raises:
        DataError: an orbit lacks a requested column, or a conversation cannot be plain text.
    """
    from datasets import Dataset

    check_form(orbits, chat, pictures=True)
    views = [[as_messages(view) if chat else view for view in orbit.views] for orbit in orbits]
    rows: dict[str, list[Any]] = {"prompt": [row[0] for row in views], "orbit": views}
    for i, orbit in enumerate(orbits):
        missing = [name for name in columns if name not in orbit.columns]
        if missing or (gold and orbit.gold is None):
            what = f"column {missing[0]!r}, by which a constraint selects" if missing else "`answer` for the target"
            raise DataError(f"row {i + 1} ({view_text(orbit.views[0])!r:.60}) has no {what}.")
    rows |= {name: [orbit.columns[name] for orbit in orbits] for name in columns}
    if gold:
        rows["gold"] = [orbit.gold for orbit in orbits]
    if any(orbit.letters for orbit in orbits):
        rows[LETTERS] = [list(orbit.letters) for orbit in orbits]
    return _with_pictures(Dataset.from_dict(rows), orbits)


def _with_pictures(dataset: Dataset, orbits: Sequence[Orbit]) -> Dataset:
    for name in IMAGE_COLUMNS:
        pictures = [orbit.columns.get(name) for orbit in orbits]
        if any(picture is not None for picture in pictures) and name not in dataset.column_names:
            from datasets import Image, List

            dataset = dataset.add_column(name, pictures)
            dataset = dataset.cast_column(name, Image() if name == "image" else List(Image()))
    return dataset


def gold_answers(orbits: Iterable[Orbit]) -> dict[str, Answer]:
    """Return the gold answers by the text of the first view of their orbit, for monitors and evaluation.

    Args:
        orbits: the questions; questions without gold are ignored, and so are conversations with the same last message
            and different gold.

    Returns:
        First view -> canonical answer.
    """
    golds_by_text: dict[str, set[Answer]] = {}
    for orbit in orbits:
        if orbit.gold is not None:
            golds_by_text.setdefault(view_text(orbit.views[0]), set()).add(orbit.gold)
    return {text: next(iter(golds)) for text, golds in golds_by_text.items() if len(golds) == 1}
