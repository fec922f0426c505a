"""Distances between completions, for Pairwise-GRPO: exact, token F1, sentence embeddings, or any judge.

A distance is a function of the texts and the answers of a group, [K] each, and returns float64 [K, K] in [0, 1]: 0
means agreement, 1 contradiction (the paper's d, appendix B). It is symmetric, and 0 on the diagonal.
"""

from __future__ import annotations

import string
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dagames._choices import did_you_mean
from dagames_llm._contents import ContentDistance, Contents, Distance, Group, checked_distances
from dagames_llm._errors import DistanceError, ModelError
from dagames_llm.embeddings import Embedding

__all__ = ["Distance", "Embedding", "Judge", "TokenF1", "distance_named", "distances_of", "exact"]

_ARTICLES = frozenset({"a", "an", "the"})
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact(texts: Sequence[str], answers: Sequence[str | None]) -> NDArray[np.float64]:  # noqa: ARG001
    """Return 0 where two canonical answers are equal and 1 elsewhere: d = 1{E(y) != E(y')}.

    A completion without an answer differs from every other. Under this distance centrality is the share of the group
    with the same answer.

    Args:
        texts: Completions, [K]; not read.
        answers: Canonical answer of each, or None, [K].

    Returns:
        Distances, float64 [K, K].

    >>> exact(["", "", ""], ["7", "7", None])
    array([[0., 0., 1.],
           [0., 0., 1.],
           [1., 1., 0.]])
    """
    codes: dict[str, int] = {}
    code = np.array([-1 - k if a is None else codes.setdefault(a, len(codes)) for k, a in enumerate(answers)])
    return (code[:, None] != code[None, :]).astype(np.float64)


class TokenF1(ContentDistance):
    """1 minus the F1 of the tokens that two contents share, normalised as SQuAD's evaluation does.

    Case, punctuation and the articles a, an, the are dropped; a token counts as often as it occurs. Two contents
    without any token left are at distance 0, one without tokens is at distance 1 from one with some.

    Source: Rajpurkar et al. 2016, SQuAD, section 6.1 (the metric).

    >>> TokenF1()(["", "", ""], ["The Nile", "nile river", "Amazon"]).round(3)
    array([[0.   , 0.333, 1.   ],
           [0.333, 0.   , 1.   ],
           [1.   , 1.   , 0.   ]])
    """

    def between(self, distinct: Sequence[str], prepared: Mapping[Any, Any]) -> NDArray[np.float64]:
        """Return the distances between distinct contents, [U, U]."""
        columns: dict[object, int] = {}
        rows = [[columns.setdefault(t, len(columns)) for t in numbered(normalised_tokens(c))] for c in distinct]
        incidence = np.zeros((len(distinct), len(columns)))
        incidence[np.repeat(np.arange(len(rows)), [len(row) for row in rows]), [k for row in rows for k in row]] = 1.0
        total = incidence.sum(axis=1)
        sizes = total[:, None] + total[None, :]
        shared = np.divide(2.0 * (incidence @ incidence.T), sizes, out=np.ones_like(sizes), where=sizes > 0)
        return np.asarray(1.0 - shared)


def numbered(tokens: Sequence[str]) -> Sequence[object]:
    """Return tokens, repeated ones with the number of the occurrence, so that multisets become sets.

    >>> numbered(["a", "b", "a"])
    ['a', 'b', ('a', 1)]
    """
    if len(set(tokens)) == len(tokens):
        return tokens
    occurrences: dict[str, int] = {}
    distinct: list[object] = []
    for token in tokens:
        times = occurrences.get(token, 0)
        distinct.append((token, times) if times else token)
        occurrences[token] = times + 1
    return distinct


