"""The index of an answer, a parameter of `LogScore` and `Point`."""

import numpy as np

from dagames._errors import DomainError, InfeasibleError, ShapeError
from dagames._types import Numbers, PerPromptIndex, Reachable
from dagames.numerics.arrays import owned
from dagames.numerics.integers import as_indices


def as_answer(answer: Numbers) -> PerPromptIndex:
    """Return the index of an answer, [] or [*x], as int64, read-only; an error unless it is 0, 1, 2, ..."""
    array = as_indices(answer, "answer").array
    if array.size == 0:
        raise ShapeError(f"`answer` has shape {array.shape}; an index 0, 1, 2, ... is needed, or one per prompt.")
    return owned(array.astype(np.int64), fresh=True)


def check_answer_exists(answer: PerPromptIndex, n_answers: int) -> None:
    """Raise a DomainError if an index, [] or [*x], is not below the number of answers |Z|."""
    if (answer >= n_answers).any():
        raise DomainError(f"`answer` is {answer.max()}, but the game has the answers 0 to {n_answers - 1}.")


def check_answer_reachable(answer: PerPromptIndex, reachable: Reachable, name: str) -> None:
    """Raise an InfeasibleError if the answer of some prompt, [] or [*x], is not reachable, bool [*x, Z]."""
    chosen = np.broadcast_to(answer, reachable.shape[:-1])
    found = np.take_along_axis(reachable, chosen[..., None], axis=-1)[..., 0]
    if not found.all():
        missing = int(chosen[~found].flat[0])
        raise InfeasibleError(
            f"{name} is infinite for every policy: no trace of the reference gives answer {missing}. "
            "Choose another answer, or a reference that reaches it."
        )
