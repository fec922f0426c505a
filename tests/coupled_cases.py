"""The couplings over which laws are tested, and the oracle for their games: whoever adds a coupling adds a row here."""

from collections.abc import Callable

import cvxpy as cp
import numpy as np

from dagames import AlignmentGame, CoupledGame
from dagames.functionals import Linear
from dagames.games.couplings import AllOf, Budgets, Coherence, Equalities, EqualRates, LinearCoupling, SoftCoherence
from dagames.numerics.conic import solve_problem
from dagames.solvers import Solution
from dagames.solvers.budgets import solve_budgets
from tests.cases import random_reference


def interior(rng: np.random.Generator, X: int, n: int) -> np.ndarray:
    return 0.5 * rng.dirichlet(np.ones(n), size=X) + 0.5 / n


def random_costs(rng: np.random.Generator, X: int, n: int, d: int) -> np.ndarray:
    shape = (X, d, n) if rng.random() < 0.5 else (d, n)
    return rng.normal(size=shape) * 10 ** rng.uniform(-2, 2, size=(d, 1))


def mean_costs(costs: np.ndarray, nu: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Average expected costs over prompts, prompt by prompt."""
    rows = costs if costs.ndim == 3 else [costs] * len(nu)
    return sum(s * (c @ p) for s, c, p in zip(shares, rows, nu, strict=True))


def budgets(rng: np.random.Generator, X: int, n: int, shares: np.ndarray) -> Budgets:
    costs = random_costs(rng, X, n, int(rng.integers(1, 4)))
    room = rng.uniform(0.01, 0.3) * np.abs(costs).max(axis=-1)
    room = room if room.ndim == 1 else room.max(axis=0)
    return Budgets(costs, mean_costs(costs, interior(rng, X, n), shares) + room)


def equalities(rng: np.random.Generator, X: int, n: int, shares: np.ndarray) -> Equalities:
    costs = random_costs(rng, X, n, 1)
    return Equalities(costs, mean_costs(costs, interior(rng, X, n), shares))


def equal_rates(rng: np.random.Generator, X: int, n: int, shares: np.ndarray) -> EqualRates:
    groups = np.where(np.arange(X) == 0, "a", rng.choice(["b", "c"], size=X))
    return EqualRates(rng.uniform(size=n), groups)


def all_of(rng: np.random.Generator, X: int, n: int, shares: np.ndarray) -> AllOf:
    costs = rng.uniform(size=n)
    even = float(costs.mean())
    return AllOf(equal_rates(rng, X, n, shares), Budgets(costs, even + rng.uniform(0.01, 0.2)))


COUPLINGS: dict[str, Callable] = {
    "Budgets": budgets,
    "Equalities": equalities,
    "EqualRates": equal_rates,
    "AllOf": all_of,
    "Coherence": lambda *_: Coherence(),
    "SoftCoherence": lambda rng, *_: SoftCoherence(10 ** rng.uniform(-1, 2)),
}


def random_coupled(
    make: Callable, seed: int, X: int, n: int, mild: bool = False
) -> tuple[np.random.Generator, CoupledGame]:
    """Draw prompts, rewards, shares and a coupling; mild references have no mass below 1e-3."""
    rng = np.random.default_rng(seed)
    n = max(n, 2)
    X = max(X, 2) if make in {equal_rates, all_of} else X
    rows = [random_reference(np.random.default_rng(seed), n) for _ in range(X)]
    E = rows[0][1]
    wild = np.stack([rng.permutation(pi) for pi, _ in rows])
    pi_0 = 0.9 * rng.dirichlet(np.ones(E.size), size=X) + 0.1 / E.size if mild else wild
    shares = 0.8 * rng.dirichlet(np.ones(X)) + 0.2 / X
    rewards = rng.normal(size=(X, n)) * rng.choice([0.0, 1.0])
    prompts = AlignmentGame(pi_0, E, Linear(rewards), beta=10 ** rng.uniform(-1, 1))
    return rng, CoupledGame(prompts, make(rng, X, n, shares), shares)


def feasible_marginals(game: CoupledGame, rng: np.random.Generator) -> np.ndarray:
    """Draw marginals at which the coupling is finite."""
    X, n = game.reachable.shape
    nu = np.where(game.reachable, rng.dirichlet(np.ones(n), size=X), 0.0)
    nu /= nu.sum(axis=-1, keepdims=True)
    if isinstance(game.coupling, Coherence):
        return np.broadcast_to(nu[0], nu.shape).copy()
    if isinstance(game.coupling, LinearCoupling):
        return game.coupling.face(game.reachable, game.shares).inside(nu)
    return nu


def lifted(game: CoupledGame, nu: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw policies of given marginals: each answer's mass is spread over its traces at random."""
    prompts = game.prompts
    raw = rng.dirichlet(np.ones(prompts.E.size), size=len(nu)) * (prompts.log_pi_0 > -np.inf)
    sums = np.stack([np.bincount(prompts.E, row, minlength=prompts.n_answers) for row in raw])
    pi = raw / sums[:, prompts.E] * nu[:, prompts.E]
    return pi / pi.sum(axis=-1, keepdims=True)


def oracle(game: CoupledGame) -> tuple[float, np.ndarray, np.ndarray | None]:
    """State the game over traces, all prompts together, for the conic solver: value, marginals, multipliers."""
    prompts, s = game.prompts, game.shares
    X, Y = prompts.log_pi_0.shape
    pi = cp.Variable((X, Y), nonneg=True)
    answers = np.eye(prompts.n_answers)[:, prompts.E]
    nu = [answers @ pi[x] for x in range(X)]
    pi_0, rewards = np.exp(prompts.log_pi_0), np.broadcast_to(prompts.functional.rewards, (X, prompts.n_answers))
    own = [prompts.beta * cp.sum(cp.kl_div(pi[x], pi_0[x])) - rewards[x] @ nu[x] for x in range(X)]
    objective = sum(s[x] * own[x] for x in range(X))
    constraints, limits = [cp.sum(pi, axis=1) == 1], []
    if isinstance(game.coupling, Coherence):
        constraints += [nu[x] == nu[0] for x in range(1, X)]
    elif isinstance(game.coupling, SoftCoherence):
        mean = sum(s[x] * nu[x] for x in range(X))
        objective += game.coupling.weight * sum(s[x] * cp.sum(cp.kl_div(nu[x], mean)) for x in range(X))
    else:
        rows = game.coupling.rows(s)
        for j in range(rows.budgets.size):
            expected = sum(s[x] * rows.costs[x, j] @ nu[x] for x in range(X))
            left, right = expected / rows.scale[j], rows.budgets[j] / rows.scale[j]
            limits.append(left == right if rows.equal[j] else left <= right)
    problem = cp.Problem(cp.Minimize(objective), constraints + limits)
    solve_problem(problem)
    prices = np.array([float(limit.dual_value) for limit in limits]) / rows.scale if limits else None
    return float(problem.value), pi.value @ answers.T, prices


def batch(pi_0=((0.5, 0.3, 0.2), (0.2, 0.2, 0.6)), rewards=(0.0, 0.0, 0.0), beta=1.0) -> AlignmentGame:
    return AlignmentGame(pi_0, range(len(rewards)), Linear(rewards), beta)


def scalar_game() -> tuple[CoupledGame, float]:
    """One cost in [0, 1], active: the game and Var_nu*(c)."""
    cost = np.array([0.0, 0.3, 1.0, 0.6])
    prompts = AlignmentGame([[0.4, 0.3, 0.2, 0.1]], range(4), Linear(np.zeros(4)), beta=0.7)
    game = CoupledGame(prompts, Budgets(cost, 0.15))
    nu = solve_budgets(game).nu[0]
    return game, float(nu @ cost**2 - (nu @ cost) ** 2)


def complementarity(solution: Solution) -> float:
    """Compute the largest product of a finite multiplier and its slack, in R-units: 0 at the equilibrium."""
    finite = np.where(np.isfinite(solution.multipliers), solution.multipliers, 0.0)
    with np.errstate(under="ignore"):
        return float(np.abs(finite * solution.slack).max(initial=0.0))
