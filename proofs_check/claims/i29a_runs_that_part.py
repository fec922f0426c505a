"""I.29a: with a moving average runs end right or wrong, and their mean is the share of the right ones."""

from collections.abc import Iterator
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from dagames.grpo import Grpo, Learner, ManyToOne, Reinforce, simulate
from proofs_check import stats, synthetic_runs
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]

SMALL = ManyToOne(n_traces=30, n_answers=3)
RUNS, STEPS, RATE = 120, 20, 5.0
"""Settings of the comparison with the library's simulator."""


STUDIES = (
    synthetic_runs.Study("traces", "group", 20.0, 12, 160),
    synthetic_runs.Study("traces", "group", 80.0, 12, 100),
    synthetic_runs.Study("traces", "group", 320.0, 12, 60),
    synthetic_runs.Study("traces", "moving-average", 10.0, 60, 280),
    synthetic_runs.Study("traces", "moving-average", 20.0, 120, 200),
    synthetic_runs.Study("traces", "moving-average", 80.0, 150, 100),
    synthetic_runs.Study("traces", "moving-average", 320.0, 400, 40),
    synthetic_runs.Study("answers", "group", 0.2, 30, 800),
    synthetic_runs.Study("answers", "group", 3.0, 30, 300),
    synthetic_runs.Study("answers", "moving-average", 0.2, 100, 800),
    synthetic_runs.Study("answers", "moving-average", 3.0, 120, 500),
)


@lru_cache(maxsize=64)
def course(study: synthetic_runs.Study, seed: int) -> tuple[Array, Array]:
    """Train a study once per seed."""
    return synthetic_runs.run(study, np.random.default_rng([seed, STUDIES.index(study)]))


