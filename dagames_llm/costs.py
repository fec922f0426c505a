"""Costs of completions, for the constraints of Safety-GRPO: length, refusals, toxicity, profanity.

A cost is a callable: it takes texts and returns one finite number for each. The budget of a constraint is in its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from dagames._choices import did_you_mean
from dagames_llm._errors import CostError, ModelError


class Cost(Protocol):
    """A cost of completions: one finite number for each text, float64 [n]."""

    __name__: str

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the cost of each text."""


class Length:
    """Length of a completion: a count, or its share of a limit.

    Without `limit` the cost is the count itself, and so is the budget: `budget=200` with `unit="words"` is a mean of at
    most 200 words. With `limit` it is min(count / limit, 1), in [0, 1] like the other costs, so that steps and caps of
    several constraints are comparable; beyond the limit it is constant.

    >>> Length("words")(["one two three", ""]), Length("words", limit=2)(["one two three", "one"])
    (array([3., 0.]), array([1. , 0.5]))
    """

    def __init__(
        self,
        unit: Literal["tokens", "characters", "words"] = "tokens",
        limit: float | None = None,
        tokenizer: Any = None,
    ) -> None:
        """Set the unit.

        Args:
            unit: The counted unit.
            limit: Count at which the cost is 1; None for plain counts.
            tokenizer: For tokens: the policy's tokenizer, or the folder or hub id of one.

        Raises:
            CostError: If the unit is unknown, the limit is not positive, or tokens have no tokenizer.
        """
        if unit not in ("tokens", "characters", "words"):
            raise CostError(f'`unit` is {unit!r}; it must be "tokens", "characters" or "words".')
        if limit is not None and (not isinstance(limit, int | float) or not 0 < limit < float("inf")):
            raise CostError(f"`limit` is {limit!r}; it must be a positive number of {unit}, or None for plain counts.")
        if unit == "tokens" and tokenizer is None:
            raise CostError('`unit="tokens"` needs `tokenizer`, the policy\'s or its name; or use `unit="words"`.')
        self.unit, self.limit, self._tokenizer = unit, limit, tokenizer
        self.__name__ = "length"

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer; a named one is loaded at the first use."""
        if isinstance(self._tokenizer, str):
            from transformers import AutoTokenizer

            try:
                return AutoTokenizer.from_pretrained(self._tokenizer, trust_remote_code=False)
            except (OSError, ValueError) as error:
                raise ModelError(
                    f"the tokenizer {self._tokenizer!r} of the cost `length` cannot be loaded: {error}"
                ) from error
        return self._tokenizer

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the length of each text, [n]."""
        counts = np.array([self._count(text) for text in texts], dtype=np.float64)
        return counts if self.limit is None else np.minimum(counts / self.limit, 1.0)

    def _count(self, text: str) -> int:
        if self.unit == "tokens":
            return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return len(text.split()) if self.unit == "words" else len(text)


REFUSALS = (
    # apologies
    "sorry", "i am sorry", "i am so sorry", "i apologise", "i apologize", "my apologies",
    # inability and unwillingness
    "i cannot", "i can not", "i am not able", "i am unable", "i will not",
    # objections
    "no,", "no.", "it is not appropriate", "it is not ethical", "it is not accurate",
    "i am not sure that it is appropriate",
    # statements about the speaker
    "as an ai", "i am an ai language model",
)  # fmt: skip
"""Beginnings of a refusal, in lower case and with contractions written out."""

_WRITTEN_OUT = (
    (re.compile(r"[\u2018\u2019\u02bc\u0060\u00b4]"), "'"),
    (re.compile(r"\b(can)'?t\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\b(i)'?m\b"), "i am"),
    (re.compile(r"\b(it)'s\b"), "it is"),
)


class Refusal:
    """1 for a completion that begins as a refusal, else 0; the budget is a rate of refusals.

    The comparison ignores case, markup, the kind of apostrophe, and contractions. The default phrases include every
    beginning that XSTest's string match counts, and a few variants (unable, will not). The match is crude: a refusal in
    the second sentence is not counted, and "No, you need not" is.

    Source: Roettger et al. 2024, XSTest, section 4 (automatic evaluation by string match).

    >>> Refusal()(["I\u2019m sorry, but I can\u2019t help.", "**Sorry** to hear it", "Paris.", "Sorrel is a herb."])
    array([1., 1., 0., 0.])
    """

    def __init__(self, phrases: Sequence[str] = REFUSALS) -> None:
        """Set the phrases.

        Args:
            phrases: Beginnings of a refusal, in any case and form.

        Raises:
            CostError: If there is no phrase, or one is empty.
        """
        if isinstance(phrases, str) or not phrases or not all(isinstance(p, str) and p.strip() for p in phrases):
            raise CostError(
                f"`phrases` is {phrases!r}; it must be a list of the beginnings of refusals, none of them empty."
            )
        self.phrases = tuple(phrases)
        starts = "|".join(sorted((re.escape(_written_out(p)) for p in phrases), key=len, reverse=True))
        self._begins = re.compile(rf"(?:{starts})(?!\w)")
        self.__name__ = "refusal"

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return which texts begin as a refusal, [n]."""
        return np.array([self._begins.match(_written_out(text)) is not None for text in texts], dtype=np.float64)


def _written_out(text: str) -> str:
    start = re.sub(r"[*_#>\"\u201c\u201d]+", "", text[:400]).casefold()
    for pattern, replacement in _WRITTEN_OUT:
        start = pattern.sub(replacement, start)
    return " ".join(start.split())


class Toxicity:
    """The probability of a label by a text classifier from the hub; loaded at the first call, safetensors only.

    Texts longer than the classifier's window are cut. The default has the labels toxic, severe_toxic, obscene, threat,
    insult and identity_hate.
    """

    def __init__(
        self,
        model: str = "unitary/toxic-bert",
        label: str = "toxic",
        *,
        batch_size: int = 32,
        device: str | int | None = None,
    ) -> None:
        """Set the classifier."""
        self.model, self.label, self.batch_size, self.device = model, label, batch_size, device
        self.__name__ = "toxicity"

    @cached_property
    def classifier(self) -> Any:
        """The text-classification pipeline, loaded at the first use."""
        from transformers import pipeline

        try:
            loaded = pipeline(
                "text-classification",
                model=self.model,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
                device=self.device,
            )
        except (OSError, ValueError) as error:
            raise ModelError(
                f"the classifier {self.model!r} cannot be loaded: {error}. Name a hub id or folder with safetensors "
                "weights; without a network use `ProfanityCheck()`."
            ) from error
        labels = list(loaded.model.config.id2label.values())
        if self.label not in labels:
            raise CostError(f"the classifier {self.model!r} has no label {self.label!r}; it has {', '.join(labels)}.")
        return loaded

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the label's probability for each text, [n] in [0, 1]."""
        by_text = self.classifier(list(texts), top_k=None, truncation=True, batch_size=self.batch_size)
        return np.array([next(s["score"] for s in scores if s["label"] == self.label) for scores in by_text])