@lru_cache(maxsize=1 << 14)
def normalised_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text in lower case, without punctuation and articles.

    >>> normalised_tokens("The U.S. Army, 1942")
    ('us', 'army', '1942')
    """
    words = text.lower().translate(_PUNCTUATION).split()
    return tuple(word for word in words if word not in _ARTICLES)


class Judge(ContentDistance):
    """A distance by any judge, cross-encoder or NLI model that scores pairs of strings.

    The pairs of all groups of a step are scored in one call, each unordered pair of distinct contents once (twice where
    `order` needs both orders), and cached. Equal contents are at distance 0 without a call.

    >>> judge = Judge(lambda pairs: [abs(len(a) - len(b)) / 10 for a, b in pairs])
    >>> judge(["ab", "abcd", "ab"], [None, None, None])
    array([[0. , 0.2, 0. ],
           [0.2, 0. , 0.2],
           [0. , 0.2, 0. ]])
    """

    def __init__(
        self,
        score: Callable[[list[tuple[str, str]]], Sequence[float]],
        *,
        scale: Literal["distance", "agreement"] = "distance",
        order: Literal["both", "refuse", "once"] = "both",
        compare: Contents = "auto",
        cache_size: int = 100_000,
    ) -> None:
        """Wrap a judge.

        Args:
            score: Called with a list of pairs of strings; returns one number in [0, 1] for each.
            scale: Whether 1 is contradiction (`"distance"`) or equivalence (`"agreement"`, as of an entailment model).
            order: `"both"` takes the mean of score(a, b) and score(b, a); `"refuse"` scores both and raises where they
                differ by more than 1e-6; `"once"` scores one order only, for a judge that is symmetric by construction.
            compare: See `ContentDistance`.
            cache_size: Number of cached pairs; the least recently used are dropped.

        Raises:
            DistanceError: If the value of an option is not allowed.
        """
        super().__init__(compare)
        if not callable(score):
            raise DistanceError(f"`score` is {score!r}; it must be a callable that takes a list of pairs of strings.")
        if scale not in {"distance", "agreement"} or order not in {"both", "refuse", "once"} or cache_size < 0:
            raise DistanceError(
                f'`scale` is {scale!r} ("distance" or "agreement"), `order` is {order!r} ("both", "refuse" or "once"), '
                f"`cache_size` is {cache_size!r} (0 or more)."
            )
        self.score, self.scale, self.order, self.cache_size = score, scale, order, cache_size
        self.__name__ = f"Judge({getattr(score, '__name__', type(score).__name__)})"
        self._cache: OrderedDict[tuple[str, str], float] = OrderedDict()

    def prepare(self, groups: Sequence[Sequence[str]]) -> Mapping[tuple[str, str], float]:
        """Return the distance of every unordered pair within a group, scoring those that are not cached."""
        pairs = {(min(a, b), max(a, b)): None for group in groups for k, a in enumerate(group) for b in group[:k]}
        known = {pair: self._cache[pair] for pair in pairs if pair in self._cache}
        # In order of the strings, so that the judge's batches do not depend on the order of the completions.
        new = sorted(pair for pair in pairs if pair not in known)
        known.update(zip(new, self._scored(new), strict=True))
        for pair in pairs:
            self._cache[pair] = known[pair]
            self._cache.move_to_end(pair)
        while len(self._cache) > self.cache_size:
            self._cache.popitem(last=False)
        return known

    def between(self, distinct: Sequence[str], prepared: Mapping[Any, Any]) -> NDArray[np.float64]:
        """Return the distances between distinct contents, [U, U]."""
        matrix = np.zeros((len(distinct), len(distinct)))
        for k, a in enumerate(distinct):
            for j, b in enumerate(distinct[:k]):
                matrix[k, j] = matrix[j, k] = prepared[min(a, b), max(a, b)]
        return matrix

    def _scored(self, pairs: list[tuple[str, str]]) -> list[float]:
        if not pairs:
            return []
        scores = self._scores(pairs)
        if self.order == "once":
            return scores
        scores_reversed = self._scores([(b, a) for a, b in pairs])
        for pair, one, other in zip(pairs, scores, scores_reversed, strict=True):
            if self.order == "refuse" and abs(one - other) > 1e-6:
                raise DistanceError(
                    f"{self.__name__} gives {one:.6g} for ({_start(pair[0])}, {_start(pair[1])}) and {other:.6g} for "
                    'the other order. Use order="both" for their mean.'
                )
        return [(one + other) / 2 for one, other in zip(scores, scores_reversed, strict=True)]

    def _scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        scores = [float(score) for score in self.score(list(pairs))]
        if len(scores) != len(pairs):
            raise DistanceError(
                f"{self.__name__} returned {len(scores)} scores for {len(pairs)} pairs; it must return one per pair."
            )
        for k, score in enumerate(scores):
            if not 0.0 <= score <= 1.0:
                raise DistanceError(
                    f"{self.__name__} gave {score:.6g} to pair {k}, ({_start(pairs[k][0])}, {_start(pairs[k][1])}); a "
                    "score lies in [0, 1]. Apply a sigmoid to logits, or divide by the largest score."
                )
        return [1.0 - score for score in scores] if self.scale == "agreement" else scores


def _start(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


def distances_of(distance: Distance, groups: Sequence[Group]) -> list[NDArray[np.float64]]:
    """Return the checked distances of each group of a step; a distance with a method `many` gets them all at once.

    Args:
        distance: One of this module, or any callable of the same form.
        groups: Texts and answers of each group.

    Returns:
        One matrix per group, float64 [K, K], as `checked_distances` makes it.

    Raises:
        DistanceError: If the distance raised an exception, or returned another matrix.
        ModelError: If the distance's model cannot be loaded.
    """
    name = getattr(distance, "__name__", type(distance).__name__)
    many = getattr(distance, "many", None)
    try:
        matrices = many(groups) if callable(many) else [distance(texts, answers) for texts, answers in groups]
    except (DistanceError, ModelError):
        raise
    except Exception as error:  # an exception of a user's callable is reported with its name
        raise DistanceError(f"distance {name!r} raised {type(error).__name__}: {error}.") from error
    if isinstance(distance, ContentDistance):
        return list(matrices)
    return [checked_distances(matrix, len(texts), name) for matrix, (texts, _) in zip(matrices, groups, strict=True)]


_NAMED: dict[str, Callable[..., Distance]] = {"exact": lambda: exact, "token_f1": TokenF1, "embedding": Embedding}


def distance_named(name: str, **options: Any) -> Distance:
    """Return the distance that a recipe names."""
    if name not in _NAMED:
        raise DistanceError(
            f"there is no distance {name!r:.80}; known are {', '.join(_NAMED)}.{did_you_mean(name, _NAMED)}"
        )
    try:
        return _NAMED[name](**options)
    except TypeError as error:
        raise DistanceError(f"distance {name!r} does not take {', '.join(options)} ({error}).") from None
