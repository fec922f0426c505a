"""Make an orbit of a row of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagames._choices import nearest
from dagames_llm._errors import DataError
from dagames_llm.data.forms import frames_of
from dagames_llm.data.options import letters_of, options_of, orders, right_option, shown
from dagames_llm.data.orbit import Orbit, View, as_messages, view_key
from dagames_llm.extract import Answer, Extractor, choice, normalise, normalised_text
from dagames_llm.rewording import OPTIONS, reword

KEYS = {
    "orbit", "question", "answer", "answers", "Body", "Question", "Answer", "messages", "options", "choices",
    "paraphrases", "translations", "system",
}  # fmt: skip
"""Keys of a row that define the question; all others are columns."""


class UnreadAnswerError(DataError):
    """A row whose answer the extractor cannot read."""


@dataclass(frozen=True)
class PromptSettings:
    """Settings of the prompts of a data set.

    Attributes:
        extractor: extractor of answers, which determines the instruction for the format of an answer.
        views: number of wordings of each question; None for the wordings in the row.
        at_least: least number of wordings of a question if `views` is None.
        reword: names of the rules that make wordings.
        system: system message before each question.
    """

    extractor: Extractor
    views: int | None = None
    at_least: int = 2
    reword: tuple[str, ...] = ()
    system: str | None = None

    @property
    def n_views(self) -> int:
        """Number of wordings to make if a row has fewer."""
        return self.at_least if self.views is None else self.views


def as_orbit(place: str, row: Any, settings: PromptSettings) -> Orbit:
    """Return the orbit of a row."""
    if not isinstance(row, Mapping):
        raise DataError(f"{place}: a row must be a JSON object, not {type(row).__name__}.")
    columns = {key: value for key, value in row.items() if key not in KEYS}
    system = settings.system if row.get("system") is None else as_text(place, "system", row["system"])
    answer = row.get("answer", row.get("answers", row.get("Answer")))
    options = row.get("options", row.get("choices"))
    letters: tuple[str, ...] = ()
    if "orbit" in row:
        views = _orbit_views(place, row["orbit"])[: settings.views]
    elif "messages" in row:
        views = (_as_view(place, "messages", row["messages"]),)
    elif options is not None:
        texts = _texts(place, row)
        choices = options_of(place, options)
        right = None if answer is None else right_option(place, answer, choices, options)
        views, letters = _choice_views(texts, choices, settings)
        if right is not None:
            answer = letters_of([right]) if settings.extractor is choice else choices[right]
    else:
        views = _question_views(_texts(place, row), settings)
    if len(set(map(view_key, views))) < len(views):
        raise DataError(f"{place}: two wordings of the orbit are equal; remove one of them.")
    if system is not None:
        views = tuple(as_messages(view, system) for view in views)
    gold, aliases = _golds(place, answer, settings.extractor)
    return Orbit(tuple(views), gold, aliases, columns, letters)


def _orbit_views(place: str, views: Any) -> tuple[View, ...]:
    if not isinstance(views, list) or not views:
        raise DataError(f"{place}: `orbit` must be a list of at least one wording, not {views!r:.80}.")
    wordings = tuple(_as_view(place, f"orbit[{i}]", view) for i, view in enumerate(views))
    if len({isinstance(view, str) for view in wordings}) > 1:
        raise DataError(f"{place}: `orbit` mixes texts and conversations; write all wordings in one form.")
    return wordings


def _as_view(place: str, key: str, view: Any) -> View:
    if not isinstance(view, list):
        return as_text(place, key, view)
    messages = []
    for i, message in enumerate(view):
        if not isinstance(message, Mapping) or message.get("role") not in {"system", "user", "assistant"}:
            raise DataError(
                f"{place}: `{key}[{i}]` is {message!r:.80}; a message must be an object with `role` (system, user or "
                "assistant) and `content`. Put pictures into a column `image` or `images` of the row."
            )
        messages.append({
            "role": message["role"],
            "content": as_text(place, f"{key}[{i}].content", message.get("content")),
        })
    if not messages or messages[-1]["role"] != "user":
        raise DataError(f"{place}: `{key}` is a conversation, which must end with a message of the user.")
    return messages


def _texts(place: str, row: Mapping[str, Any]) -> list[str]:
    """Return the wordings in a row: the question, its paraphrases and its translations."""
    if "question" in row:
        first = as_text(place, "question", row["question"])
    elif "Body" in row and "Question" in row:
        body, question = as_text(place, "Body", row["Body"]).rstrip(), as_text(place, "Question", row["Question"])
        first = f"{body}{' ' if body.endswith(('.', '?', '!', ',')) else '. '}{question}"
    else:
        keys = ", ".join(map(repr, list(row)[:6])) or "no key"
        raise DataError(
            f"{place}: needs `orbit`, or `question`, or `Body` and `Question`, or `messages`; found {keys}."
            f"{nearest(row, ('orbit', 'question', 'Body', 'messages'))}"
        )
    texts = [first.strip()]
    for key in ("paraphrases", "translations"):
        others = row.get(key) or []
        others = list(others.values()) if isinstance(others, Mapping) else others
        if not isinstance(others, list):
            raise DataError(f"{place}: `{key}` must be a list of wordings, not {others!r:.80}.")
        texts += [as_text(place, f"{key}[{i}]", other).strip() for i, other in enumerate(others)]
    return texts


def _question_views(texts: Sequence[str], settings: PromptSettings) -> tuple[str, ...]:
    """Return a prompt for each wording, then for wordings by rules, then with other instructions, up to `n_views`."""
    n_views = settings.n_views
    texts = list(texts)[: settings.views]
    if settings.reword and len(texts) < n_views:
        texts += [t for t in reword(texts[0], settings.reword, n_views - len(texts)) if t not in texts]
    frames = [frames_of(settings.extractor, text) for text in texts]
    prompts = [frame[0] for frame in frames]
    others = [frame[k] for k in range(1, max(map(len, frames))) for frame in frames]
    return tuple(prompts + others[: max(0, n_views - len(prompts))])


def _choice_views(
    texts: Sequence[str], options: Sequence[str], settings: PromptSettings
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return prompts with options, and for each the canonical letters if options are permuted."""
    if OPTIONS not in settings.reword:
        return _question_views([shown(text, options) for text in texts], settings), ()
    count = max(settings.n_views, len(texts) if settings.views is None else 1)
    permutations = orders(len(options), count, texts[0])
    prompts = [
        frames_of(settings.extractor, shown(texts[k % len(texts)], [options[i] for i in order]))[0]
        for k, order in enumerate(permutations)
    ]
    letters = tuple(map(letters_of, permutations)) if settings.extractor is choice else ()
    return tuple(prompts), letters


