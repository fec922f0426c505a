"""I.29: the settings of the synthetic study of group and moving-average baselines that give the paper's curves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading
from proofs_check.synthetic_runs import RATES, SIZES, Baseline, Study, adam, describe, final, grid, reached

Array = NDArray[np.float64]


def at_304() -> int:
    """The step 304."""
    return 304


def at_380() -> int:
    """The step 380, a quarter later, which is six deviations over seeds."""
    return 380


def at_200() -> int:
    """The step 200, a hundred steps earlier."""
    return 200


def evidence_of_step(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train both with Adam, and find the step at which the mean over runs with the moving average passes .8.

    Args:
        formula: The step.
        rng: Source of randomness.

    Yields:
        That step, within 40, which is three times its deviation over seeds; the accuracy of GAME-GRPO then.
    """
    game, other = adam("standardised", 3, 304, rng), adam("moving-average", 16, 345, rng).mean(axis=0)
    passed = int((other >= 0.8).argmax()) if (other >= 0.8).any() else len(other)
    here: dict[str, Any] = {"logits of": "traces", "optimiser": "Adam", "rate": 0.1, "K": 64, "runs": 16}
    text = (
        f"At step 304 the mean accuracy over runs is {game[:, -1].mean():.3f} with the advantages of equation 5 and"
        f" {other[304]:.2f} with the moving average, which passes .8 at step {passed} and is at {other[-1]:.2f} at step"
        f" {len(other) - 1}."
    )
    compared = here | {"compared": "step at which the moving average's mean passes .8"}
    yield Evidence(float(formula()), float(passed), "equal", 40.0, compared, 304, sentence=text)
    compared = here | {"compared": "least accuracy of a run with equation 5 at step 304"}
    yield Evidence(0.99, float(game[:, -1].min()), "at least", 0.0, compared, 305, sentence=text)


PARTING = Study("traces", "moving-average", 320.0, 600, 40)
"""Runs that end right or wrong within 40 steps."""


def mean_of_runs() -> float:
    """The mean over runs is .8."""
    return 0.8


def mean_lower() -> float:
    """The mean over runs is .7."""
    return 0.7


def mean_half() -> float:
    """The mean over runs is .5."""
    return 0.5


