"""Priors over answers, which several functionals measure a distance to."""

import numpy as np

from dagames._errors import InfeasibleError, ShapeError
from dagames._types import Numbers, OverAnswers, Reachable
from dagames.simplex import as_distribution


def as_prior(prior: Numbers) -> OverAnswers:
    """Validate a prior over answers.

    Args:
        prior: Probabilities, [Z], or one prior per prompt, [*x, Z].

    Returns:
        The prior as float64.

    >>> as_prior([0.5, 0.5])
    array([0.5, 0.5])
    """
    return as_distribution(prior, "prior")


def check_prior_fits(prior: OverAnswers, batch: tuple[int, ...], n_answers: int) -> None:
    """Raise unless there is one prior for all prompts, or one for each.

    Args:
        prior: The prior.
        batch: The prompts' shape, (*x,).
        n_answers: Number of answers |Z|.

    Raises:
        ShapeError: If the prior has another shape.
    """
    if prior.shape not in {(n_answers,), (*batch, n_answers)}:
        raise ShapeError(
            f"`prior` has shape {prior.shape}; the game asks for {(n_answers,)} or {(*batch, n_answers)}. "
            "If some answers have no trace, say `n_answers` when the game is made."
        )


def check_finite_somewhere(infinite: Reachable, name: str, why: str) -> None:
    """Raise if a functional is +inf whatever the policy, for some prompt.

    Args:
        infinite: Which answers make it so, bool [*x, Z].
        name: The functional's name.
        why: What is wrong with such an answer.

    Raises:
        InfeasibleError: Naming the first such answer.
    """
    if infinite.any():
        answer = int(np.argwhere(infinite)[0][-1])
        raise InfeasibleError(f"{name} is infinite for every policy: answer {answer} {why}.")
