"""Games of functionals that are not convex, with an objective that the divergence makes convex."""

from typing import SupportsIndex

import numpy as np

from dagames import simplex
from dagames._errors import DomainError
from dagames._types import Numbers
from dagames.functionals import Linear, Nonconvex
from dagames.games.alignment import AlignmentGame
from dagames.numerics.float_errors import with_default_errors


@with_default_errors
def convex_game(
    pi_0: Numbers, E: Numbers, functional: Nonconvex, beta: float, *, n_answers: SupportsIndex | None = None
) -> AlignmentGame:
    """Make the game of a functional that is not convex, for a beta above its threshold L.

    Math:
        R(nu) + beta KL(nu || nu_0) = [R(nu) + L KL(nu || nu_0)] + (beta - L) KL(nu || nu_0),

    and the term in brackets is convex. The returned game has that term as its functional and the weight beta - L. Its
    equilibrium policy and value are those of the original game. At policies other than
    pi_0(y) nu(E(y)) / nu_0(E(y)), which are never optimal, its `objective` contains L KL(nu || nu_0) instead of
    L KL(pi || pi_0), and differs from the original one.

    Args:
        pi_0: Reference probabilities of traces, [Y] or [X, Y].
        E: Answer of each trace, an index: [Y] (shared by every prompt) or pi_0's shape.
        functional: The functional R.
        beta: Weight of KL(pi || pi_0), above the functional's threshold.
        n_answers: Number of answers |Z|; by default the largest index in `E` plus one.

    Returns:
        A game with the same equilibrium policy. Its targets are those of the term in brackets.

    Raises:
        DomainError: If the functional is not a `Nonconvex`, or beta is not above its threshold.

    Source:
        claim I.15

    >>> from dagames import solve
    >>> from dagames.functionals import EntropyMinimisation
    >>> solve(convex_game([0.8, 0.2], [0, 1], EntropyMinimisation(0.5), beta=1.0)).nu.round(6)
    array([0.941176, 0.058824])
    """
    if not isinstance(functional, Nonconvex):
        raise DomainError(
            f"`functional` must be a Nonconvex, not {type(functional).__name__}; use `AlignmentGame` for a "
            "convex functional, with any beta."
        )
    beta = simplex.as_positive(beta, "beta")
    functional.check_beta(beta)
    with np.errstate(divide="ignore"):
        log_pi_0 = np.log(simplex.as_distribution(pi_0, "pi_0", kept=False))
    answers, n_answers = simplex.as_extraction(E, log_pi_0.shape, n_answers, kept=False)
    functional.check_fits(log_pi_0.shape[:-1], n_answers)
    log_nu_0 = simplex.log_normalize(simplex.pushforward(log_pi_0, answers, n_answers))
    # L KL(nu || nu_0) is L sum nu log nu - L <nu, log nu_0>; unreachable answers have mass 0, whatever their reward.
    linear = Linear(functional.threshold * np.where(np.isfinite(log_nu_0), log_nu_0, 0.0))
    convex = functional.convexified()
    total = linear if convex is None else convex + linear
    return AlignmentGame(pi_0, E, total, beta - functional.threshold, n_answers=n_answers)