def ends(study: synthetic_runs.Study, seed: int) -> Array:
    """Average each run's accuracy over its last tenth, [runs]."""
    accuracy = course(study, seed)[0]
    return np.asarray(accuracy[:, -study.steps // 10 :].mean(axis=1))


def stated(last: Array) -> float:
    """The share of runs that end right."""
    return float((last > 0.95).mean())


def near_miss(last: Array) -> float:
    """The share plus a fiftieth."""
    return stated(last) + 0.02


def sabotage(last: Array) -> float:  # noqa: ARG001 - whatever they are
    """A plateau at .8."""
    return 0.8


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train both baselines at several rates, count the runs that end right and wrong, and list the first step's groups.

    Args:
        formula: The mean accuracy over runs with the moving average, from the runs' last accuracies.
        rng: Source of seeds.

    Yields:
        The least accuracy at the end with the group's mean; with the moving average the share of runs that end right
        or wrong, the mean over runs, and the 95 % interval of the share of wrong ones; the deviation of the first
        step's slope over runs, against that by listing counts; and the mean accuracy of runs in a small study, against
        that of the library's simulator.
    """
    seed = int(rng.integers(2**31))
    for study in STUDIES:
        last = ends(study, seed)
        here = synthetic_runs.describe(study, last)
        if study.baseline == "group":
            compared = here | {"compared": "least accuracy of a run"}
            yield Evidence(0.95, float(last.min()), "at least", 0.0, compared, study.steps)
        else:
            yield from _parted(formula, study, last)
    yield from _spreads(seed)
    yield from _library(rng)


def _parted(formula: Formula, study: synthetic_runs.Study, last: Array) -> Iterator[Evidence]:
    right, wrong = int((last > 0.95).sum()), int((last < 0.05).sum())
    interval = stats.binomtest(wrong, study.runs).proportion_ci()
    here = synthetic_runs.describe(study, last) | {
        "95 % interval of the share below .05": f"{interval.low:.3f} to {interval.high:.3f}"
    }
    text = (
        f"With logits of {study.policy}, the rate {study.rate} and a moving average {right} of {study.runs} runs end "
        f"above .95 and {wrong} below .05. The mean over runs is {last.mean():.3f}, the share of runs above .95 is "
        f"{right / study.runs:.3f}."
    )
    compared = here | {"compared": "share of runs that end right or wrong"}
    yield Evidence(0.95, (right + wrong) / study.runs, "at least", 0.0, compared, study.steps, sentence=text)
    compared = here | {"compared": "mean over runs"}
    # A run that is right or wrong is within .01 of it at the end.
    yield Evidence(formula(last), float(last.mean()), "equal", 0.015, compared, study.steps, sentence=text)
    if study.policy == "answers" and study.rate < 1:
        compared = here | {"compared": "upper end of the share below .05"}
        yield Evidence(0.05, interval.high, "at most", 0.0, compared, study.steps, sentence=text)
    else:
        compared = here | {"compared": "lower end of the share below .05"}
        yield Evidence(0.08, interval.low, "at least", 0.0, compared, study.steps, sentence=text)


def spread(baseline: str) -> float:
    """List the counts of right traces in a first group, and the biases, for the deviation of the step's slope.

    Args:
        baseline: "group" or "moving-average", which begins at the mean bias.

    Returns:
        The deviation of 1/K sum_i A_i (1{right} - p), p the share of right traces.
    """
    p, K = 1 / synthetic_runs.ANSWERS, STUDIES[0].K
    cases = [
        (comb(K, k) * p**k * (1 - p) ** (K - k) / 2, k / K, bias)
        for k in range(K + 1)
        for bias in (0.0, synthetic_runs.BIAS)
    ]
    masses = np.array([mass for mass, _, _ in cases])
    slopes = np.array([
        share * (1 - share)
        if baseline == "group"
        else share * (1 + bias - synthetic_runs.BIAS / 2) * (1 - p) - (1 - share) * (bias - synthetic_runs.BIAS / 2) * p
        for _, share, bias in cases
    ])
    return float(np.sqrt(masses @ slopes**2 - (masses @ slopes) ** 2))


def _spreads(seed: int) -> Iterator[Evidence]:
    for baseline in ("group", "moving-average"):
        first = np.concatenate([course(s, seed)[1][:, 0] for s in STUDIES if s.baseline == baseline])
        here = {
            "K": STUDIES[0].K,
            "baseline": baseline,
            "runs": first.size,
            "compared": "deviation of the first step's slope",
        }
        # The slope is bounded, so five standard errors of a deviation are ample.
        listed = spread(baseline)
        yield Evidence(
            listed, float(first.std()), "equal", 5 * listed / (2 * first.size) ** 0.5, here, synthetic_runs.TRACES
        )


def _library(rng: np.random.Generator) -> Iterator[Evidence]:
    learners: dict[str, Learner] = {
        "group": Grpo(RATE),
        "moving-average": Reinforce(RATE, synthetic_runs.DECAY, synthetic_runs.BIAS / 2),
    }
    for baseline, learner in learners.items():
        theirs = simulate(SMALL, learner, steps=STEPS, group_size=STUDIES[0].K, n_seeds=RUNS).accuracy[:, -1]
        study = synthetic_runs.Study("traces", "group" if baseline == "group" else "moving-average", RATE, RUNS, STEPS)
        ours = synthetic_runs.run(study, rng, SMALL.n_traces, SMALL.n_answers)[0][:, -1]
        error = 4 * float(np.sqrt((ours.var() + theirs.var()) / RUNS)) + 1e-3
        here = {"traces": 30, "answers": 3, "baseline": baseline, "rate": RATE, "steps": STEPS, "runs": RUNS}
        here |= {"compared": "mean accuracy, with that of dagames.grpo.simulate"}
        yield Evidence(float(theirs.mean()), float(ours.mean()), "equal", error, here, synthetic_runs.TRACES)


I29A = Claim(
    id="I.29a",
    title="Runs that end right or wrong",
    whose="ours",
    place="repair of claim I.29",
    plain=(
        "With a moving average a run ends right or wrong permanently, and the mean curve is the share of right runs."
    ),
    statement=(
        "In the study of I.29 (plain steps, K = 16, a decay of .9 from the mean bias) every run with the group's mean "
        "ends above .95, with logits of traces at rates from 20 to 320 and of answers at .2 and 3. With the moving "
        "average a run ends above .95 or below .05, and the mean over runs is the share of runs above .95. With "
        "logits of traces at rates from 10 to 320, and of answers at 3, at least 8 % end below .05; with logits of "
        "answers at .2 hardly any run does."
    ),
    printed="mean accuracy = share of runs that end right = s,  deviation over runs = sqrt(s (1 - s))",
    kind="convergence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "The bias is the same for all traces of a step, so that the mean step is right with every baseline. But an "
        "error of the baseline of four times the signal moves all traces that were drawn, and once one answer has all "
        "the mass, all traces of every group agree and the policy does not change again. Of a hundred runs at rates "
        "10, 20, 80, 320 about 51, 56, 39, 19 end wrong; at small rates the noise averages out. The first step's "
        "slope has a deviation of .31 with the moving average and of .057 with the group's mean. The paper's .4 may "
        "be such a deviation, or that of accuracies over seeds, sqrt(.8 * .2). Policies over traces are exact: traces "
        "that were never drawn share one logit."
    ),
)

CLAIMS = (I29A,)
