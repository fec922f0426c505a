"""The rest point of a safety run: multipliers within their caps that maximise the dual.

At the rest point each multiplier is 0 with its budget met, at its cap with the budget exceeded, or between with the
budget met with equality. It is the maximum of a concave function over a box, computed for every resample. `certified`
solves the same game by `dagames`, with the budgets as constraints, and bounds the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import minimize

from dagames import AlignmentGame, solve
from dagames._errors import InfeasibleError, SolveError
from dagames.functionals import Linear
from dagames.games.coupled import CoupledGame
from dagames.games.couplings import Budgets
from dagames.solvers.budgets import solve_budgets
from dagames_llm.forecast.answer_dynamics import log_of, towards
from dagames_llm.forecast.safety_batch import PromptBatch
from dagames_llm.forecast.safety_course import penalties
from dagames_llm.forecast.vote_chances import Floats


@dataclass(frozen=True, eq=False)
class Certified:
    """A game solved by `dagames`.

    Attributes:
        multipliers: [d]; +inf if a budget is met only in the limit.
        costs: signed mean costs at the solution, [d].
        gap: relative duality gap.
    """

    multipliers: Floats
    costs: Floats
    gap: float


def best_response(batch: PromptBatch, multipliers: Floats, beta: float, rewards: Floats | float = 0.0) -> Floats:
    """Return the log-probabilities of the best response to multipliers [R, d], [R, X, C]."""
    best = log_of(batch.nu_0) + (penalties(batch, multipliers) + rewards) / beta
    return towards(best, best, 0.0)


@np.errstate(over="ignore")
def resting_multipliers(batch: PromptBatch, beta: float, rewards: Floats | float = 0.0) -> Floats:
    """Maximise the dual over [0, cap] for each row.

    Math:
        D(l) = -beta sum_x w_x log sum_c nu_0x(c) exp((r_x(c) - <l, c_x(c)>) / beta) - sum_i l_i b_i w(i).

    Args:
        batch: the prompts; w(i) is the weight of those to which constraint i applies.
        beta: weight of the divergence in the game.
        rewards: of a target that does not depend on the policy, [X, C].

    Returns:
        Multipliers, [R, d].
    """
    spread = np.ptp(batch.costs, axis=2).max(axis=0)
    # A multiplier of this size changes the log-odds of the costliest completions by a nat; with constant costs, none.
    unit = np.divide(beta, spread, out=batch.caps, where=spread > 0)
    scaled_costs = (batch.costs.transpose(1, 0, 2) * (unit / beta)[:, None, None]).reshape(len(unit), -1)
    logs = log_of(batch.nu_0) + np.broadcast_to(np.asarray(rewards) / beta, batch.nu_0.shape[1:])
    allowed = batch.concerned * batch.budgets * unit / beta
    bounds = [(0.0, cap) for cap in batch.caps / unit]
    maxima = []
    for row, weights in enumerate(batch.weights):
        best = minimize(
            partial(_negative_dual, logs[row], weights, scaled_costs, allowed[row]),
            np.zeros(len(unit)),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 0.0, "gtol": 1e-9, "maxiter": 500},
        )
        maxima.append(np.asarray(best.x) * unit)
    return np.clip(np.stack(maxima), 0.0, batch.caps)


def _negative_dual(
    logs: Floats, weights: Floats, scaled_costs: Floats, allowed: Floats, nats: Floats
) -> tuple[float, Floats]:
    """Return -D / beta and its slope at multipliers in nats, [d]."""
    tilted = logs - (nats @ scaled_costs).reshape(logs.shape)
    top = tilted.max(axis=1, keepdims=True)
    nu = np.exp(tilted - top)
    total = nu.sum(axis=1, keepdims=True)
    value = weights @ (np.log(total) + top)[:, 0] + nats @ allowed
    nu *= weights[:, None] / total
    return float(value), allowed - scaled_costs @ nu.ravel()


def certified(
    batch: PromptBatch, beta: float, rewards: Floats | float = 0.0, capped: Floats | None = None
) -> Certified | InfeasibleError | None:
    """Solve the game of the samples with budgets as constraints.

    Args:
        batch: the prompts.
        beta: weight of the divergence in the game.
        rewards: of a target that does not depend on the policy, [X, C].
        capped: constraints replaced by a fixed penalty with the multiplier at its cap, bool [d]; none by default.

    Returns:
        The solution; the error with the nearest budgets if the budgets cannot be met together; None if solving fails.
    """
    d = len(batch.constraints)
    fixed = np.zeros(d, dtype=bool) if capped is None else np.asarray(capped, dtype=bool)
    weighted = batch.weights[0] > 0
    fixed_rewards = np.broadcast_to(np.asarray(rewards), batch.costs[:, 0].shape if d else batch.nu_0[0].shape)
    fixed_rewards = fixed_rewards - np.einsum("d,xdc->xc", np.where(fixed, batch.caps, 0.0), batch.costs)
    reference, shares = batch.nu_0[0][weighted], batch.weights[0][weighted]
    game = AlignmentGame(reference, np.arange(reference.shape[1]), Linear(fixed_rewards[weighted]), beta=beta)
    free = np.flatnonzero(~fixed)
    multipliers = np.where(fixed, batch.caps, 0.0)
    try:
        if free.size:
            budgets = Budgets(batch.costs[weighted][:, free], (batch.budgets * batch.concerned[0])[free])
            solution = solve_budgets(CoupledGame(game, budgets, shares / shares.sum()))
            multipliers[free] = solution.multipliers
        else:
            solution = solve(game)  # type: ignore[assignment]
    except InfeasibleError as error:
        return error
    except SolveError:
        return None
    nu = np.zeros(batch.nu_0[:1].shape)
    nu[0, weighted] = np.asarray(solution.nu)
    total = np.einsum("x,xc,xdc->d", batch.weights[0], nu[0], batch.costs)
    return Certified(multipliers, total / batch.concerned[0], float(np.max(solution.certificate.gap)))


def least_costs(batch: PromptBatch) -> Floats:
    """Return the least signed mean cost of each constraint separately, on sampled completions, [d]."""
    possible = np.where(batch.nu_0[0][:, None] > 0, batch.costs, np.inf).min(axis=2)
    return np.asarray(np.einsum("x,xd->d", batch.weights[0], possible) / batch.concerned[0])
