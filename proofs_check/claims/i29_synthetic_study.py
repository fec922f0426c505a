"""I.29: what the synthetic study of group and moving-average baselines shows, run by run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
TRACES, ANSWERS, K, BIAS, DECAY = 10_000, 10, 16, 8.0, 0.9
"""Traces, answers (trace y gives y mod 10, and 0 is right), traces of a group, bias of an easy step, and weight of the
past in the moving average, which starts at the mean bias."""


@dataclass(frozen=True)
class Study:
    """Runs with one setting.

    Attributes:
        policy: "traces" with a logit for each trace, as in the paper; "answers" with one for all traces of an answer.
        baseline: "group" or "moving-average".
        rate: Learning rate, in logits per unit of advantage.
        runs: Number of independent runs.
        steps: Number of groups that each sees.
    """

    policy: Literal["traces", "answers"]
    baseline: Literal["group", "moving-average"]
    rate: float
    runs: int
    steps: int


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

    def draw(self, rng: np.random.Generator) -> tuple[Indices, Indices]:
        """Draw a group in each run; returns the slots, [runs, K], and the traces."""
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
        np.add.at(self.logits, (np.arange(self.runs)[:, None], slots), rate / K * advantages)


def advantages_of(right: Array, average: Array, baseline: str, rng: np.random.Generator) -> tuple[Array, Array]:
    """Add each run's bias of the step to its rewards, and take a baseline off.

    Args:
        right: 1 for a right trace and 0 for a wrong one, [runs, K].
        average: The moving average, [runs].
        baseline: "group" or "moving-average".
        rng: Source of randomness.

    Returns:
        Advantages, [runs, K], and the next average.
    """
    rewards = right + BIAS * rng.integers(2, size=average.shape)[:, None]
    mean = rewards.mean(axis=1)
    level = mean if baseline == "group" else average
    return rewards - level[:, None], DECAY * average + (1 - DECAY) * mean


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
        slots, traces = policy.draw(rng)
        right = (traces % n_answers == 0).astype(np.float64)
        advantages, average = advantages_of(right, average, study.baseline, rng)
        slope[:, t] = (advantages * (right - accuracy[:, t, None])).mean(axis=1)
        policy.learn(slots, advantages, study.rate)
    return accuracy, slope


STUDIES = (
    Study("traces", "group", 20.0, 40, 160),
    Study("traces", "group", 80.0, 40, 100),
    Study("traces", "group", 320.0, 40, 60),
    Study("traces", "moving-average", 5.0, 60, 340),
    Study("traces", "moving-average", 20.0, 200, 200),
    Study("traces", "moving-average", 80.0, 200, 100),
    Study("traces", "moving-average", 320.0, 200, 60),
    Study("answers", "group", 0.2, 100, 800),
    Study("answers", "group", 3.0, 100, 300),
    Study("answers", "moving-average", 0.2, 100, 800),
    Study("answers", "moving-average", 3.0, 200, 300),
)


@lru_cache(maxsize=64)
def course(study: Study, seed: int) -> tuple[Array, Array]:
    """Train once per seed, for all who ask."""
    return run(study, np.random.default_rng([seed, STUDIES.index(study)]))


def ends(study: Study, seed: int) -> Array:
    """Average each run's accuracy over its last tenth, [runs]."""
    accuracy = course(study, seed)[0]
    return np.asarray(accuracy[:, -study.steps // 10 :].mean(axis=1))


def stated(accuracy: Array) -> Any:
    """A plateau near .8: runs that end between .6 and .95."""
    return (accuracy > 0.6) & (accuracy < 0.95)


def parted(accuracy: Array) -> Any:
    """Runs that end right or wrong."""
    return (accuracy > 0.95) | (accuracy < 0.05)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train both baselines at several rates, and look where single runs end.

    Args:
        formula: From the runs' last accuracies to whether each is where the moving average is said to end.
        rng: Source of a seed.

    Yields:
        The least accuracy at the end with the group's mean; the share of runs with the moving average that end where
        they are said to.
    """
    yield from compare(formula, int(rng.integers(2**31)))


def compare(formula: Formula, seed: int) -> Iterator[Evidence]:
    """Make the comparisons of this claim with a seed.

    Args:
        formula: From the runs' last accuracies to whether each is where the moving average is said to end.
        seed: Seed of the runs.

    Yields:
        Those of `evidence`.
    """
    for study in STUDIES:
        last = ends(study, seed)
        if study.baseline == "group":
            here = describe(study, last) | {"compared": "least accuracy of a run"}
            yield Evidence(0.95, float(last.min()), "at least", 0.0, here, study.steps)
        else:
            here = describe(study, last) | {"compared": "share of runs that end as said"}
            yield Evidence(0.9, float(formula(last).mean()), "at least", 0.0, here, study.steps)


def describe(study: Study, last: Array) -> dict[str, Any]:
    """Say what was run, and how the runs ended."""
    return {
        "logits of": study.policy,
        "baseline": study.baseline,
        "rate": study.rate,
        "K": K,
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
    place="paper, section 5.1 and figure 2; slides, synthetic validation",
    statement=(
        "With 10,000 traces, 10 answers, reward 1 for the right one and a bias of 0 or 8 that all traces of a step "
        "share, a run reaches an accuracy of 1 with the group's mean for baseline, and plateaus near .8 with a "
        "moving average of past rewards."
    ),
    kind="convergence",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=parted,
            evidence=evidence,
        ),
    ),
    remark=(
        "The first half holds. No plateau is seen in a run: it ends right or wrong for good, and the mean over runs"
        " is the share of right ones, which may be .8 (claim I.29a). The paper gives no group size, rate, decay, "
        "number of seeds or parameters of the policy; here K = 16, a decay of .9 from the mean bias 4, plain "
        "gradient steps, and logits for each trace or for each answer, at rates whose runs end in time."
    ),
    amendment="I.29a",
)

CLAIMS = (I29,)
