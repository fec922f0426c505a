"""Where majority votes collapse to one answer: beta against the reference (claim B.5)."""

from itertools import islice
from math import comb
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames import AlignmentGame
from dagames.functionals import Linear
from dagames.grpo import ByTarget, GroupTask, Grpo, mean_field_path, simulate
from dagames.targets import MajorityVote
from figures import style

TITLE = "Below a threshold of beta, majority votes end at the reference's most frequent answer"
GROUP_SIZE = 8
BETAS = tuple(np.geomspace(0.1, 3.0, 31).tolist())
REFERENCES = tuple(np.linspace(0.02, 0.98, 33).tolist())
SAMPLED_BETAS = (0.2, 0.5, 1.0, 2.0)
SAMPLED_REFERENCES = (0.2, 0.4, 0.6, 0.8)
RUNS = 32
STEPS = 300
SAMPLED_STEPS, RATE = 2000, 0.25


def compute() -> dict[str, Any]:
    """Follow the expected steps from every reference at every beta, and sampled runs at some.

    Returns:
        The right answer's probability at the end, [betas, references]; the same as the mean of sampled runs; and the
        beta below which a reference near 1/2 collapses.
    """
    field = [_ends(beta) for beta in BETAS]
    runs = [
        {"beta": beta, "p_0": p_0, "mean": _sampled_mean(beta, p_0)}
        for beta in SAMPLED_BETAS
        for p_0 in SAMPLED_REFERENCES
    ]
    return {
        "group_size": GROUP_SIZE,
        "betas": list(BETAS),
        "references": list(REFERENCES),
        "ends": field,
        "runs": runs,
        "n_runs": RUNS,
        "threshold": threshold(GROUP_SIZE),
    }


def threshold(group_size: int) -> float:
    """Return the slope of the vote's mean sign in the logit at p = 1/2: below this beta, p_0 near 1/2 collapses."""
    n = group_size - 2 - (group_size - 2 + 1) % 2
    return float(n / 2 * comb(n - 1, (n - 1) // 2) / 2 ** (n - 1))


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw the end as a colour over reference and beta, with sampled runs as circles of the same colours.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(1, height=4.2)
    levels = np.linspace(0, 1, 21)
    filled = axes.contourf(arrays["references"], arrays["betas"], arrays["ends"], levels, cmap="cividis")
    runs = arrays["runs"]
    axes.scatter(
        [run["p_0"] for run in runs],
        [run["beta"] for run in runs],
        c=[run["mean"] for run in runs],
        cmap="cividis",
        vmin=0,
        vmax=1,
        s=90,
        edgecolors=style.GROUND,
        linewidths=1.5,
    )
    axes.axhline(arrays["threshold"], color=style.GROUND, linestyle="--")
    axes.set(
        xlabel="probability p_0 of the right answer in the reference", ylabel="beta (R-units per nat)", yscale="log"
    )
    axes.grid(visible=False)
    figure.colorbar(filled, label="probability of the right answer after training", ticks=[0, 0.25, 0.5, 0.75, 1])
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    field = np.array(arrays["ends"])
    apart = max(
        abs(
            run["mean"]
            - float(field[_nearest(arrays["betas"], run["beta"]), _nearest(arrays["references"], run["p_0"])])
        )
        for run in arrays["runs"]
    )
    return (
        f"Majority votes of K = {arrays['group_size']} traces, two answers. Colour: probability of the right "
        "answer after "
        f"{STEPS} expected steps; circles: the mean of {arrays['n_runs']} runs of {SAMPLED_STEPS} sampled "
        "groups. Below the dashed line, beta = "
        f"{arrays['threshold']:.3g} (claim B.5), a reference near 1/2 goes to a corner, so the colour changes "
        "abruptly at "
        "p_0 = 1/2; above it, the end depends smoothly on the reference. The largest difference between a "
        "circle and the "
        f"nearest point of the field is {apart:.2f}."
    )


def _nearest(values: list[float], value: float) -> int:
    return int(np.abs(np.array(values) - value).argmin())


def _ends(beta: float) -> list[float]:
    references = np.stack([REFERENCES, 1 - np.array(REFERENCES)], axis=-1)
    rate = 0.5 / (1 + beta)
    path = mean_field_path(
        references, MajorityVote(), group_size=GROUP_SIZE, learning_rate=rate, beta=beta, geometry="natural"
    )
    ends: list[float] = np.exp(next(islice(path, STEPS, None))[:, 0]).round(6).tolist()
    return ends


def _sampled_mean(beta: float, p_0: float) -> float:
    game = AlignmentGame([p_0, 1 - p_0], [0, 1], Linear([0.0, 0.0]), beta)
    task = GroupTask(game, ByTarget(MajorityVote()))
    course = simulate(task, Grpo(RATE), steps=SAMPLED_STEPS, group_size=GROUP_SIZE, n_seeds=RUNS)
    return float(course.nu[:, -1, 0].mean())
