"""The equilibrium of infinite groups by `dagames.solve`, if a target is the best response of a convex game."""

from __future__ import annotations

import numpy as np

from dagames import AlignmentGame, solve
from dagames.functionals import Functional, Gini, KLToPrior, Linear, NegativeEntropy
from dagames.targets import (
    ExponentiatedReward,
    GiniDiversity,
    GroundTruth,
    InverseFrequency,
    PriorMatching,
    SoftConsensus,
    Target,
)
from dagames_llm.forecast.reference_games import SampledQuestion
from dagames_llm.forecast.vote_chances import Floats


def functional_of(target: Target, question: SampledQuestion) -> Functional | None:
    """Return the functional R on a question's answers with -grad R as the target's reward; None if R does not exist."""
    if isinstance(target, InverseFrequency):
        return NegativeEntropy(target.weight)
    if isinstance(target, GiniDiversity):
        return Gini(target.weight)
    if isinstance(target, PriorMatching):
        prior = np.array([max(float(target.prior.get(a, target.floor)), target.floor) for a in question.answers])
        return KLToPrior(prior / prior.sum(), target.weight)
    if isinstance(target, ExponentiatedReward):
        from dagames.targets import AnswerGroup

        return Linear(target.rewards(AnswerGroup(question.answers)))
    if isinstance(target, GroundTruth) and target.correct is None and question.right is not None:
        return Linear(question.right[:-1].astype(np.float64))
    return None


def certified_limit(target: Target, question: SampledQuestion, beta: float) -> tuple[Floats, float] | None:
    """Solve the game of a question.

    Args:
        target: The target.
        question: The question.
        beta: Weight of the divergence.

    Returns:
        The equilibrium marginals, [M, C], and the relative duality gap; None if the target has no functional, if
        some completions have no answer (their reward is not the gradient of a functional), or if the game of several
        views is not one that `dagames` solves.
    """
    if question.counts[:, -1].any() or not question.answers:
        return None
    reference = question.reference[:, :-1]
    if len(reference) > 1:
        return _coupled(target, reference, beta)
    functional = functional_of(target, question)
    if functional is None:
        return None
    Z = reference.shape[1]
    solution = solve(AlignmentGame(reference[0], np.arange(Z), functional, beta=beta))
    return np.append(solution.nu, 0.0)[None], float(np.max(solution.certificate.gap))


def _coupled(target: Target, reference: Floats, beta: float) -> tuple[Floats, float] | None:
    if not isinstance(target, SoftConsensus) or target.mean != "arithmetic" or not target.relative or target.smoothing:
        return None
    from dagames.games.coupled import CoupledGame
    from dagames.games.couplings import SoftCoherence
    from dagames.solvers import solve_coupled

    M, Z = reference.shape
    views = AlignmentGame(reference, np.arange(Z), Linear(np.zeros(Z)), beta=beta)
    solution = solve_coupled(CoupledGame(views, SoftCoherence(target.weight)))
    nu = np.asarray(solution.nu)
    return np.concatenate([nu, np.zeros((M, 1))], axis=1), float(np.max(solution.certificate.gap))
