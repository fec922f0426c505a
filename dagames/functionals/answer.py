"""The answer that some functionals single out."""

import numpy as np

from dagames._errors import DomainError, InfeasibleError, ShapeError
from dagames._types import Numbers, PerPromptIndex, Reachable
from dagames.numerics.arrays import owned
from dagames.numerics.integers import as_indices


def as_answer(answer: Numbers) -> PerPromptIndex:
    """Validate the index of an answer.

    Args:
        answer: An index 0, 1, 2, ..., or one per prompt, [*x].

    Returns:
        The index as int64, read-only.

    Raises:
        DomainError: If it is not a whole number of at least 0.
        ShapeError: If there is none.

    >>> as_answer(3)
    array(3)
    """
    array = as_indices(answer, "answer").array
    if array.size == 0:
        raise ShapeError(f"`answer` has shape {array.shape}; an index 0, 1, 2, ... is needed, or one per prompt.")
    return owned(array.astype(np.int64), fresh=True)


def check_answer_exists(answer: PerPromptIndex, n_answers: int) -> None:
    """Raise a DomainError if an index, [] or [*x], is not below the number of answers |Z|."""
    if (answer >= n_answers).any():
        raise DomainError(f"`answer` is {answer.max()}, but the game has the answers 0 to {n_answers - 1}.")


def check_answer_reachable(answer: PerPromptIndex, reachable: Reachable, name: str) -> None:
    """Raise if some prompt's answer has no trace, so that the functional is infinite for every policy.

    Args:
        answer: The index, [] or [*x].
        reachable: Which answers have a trace, [*x, Z].
        name: The functional's name.

    Raises:
        InfeasibleError: Naming the answer.
    """
    chosen = np.broadcast_to(answer, reachable.shape[:-1])
    found = np.take_along_axis(reachable, chosen[..., None], axis=-1)[..., 0]
    if not found.all():
        missing = int(chosen[~found].flat[0])
        raise InfeasibleError(
            f"{name} is infinite for every policy: no trace of the reference gives answer {missing}. "
            "Choose another answer, or a reference that reaches it."
        )
