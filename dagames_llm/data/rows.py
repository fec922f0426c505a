"""One row of a data set, as a mapping, to one orbit."""

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
class Asking:
    """Settings of the prompts of a data set.

    Attributes:
        extractor: extractor of answers, which determines the instruction for the format of an answer.
        views: number of wordings of each question; None for the wordings in the row.
        at_least: number of wordings of a question without paraphrases, if `views` is None.
        reword: names of the rules that make wordings.
        system: system message before each question.
    """

    extractor: Extractor
    views: int | None = None
    at_least: int = 2
    reword: tuple[str, ...] = ()
    system: str | None = None

    @property
    def wanted(self) -> int:
        """Number of wordings to make if a row has fewer."""
        return self.at_least if self.views is None else self.views


def as_orbit(place: str, row: Any, asking: Asking) -> Orbit:
    """Return the orbit of a row."""
    if not isinstance(row, Mapping):
        raise DataError(f"{place}: a row is a JSON object, not {type(row).__name__}.")
    columns = {key: value for key, value in row.items() if key not in KEYS}
    system = asking.system if row.get("system") is None else as_text(place, "system", row["system"])
    answer = row.get("answer", row.get("answers", row.get("Answer")))
    options = row.get("options", row.get("choices"))
    letters: tuple[str, ...] = ()
    if "orbit" in row:
        views = _given_views(place, row["orbit"])[: asking.views]
    elif "messages" in row:
        views = (_as_view(place, "messages", row["messages"]),)
    elif options is not None:
        texts = _texts(place, row)
        choices = options_of(place, options)
        right = None if answer is None else right_option(place, answer, choices, options)
        views, letters = _choice_views(texts, choices, asking)
        if right is not None:
            answer = letters_of([right]) if asking.extractor is choice else choices[right]
    else:
        views = _question_views(_texts(place, row), asking)
    if len(set(map(view_key, views))) < len(views):
        raise DataError(f"{place}: two wordings of the orbit are the same text.")
    if system is not None:
        views = tuple(as_messages(view, system) for view in views)
    gold, aliases = _golds(place, answer, asking.extractor)
    return Orbit(tuple(views), gold, aliases, columns, letters)


def _given_views(place: str, views: Any) -> tuple[View, ...]:
    if not isinstance(views, list) or not views:
        raise DataError(f"{place}: `orbit` is a list of at least one wording, not {views!r:.80}.")
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
                f"{place}: `{key}[{i}]` is {message!r:.80}; a message is an object with `role` (system, user or "
                "assistant) and `content`. Pictures stand in a column `image` or `images` of the row."
            )
        messages.append({
            "role": message["role"],
            "content": as_text(place, f"{key}[{i}].content", message.get("content")),
        })
    if not messages or messages[-1]["role"] != "user":
        raise DataError(f"{place}: `{key}` is a conversation, which ends with a message of the user.")
    return messages


def _texts(place: str, row: Mapping[str, Any]) -> list[str]:
    """Return the wordings in the row of a question: the question, its paraphrases, its translations."""
    if "question" in row:
        first = as_text(place, "question", row["question"])
    elif "Body" in row and "Question" in row:
        body, question = as_text(place, "Body", row["Body"]).rstrip(), as_text(place, "Question", row["Question"])
        first = f"{body}{' ' if body.endswith(('.', '?', '!', ',')) else '. '}{question}"
    else:
        found = ", ".join(map(repr, list(row)[:6])) or "no key"
        raise DataError(
            f"{place}: needs `orbit`, or `question`, or `Body` and `Question`, or `messages`; found {found}."
            f"{nearest(row, ('orbit', 'question', 'Body', 'messages'))}"
        )
    texts = [first.strip()]
    for key in ("paraphrases", "translations"):
        others = row.get(key) or []
        others = list(others.values()) if isinstance(others, Mapping) else others
        if not isinstance(others, list):
            raise DataError(f"{place}: `{key}` is a list of wordings, not {others!r:.80}.")
        texts += [as_text(place, f"{key}[{i}]", other).strip() for i, other in enumerate(others)]
    return texts


def _question_views(texts: Sequence[str], asking: Asking) -> tuple[str, ...]:
    """Return prompts: each wording in the first frame; if they are too few, wordings by rule, then other frames."""
    wanted = asking.wanted
    texts = list(texts)[: asking.views]
    if asking.reword and len(texts) < wanted:
        made = reword(texts[0], asking.reword, wanted - len(texts))
        texts += [text for text in made if text not in texts]
    frames = [frames_of(asking.extractor, text) for text in texts]
    prompts = [frame[0] for frame in frames]
    prompts += [frame[k] for k in range(1, max(map(len, frames))) for frame in frames][: max(0, wanted - len(prompts))]
    return tuple(prompts)


def _choice_views(
    texts: Sequence[str], options: Sequence[str], asking: Asking
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return prompts with options, and for each the canonical letters if options are permuted."""
    if OPTIONS not in asking.reword:
        return _question_views([shown(text, options) for text in texts], asking), ()
    count = max(asking.wanted, len(texts) if asking.views is None else 1)
    arranged = orders(len(options), count, texts[0])
    prompts = [
        frames_of(asking.extractor, shown(texts[k % len(texts)], [options[i] for i in order]))[0]
        for k, order in enumerate(arranged)
    ]
    letters = tuple(map(letters_of, arranged)) if asking.extractor is choice else ()
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
        raise DataError(f"{place}: `{key}` holds half a surrogate pair, which is not valid text.")
    return value


def _golds(place: str, gold: Any, extractor: Extractor) -> tuple[Answer | None, tuple[Answer, ...]]:
    """Return the gold answer and its aliases; of several, those that no completion can give are left out."""
    if gold is None:
        return None, ()
    answers = gold if isinstance(gold, list) and gold else [gold]
    read = [_as_gold(place, answer, extractor) for answer in answers]
    found = list(dict.fromkeys(answer for answer in read if answer is not None))
    if not found:
        name = getattr(extractor, "__name__", "the extractor")
        raise UnreadAnswerError(
            f"{place}: `{name}` reads no answer in {gold!r:.80}; choose the recipe's `extractor` to fit."
        )
    return found[0], tuple(found[1:])


def _as_gold(place: str, gold: Any, extractor: Extractor) -> Answer | None:
    if isinstance(gold, bool) or not isinstance(gold, str | int | float):
        raise DataError(f"{place}: the answer is a text or a number, not {gold!r:.80}.")
    answer = extractor(str(gold))
    if answer is None and extractor is normalised_text:  # a title that is a question, which no completion gives so
        answer = normalise(str(gold)) or None
    return answer
