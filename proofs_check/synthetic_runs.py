"""The synthetic study of baselines: runs with the group's mean or a moving average, over traces or answers."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
TRACES, ANSWERS, BIAS, DECAY = 10_000, 10, 8.0, 0.9
"""Numbers of traces and answers (trace y gives y mod 10, and 0 is right), bias of an easy step, and decay of the moving
average, which starts at the mean bias."""

EPSILON = 1e-6
"""Number added to the standard deviation that divides advantages."""

Baseline = Literal["group", "standardised", "moving-average"]


@dataclass(frozen=True)
class Study:
    """Runs with one setting.

    Attributes:
        policy: "traces" for a logit per trace, as in the paper; "answers" for one per answer.
        baseline: "group" for the group's mean, "standardised" for the mean and division by the group's standard
            deviation (equation 5), or "moving-average".
        rate: Learning rate, in logits per unit of advantage.
        runs: Number of independent runs.
        steps: Number of steps, of one group each.
        K: Number of traces of a group.
    """

    policy: Literal["traces", "answers"]
    baseline: Baseline
    rate: float
    runs: int
    steps: int
    K: int = 16


@dataclass
class Traces:
    """Policies over traces, computed exactly; the traces of a run that were never drawn share one logit.

    Attributes:
        runs: Number of policies.
        n_traces: Number of traces |Y|.
        logits: Logits of the traces that were drawn, [runs, slots]; -inf for an empty slot.
        trace: The trace of each slot, [runs, slots].
        slot_of: The slot of each trace, [runs, Y]; -1 if it was never drawn.
        n_used: Number of slots in use, [runs].
        common: The logit of the traces without a slot, [runs].
    """

    runs: int
    n_traces: int = TRACES
    logits: Array = field(init=False)
    trace: Indices = field(init=False)
    slot_of: Indices = field(init=False)
    n_used: Indices = field(init=False)
    common: Array = field(init=False)

    def __post_init__(self) -> None:
        """Initialise the uniform policy."""
        self.logits = np.full((self.runs, 64), -np.inf)
        self.trace = np.zeros((self.runs, 64), dtype=np.int64)
        self.slot_of = np.full((self.runs, self.n_traces), -1, dtype=np.int64)
        self.n_used = np.zeros(self.runs, dtype=np.int64)
        self.common = np.zeros(self.runs)

    def masses(self) -> tuple[Array, Array]:
        """Compute the probabilities of the slots, [runs, slots], and of each trace without a slot, [runs]."""
        used = self.logits[:, : max(int(self.n_used.max()), 1)]
        common = np.where(self.n_used < self.n_traces, self.common, -np.inf)
        top = np.maximum(used.max(axis=1), common)
        weights, other = np.exp(used - top[:, None]), np.exp(common - top)
        total = weights.sum(axis=1) + (self.n_traces - self.n_used) * other
        return weights / total[:, None], other / total

    def right(self, n_answers: int) -> Array:
        """Compute the mass of answer 0, [runs]."""
        inside, outside = self.masses()
        good = (self.trace[:, : inside.shape[1]] % n_answers == 0) & (self.logits[:, : inside.shape[1]] > -np.inf)
        return np.asarray((inside * good).sum(axis=1) + (self.n_traces // n_answers - good.sum(axis=1)) * outside)

    def draw(self, K: int, rng: np.random.Generator) -> tuple[Indices, Indices]:
        """Draw a group of K traces in each run; return their slots, [runs, K], and the traces."""
        inside, _ = self.masses()
        cumulative = np.cumsum(inside, axis=1)
        chance = rng.random((self.runs, K))
        # One search for all runs: the key is the index of the run plus half the cumulative probability.
        rows = np.arange(self.runs)[:, None]
        places = np.searchsorted((cumulative / 2 + rows).ravel(), (chance / 2 + rows).ravel()).reshape(chance.shape)
        slots = np.minimum(places - rows * inside.shape[1], inside.shape[1] - 1)
        run, place = np.nonzero(chance >= cumulative[:, -1:])
        new = rng.integers(self.n_traces, size=run.size)
        while (has_slot := self.slot_of[run, new] >= 0).any():
            new[has_slot] = rng.integers(self.n_traces, size=int(has_slot.sum()))
        self._add_slots(run, new)
        slots[run, place] = self.slot_of[run, new]
        return slots, self.trace[rows, slots]

    def _add_slots(self, run: Indices, new: Indices) -> None:
        """Add a slot for each trace that is drawn for the first time."""
        keys = np.unique(run * self.n_traces + new)
        run, new = np.divmod(keys, self.n_traces)
        slots = self.n_used[run] + np.arange(run.size) - np.searchsorted(run, run)
        if slots.size and slots.max() >= self.logits.shape[1]:
            more = ((0, 0), (0, self.logits.shape[1]))
            self.logits = np.pad(self.logits, more, constant_values=-np.inf)
            self.trace = np.pad(self.trace, more)
        self.logits[run, slots], self.trace[run, slots] = self.common[run], new
        self.slot_of[run, new] = slots
        np.add.at(self.n_used, run, 1)

    def learn(self, slots: Indices, advantages: Array, rate: float) -> None:
        """Add rate / K sum_i A_i (1{y_i = y} - pi(y)) to the logits."""
        inside, outside = self.masses()
        drift = rate * advantages.mean(axis=1)
        self.logits[:, : inside.shape[1]] -= drift[:, None] * inside
        self.common -= drift * outside
        np.add.at(self.logits, (np.arange(self.runs)[:, None], slots), rate / slots.shape[1] * advantages)


def advantages_of(right: Array, average: Array, baseline: Baseline, rng: np.random.Generator) -> tuple[Array, Array]:
    """Add the bias of the step to the rewards of each run, and subtract a baseline.

    Args:
        right: 1 for a right trace and 0 for a wrong one, [runs, K].
        average: The moving average, [runs].
        baseline: The baseline.
        rng: Random generator.

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
    """Train the policies of a study.

    Args:
        study: The setting.
        rng: Random generator.
        n_traces: Number of traces |Y|.
        n_answers: Number of answers |Z|.

    Returns:
        Accuracy before each step, [runs, steps], and the step's estimate of d accuracy / d (logit of answer 0).
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
    """Average the accuracy over the last tenth of the steps of each run, [runs]."""
    accuracy = run(study, np.random.default_rng(seed))[0]
    return np.asarray(accuracy[:, -study.steps // 10 :].mean(axis=1))


def adam(baseline: Baseline, runs: int, steps: int, rng: np.random.Generator) -> Array:
    """Train a logit for each of the 10,000 traces with Adam, at K = 64 and the rate .1, in float32.

    Args:
        baseline: The baseline.
        runs: Number of independent runs.
        steps: Number of steps, of one group each.
        rng: Random generator.

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
        # One search for all runs: the key is the index of the run plus half the cumulative probability.
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
"""The grid, with a logit for each answer: group sizes, learning rates, runs of each setting, and steps."""


@lru_cache(maxsize=4)
def grid(seed: int) -> dict[Baseline, Array]:
    """Train by gradient steps at all settings of the grid.

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
    curves: dict[Baseline, Array] = {}
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
        curves[baseline] = accuracy.reshape(*shape, STEPS).mean(axis=2)
    return curves


def reached(accuracy: Array) -> int | None:
    """Find the first step with a mean accuracy of .99; None if there is none."""
    above = accuracy >= 0.99
    return int(above.argmax()) if above.any() else None


def describe(study: Study, last: Array) -> dict[str, Any]:
    """Return the setting of a study and the final accuracies by name, for the instance of a comparison."""
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
