"""The improvement of the arithmetic mean compared with that of the geometric mean, and a bound on the difference."""

from dataclasses import dataclass

import numpy as np

from dagames import simplex
from dagames._errors import DomainError, ShapeError
from dagames._types import Consensus, Numbers, OverAnswers
from dagames.numerics.float_errors import with_default_errors
from dagames.orbits.consensus import arithmetic_mean, as_views, geometric_mean
from dagames.orbits.hellinger import generalised_hellinger


@dataclass(frozen=True)
class HybridBound:
    """The quantities in the bound on the improvement lost by the hybrid projection.

    Attributes:
        hellinger: H^2, the views' generalised squared Hellinger distance.
        lipschitz: L, the largest |nu* / nu|_2 over the models: the Lipschitz constant of nu -> KL(nu* || nu).
        gradient: B, the largest 1 / nu(z) over the models and the answers of nu*.
    """

    hellinger: float
    lipschitz: float
    gradient: float

    @property
    def as_stated(self) -> float:
        """2 L B H^2, the bound of the paper's theorem, false for a restricted set of models (claim I.25)."""
        return 2.0 * self.lipschitz * self.gradient * self.hellinger

    @property
    def amended(self) -> float:
        """2 L H^2, which holds where every distribution is a model."""
        return 2.0 * self.lipschitz * self.hellinger


@with_default_errors
def hybrid_bound(
    nu: Numbers, nu_star: Numbers, shares: Numbers | None = None, *, models: Numbers | None = None
) -> HybridBound:
    """Compute L, B and H^2 for the views nu and the true distribution nu*.

    Math:
        L = max |nu* / nu|_2 and B = max 1 / nu(z) are convex in nu, hence attained at extreme points of the models.
        If all distributions are models, |KL(nu* || AM) - KL(nu* || GM)| <= L |AM - GM|_1 <= 2 L H^2.

    Args:
        nu: Answer marginals of the views, [X, Z].
        nu_star: The true distribution, [Z].
        shares: Weights of the views, [X], summing to 1; equal by default.
        models: Extreme points of the set of models, [N, Z]; by default the segment between the two means, which the
            bound needs if every distribution is a model.

    Returns:
        The bound. L is +inf if an answer of nu* has mass 0 in a model.

    Raises:
        ShapeError: If nu* or the models have another number of answers than the views.

    Source:
        (paper, Thm 4.1 and Thm F.2); claim I.25

    >>> bound = hybrid_bound([[0.9, 0.1], [0.5, 0.5]], [0.8, 0.2])
    >>> loss = hybrid_loss([[0.9, 0.1], [0.5, 0.5]], [0.8, 0.2])
    >>> round(loss, 4), round(bound.amended, 4)
    (0.0187, 0.2815)
    """
    log_nu, weights = as_views(nu, shares)
    truth = _as_truth(nu_star, log_nu.shape[-1])
    if models is None:
        points: OverAnswers = np.stack([arithmetic_mean(nu, weights), geometric_mean(nu, weights)])
    else:
        array = simplex.as_distribution(models, "models")
        points = array.reshape(-1, array.shape[-1])
    if points.shape[-1] != truth.size:
        raise ShapeError(f"`models` has {points.shape[-1]} answers; the views have {truth.size}.")
    support = truth > 0
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1.0 / points[:, support]
        ratio = truth[support] * inverse
    # The largest entry is factored out to avoid overflow of squares.
    top = ratio.max(axis=-1)
    scaled = np.divide(ratio, top[:, None], out=np.ones_like(ratio), where=np.isfinite(top)[:, None])
    lipschitz = top * np.sqrt((scaled**2).sum(axis=-1))
    return HybridBound(generalised_hellinger(nu, weights), float(lipschitz.max()), float(inverse.max()))


@with_default_errors
def hybrid_loss(nu: Numbers, nu_star: Numbers, shares: Numbers | None = None) -> float:
    """Compute the improvement of the geometric mean minus that of the arithmetic mean, if both are models.

    Math:
        Improv(GM) - Improv(AM) = KL(nu* || AM) - KL(nu* || GM).

    Args:
        nu: Answer marginals of the views, [X, Z].
        nu_star: The true distribution, [Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The loss in nats; negative if the arithmetic mean is closer to nu*, -inf if the geometric mean is 0 at an answer
        of nu*.

    Raises:
        DomainError: If some answer of nu* has mass 0 in all views, so that both divergences are infinite.

    Source:
        (paper, Thm F.2)

    >>> hybrid_loss([[0.5, 0.5], [0.5, 0.5]], [0.5, 0.5])
    0.0
    """
    mean = arithmetic_mean(nu, shares)
    truth = _as_truth(nu_star, mean.size)
    to_mean = float(simplex.kl(truth, mean))
    if to_mean == np.inf:
        raise DomainError(
            "some answer of `nu_star` has mass 0 in every view, so KL(nu_star || mean) is infinite for both means."
        )
    return to_mean - float(simplex.kl(truth, geometric_mean(nu, shares)))


@with_default_errors
def improvement(nu: Numbers, nu_star: Numbers, q: Numbers, shares: Numbers | None = None) -> float:
    """Compute how much closer a consensus is to the true distribution than the views are on average.

    Math:
        Improv(q) = sum_x s_x KL(nu* || nu_x) - KL(nu* || q).

    It is at least 0 for the arithmetic mean, by convexity, and for the geometric mean.

    Args:
        nu: Answer marginals of the views, [X, Z].
        nu_star: The true distribution, [Z].
        q: The consensus, [Z].
        shares: Weights of the views, [X], summing to 1; equal by default.

    Returns:
        The improvement in nats; +inf if an answer of nu* has mass 0 in a view and positive mass in the consensus.

    Raises:
        DomainError: If an answer of nu* has mass 0 in the consensus.

    Source:
        (paper, section 4.2); claim B.8

    >>> round(improvement([[0.9, 0.1], [0.5, 0.5]], [0.8, 0.2], [0.7, 0.3]), 6)
    0.092842
    """
    log_nu, weights = as_views(nu, shares)
    truth, consensus = _as_truth(nu_star, log_nu.shape[-1]), _as_truth(q, log_nu.shape[-1], "q")
    after = float(simplex.kl(truth, consensus))
    if after == np.inf:
        raise DomainError("`q` is 0 at an answer of `nu_star`, so KL(nu_star || q) is infinite.")
    return float(weights @ simplex.kl(np.broadcast_to(truth, log_nu.shape), np.exp(log_nu))) - after


def _as_truth(nu_star: Numbers, n_answers: int, name: str = "nu_star") -> Consensus:
    truth = simplex.as_distribution(nu_star, name)
    if truth.shape != (n_answers,):
        raise ShapeError(f"`{name}` has shape {truth.shape}; the views have {n_answers} answers.")
    return truth
