"""The equilibrium of every convex functional on one small game."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames import AlignmentGame, solve
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
    Point,
    Polytope,
    Quadratic,
    SquaredDistance,
    Tsallis,
)
from figures import style

TITLE = "Each functional moves the same reference to its own equilibrium"
NU_0 = (0.6, 0.25, 0.1, 0.05)
PRIOR = (0.1, 0.2, 0.3, 0.4)
BETA = 0.5
GAMES: dict[str, Functional] = {
    "Linear, rewards (0, 0, 1, 1)": Linear([0.0, 0.0, 1.0, 1.0]),
    "Point, answer 1": Point(1),
    "LogScore, answer 1": LogScore(1),
    "Polytope, nu(0) at most 0.3": Polytope([1.0, 0.0, 0.0, 0.0], 0.3),
    "NegativeEntropy": NegativeEntropy(),
    "Gini": Gini(),
    "Tsallis, order 0.5": Tsallis(0.5),
    "Quadratic, distances on a line": Quadratic(-np.abs(np.subtract.outer(range(4), range(4))).astype(float)),
    "KLToPrior": KLToPrior(PRIOR),
    "KLFromPrior": KLFromPrior(PRIOR),
    "ChiSquare": ChiSquare(PRIOR),
    "Hellinger": Hellinger(PRIOR),
    "SquaredDistance": SquaredDistance(PRIOR),
}


def compute() -> dict[str, Any]:
    """Solve the game of each functional.

    Returns:
        Reference, prior and beta; by functional: the equilibrium's marginal, [4], and the certified gap.
    """
    rows = []
    for name, functional in GAMES.items():
        solution = solve(AlignmentGame(NU_0, range(len(NU_0)), functional, BETA))
        rows.append({"functional": name, "nu": solution.nu.tolist(), "gap": float(solution.certificate.gap)})
    return {"nu_0": list(NU_0), "prior": list(PRIOR), "beta": BETA, "rows": rows}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw each marginal as a bar of four parts, the reference first and the prior last.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(1, height=5.4)
    first, last = ("reference nu_0", arrays["nu_0"]), ("prior p", arrays["prior"])
    bars = [first, *((row["functional"], row["nu"]) for row in arrays["rows"]), last]
    names, masses = [name for name, _ in bars], np.array([nu for _, nu in bars])
    left = np.cumsum(masses, axis=1) - masses
    colours = (style.BLUE, style.SKY, style.ORANGE, style.RED)
    for z, (colour, hatch) in enumerate(zip(colours, ("", "//", "..", "xx"), strict=True)):
        axes.barh(
            names, masses[:, z], left=left[:, z], color=colour, hatch=hatch, edgecolor=style.GROUND, label=f"answer {z}"
        )
    axes.invert_yaxis()
    axes.set(xlabel="probability", xlim=(0, 1))
    axes.grid(visible=False)
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    gap = max(row["gap"] for row in arrays["rows"])
    return (
        f"Equilibrium distributions of four answers for beta = {arrays['beta']:g} and weight 1. Rewards and verified "
        "answers move the mass to some answers; entropy, Gini, Tsallis and the quadratic form of distances spread it; "
        f"the others move it towards the prior p. Each is certified by its duality gap, at most {gap:.0e}."
    )
