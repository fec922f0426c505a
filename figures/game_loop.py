"""The loop of the game: the policy answers the target, and the target answers the policy."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from dagames import AlignmentGame, solve
from dagames.functionals import NegativeEntropy
from figures import style

TITLE = "The policy learns from the target's reward, and the target follows the policy's answers"
PI_0 = (0.4, 0.3, 0.2, 0.1)
ANSWERS = (0, 1, 1, 2)
WEIGHT, BETA = 1.3, 0.7


def compute() -> dict[str, Any]:
    """Solve a game of four traces and three answers.

    Returns:
        Reference, equilibrium policy, its answer marginal, the target and the rewards beta log q.
    """
    game = AlignmentGame(PI_0, ANSWERS, NegativeEntropy(WEIGHT), BETA)
    solution = solve(game)
    return {
        "pi_0": list(PI_0),
        "E": list(ANSWERS),
        "weight": WEIGHT,
        "beta": BETA,
        "pi": np.asarray(solution.pi).tolist(),
        "nu": solution.nu.tolist(),
        "q": solution.q.tolist(),
        "rewards": (BETA * np.log(solution.q)).tolist(),
        "gap": float(solution.certificate.gap),
    }


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw four boxes and the arrows between them, with the numbers of the equilibrium.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(1, height=4.4)
    axes.set(xlim=(0, 10), ylim=(0, 8.4))
    axes.set_axis_off()
    _box(axes, (0.2, 5.6), "Policy over traces", rf"$\pi$ = {_row(arrays['pi'])}", style.BLUE)
    _box(axes, (5.6, 5.6), "Answer marginal", rf"$\nu_\pi$ = {_row(arrays['nu'])}", style.GREEN)
    _box(axes, (5.6, 1.0), "Target on answers", f"$q$ = {_row(arrays['q'])}", style.RED)
    _box(axes, (0.2, 1.0), "Reward of an answer", rf"$\beta \log q$ = {_row(arrays['rewards'])}", style.ORANGE)
    arrows = (
        ((4.4, 6.4), (5.6, 6.4), "extractor $E$", (5.0, 7.7)),
        ((7.7, 5.6), (7.7, 2.6), r"$q \propto \exp(-\nabla R(\nu_\pi) / \beta)$", (7.5, 4.1)),
        ((5.6, 1.8), (4.4, 1.8), "", (5.0, 1.8)),
        ((2.3, 2.6), (2.3, 5.6), r"$\pi \propto \pi_0 \, q(E)$, by GRPO", (2.5, 4.1)),
    )
    for start, end, label, place in arrows:
        axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": style.INK, "linewidth": 1.4})
        side = {7.5: "right", 2.5: "left"}.get(place[0], "center")
        axes.text(*place, label, ha=side, va="center", fontsize=9)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    return (
        f"The game of a reference pi_0 = {_row(arrays['pi_0'])} over four traces with the answers {arrays['E']}, "
        f"R = {arrays['weight']:g} sum nu log nu and beta = {arrays['beta']:g}. Clockwise: the policy's traces "
        "give the "
        "marginal nu_pi of answers; the gradient of R there gives the target q; beta log q is the reward of an answer; "
        "the best policy for this reward with the penalty beta KL is proportional to pi_0 q(E). The numbers are those "
        f"of the equilibrium, where one more turn changes nothing (duality gap {arrays['gap']:.0e})."
    )


def _box(axes: Axes, corner: tuple[float, float], title: str, text: str, colour: str) -> None:
    axes.add_patch(
        FancyBboxPatch(
            corner, 4.2, 1.6, boxstyle="round,pad=0,rounding_size=0.2", facecolor="none", edgecolor=colour, linewidth=2
        )
    )
    axes.text(corner[0] + 2.1, corner[1] + 1.12, title, ha="center", va="center", fontsize=10)
    axes.text(corner[0] + 2.1, corner[1] + 0.5, text, ha="center", va="center", fontsize=8)


def _row(numbers: list[float]) -> str:
    return f"({', '.join(f'{x:.2f}' for x in numbers)})"
