"""I.29: which settings of the synthetic study of group and moving-average baselines give the picture of the paper."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
TRACES, ANSWERS, BIAS, DECAY = 10_000, 10, 8.0, 0.9
"""Traces, answers (trace y gives y mod 10, and 0 is right), bias of an easy step, and weight of the past in the moving
average, which starts at the mean bias."""

EPSILON = 1e-6
"""Added to the deviation where advantages are standardised."""

Baseline = Literal["group", "standardised", "moving-average"]


@dataclass(frozen=True)
class Study:
    """Runs with one setting.

    Attributes:
        policy: "traces" with a logit for each trace, as in the paper; "answers" with one for all traces of an answer.
        baseline: The group's mean, the same and division by the group's deviation (equation 5), or "moving-average".
        rate: Learning rate, in logits per unit of advantage.
        runs: Number of independent runs.
        steps: Number of groups that each sees.
        K: Traces of a group.
    """

    policy: Literal["traces", "answers"]
    baseline: Baseline
    rate: float
    runs: int
    steps: int
    K: int = 16


@dataclass
class Traces:
    """Policies over traces, exact and quick: traces that were never drawn share one logit.

    Attributes:
        runs: Number of policies.
        n_traces: Number of traces |Y|.
        logits: Logits of the traces that were drawn, [runs, slots]; -inf for an empty slot.
        trace: Which trace a slot holds, [runs, slots].
        slot_of: Where a trace is held, [runs, Y]; -1 if it was never drawn.
        held: Number of slots in use, [runs].
        common: The logit of all others, [runs].
    """

    runs: int
    n_traces: int = TRACES
    logits: Array = field(init=False)
    trace: Indices = field(init=False)
    slot_of: Indices = field(init=False)
    held: Indices = field(init=False)
    common: Array = field(init=False)

    def __post_init__(self) -> None:
        """Start from the uniform policy."""
        self.logits = np.full((self.runs, 64), -np.inf)
        self.trace = np.zeros((self.runs, 64), dtype=np.int64)
        self.slot_of = np.full((self.runs, self.n_traces), -1, dtype=np.int64)
        self.held = np.zeros(self.runs, dtype=np.int64)
        self.common = np.zeros(self.runs)

    def masses(self) -> tuple[Array, Array]:
        """Compute the probabilities of the slots, [runs, slots], and that of each trace outside, [runs]."""
        used = self.logits[:, : max(int(self.held.max()), 1)]
        common = np.where(self.held < self.n_traces, self.common, -np.inf)
        top = np.maximum(used.max(axis=1), common)
        weights, other = np.exp(used - top[:, None]), np.exp(common - top)
        total = weights.sum(axis=1) + (self.n_traces - self.held) * other
        return weights / total[:, None], other / total

    def right(self, n_answers: int) -> Array:
        """Compute the mass of answer 0, [runs]."""
        inside, outside = self.masses()
        good = (self.trace[:, : inside.shape[1]] % n_answers == 0) & (self.logits[:, : inside.shape[1]] > -np.inf)
        return np.asarray((inside * good).sum(axis=1) + (self.n_traces // n_answers - good.sum(axis=1)) * outside)

    def draw(self, K: int, rng: np.random.Generator) -> tuple[Indices, Indices]:
        """Draw a group of K in each run; returns the slots, [runs, K], and the traces."""
        inside, _ = self.masses()
        cumulative = np.cumsum(inside, axis=1)
        chance = rng.random((self.runs, K))
        # One search for all runs: half a cumulative share beside the number of the run.
        rows = np.arange(self.runs)[:, None]
        found = np.searchsorted((cumulative / 2 + rows).ravel(), (chance / 2 + rows).ravel()).reshape(chance.shape)
        slots = np.minimum(found - rows * inside.shape[1], inside.shape[1] - 1)
        run, place = np.nonzero(chance >= cumulative[:, -1:])
        new = rng.integers(self.n_traces, size=run.size)
        while (taken := self.slot_of[run, new] >= 0).any():
            new[taken] = rng.integers(self.n_traces, size=int(taken.sum()))
        self._hold(run, new)
        slots[run, place] = self.slot_of[run, new]
        return slots, self.trace[rows, slots]

    def _hold(self, run: Indices, new: Indices) -> None:
        """Give slots to traces drawn for the first time, one to each."""
        keys = np.unique(run * self.n_traces + new)
        run, new = np.divmod(keys, self.n_traces)
        slots = self.held[run] + np.arange(run.size) - np.searchsorted(run, run)
        if slots.size and slots.max() >= self.logits.shape[1]:
            more = ((0, 0), (0, self.logits.shape[1]))
            self.logits = np.pad(self.logits, more, constant_values=-np.inf)
            self.trace = np.pad(self.trace, more)
        self.logits[run, slots], self.trace[run, slots] = self.common[run], new
        self.slot_of[run, new] = slots
        np.add.at(self.held, run, 1)

    def learn(self, slots: Indices, advantages: Array, rate: float) -> None:
        """Add rate / K sum_i A_i (1{y_i = y} - pi(y)) to the logits."""
        inside, outside = self.masses()
        drift = rate * advantages.mean(axis=1)
        self.logits[:, : inside.shape[1]] -= drift[:, None] * inside
        self.common -= drift * outside
        np.add.at(self.logits, (np.arange(self.runs)[:, None], slots), rate / slots.shape[1] * advantages)


def advantages_of(right: Array, average: Array, baseline: Baseline, rng: np.random.Generator) -> tuple[Array, Array]:
    """Add each run's bias of the step to its rewards, and take a baseline off.

    Args:
        right: 1 for a right trace and 0 for a wrong one, [runs, K].
        average: The moving average, [runs].
        baseline: The baseline.
        rng: Source of randomness.

    Returns:
        Advantages, [runs, K], and the next average.
    """
    rewards = right + BIAS * rng.integers(2, size=average.shape)[:, None]
    mean = rewards.mean(axis=1)
    following = DECAY * average + (1 - DECAY) * mean
    if baseline == "moving-average":
        return rewards - average[:, None], following
    divisor = rewards.std(axis=1) + EPSILON if baseline == "standardised" else np.ones_like(mean)
    return (rewards - mean[:, None]) / divisor[:, None], following


def run(
    study: Study, rng: np.random.Generator, n_traces: int = TRACES, n_answers: int = ANSWERS
) -> tuple[Array, Array]:
    """Train.

    Args:
        study: The setting.
        rng: Source of randomness.
        n_traces: Number of traces |Y|.
        n_answers: Number of answers |Z|.

    Returns:
        Accuracy before each step, [runs, steps], and the step's estimate of its slope in the logit of answer 0.
    """
    policy = Traces(study.runs, n_traces if study.policy == "traces" else n_answers)
    average = np.full(study.runs, BIAS / 2)
    accuracy, slope = np.empty((2, study.runs, study.steps))
    for t in range(study.steps):
        accuracy[:, t] = policy.right(n_answers)
        slots, traces = policy.draw(study.K, rng)
        right = (traces % n_answers == 0).astype(np.float64)
        advantages, average = advantages_of(right, average, study.baseline, rng)
        slope[:, t] = (advantages * (right - accuracy[:, t, None])).mean(axis=1)
        policy.learn(slots, advantages, study.rate)
    return accuracy, slope


def final(study: Study, seed: int) -> Array:
    """Average each run's accuracy over its last tenth, [runs]."""
    accuracy = run(study, np.random.default_rng(seed))[0]
    return np.asarray(accuracy[:, -study.steps // 10 :].mean(axis=1))


def adam(baseline: Baseline, runs: int, steps: int, rng: np.random.Generator) -> Array:
    """Train a logit for each of the 10,000 traces with Adam, at K = 64 and the rate .1, in float32.

    Args:
        baseline: The baseline.
        runs: Number of independent runs.
        steps: Number of groups that each sees.
        rng: Source of randomness.

    Returns:
        Accuracy before each step, [runs, steps].
    """
    size, rows, average = 64, np.arange(runs)[:, None], np.full(runs, BIAS / 2)
    logits, first, second = np.zeros((3, runs, TRACES), dtype=np.float32)
    accuracy = np.empty((runs, steps))
    for t in range(steps):
        pi = np.exp(logits - logits.max(axis=1, keepdims=True))
        pi /= pi.sum(axis=1, keepdims=True)
        accuracy[:, t] = pi[:, ::ANSWERS].sum(axis=1)
        cumulative = np.cumsum(pi, axis=1, dtype=np.float64)
        cumulative /= cumulative[:, -1:]
        # One search for all runs: half a cumulative share beside the number of the run.
        places = np.searchsorted((cumulative / 2 + rows).ravel(), (rng.random((runs, size)) / 2 + rows).ravel())
        traces = np.minimum(places.reshape(runs, size) - rows * TRACES, TRACES - 1)
        right = (traces % ANSWERS == 0).astype(np.float64)
        advantages, average = advantages_of(right, average, baseline, rng)
        gradient = -pi * advantages.mean(axis=1, keepdims=True).astype(np.float32)
        np.add.at(gradient, (rows, traces), (advantages / size).astype(np.float32))
        first += np.float32(0.1) * (gradient - first)
        second += np.float32(0.001) * (gradient**2 - second)
        scale = np.sqrt(second / np.float32(1 - 0.999 ** (t + 1))) + np.float32(1e-8)
        logits += np.float32(0.1 / (1 - 0.9 ** (t + 1))) * first / scale
    return accuracy


SIZES, RATES, RUNS, STEPS = (4, 16, 64), (0.1, 0.3, 1.0, 3.0), 40, 460
"""The grid, with a logit for each answer: groups, learning rates, runs of each setting, and steps."""


@lru_cache(maxsize=4)
def grid(seed: int) -> dict[Baseline, Array]:
    """Train with plain steps at every setting of the grid at once.

    Args:
        seed: Seed of the runs.

    Returns:
        Mean accuracy before each step by baseline, [sizes, rates, steps].
    """
    rng = np.random.default_rng(seed)
    shape = (len(SIZES), len(RATES), RUNS)
    size = np.broadcast_to(np.array(SIZES)[:, None, None], shape).ravel()
    rate = np.broadcast_to(np.array(RATES)[None, :, None], shape).ravel()
    names: tuple[Baseline, ...] = ("group", "standardised", "moving-average")
    found: dict[Baseline, Array] = {}
    for baseline in names:
        logits, average = np.zeros((size.size, ANSWERS)), np.full(size.size, BIAS / 2)
        accuracy = np.empty((size.size, STEPS))
        for t in range(STEPS):
            pi = np.exp(logits - logits.max(axis=1, keepdims=True))
            pi /= pi.sum(axis=1, keepdims=True)
            accuracy[:, t] = pi[:, 0]
            shares = rng.multinomial(size, pi) / size[:, None]
            bias = BIAS * rng.integers(2, size=size.size)
            mean = shares[:, 0] + bias
            rewards = bias[:, None] + np.eye(ANSWERS)[0]
            advantages = rewards - (average if baseline == "moving-average" else mean)[:, None]
            if baseline == "standardised":
                advantages /= np.sqrt(shares[:, :1] * (1 - shares[:, :1])) + EPSILON
            average = DECAY * average + (1 - DECAY) * mean
            pulls = shares * advantages
            logits += rate[:, None] * (pulls - pi * pulls.sum(axis=1, keepdims=True))
        found[baseline] = accuracy.reshape(*shape, STEPS).mean(axis=2)
    return found


def reached(accuracy: Array) -> int | None:
    """Find the first step with a mean accuracy of .99; None if there is none."""
    above = accuracy >= 0.99
    return int(above.argmax()) if above.any() else None


def at_304() -> int:
    """At step 304."""
    return 304


def at_380() -> int:
    """A quarter later, which is six deviations over seeds."""
    return 380


def at_200() -> int:
    """A hundred steps earlier."""
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
    here: dict[str, Any] = {"logits of": "traces", "steps by": "Adam", "rate": 0.1, "K": 64, "runs": 16}
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
    """It is .7."""
    return 0.7


def mean_half() -> float:
    """It is .5."""
    return 0.5


def evidence_of_mean(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train with plain steps at a large rate, and average the runs' last accuracies.

    Args:
        formula: The mean with the moving average.
        rng: Source of a seed.

    Yields:
        The mean over runs within .06, which is four of its deviations; the runs' deviation, beside that of accuracies 0
        and 1 in this share; and the least accuracy with equation 5.
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
    compared = here | {"compared": "deviation over runs, beside sqrt(m (1 - m))"}
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
    """Train with plain steps at a large rate, and look where single runs end.

    Args:
        formula: From the runs' last accuracies to whether each is where it is said to end.
        rng: Source of a seed.

    Yields:
        The share of runs with the moving average that end where they are said to.
    """
    study = replace(PARTING, runs=100)
    last = final(study, int(rng.integers(2**31)))
    inside = int(rested(last).sum())
    here = describe(study, last) | {"compared": "share of runs that end as said"}
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
        formula: Where the moving average is then, and by how much it may be off.
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
                    f"With K = {K}, the rate {rate} and a logit for each answer, GAME-GRPO ({baseline}) has .99 at step"
                    f" {step}; the moving average is at {other:.2f} then."
                )
                yield Evidence(level, other, "equal", off, here, step, sentence=text)


def plot() -> Plot:
    """Draw where the moving average is when equation 5 has .99, by the learning rate.

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
        "Mean over 40 runs with a moving average, at the step at which GAME-GRPO with equation 5 reaches .99 on"
        " average. A logit for each answer, plain steps, at most 460 of them. Small groups and large rates are below"
        " the paper's .8, large groups and small rates above it.",
        log_x=True,
    )


def describe(study: Study, last: Array) -> dict[str, Any]:
    """Say what was run, and how the runs ended."""
    return {
        "logits of": study.policy,
        "baseline": study.baseline,
        "rate": study.rate,
        "K": study.K,
        "steps": study.steps,
        "runs": study.runs,
        "right (above .95)": int((last > 0.95).sum()),
        "wrong (below .05)": int((last < 0.05).sum()),
        "mean accuracy": round(float(last.mean()), 3),
    }


I29 = Claim(
    id="I.29",
    title="Synthetic study of baselines",
    whose="paper",
    place="Section 5.1 and Figure 2; also the slides, Synthetic Validation: Variance Reduction",
    plain="Where tasks differ in difficulty, the group's mean leads to full accuracy, a moving average to about 80 %.",
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
        "of the policy, the number of steps and of seeds, whether a curve is one run or a mean, and what sigma is "
        "of."
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
            supposes="the curves are single runs, of the same setting",
            expected="false",
            stated=rested,
            sabotage=parted,
            near_miss="No run ends anywhere between; the sabotage is where they end.",
            evidence=evidence_of_runs,
        ),
        Reading(
            supposes=(
                "the picture does not depend on K from 4 to 64, nor on the rate from .1 to 3, with a logit for each "
                "answer"
            ),
            expected="false",
            stated=about,
            sabotage=anywhere,
            near_miss="The accuracies found go from below .5 to above .9; no narrower range than all of it is true.",
            evidence=evidence_of_grid,
        ),
    ),
    remark=(
        "GAME-GRPO ends right wherever we looked. The other curve is a matter of settings. As a mean over runs it "
        "may show .8 on its way up, or for good, as the share of runs that end right (claim I.29a). The deviation .4 "
        "is that of accuracies 0 and 1 in the shares .2 and .8: sqrt(.8 * .2) = .4. In a single run no plateau was "
        "seen. Here the decay is .9, from the mean bias 4."
    ),
    amendment="I.29a",
    plot=plot,
)

CLAIMS = (I29,)
