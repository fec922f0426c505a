"""The family of generators over which laws are tested, and games drawn from it."""

from collections.abc import Callable

import cvxpy as cp
import numpy as np

from dagames.bregman import Entropic, Euclidean, Generator, Polynomial, Power
from dagames.bregman.scaled import Scaled
from dagames.functionals import Functional, Gini, NegativeEntropy, SquaredDistance, Tsallis
from dagames.games.bregman import BregmanGame
from dagames.games.generators import FromFunctional, as_generator
from dagames.numerics.conic import solve_problem
from tests.cases import random_distribution, random_reference

GENERATORS: dict[str, Callable[[np.random.Generator], Generator]] = {
    "Entropic": lambda _: Entropic(),
    "Euclidean": lambda _: Euclidean(),
    "Power below 1": lambda rng: Power(rng.uniform(0.3, 0.95)),
    "Power near 1": lambda rng: Power(1 + 1e-6 * rng.choice([-1, 1])),
    "Power between": lambda rng: Power(rng.uniform(1.1, 1.9)),
    "Power above 2": lambda rng: Power(rng.uniform(2.1, 4.0)),
    "Polynomial": lambda rng: Polynomial([0.3, float(rng.normal()), *rng.uniform(0.1, 2.0, size=rng.integers(1, 4))]),
    "Polynomial with a dip": lambda _: Polynomial([0, 0, 1.6, -2.0, 1.0]),
    "Polynomial flat at 0": lambda _: Polynomial([0, 0, 0, 0, 1]),
    "Scaled": lambda rng: Scaled([Entropic(), Euclidean(), Power(1.5)][rng.integers(3)], weight(rng)),
    "FromFunctional": lambda rng: FromFunctional(Gini(weight(rng)) + NegativeEntropy(weight(rng))),
    "FromFunctional not steep": lambda rng: FromFunctional(Gini(weight(rng)) + Tsallis(3.0, weight(rng))),
    "FromFunctional by its own root": lambda rng: FromFunctional(Tsallis(1.5, weight(rng))),
}


def weight(rng: np.random.Generator) -> np.ndarray:
    """Draw the weight of a functional."""
    return np.asarray(10 ** rng.uniform(-1, 1))


def distribution(F: Generator, rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a distribution, now and then with masses of 0 or 1e-300 where the generator can tell them apart."""
    p = random_distribution(rng, n) if not isinstance(F, Power) or F.order > 1 else rng.dirichlet(np.ones(n))
    if not F.steep and rng.random() < 0.3:
        p = np.where(rng.random(n) < 0.3, 0.0, p)
        p[rng.integers(n)] += 1e-3
    return p / p.sum()


def random_game(
    F: Generator,
    R: Callable[[np.random.Generator, int], Functional],
    rng: np.random.Generator,
    n: int,
    Phi: Generator | None = None,
    low: float = -2,
    high: float = 2,
) -> BregmanGame:
    """Draw a game with several traces to an answer; reference masses down to 1e-300 where F tells them apart."""
    pi_0, E = random_reference(rng, n)
    if isinstance(F, Power) and F.order < 1:
        pi_0 = 0.99 * rng.dirichlet(np.ones(E.size)) + 0.01 / E.size
    sign = float(rng.choice([-1.0, 1.0, 0.3, -2.5]))
    beta = 10 ** rng.uniform(low, high)
    geometry = {"generator": F, "target_generator": Phi or Entropic(), "sign": sign}
    return BregmanGame(pi_0, E, R(rng, n), beta, **geometry)


def as_expression(F: Generator, pi: cp.Variable, pi_0: np.ndarray) -> cp.Expression:
    """State D_F(pi || pi_0), from the definition and up to rounding, for a conic solver."""
    if isinstance(F, Entropic):
        return cp.sum(cp.kl_div(pi, pi_0))
    if isinstance(F, Euclidean):
        return 0.5 * cp.sum_squares(pi - pi_0)
    if isinstance(F, Power):
        a = F.order
        tangent = (pi_0 ** (a - 1) - 1) / (a - 1)
        at = (cp.sum(cp.power(pi, a, approx=False)) - a * cp.sum(pi)) / (a * (a - 1))
        return at - np.sum((pi_0**a - a * pi_0) / (a * (a - 1))) - tangent @ (pi - pi_0)
    if isinstance(F, Scaled):
        return float(F.weight) * as_expression(F.generator, pi, pi_0)
    if isinstance(F, FromFunctional):
        return sum(as_expression(as_generator(R, "F", (), pi_0.size), pi, pi_0) for R in F.functional.terms())
    c = [float(k) for k in F.coefficients]
    powers = range(2, len(c))
    tangent = sum(k * c[k] * pi_0 ** (k - 1) for k in powers)
    at = sum(c[k] * cp.sum(cp.power(pi, k, approx=False)) for k in powers)
    return at - np.sum([c[k] * np.sum(pi_0**k) for k in powers]) - tangent @ (pi - pi_0)


def two_answers(weight=2.0, F=None, Phi=None, sign=1.0, beta=0.5, a=0.95, p=0.05) -> BregmanGame:
    """Make a game of two answers with pi_0 = (a, 1 - a) and a squared distance from (p, 1 - p)."""
    R = SquaredDistance([p, 1 - p], weight)
    geometry = {"generator": F or Euclidean(), "target_generator": Phi or Euclidean(), "sign": sign}
    return BregmanGame([a, 1 - a], [0, 1], R, beta, **geometry)


def inside(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a distribution with masses of at least 0.1 / n."""
    return 0.9 * rng.dirichlet(np.ones(n)) + 0.1 / n


def solved(problem: cp.Problem, x: cp.Variable) -> float:
    """Solve by the conic solver; masses that it leaves negative to rounding have no power."""
    solve_problem(problem)
    x.value = np.maximum(x.value, 0.0)
    return float(problem.objective.value)
