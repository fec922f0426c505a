"""Group baseline against moving-average baseline when the reward's level varies (claim I.29)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dagames.grpo import Grpo, Learner, ManyToOne, Reinforce, simulate
from figures import style

TITLE = "A group's own mean removes the bias that a moving average leaves in"
LEARNING_RATES = (5.0, 20.0, 80.0)
BASELINES = ("group", "moving-average")
STEPS = 1600
SEEDS = 16
GROUP_SIZE = 16
WINDOW = 20


def compute() -> dict[str, Any]:
    """Run both baselines at several learning rates and seeds.

    Returns:
        Per baseline and rate: accuracy of every seed at `shown_steps`, [seeds, shown]; the spread of the gradient
        estimate over seeds and a window of steps; and how many seeds ended right or wrong.
    """
    shown = np.unique(np.geomspace(1, STEPS, 120).round().astype(int)) - 1
    runs = []
    for rate in LEARNING_RATES:
        for baseline in BASELINES:
            learner = _learner(baseline, rate)
            course = simulate(ManyToOne(), learner, steps=STEPS, group_size=GROUP_SIZE, n_seeds=SEEDS)
            windows = course.direction.reshape(SEEDS, STEPS // WINDOW, WINDOW)
            last = course.accuracy[:, -1]
            runs.append({
                "baseline": baseline,
                "learning_rate": rate,
                "accuracy": course.accuracy[:, shown].round(6).tolist(),
                "spread": windows.std(axis=(0, 2)).tolist(),
                "final_accuracy": last.tolist(),
                "right": int((last > 0.99).sum()),
                "wrong": int((last < 0.01).sum()),
            })
    settings = {"steps": STEPS, "seeds": SEEDS, "group_size": GROUP_SIZE, "window": WINDOW}
    return settings | {"shown_steps": (shown + 1).tolist(), "runs": runs}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw every seed's accuracy, a column a learning rate, with the gradient's spread below.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    colour = dict(zip(BASELINES, (style.BLUE, style.RED), strict=True))
    figure, axes = style.stacked(len(LEARNING_RATES) + 1, height=2.2, sharex=True)
    for run in arrays["runs"]:
        place = axes[LEARNING_RATES.index(run["learning_rate"])]
        accuracy, steps = np.array(run["accuracy"]), arrays["shown_steps"]
        place.semilogx(steps, accuracy.T, color=colour[run["baseline"]], alpha=0.25, linewidth=0.8)
        place.plot(steps, accuracy.mean(axis=0), color=colour[run["baseline"]], linewidth=2, label=run["baseline"])
        place.set_title(f"learning rate {run['learning_rate']:g}")
        if run["learning_rate"] == LEARNING_RATES[0]:
            middle = (np.arange(len(run["spread"])) + 0.5) * arrays["window"]
            axes[-1].plot(middle, run["spread"], color=colour[run["baseline"]])
    axes[1].set_ylabel("probability of the right answer")
    axes[-1].set(xlabel="step (one group each)", ylabel="spread of the estimate\n(R-units per logit)")
    axes[-1].set_title(f"gradient estimate at learning rate {LEARNING_RATES[0]:g}")
    handles, labels = axes[0].get_legend_handles_labels()
    names = [f"{label} baseline (thin: one seed; bold: mean)" for label in labels]
    figure.legend(handles, names, loc="outside lower center", ncols=1)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    counts = "; ".join(
        f"{run['baseline']} at rate {run['learning_rate']:g}: {run['right']} right, {run['wrong']} wrong"
        for run in arrays["runs"]
    )
    first = {name: max(r["spread"][0] for r in arrays["runs"] if r["baseline"] == name) for name in BASELINES}
    return (
        "10,000 traces, 10 answers, reward 1 for the right answer plus a bias of 0 or 8 that all traces of a step "
        f"share; {arrays['seeds']} seeds, groups of {arrays['group_size']}, thin lines one seed each. The group "
        "baseline cancels the bias; the moving average does not, so early steps push whatever was sampled and some "
        "seeds lock onto a wrong answer for good: the mean curve is a share of seeds, not a plateau of each. "
        f"Seeds that ended above .99 (right) or below .01 (wrong): {counts}. Largest spread of the gradient estimate "
        f"in the first {arrays['window']} steps: {first['group']:.3f} with the group baseline, "
        f"{first['moving-average']:.3f} with the moving average."
    )


def _learner(baseline: str, rate: float) -> Learner:
    # The moving average starts at the mean bias, so that it is not off by a level it could have been told.
    return Grpo(rate) if baseline == "group" else Reinforce(rate, level=float(np.mean(ManyToOne().biases)))