def as_text(place: str, key: str, value: Any) -> str:
    """Return a text that is not empty.

    Args:
        place: place of the row, for the message.
        key: name of the value.
        value: the value.

    Returns:
        The text.

    Raises:
        DataError: it is something else.
    """
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{place}: `{key}` must be a text that is not empty, not {value!r:.80}.")
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise DataError(f"{place}: `{key}` contains half a surrogate pair, which is not valid text; remove it.")
    return value


def _golds(place: str, gold: Any, extractor: Extractor) -> tuple[Answer | None, tuple[Answer, ...]]:
    """Return the gold answer and its aliases, without those of a list that the extractor cannot read."""
    if gold is None:
        return None, ()
    written = gold if isinstance(gold, list) and gold else [gold]
    extracted = [_as_gold(place, answer, extractor) for answer in written]
    answers = list(dict.fromkeys(answer for answer in extracted if answer is not None))
    if not answers:
        name = getattr(extractor, "__name__", "the extractor")
        raise UnreadAnswerError(
            f"{place}: `{name}` reads no answer in {gold!r:.80}; choose an `extractor` that reads it, or correct it."
        )
    return answers[0], tuple(answers[1:])


def _as_gold(place: str, gold: Any, extractor: Extractor) -> Answer | None:
    if isinstance(gold, bool) or not isinstance(gold, str | int | float):
        raise DataError(f"{place}: the answer must be a text or a number, not {gold!r:.80}.")
    answer = extractor(str(gold))
    if answer is None and extractor is normalised_text:  # such as a title that is a question
        answer = normalise(str(gold)) or None
    return answer