def evidence_of_mean(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train with plain steps at a large rate, and average the runs' last accuracies.

    Args:
        formula: The mean with the moving average.
        rng: Source of a seed.

    Yields:
        The mean over runs within .06, which is four of its deviations; the runs' deviation, against that of accuracies
        0 and 1 in this share; and the least accuracy with equation 5.
    """
    seed = int(rng.integers(2**31))
    last = final(PARTING, seed)
    here, mean = describe(PARTING, last), float(last.mean())
    text = (
        f"Of {PARTING.runs} runs {int((last > 0.95).sum())} end above .95 and {int((last < 0.05).sum())} below .05."
        f" Their mean is {mean:.2f} and their deviation {last.std():.2f}; accuracies 1 and 0 in the shares .8 and .2"
        " have the deviation sqrt(.8 * .2) = .4."
    )
    compared = here | {"compared": "mean over runs"}
    yield Evidence(formula(), mean, "equal", 0.06, compared, PARTING.steps, sentence=text)
    compared = here | {"compared": "deviation over runs, sqrt(m (1 - m))"}
    yield Evidence(
        float(np.sqrt(mean * (1 - mean))), float(last.std()), "equal", 0.02, compared, PARTING.steps, sentence=text
    )
    game = Study("traces", "standardised", PARTING.rate, 20, PARTING.steps)
    ends = final(game, seed)
    compared = describe(game, ends) | {"compared": "least accuracy of a run"}
    yield Evidence(0.95, float(ends.min()), "at least", 0.0, compared, PARTING.steps)


def rested(accuracy: Array) -> Any:
    """A plateau near .8: runs that end between .6 and .95."""
    return (accuracy > 0.6) & (accuracy < 0.95)


def parted(accuracy: Array) -> Any:
    """Runs that end right or wrong."""
    return (accuracy > 0.95) | (accuracy < 0.05)


def evidence_of_runs(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train with plain steps at a large rate, and count the single runs by their last accuracy.

    Args:
        formula: From the runs' last accuracies to whether each run ends as claimed.
        rng: Source of a seed.

    Yields:
        The share of runs with the moving average that end as claimed.
    """
    study = replace(PARTING, runs=100)
    last = final(study, int(rng.integers(2**31)))
    inside = int(rested(last).sum())
    here = describe(study, last) | {"compared": "share of runs that end as claimed"}
    text = (
        f"Of {study.runs} runs with the moving average {inside} end between .6 and .95, {int((last > 0.95).sum())}"
        f" above and {int((last < 0.05).sum())} below .05."
    )
    yield Evidence(0.9, float(formula(last).mean()), "at least", 0.0, here, PARTING.steps, sentence=text)


def about() -> tuple[float, float]:
    """.8, up to .1."""
    return 0.8, 0.1


def anywhere() -> tuple[float, float]:
    """Anything from 0 to 1."""
    return 0.5, 0.5


def evidence_of_grid(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train with a logit for each answer over a grid of K and rate, until the group's baseline has .99.

    Args:
        formula: The accuracy with the moving average at this step, and its tolerance.
        rng: Source of a seed.

    Yields:
        Its mean accuracy at that step, for the group's mean and for equation 5, where they get that far in time.
    """
    found, (level, off) = grid(int(rng.integers(2**31))), formula()
    names: tuple[Baseline, ...] = ("group", "standardised")
    for baseline in names:
        for i, K in enumerate(SIZES):
            for j, rate in enumerate(RATES):
                step = reached(found[baseline][i, j])
                if step is None:
                    continue
                other = float(found["moving-average"][i, j, step])
                here = {"baseline": baseline, "K": K, "rate": rate, "step": step, "logits of": "answers"}
                here["compared"] = "mean accuracy with the moving average"
                text = (
                    f"With K = {K}, the rate {rate} and a logit for each answer, GAME-GRPO ({baseline}) reaches .99 "
                    f"at step {step}; at this step the moving average has the accuracy {other:.2f}."
                )
                yield Evidence(level, other, "equal", off, here, step, sentence=text)


def plot() -> Plot:
    """Draw the accuracy with the moving average when equation 5 reaches .99, by the learning rate.

    Returns:
        Mean accuracies over the grid, and the paper's .8.
    """
    found, lines = grid(0), []
    for i, K in enumerate(SIZES):
        steps = [reached(row) for row in found["standardised"][i]]
        pairs = [
            (rate, float(found["moving-average"][i, j, step]))
            for j, (rate, step) in enumerate(zip(RATES, steps, strict=True))
            if step is not None
        ]
        lines.append(Line(f"K = {K}", [x for x, _ in pairs], [y for _, y in pairs], "points"))
    lines.append(Line("paper, about .8", RATES, [0.8] * len(RATES), "bound"))
    return Plot(
        "learning rate, logits per unit of advantage",
        "mean accuracy with the moving average",
        lines,
        "Mean over 40 runs with a moving average, at the step at which GAME-GRPO with equation 5 reaches .99 on "
        "average. A logit for each answer, plain steps, at most 460 of them. Small groups and large rates give less "
        "than the paper's .8, large groups and small rates give more.",
        log_x=True,
    )


I29 = Claim(
    id="I.29",
    title="Synthetic study of baselines",
    whose="paper",
    place="Section 5.1 and Figure 2; also the slides, Synthetic Validation: Variance Reduction",
    plain=(
        "If tasks differ in difficulty, the group's mean as a baseline leads to full accuracy, a moving average to "
        "about 80 %."
    ),
    statement=(
        "With 10,000 traces, 10 answers, reward 1 for the right one and a bias of 0 or 8 that all traces of a step "
        "share, GAME-GRPO converges to an accuracy of 1 with negligible variance. REINFORCE with a global moving "
        "average fluctuates around .8, with a deviation of about .4, and plateaus there."
    ),
    printed="accuracy: 1.0 (GAME-GRPO), about 0.8 with sigma about 0.4 (REINFORCE)",
    kind="convergence",
    expected="open",
    missing=(
        "The group size, the learning rate and the optimiser, the decay and the start of the average, the parameters "
        "of the policy, the number of steps and of seeds, whether a curve is one run or a mean, and the quantity "
        "whose deviation is sigma."
    ),
    readings=(
        Reading(
            supposes=(
                "the curves are means over runs at step 304, K is 64, and a logit for each trace is trained by Adam "
                "at the rate .1, with the advantages of equation 5"
            ),
            expected="holds",
            stated=at_304,
            sabotage=at_200,
            near_miss=at_380,
            evidence=evidence_of_step,
        ),
        Reading(
            supposes=(
                "the curves are means over runs at their end, K is 16, and a logit for each trace is trained by "
                "plain steps at the rate 320"
            ),
            expected="holds",
            stated=mean_of_runs,
            sabotage=mean_half,
            near_miss=mean_lower,
            evidence=evidence_of_mean,
        ),
        Reading(
            supposes="the curves are single runs, in the setting of the second reading",
            expected="false",
            stated=rested,
            sabotage=parted,
            near_miss="No run ends between right and wrong; the sabotage states where runs end.",
            evidence=evidence_of_runs,
        ),
        Reading(
            supposes=(
                "the result does not depend on K from 4 to 64, nor on the rate from .1 to 3, with a logit for each "
                "answer"
            ),
            expected="false",
            stated=about,
            sabotage=anywhere,
            near_miss="The accuracies found range from below .5 to above .9; every narrower range is false.",
            evidence=evidence_of_grid,
        ),
    ),
    remark=(
        "GAME-GRPO ends at the right answer in all settings that were tried. The curve of REINFORCE depends on the "
        "settings. As a mean over runs it may be .8 during its increase, or permanently, as the share of runs that "
        "end right (claim I.29a). The deviation .4 is that of accuracies 0 and 1 in the shares .2 and .8: sqrt(.8 * "
        ".2) = .4. In a single run no plateau was observed. Here the moving average has the decay .9 and starts at "
        "the mean bias 4."
    ),
    amendment="I.29a",
    plot=plot,
)

CLAIMS = (I29,)
