"""The path of the multipliers of two budgets, by dual ascent (claims I.13 and I.28)."""

from itertools import islice
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames import AlignmentGame, CoupledGame, solve
from dagames.functionals import Linear
from dagames.games.couplings import Budgets
from dagames.solvers.dual_ascent import admissible_step, dual_ascent_path
from figures import style

TITLE = "Multipliers rise while a budget is broken, and settle where both are met"
BETA = 0.2
SEED = 3
N_PROMPTS, N_ANSWERS = 12, 5
STEPS = 60
BUDGETS = (0.35, 0.3)


def compute() -> dict[str, Any]:
    """Follow dual ascent on a batch with rewards and two costs, and solve the same game.

    Returns:
        Multipliers and expected costs by step, [steps + 1, 2]; the certified solution's multipliers; budgets, step.
    """
    rng = np.random.default_rng(SEED)
    nu_0 = rng.dirichlet(np.ones(N_ANSWERS), size=N_PROMPTS)
    rewards, costs = rng.uniform(size=(N_PROMPTS, N_ANSWERS)), rng.uniform(size=(N_PROMPTS, 2, N_ANSWERS))
    game = CoupledGame(AlignmentGame(nu_0, range(N_ANSWERS), Linear(rewards), BETA), Budgets(costs, BUDGETS))
    solution = solve(game)
    step = 0.5 * admissible_step(game)
    multipliers = np.stack(list(islice(dual_ascent_path(game, step), STEPS + 1)))
    spent = [_spent(nu_0, rewards, costs, row) for row in multipliers]
    return {
        "beta": BETA,
        "budgets": list(BUDGETS),
        "step": step,
        "multipliers": multipliers.tolist(),
        "costs": spent,
        "solved": np.asarray(solution.multipliers).tolist(),
        "gap": float(np.max(solution.certificate.gap)),
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the multipliers, and the expected costs with their budgets, against the step.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, (upper, lower) = style.stacked(2, height=2.6, sharex=True)
    for j, (colour, marker) in enumerate(zip((style.BLUE, style.RED), ("o", "s"), strict=True)):
        upper.plot(
            [row[j] for row in arrays["multipliers"]], color=colour, marker=marker, markevery=10, label=f"cost {j}"
        )
        upper.axhline(arrays["solved"][j], color=colour, linestyle="--", linewidth=0.9)
        lower.plot([row[j] for row in arrays["costs"]], color=colour, marker=marker, markevery=10)
        lower.axhline(arrays["budgets"][j], color=colour, linestyle=":", linewidth=1.2)
    upper.set_ylabel("multiplier\n(R-units per unit of cost)")
    lower.set(xlabel="step of dual ascent", ylabel="expected cost\n(dotted: its budget)")
    upper.legend()
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    last = np.abs(np.array(arrays["multipliers"][-1]) - np.array(arrays["solved"])).max()
    over = [max(0.0, cost - budget) for cost, budget in zip(arrays["costs"][-1], arrays["budgets"], strict=True)]
    return (
        f"{N_PROMPTS} prompts of {N_ANSWERS} answers with rewards and two costs, beta = {arrays['beta']:g}. "
        "Each step computes the best policy for the multipliers and adds the step length times the excess of each "
        "expected cost over its budget. Dashed: the multipliers of the certified solution (gap "
        f"{arrays['gap']:.0e}); after "
        f"{STEPS} steps the largest difference is {last:.1e}, and the budgets are exceeded by at most {max(over):.1e}."
    )


def _spent(nu_0: np.ndarray, rewards: np.ndarray, costs: np.ndarray, multipliers: np.ndarray) -> list[float]:
    """Compute the expected costs of the best policy for the multipliers, averaged over the prompts."""
    logits = np.log(nu_0) + (rewards - np.einsum("j,xjz->xz", multipliers, costs)) / BETA
    nu = np.exp(logits - logits.max(axis=-1, keepdims=True))
    nu /= nu.sum(axis=-1, keepdims=True)
    spent: list[float] = np.einsum("xz,xjz->j", nu, costs / len(nu)).tolist()
    return spent
