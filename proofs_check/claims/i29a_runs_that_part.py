"""I.29a: with a moving average runs end right or wrong, and their mean is the share of the right ones."""

from collections.abc import Iterator
from math import comb

import numpy as np
from scipy.stats import binomtest

from dagames.grpo import Grpo, Learner, ManyToOne, Reinforce, simulate
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import i29_synthetic_study as i29

SMALL = ManyToOne(n_traces=30, n_answers=3)
RUNS, STEPS, RATE = 120, 20, 5.0
"""Of the comparison with the library's simulator."""


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Repeat the comparisons of I.29, count the runs that end wrong, and compare the spread of the first step.

    Args:
        formula: From the runs' last accuracies to whether each is where the moving average is said to end.
        rng: Source of seeds.

    Yields:
        Those of I.29; with the moving average the mean over runs less the share of right ones, and the 95 % interval of
        the share of wrong ones; the spread of the first step's slope over runs, beside that by listing counts; and the
        mean accuracy of runs in a small study, beside that of the library's simulator.
    """
    seed = int(rng.integers(2**31))
    yield from i29.compare(formula, seed)
    for study in i29.STUDIES:
        if study.baseline == "group":
            continue
        last = i29.ends(study, seed)
        wrong = int((last < 0.05).sum())
        interval = binomtest(wrong, study.runs).proportion_ci()
        here = i29.describe(study, last) | {"95 % interval of wrong": f"{interval.low:.3f} to {interval.high:.3f}"}
        text = {"compared": "mean accuracy less the share of right runs"}
        yield Evidence(0.0, float(last.mean() - (last > 0.95).mean()), "equal", 0.05, here | text, study.steps)
        if study.policy == "answers" and study.rate < 1:
            yield Evidence(0.05, interval.high, "at most", 0.0, here | {"compared": "most that end wrong"}, study.steps)
        else:
            yield Evidence(
                0.08, interval.low, "at least", 0.0, here | {"compared": "least that end wrong"}, study.steps
            )
    yield from _spreads(seed)
    yield from _library(rng)


def spread(baseline: str) -> float:
    """List the counts of right traces in a first group, and the biases, for the deviation of the step's slope.

    Args:
        baseline: "group" or "moving-average", which begins at the mean bias.

    Returns:
        The deviation of 1/K sum_i A_i (1{right} - p), p the share of right traces.
    """
    p = 1 / i29.ANSWERS
    cases = [
        (comb(i29.K, k) * p**k * (1 - p) ** (i29.K - k) / 2, k / i29.K, bias)
        for k in range(i29.K + 1)
        for bias in (0.0, i29.BIAS)
    ]
    masses = np.array([mass for mass, _, _ in cases])
    slopes = np.array([
        share * (1 - share)
        if baseline == "group"
        else share * (1 + bias - i29.BIAS / 2) * (1 - p) - (1 - share) * (bias - i29.BIAS / 2) * p
        for _, share, bias in cases
    ])
    return float(np.sqrt(masses @ slopes**2 - (masses @ slopes) ** 2))


def _spreads(seed: int) -> Iterator[Evidence]:
    for baseline in ("group", "moving-average"):
        first = np.concatenate([i29.course(s, seed)[1][:, 0] for s in i29.STUDIES if s.baseline == baseline])
        here = {"K": i29.K, "baseline": baseline, "runs": first.size, "compared": "spread of the first step's slope"}
        # The slope is bounded, so five standard errors of a deviation are ample.
        listed = spread(baseline)
        yield Evidence(listed, float(first.std()), "equal", 5 * listed / (2 * first.size) ** 0.5, here, i29.TRACES)


def _library(rng: np.random.Generator) -> Iterator[Evidence]:
    learners: dict[str, Learner] = {"group": Grpo(RATE), "moving-average": Reinforce(RATE, i29.DECAY, i29.BIAS / 2)}
    for baseline, learner in learners.items():
        theirs = simulate(SMALL, learner, steps=STEPS, group_size=i29.K, n_seeds=RUNS).accuracy[:, -1]
        study = i29.Study("traces", "group" if baseline == "group" else "moving-average", RATE, RUNS, STEPS)
        ours = i29.run(study, rng, SMALL.n_traces, SMALL.n_answers)[0][:, -1]
        error = 4 * float(np.sqrt((ours.var() + theirs.var()) / RUNS)) + 1e-3
        here = {"traces": 30, "answers": 3, "baseline": baseline, "rate": RATE, "steps": STEPS, "runs": RUNS}
        here |= {"compared": "mean accuracy, with that of dagames.grpo.simulate"}
        yield Evidence(float(theirs.mean()), float(ours.mean()), "equal", error, here, i29.TRACES)


I29A = Claim(
    id="I.29a",
    title="Runs that part",
    whose="ours",
    place="amendment of claim I.29",
    statement=(
        "In that study (K = 16, a decay of .9 from the mean bias) every run with the group's mean ends above .95, "
        "with logits of traces at rates from 20 to 320 and of answers at .2 and 3. With the moving average a run "
        "ends above .95 or below .05, and the mean over runs is the share of the former; with logits of traces at "
        "rates from 5 to 320, and of answers at 3, at least 8 % end wrong; of answers at .2 hardly any does."
    ),
    kind="convergence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=i29.parted,
            sabotage=i29.stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "The bias is the same for all traces of a step, so that no baseline makes the mean step wrong. But a step "
        "of four times the signal pushes whatever was drawn, and where one answer has all the mass, every group "
        "agrees and nothing moves again. Wrong, of a hundred runs at rates 5, 20, 80, 320: about 30, 60, 40, 20; "
        "small rates average the noise out and end right, later. The first step's slope deviates by .31 with the "
        "moving average and by .057 with the group's mean: the paper's .4 against little is real. Its plateau of .8"
        " is what the mean over runs shows at rate 320. Policies over traces are exact: what was never drawn shares"
        " one logit."
    ),
)

CLAIMS = (I29A,)
