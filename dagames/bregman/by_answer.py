"""Sums and maxima over the traces of each answer."""

import numpy as np

from dagames._types import Extraction, OverAnswers, OverTraces


def sum_by_answer(values: OverTraces, E: Extraction, n_answers: int) -> OverAnswers:
    """Sum values over the traces of each answer.

    Args:
        values: Numbers, [*x, Y].
        E: Answer of each trace, [*x, Y] or [Y].
        n_answers: Number of answers |Z|.

    Returns:
        Sums, [*x, Z]; 0 where no trace gives the answer.

    >>> sum_by_answer(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 2]), 3)
    array([1., 0., 6.])
    """
    flat, shape = _places(values, E, n_answers)
    return np.bincount(flat, weights=values.ravel(), minlength=int(np.prod(shape))).reshape(shape)


def max_by_answer(values: OverTraces, E: Extraction, n_answers: int) -> OverAnswers:
    """Take the largest value over the traces of each answer.

    Args:
        values: Numbers, [*x, Y].
        E: Answer of each trace, [*x, Y] or [Y].
        n_answers: Number of answers |Z|.

    Returns:
        Maxima, [*x, Z]; -inf where no trace gives the answer.

    >>> max_by_answer(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 2]), 3)
    array([  1., -inf,   4.])
    """
    flat, shape = _places(values, E, n_answers)
    top = np.full(int(np.prod(shape)), -np.inf)
    np.maximum.at(top, flat, values.ravel())
    return top.reshape(shape)


def at_answer(values: OverAnswers, E: Extraction, batch: tuple[int, ...]) -> OverTraces:
    """Give each trace the value of its answer.

    Args:
        values: Numbers, [*x, Z].
        E: Answer of each trace, [*x, Y] or [Y].
        batch: The prompts' shape, (*x,).

    Returns:
        Numbers, [*x, Y].
    """
    return np.take_along_axis(values, np.broadcast_to(E, (*batch, E.shape[-1])), axis=-1)


def _places(values: OverTraces, E: Extraction, n_answers: int) -> tuple[np.ndarray, tuple[int, ...]]:
    batch = values.shape[:-1]
    offset = np.arange(int(np.prod(batch, dtype=np.int64))).reshape(*batch, 1) * n_answers
    return (np.broadcast_to(E, values.shape) + offset).ravel(), (*batch, n_answers)