class ProfanityCheck:
    """The probability that a text is profane or offensive in English, by a linear classifier that needs no network.

    It needs the package alt-profanity-check (`pip install 'dagames[profanity]'`). That package loads its classifier by
    joblib, and so by pickle, from two files inside its wheel, and from no other place. If pickle is not allowed, use
    `Toxicity`.
    """

    def __init__(self) -> None:
        """Make the cost; the classifier is loaded at the first call."""
        self.__name__ = "profanity"

    @cached_property
    def classifier(self) -> Callable[[list[str]], Any]:
        """The package's function from texts to probabilities."""
        try:
            from profanity_check import predict_prob
        except ImportError:
            raise ModelError(
                "`ProfanityCheck` needs the package alt-profanity-check: `pip install 'dagames[profanity]'`."
            ) from None
        return predict_prob  # type: ignore[no-any-return, unused-ignore]

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability for each text, [n] in [0, 1]."""
        return np.asarray(self.classifier(list(texts)), dtype=np.float64) if len(texts) else np.zeros(0)


def costs_of(cost: Cost, texts: Sequence[str], rows: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Return the checked costs of texts.

    Args:
        cost: One of this module, or another callable of the same form.
        texts: Completions, [n].
        rows: Index of each in its batch, for messages; its place in `texts` by default.

    Returns:
        Finite costs, float64 [n].

    Raises:
        CostError: If the cost raised an exception, or did not return one finite number for each text.
        ModelError: If the cost's model cannot be loaded.
    """
    name = cost_name(cost)
    places = list(range(len(texts))) if rows is None else list(rows)
    if not texts:
        return np.zeros(0)
    try:
        costs = _as_numbers(cost(texts), name, _shown(places[0], texts[0]))
    except (CostError, ModelError):
        raise
    except Exception as error:
        where = _first_raising(cost, texts, places)
        raise CostError(
            f"cost {name!r} raised {type(error).__name__}: {error} ({where}). A cost takes a list of texts and returns "
            "one number for each, for empty texts too."
        ) from error
    if costs.shape != (len(texts),):
        raise CostError(
            f"cost {name!r} returned shape {costs.shape} for {len(texts)} texts, beginning with "
            f"{_shown(places[0], texts[0])}. Return one number for each text."
        )
    not_finite = np.flatnonzero(~np.isfinite(costs))
    if not_finite.size:
        k = int(not_finite[0])
        raise CostError(
            f"cost {name!r} is {costs[k]} for {_shown(places[k], texts[k])}. Return a finite number; for texts that "
            "cannot be scored, return the largest or the least cost."
        )
    return costs


def _as_numbers(returned: Any, name: str, first: str) -> NDArray[np.float64]:
    if np.asarray(returned).dtype.kind in "US":
        raise CostError(
            f"cost {name!r} returned texts, {np.asarray(returned).tolist()!r:.80}, for a list of texts that begins "
            f"with {first}. A cost must return numbers: one for each text."
        )
    return np.array(returned, dtype=np.float64)


def cost_name(cost: Any) -> str:
    """Return the name of a cost in the log: its `__name__`, or that of its class."""
    return str(getattr(cost, "__name__", type(cost).__name__))


def _shown(row: int, text: str) -> str:
    return f"row {row}, {text[:80]!r}{'...' if len(text) > 80 else ''}"


def _first_raising(cost: Cost, texts: Sequence[str], places: Sequence[int]) -> str:
    for row, text in zip(places, texts, strict=True):
        try:
            cost([text])
        except Exception:  # noqa: BLE001, the first error is reported; this one only identifies the row
            return _shown(row, text)
    return f"no single text raises it; the batch of {len(texts)} begins with {_shown(places[0], texts[0])}"


_NAMED: dict[str, Callable[..., Cost]] = {
    "length": Length,
    "refusal": Refusal,
    "toxicity": Toxicity,
    "profanity": ProfanityCheck,
}


def cost_named(name: str, **options: Any) -> Cost:
    """Return the cost that a recipe names."""
    if name not in _NAMED:
        raise CostError(f"there is no cost {name!r:.80}; known are {', '.join(_NAMED)}.{did_you_mean(name, _NAMED)}")
    try:
        return _NAMED[name](**options)
    except TypeError as error:
        raise CostError(f"cost {name!r} does not take {', '.join(options)} ({error}).") from None
