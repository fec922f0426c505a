"""Where training rests with standardised, centred and leave-one-out advantages (claims I.17d and I.50)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import brentq

from dagames.grpo import expected_update
from dagames.grpo.enumeration import Rule
from figures import style

TITLE = "Divided by the group's deviation, training does not rest at the equilibrium"
SIZES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
BETAS = tuple(np.geomspace(0.1, 10.0, 25).tolist())
SHOWN_K = 4
RULES: dict[Rule, str] = {
    "standardise": "standardised (equation 5)",
    "center": "centred",
    "leave-one-out": "leave-one-out",
}


def compute() -> dict[str, Any]:
    """Find the root of the expected step plus the exact divergence's gradient, for rewards (0, 1) and nu_0 uniform.

    Returns:
        The right answer's probability at rest by rule: against K at beta = 1, and against beta at K = 4.
    """
    return {
        "sizes": list(SIZES),
        "betas": list(BETAS),
        "shown_K": SHOWN_K,
        "by_size": {rule: [rest_point(rule, K, 1.0) for K in SIZES] for rule in RULES},
        "by_beta": {rule: [rest_point(rule, SHOWN_K, beta) for beta in BETAS] for rule in RULES},
        "equilibrium": [float(1 / (1 + np.exp(-1 / beta))) for beta in BETAS],
    }


def rest_point(rule: Rule, group_size: int, beta: float) -> float:
    """Return the p at which the expected step of the logits and beta times the gradient of KL(nu || nu_0) cancel.

    >>> round(rest_point("standardise", 4, 1.0), 3), round(rest_point("leave-one-out", 4, 1.0), 3)
    (0.808, 0.731)
    """

    def force(logit: float) -> float:
        p = 1 / (1 + np.exp(-logit))
        push = float(expected_update([1 - p, p], [0.0, 1.0], group_size, rule)[1])
        # The gradient of beta KL(nu || uniform) in the logit is beta p (1 - p) logit.
        return float(push / (p * (1 - p)) - beta * logit)

    return float(1 / (1 + np.exp(-brentq(force, 1e-9, 30.0, xtol=1e-13))))


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the rest points against K and against beta, with the equilibrium.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, (upper, lower) = style.stacked(2, height=2.7)
    colours = dict(zip(RULES, (style.RED, style.ORANGE, style.BLUE), strict=True))
    for rule, label in RULES.items():
        marker = {"standardise": "s", "center": "^", "leave-one-out": "o"}[rule]
        upper.semilogx(arrays["sizes"], arrays["by_size"][rule], color=colours[rule], marker=marker, label=label)
        lower.semilogx(arrays["betas"], arrays["by_beta"][rule], color=colours[rule], marker=marker, markevery=4)
    upper.axhline(1 / (1 + np.exp(-1)), color=style.INK, linestyle="--", label="equilibrium")
    lower.semilogx(arrays["betas"], arrays["equilibrium"], color=style.INK, linestyle="--")
    upper.set_xticks(arrays["sizes"], [str(K) for K in arrays["sizes"]])
    upper.set_xticks([], minor=True)
    upper.set(xlabel="traces in a group, K (beta = 1)")
    lower.set(xlabel=f"beta (K = {arrays['shown_K']})")
    for place in (upper, lower):
        place.set_ylabel("right answer at rest")
    figure.legend(*upper.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    at = arrays["sizes"].index(SHOWN_K)
    last = arrays["sizes"][-1]
    points = {rule: arrays["by_size"][rule][at] for rule in RULES}
    return (
        "Two answers, rewards (0, 1), uniform reference: the probability of the right answer at which the "
        "expected step "
        f"and the divergence's gradient cancel. At K = {SHOWN_K} and beta = 1 it is {points['standardise']:.3f} with "
        f"standardised advantages (deviation with K - 1), {points['center']:.3f} with centred and "
        f"{points['leave-one-out']:.3f} with leave-one-out advantages; the equilibrium is "
        f"{1 / (1 + np.exp(-1)):.3f}. At "
        f"K = {last} the standardised one is {arrays['by_size']['standardise'][-1]:.3f} and the centred one "
        f"{arrays['by_size']['center'][-1]:.3f} (claims I.17d and I.50)."
    )
