"""The base class of distances between completions, and the check of their result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from dagames_llm._errors import DistanceError

Contents = Literal["auto", "answers", "texts"]
"""Which strings are compared: the answers, the whole texts, or the answers if there are any and else the texts."""

Group = tuple[Sequence[str], Sequence[str | None]]
"""Texts and answers of the completions that are scored together, K of each."""

ROUNDING = 1e-6
"""Tolerance for the range [0, 1], the symmetry and the zero diagonal: float32 rounding of a cosine."""


class Distance(Protocol):
    """A distance between the completions of a group: float64 [K, K] in [0, 1], symmetric, zero on the diagonal."""

    def __call__(self, texts: Sequence[str], answers: Sequence[str | None]) -> NDArray[np.float64]:
        """Return the distances between K completions."""


def checked_distances(distances: Any, n_traces: int, name: str) -> NDArray[np.float64]:
    """Return the distances of one group as the float64 matrix that a target needs, without rounding errors.

    Args:
        distances: The result of a distance, [K, K].
        n_traces: K.
        name: The distance's name, for messages.

    Returns:
        The matrix, in [0, 1], exactly symmetric, its diagonal exactly 0.

    Raises:
        DistanceError: If `distances` deviates from such a matrix by more than float32 rounding.

    >>> checked_distances([[0, 0.5], [0.5, 0]], 2, "mine")
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    try:
        # A tensor of torch may require a gradient, or have a dtype that numpy lacks.
        plain = distances.detach().cpu().double().numpy() if hasattr(distances, "detach") else distances
        matrix = np.array(plain, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DistanceError(f"distance {name!r} did not return a matrix of numbers ({error}).") from None
    if matrix.shape != (n_traces, n_traces):
        raise DistanceError(
            f"distance {name!r} returned shape {matrix.shape} for {n_traces} completions; "
            f"it must return one row and one column for each, ({n_traces}, {n_traces})."
        )
    in_range = (matrix >= -ROUNDING) & (matrix <= 1 + ROUNDING)
    _raise_where(~in_range, matrix, name, "a distance must be in [0, 1]", "Divide by its largest value, or clip it")
    asymmetric = np.abs(matrix - matrix.T) > ROUNDING
    if asymmetric.any():
        i, j = np.argwhere(asymmetric)[0]
        raise DistanceError(
            f"distance {name!r} is not symmetric: [{i}, {j}] is {matrix[i, j]:.6g} and [{j}, {i}] is "
            f"{matrix[j, i]:.6g}. "
            'Return the mean of both orders; `Judge(score, order="both")` does.'
        )
    nonzero_diagonal = np.diag(np.abs(np.diag(matrix)) > ROUNDING)
    _raise_where(
        nonzero_diagonal, matrix, name, "the distance of a completion from itself must be 0", "Set the diagonal to 0"
    )
    matrix = np.clip((matrix + matrix.T) / 2, 0.0, 1.0)
    np.fill_diagonal(matrix, 0.0)
    return matrix


def _raise_where(wrong: NDArray[np.bool_], matrix: NDArray[np.float64], name: str, rule: str, remedy: str) -> None:
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise DistanceError(f"distance {name!r} at [{i}, {j}] is {matrix[i, j]:.6g}; {rule}. {remedy}.")


class ContentDistance(ABC):
    """A distance that depends on one string of each completion, its content.

    A completion's content is its answer or its text, by `compare`:

    - `"answers"`: the answer. A completion without one is at distance 1 from every other, as for `exact`.
    - `"texts"`: the whole text.
    - `"auto"`: the answer if the group has any answer, the text if it has none (no extractor is in use).

    Subclasses define `between`; equal contents are at distance 0 without it.
    """

    def __init__(self, compare: Contents = "auto") -> None:
        """Set the compared strings."""
        if compare not in {"auto", "answers", "texts"}:
            raise DistanceError(f'`compare` is {compare!r}; it must be "auto", "answers" or "texts".')
        self.compare = compare
        self.__name__ = type(self).__name__

    def __call__(self, texts: Sequence[str], answers: Sequence[str | None]) -> NDArray[np.float64]:
        """Return the distances within one group.

        Args:
            texts: Completions, [K].
            answers: The extracted answer of each, or None, [K].

        Returns:
            Distances, float64 [K, K].
        """
        return self.many([(texts, answers)])[0]

    def many(self, groups: Sequence[Group]) -> list[NDArray[np.float64]]:
        """Return the distances within each of several groups, with one call of `prepare` for all of them.

        Args:
            groups: Texts and answers of each.

        Returns:
            One matrix per group, float64 [K, K].
        """
        contents = [self.contents(texts, answers) for texts, answers in groups]
        distinct = [list(dict.fromkeys(c for c in group if c is not None)) for group in contents]
        prepared = self.prepare(distinct)
        return [self._expand(c, d, prepared) for c, d in zip(contents, distinct, strict=True)]

    def contents(self, texts: Sequence[str], answers: Sequence[str | None]) -> list[str | None]:
        """Return the compared string of each completion; None for a missing answer."""
        if len(texts) != len(answers):
            raise DistanceError(
                f"distance {self.__name__!r} was called with {len(texts)} texts and {len(answers)} answers; each text "
                "must have an answer or None."
            )
        by_answer = self.compare == "answers" or (self.compare == "auto" and any(a is not None for a in answers))
        return [None if a is None else str(a) for a in answers] if by_answer else list(texts)

    def prepare(self, groups: Sequence[Sequence[str]]) -> Mapping[Any, Any]:
        """Return the data that `between` needs, from the contents of all groups of a step; empty by default."""
        return {}

    @abstractmethod
    def between(self, distinct: Sequence[str], prepared: Mapping[Any, Any]) -> NDArray[np.float64]:
        """Return the distances between the distinct contents of a group.

        Args:
            distinct: Contents, [U], each once.
            prepared: The result of `prepare`.

        Returns:
            Distances, float64 [U, U].
        """

    def _expand(
        self, contents: Sequence[str | None], distinct: Sequence[str], prepared: Mapping[Any, Any]
    ) -> NDArray[np.float64]:
        size = len(contents)
        matrix = np.ones((size, size))
        with_content = np.array([i for i, c in enumerate(contents) if c is not None], dtype=np.intp)
        if distinct:
            table = checked_distances(self.between(distinct, prepared), len(distinct), self.__name__)
            index = {content: k for k, content in enumerate(distinct)}
            indices = np.array([index[c] for c in contents if c is not None], dtype=np.intp)
            matrix[np.ix_(with_content, with_content)] = table[np.ix_(indices, indices)]
        np.fill_diagonal(matrix, 0.0)
        return matrix
