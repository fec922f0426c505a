"""Convergence of alternating best response in the entropy game, below, at and above beta (claims I.7 and I.8)."""

from itertools import islice
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames import AlignmentGame, solve
from dagames.functionals import NegativeEntropy
from dagames.solvers import best_response_path, mirror_descent_path
from figures import style

TITLE = "Alternating best response needs the functional's curvature to stay below beta"
NU_0 = (0.7, 0.2, 0.1)
BETA = 1.0
RATIOS = (0.5, 0.9, 1.0, 1.1, 2.0)
STEPS = 40


def compute() -> dict[str, Any]:
    """Follow both dynamics from the reference and measure the distance to the equilibrium.

    Returns:
        For each ratio weight / beta: total variation distance of nu_t to nu*, [steps + 1], undamped and damped, and
        the course of the first answer's mass.
    """
    runs = []
    for ratio in RATIOS:
        game = AlignmentGame(NU_0, np.arange(len(NU_0)), NegativeEntropy(ratio * BETA), BETA)
        equilibrium = solve(game).nu
        run: dict[str, Any] = {"ratio": ratio, "nu_star": equilibrium.tolist()}
        for name, path in (
            ("undamped", best_response_path(game)),
            ("damped", mirror_descent_path(game, line_search=False)),
        ):
            masses = np.stack([play.nu for play in islice(path, STEPS + 1)])
            run[name] = (0.5 * np.abs(masses - equilibrium).sum(axis=-1)).tolist()
            run[f"{name}_first_answer"] = masses[:, 0].tolist()
        runs.append(run)
    return {"nu_0": list(NU_0), "beta": BETA, "runs": runs}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw distance against step for each ratio, and the mass of the first answer for three of them.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, (upper, lower) = style.stacked(2)
    colours = [style.BLUE, style.GREEN, style.INK, style.ORANGE, style.RED]
    for run, colour in zip(arrays["runs"], colours, strict=True):
        label = f"weight = {run['ratio']:g} beta"
        upper.semilogy(np.maximum(run["undamped"], 1e-16), color=colour, label=label)
        upper.semilogy(np.maximum(run["damped"], 1e-16), color=colour, linestyle=":")
        if run["ratio"] in {0.5, 1.0, 2.0}:
            lower.plot(run["undamped_first_answer"][:13], color=colour, marker="o", markersize=3, label=label)
            lower.axhline(run["nu_star"][0], color=colour, linestyle="--", linewidth=0.8)
    upper.set(xlabel="step", ylabel="distance to the equilibrium\n(total variation)", ylim=(1e-16, 2))
    lower.set(xlabel="step", ylabel="mass of the first answer", ylim=(-0.05, 1.05))
    upper.set_title("solid: undamped, dotted: damped", fontsize=10)
    lower.set_title("undamped; dashed: equilibrium", fontsize=10)
    figure.legend(*upper.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    ends = "; ".join(f"{run['ratio']:g}: {run['undamped'][-1]:.1e}" for run in arrays["runs"])
    damped = max(run["damped"][-1] for run in arrays["runs"])
    return (
        f"Entropy game R = weight sum nu log nu, nu_0 = {tuple(arrays['nu_0'])}, beta = {arrays['beta']:g}, started at "
        "the reference. Solid lines answer exactly in turn: they reach the equilibrium below beta, repeat two points "
        f"at beta, and swing between opposite corners above. Distance after {STEPS} steps by weight / beta: {ends}. "
        f"Dotted lines take the damped step of claim I.8; the largest distance left is {damped:.1e}."
    )
