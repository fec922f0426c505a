"""Language models before and after training, from result files only."""

from typing import Any

from matplotlib.figure import Figure

from figures import style
from figures.results import read_result

TITLE = "Small language models before and after training on their answers"
DEMO_SEEDS = range(5)
ROWS: tuple[tuple[str, str, str], ...] = (
    *((f"demo/seed{seed}.json", "sampled", f"demo, seed {seed}: accuracy of a sample") for seed in DEMO_SEEDS),
    ("cpu/pairwise_cpu.json", "sampled", "pairwise: accuracy of a sample"),
    ("cpu/pairwise_cpu.json", "mean distance", "pairwise: distance of two answers"),
    ("cpu/safety_cpu.json", "mean cost, refuses harmful", "safety: refused, harmful (at least .9)"),
    ("cpu/safety_cpu.json", "mean cost, refuses benign", "safety: refused, benign (at most .1)"),
    ("cpu/diversity_cpu.json", "majority_ratio", "diversity: share of the top answer"),
)
"""File, statistic and label."""


def compute() -> dict[str, Any]:
    """Read the statistics before and after training.

    Returns:
        For each row: label, and mean with 95 % interval before and after.
    """
    rows = []
    for file, statistic, label in ROWS:
        result = read_result(file)
        rows.append(
            {"label": label, "file": file} | {when: result[when]["orbit"][statistic] for when in ("before", "after")}
        )
    return {"rows": rows}


def draw(arrays: dict[str, Any]) -> Figure:
    """Draw means and intervals before and after, a line for each statistic.

    Args:
        arrays: What `compute` returned.

    Returns:
        The figure.
    """
    figure, axes = style.stacked(1, height=4.6)
    for when, colour, marker, shift in (("before", style.GREY, "o", -0.13), ("after", style.BLUE, "s", 0.13)):
        means = [row[when]["mean"] for row in arrays["rows"]]
        ends = [
            [row[when]["mean"] - row[when]["low"] for row in arrays["rows"]],
            [row[when]["high"] - row[when]["mean"] for row in arrays["rows"]],
        ]
        places = [place + shift for place in range(len(means))]
        axes.errorbar(means, places, xerr=ends, fmt=marker, color=colour, elinewidth=1, markersize=5, label=when)
    axes.set_yticks(range(len(arrays["rows"])), [row["label"] for row in arrays["rows"]])
    axes.invert_yaxis()
    axes.set(xlabel="mean, 95 % interval", xlim=(0, 1.02))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def caption(arrays: dict[str, Any]) -> str:
    """Say what to see, with the numbers that were computed.

    Args:
        arrays: What `compute` returned.

    Returns:
        The caption.
    """
    clear = [
        row["label"]
        for row in arrays["rows"]
        if row["after"]["low"] > row["before"]["high"] or row["after"]["high"] < row["before"]["low"]
    ]
    return (
        "SmolLM2-135M-Instruct with a LoRA adapter, held-out questions, from results/demo and results/cpu. The "
        "demo has "
        "five seeds; the other recipes have one. The result files have no runs with control rewards. The "
        "intervals before "
        f"and after do not overlap in {len(clear)} of {len(arrays['rows'])} rows: {'; '.join(clear)}."
    )
