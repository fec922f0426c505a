"""The generalised Hellinger distance of views against their Jensen-Shannon divergence (claim I.23)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames.orbits import generalised_hellinger, hellinger_bounds, jensen_shannon
from figures import style

TITLE = "Hellinger distance and Jensen-Shannon divergence bound each other"
VIEWS = (2, 3, 8)
DRAWS = 400
SEED = 0


def compute() -> dict[str, Any]:
    """Compute both distances of random orbits, spread over all sizes.

    Returns:
        For each number of views: the best constants c and C, and both distances of every draw.
    """
    rng = np.random.default_rng(SEED)
    panels = []
    for K in VIEWS:
        low, high = hellinger_bounds(K)
        orbits = [_orbit(rng, K) for _ in range(DRAWS)]
        # All views equal but one, which is disjoint from them, attains C; disjoint views have H^2 = 1.
        corner = np.zeros((K, 2))
        corner[:-1, 0], corner[-1, 1] = 1.0, 1.0
        orbits += [corner, np.eye(K)]
        panels.append({
            "K": K,
            "c": low,
            "C": high,
            "js": [jensen_shannon(nu) for nu in orbits],
            "hellinger": [generalised_hellinger(nu) for nu in orbits],
        })
    return {"draws": DRAWS, "seed": SEED, "panels": panels}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw H^2 against JS with both bounds, a panel for each number of views.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(len(VIEWS), height=2.5)
    for place, panel in zip(axes, arrays["panels"], strict=True):
        js = np.linspace(0, np.log(panel["K"]), 100)
        place.scatter(panel["js"], panel["hellinger"], s=8, color=style.BLUE, label="random orbits")
        place.plot(js, panel["c"] * js, color=style.INK, linestyle="--", label="c JS")
        place.plot(js, np.minimum(panel["C"] * js, 1.0), color=style.INK, label="min(C JS, 1)")
        place.set(xlim=(0, None), ylim=(0, 1.05))
        place.set_title(f"{panel['K']} views: c = {panel['c']:.3f}, C = {panel['C']:.3f}")
    axes[1].set_ylabel("squared generalised Hellinger distance H^2")
    axes[-1].set_xlabel("Jensen-Shannon divergence JS (nats)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    ratios = []
    for panel in arrays["panels"]:
        js = np.array(panel["js"])
        # Of nearly equal views both distances are rounding.
        ratio = np.array(panel["hellinger"])[js > 1e-6] / js[js > 1e-6]
        ratios.append(f"{panel['K']} views: {ratio.min():.3f} to {ratio.max():.3f}")
    return (
        f"{arrays['draws']} random orbits for each number of views, and the two that attain the bounds. The squared "
        "generalised Hellinger distance lies between c JS and C JS with the best constants c and C (claim I.23), and "
        f"below 1. Ratios H^2 / JS found: {'; '.join(ratios)}."
    )


def _orbit(rng: np.random.Generator, K: int) -> np.ndarray:
    """Draw views around a common centre, near it or far from it."""
    n_answers = int(rng.integers(2, 6))
    centre = rng.dirichlet(np.ones(n_answers)) + 0.01
    concentration = np.exp(rng.uniform(-2.5, 4.0))
    views = rng.dirichlet(concentration * centre, size=K) + 1e-12
    return np.asarray(views / views.sum(axis=-1, keepdims=True))
