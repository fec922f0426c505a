"""Training of the entropy game with the logarithm estimated by different reward tables (claims II.12 and II.12a)."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames import AlignmentGame
from dagames.estimators import (
    RewardTable,
    aqp_table,
    elevated_table,
    minimax_table,
    plugin_table,
    recommended_table,
    split_table,
    variance_table,
)
from dagames.functionals import NegativeEntropy
from dagames.grpo import GroupTask, Grpo, mean_field_path, simulate
from dagames.grpo.group_rewards import ByCount, GroupReward
from figures import style

TITLE = "A table of low bias trains in fewer steps, and loses that to noise unless its variance is low too"
NU_0 = (0.7, 0.15, 0.1, 0.04, 0.01)
BETA = 0.1
GROUP_SIZE = 16
SEEDS = 50
TIME = 120.0
"""Steps times learning rate."""
RATES = (0.5, 0.1)
SHOWN = 80

TABLES: dict[str, Callable[[int], RewardTable]] = {
    "plug-in": lambda K: plugin_table(K, counts="centred"),
    "Taylor (recommended)": recommended_table,
    "averaged split": lambda K: elevated_table(split_table(K), K, counts="centred"),
    "variance, 4 optima": lambda K: variance_table(K, bias=4.0, counts="centred"),
    "AQP, 2 optima": lambda K: aqp_table(K, bias=2.0, counts="centred"),
    "minimax": lambda K: minimax_table(K, counts="centred"),
}
_COLOURS = dict(zip(TABLES, (style.RED, style.ORANGE, style.BLUE, style.GREEN, style.SKY, style.INK), strict=True))


def compute() -> dict[str, Any]:
    """Train 50 seeds with every table at two learning rates, and follow the expected steps to their rest.

    Returns:
        Per rate and table: mean suboptimality J(nu) - J* over seeds with half of its 95 % interval, at `time`, which is
        steps times rate; its mean over the last quarter; the first step at which the mean is below a tenth of the
        first; the suboptimality where expected steps rest; and the table's worst weighted variance.
    """
    runs = []
    for name, make in TABLES.items():
        table = make(GROUP_SIZE)
        reward = ByCount(-table.coefficients)
        known = {"table": name, "variance": table.variance.upper, "rest": _rest(reward)}
        runs += [known | {"rate": rate} | _train(reward, rate) for rate in RATES]
    return {"seeds": SEEDS, "group_size": GROUP_SIZE, "nu_0": list(NU_0), "beta": BETA, "runs": runs}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw mean suboptimality with intervals against the time, a panel a learning rate.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(len(RATES), sharex=True, sharey=True)
    for place, rate in zip(axes, RATES, strict=True):
        for run in arrays["runs"]:
            if run["rate"] == rate:
                time, mean, half = (np.array(run[key]) for key in ("time", "mean", "half"))
                colour = _COLOURS[run["table"]]
                place.semilogy(time, mean, color=colour, label=run["table"])
                place.fill_between(
                    time, np.maximum(mean - half, 1e-6), mean + half, color=colour, alpha=0.2, linewidth=0
                )
                place.axhline(run["rest"], color=colour, linestyle=":", linewidth=0.9)
        place.set_title(f"learning rate {rate:g}")
    for place in axes:
        place.set(ylabel="mean of J - J* over seeds", ylim=(1e-6, 4.0))
    axes[-1].set_xlabel("steps times learning rate")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """

    def at(table: str, rate: float) -> dict[str, Any]:
        return next(run for run in arrays["runs"] if run["table"] == table and run["rate"] == rate)

    fast, slow = RATES
    plain, good = at("plug-in", fast), at("Taylor (recommended)", fast)
    split = [at("averaged split", rate)["end"] for rate in RATES]
    ends = [[at(name, rate)["end"] for rate in RATES] for name in ("plug-in", "Taylor (recommended)")]
    loud, loudest = at("AQP, 2 optima", slow), at("minimax", slow)
    return (
        f"Entropy game with {len(NU_0)} answers and beta = {BETA:g} lambda, groups of {arrays['group_size']}, one a "
        f"step, centred; means over {arrays['seeds']} seeds with 95 % intervals. Below a tenth of the first "
        f"suboptimality after {plain['steps']} steps with the plug-in and {good['steps']} with the recommended table "
        f"(rate {fast:g}). Expected steps rest at {plain['rest']:.1e} and {good['rest']:.1e}. In the last quarter the "
        f"means are {ends[0][0]:.4f} (plug-in), {ends[1][0]:.4f} (recommended) and {split[0]:.4f} (averaged split) at "
        f"rate {fast:g}, {ends[0][1]:.4f}, {ends[1][1]:.4f} and {split[1]:.4f} at rate {slow:g}: in this game what is "
        f"left is noise more than bias, and the worst weighted variances are {plain['variance']:.3f}, "
        f"{good['variance']:.3f} and {at('averaged split', fast)['variance']:.3f}. What holds over games and rates is "
        "in `results/benchmarks/training.json`. Tables of large variance are lost in noise: "
        f"{loud['end']:.3f} with AQP ({loud['variance']:.2g}) and {loudest['end']:.1f} with the minimax "
        f"table ({loudest['variance']:.3g}), at the lower rate."
    )


def _train(reward: GroupReward, rate: float) -> dict[str, Any]:
    game = AlignmentGame(NU_0, range(len(NU_0)), NegativeEntropy(1.0), BETA)
    steps = round(TIME / rate)
    course = simulate(GroupTask(game, reward), Grpo(rate), steps=steps, group_size=GROUP_SIZE, n_seeds=SEEDS)
    losses = _suboptimality(course.nu)
    mean, below = losses.mean(axis=0), losses.mean(axis=0) < 0.1 * losses[0, 0]
    half = 1.96 * losses.std(axis=0, ddof=1) / np.sqrt(SEEDS)
    shown = np.linspace(0, steps - 1, SHOWN).round().astype(int)
    return {
        "time": (shown * rate).tolist(),
        "mean": mean[shown].tolist(),
        "half": half[shown].tolist(),
        "end": float(mean[-steps // 4 :].mean()),
        "steps": int(below.argmax()) if below.any() else None,
    }


def _rest(reward: GroupReward) -> float:
    path = mean_field_path(NU_0, reward, group_size=GROUP_SIZE, learning_rate=1.0, beta=BETA, geometry="natural")
    return float(_suboptimality(np.exp(next(islice(path, 200, None)))))


def _suboptimality(nu: np.ndarray) -> np.ndarray:
    """J - J* = (1 + beta) KL(nu || nu*), nu* in proportion to nu_0^(beta / (1 + beta)); at least 0 up to rounding."""
    best = np.array(NU_0) ** (BETA / (1 + BETA))
    return np.asarray((1 + BETA) * (nu * np.log(nu / (best / best.sum()))).sum(axis=-1))
