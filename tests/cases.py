"""The functionals over which laws are tested: whoever adds one adds a row here."""

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from dagames.functionals import (
    ChiSquare,
    Functional,
    Gini,
    Hellinger,
    KLFromPrior,
    KLToPrior,
    Linear,
    LogScore,
    NegativeEntropy,
    PairwiseIncoherence,
    Point,
    Polytope,
    Quadratic,
    Separable,
    SquaredDistance,
    Tsallis,
)
from dagames.functionals.convexified import Convexified
from dagames.functionals.from_convex import FromConvex

FUNCTIONALS: dict[str, Callable[[np.random.Generator, int], Functional]] = {
    "Linear": lambda rng, n: Linear(rng.normal(size=n) * 10 ** rng.uniform(-2, 2)),
    "NegativeEntropy": lambda rng, _: NegativeEntropy(weight(rng)),
    "Gini": lambda rng, _: Gini(weight(rng)),
    "Tsallis below 1": lambda rng, _: Tsallis(rng.uniform(0.2, 0.9), weight(rng)),
    "Tsallis above 1": lambda rng, _: Tsallis(rng.uniform(1.1, 4.0), weight(rng)),
    "KLToPrior": lambda rng, n: KLToPrior(random_prior(rng, n), weight(rng)),
    "KLFromPrior": lambda rng, n: KLFromPrior(random_prior(rng, n), weight(rng)),
    "Hellinger": lambda rng, n: Hellinger(random_prior(rng, n), weight(rng)),
    "ChiSquare": lambda rng, n: ChiSquare(random_prior(rng, n), weight(rng)),
    "SquaredDistance": lambda rng, n: SquaredDistance(random_prior(rng, n), weight(rng)),
    "LogScore": lambda rng, n: LogScore(rng.integers(n), weight(rng)),
    "Point": lambda rng, n: Point(rng.integers(n)),
    "Polytope": lambda rng, n: random_polytope(rng, n, equalities=0),
    "Polytope with equalities": lambda rng, n: random_polytope(rng, n, equalities=1),
    "Quadratic": lambda rng, n: Quadratic(random_gram(rng, n), rng.normal(size=n)),
    "Quadratic of distances": lambda rng, n: Quadratic(-random_distances(rng, n)),
    "Scaled": lambda rng, _: moderate(rng) * Quartic(moderate(rng)),
    "SmoothScaled": lambda rng, n: moderate(rng) * Quadratic(random_gram(rng, n)),
    "SeparableScaled": lambda rng, n: weight(rng) * KLFromPrior(random_prior(rng, n), weight(rng)),
    "Sum": lambda rng, n: Quartic(moderate(rng)) + Quadratic(random_gram(rng, n)) + Gini(moderate(rng)),
    "Sum shifted": lambda rng, n: Linear(rng.normal(size=n)) + Quartic(moderate(rng)),
    "SmoothSum": lambda rng, n: Quadratic(random_gram(rng, n)) + NegativeEntropy(moderate(rng)),
    "SmoothSum shifted": lambda rng, n: Quadratic(random_gram(rng, n)) + Linear(rng.normal(size=n)),
    "SeparableSum": lambda rng, n: Gini(weight(rng)) + KLFromPrior(random_prior(rng, n), weight(rng)),
    "SeparableSum of two kinks": lambda rng, n: LogScore(rng.integers(n), weight(rng)) + LogScore(rng.integers(n)),
    "SeparableSum of many": lambda rng, n: (
        Tsallis(1.5, weight(rng)) + KLToPrior(random_prior(rng, n), weight(rng)) + Linear(rng.normal(size=n))
    ),
    "SeparableSum at a point": lambda rng, n: Gini(weight(rng)) + Point(rng.integers(n)),
    "Convexified": lambda rng, n: Convexified(PairwiseIncoherence(random_distances(rng, n))),
    "FromConvex": lambda rng, _: Quartic(moderate(rng)),
}


class Quartic(FromConvex):
    """A user's functional that is no sum over answers: w |nu|^4, whose Hessian is at most 12 w |nu|^2 I."""

    def __init__(self, w: float) -> None:
        super().__init__(
            lambda nu: w * (nu * nu).sum(axis=-1) ** 2,
            lambda nu: 4 * w * nu * (nu * nu).sum(axis=-1, keepdims=True),
            smoothness=6 * w,
            name="quartic",
        )
        object.__setattr__(self, "w", w)

    def conic_form(self, nu, cp):
        return self.w * cp.power(cp.norm(nu, 2), 4)


def moderate(rng: np.random.Generator) -> float:
    """Draw a weight that mirror descent can live with."""
    return float(10 ** rng.uniform(-2, -1))


def random_gram(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a positive semidefinite matrix, of any rank from 0 to n."""
    factor = rng.normal(size=(n, rng.integers(0, n + 1)))
    return moderate(rng) / n * factor @ factor.T


def random_distances(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw Euclidean distances between points of the plane, whose form is negative for changes of mass."""
    points = rng.normal(size=(n, 2))
    return moderate(rng) * np.linalg.norm(points[:, None] - points, axis=-1)


def weight(rng: np.random.Generator) -> float:
    """Draw a weight over four orders of magnitude."""
    return float(10 ** rng.uniform(-2, 2))


def random_prior(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a prior, now and then with answers of probability 0."""
    prior = rng.dirichlet(np.ones(n)) * (rng.random(n) < rng.choice([0.6, 1.0]))
    prior[rng.integers(n)] += 1e-3
    return prior / prior.sum()


def random_polytope(rng: np.random.Generator, n: int, equalities: int) -> Polytope:
    """Draw budgets, and equalities, that some distribution with room to spare meets."""
    inside, d = 0.5 * rng.dirichlet(np.ones(n)) + 0.5 / n, int(rng.integers(1, 4))
    costs = rng.normal(size=(d, n)) * 10 ** rng.uniform(-2, 2, size=(d, 1))
    room = rng.uniform(0.05, 0.5, size=d) * np.abs(costs).max(axis=1)
    if not equalities:
        return Polytope(costs, costs @ inside + room)
    fixed = rng.normal(size=(equalities, n))
    return Polytope(costs, costs @ inside + room, equalities=fixed, values=fixed @ inside)


def within(functional: Functional, nu: np.ndarray) -> np.ndarray:
    """Condition distributions on the answers that a functional allows, or move them to where it is finite."""
    if isinstance(functional, Polytope):
        return functional.into_domain(nu)
    allowed = functional.allowed(np.ones(nu.shape, dtype=bool))
    kept = np.where(allowed, nu, 0.0)
    kept = kept + np.where(allowed, 1e-290, 0.0) * (kept.sum(axis=-1, keepdims=True) == 0)
    return kept / kept.sum(axis=-1, keepdims=True)


seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)


def random_distribution(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a distribution: spread out, or concentrated with masses down to 1e-300."""
    if rng.random() < 0.5:
        return rng.dirichlet(np.ones(n))
    log_weights = -rng.uniform(0, 690, size=n)
    log_weights[rng.integers(n)] = 0.0
    weights = np.exp(log_weights)
    return weights / weights.sum()


def random_reference(rng: np.random.Generator, n_answers: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a reference over traces and their answers, every answer with at least one trace."""
    E = np.concatenate([np.arange(n_answers), rng.integers(0, n_answers, size=rng.integers(0, 9))])
    return random_distribution(rng, E.size), E


SEPARABLE = {
    name: make for name, make in FUNCTIONALS.items() if isinstance(make(np.random.default_rng(0), 3), Separable)
}
"""Those whose games are one number per prompt."""
