"""A tabular policy over traces, trained by policy gradients on rewards whose level varies from step to step."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from dagames.grpo.advantages import group_advantages

Baseline = Literal["group", "moving-average"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class ManyToOne:
    """Many traces to each answer, one right answer, and a bias that is added to every reward of a step.

    Attributes:
        n_traces: Number of traces |Y|; trace y gives answer y modulo `n_answers`.
        n_answers: Number of answers |Z|; answer 0 is right.
        signal: Reward of the right answer, above the bias.
        biases: Bias of a step, drawn from these with equal chances.
    """

    n_traces: int = 10_000
    n_answers: int = 10
    signal: float = 1.0
    biases: tuple[float, ...] = (8.0, 0.0)


@dataclass(frozen=True, eq=False)
class Course:
    """What a set of runs did, one row a seed.

    Attributes:
        accuracy: Probability of the right answer before each step, [seeds, steps].
        direction: The step's estimate of d accuracy / d (logit of the right answer), [seeds, steps].
    """

    accuracy: Array
    direction: Array


def simulate(
    environment: ManyToOne,
    baseline: Baseline,
    *,
    learning_rate: float,
    steps: int,
    group_size: int = 16,
    n_seeds: int = 8,
    decay: float = 0.9,
) -> Course:
    """Train a softmax policy over traces by REINFORCE, many seeds at once.

    Math:
        logits(y) += learning_rate / K * sum_i A_i (1{y_i = y} - pi(y)), with A_i = r_i - mean(r) of the group, or
        A_i = r_i - b with b the moving average of past groups' means.

    Args:
        environment: Traces, answers and rewards.
        baseline: "group" (GRPO without division by the deviation) or "moving-average" (REINFORCE).
        learning_rate: Step in logits per unit of advantage.
        steps: Number of groups each seed sees.
        group_size: Traces per group K.
        n_seeds: Number of independent runs, seeded 0, 1, 2, ...
        decay: Weight of the past in the moving average, which starts at the mean bias.

    Returns:
        The runs' course.
    """
    rngs = [np.random.default_rng(seed) for seed in range(n_seeds)]
    logits = np.zeros((n_seeds, environment.n_traces))
    average = np.full((n_seeds, 1), float(np.mean(environment.biases)))
    right = np.arange(environment.n_traces) % environment.n_answers == 0
    accuracy, direction = np.empty((n_seeds, steps)), np.empty((n_seeds, steps))
    for t in range(steps):
        pi = softmax(logits, axis=-1)
        accuracy[:, t] = pi[:, right].sum(axis=-1)
        traces, bias = _sample(pi, rngs, group_size, environment.biases)
        correct = right[traces]
        rewards = bias + environment.signal * correct
        advantages = group_advantages(rewards) if baseline == "group" else rewards - average
        average = decay * average + (1 - decay) * rewards.mean(axis=-1, keepdims=True)
        direction[:, t] = (advantages * (correct - accuracy[:, t, None])).mean(axis=-1)
        step = learning_rate / group_size
        logits -= step * advantages.sum(axis=-1, keepdims=True) * pi
        for row, chosen, advantage in zip(logits, traces, advantages, strict=True):
            np.add.at(row, chosen, step * advantage)
    return Course(accuracy, direction)


def _sample(
    pi: Array, rngs: list[np.random.Generator], group_size: int, biases: tuple[float, ...]
) -> tuple[NDArray[np.int64], Array]:
    """Draw a group of traces, [seeds, K], and the step's bias, [seeds, 1], from each seed's own generator."""
    cumulative = np.cumsum(pi, axis=-1)
    cumulative /= cumulative[:, -1:]
    traces = [
        np.searchsorted(row, rng.random(group_size), side="right") for row, rng in zip(cumulative, rngs, strict=True)
    ]
    return np.stack(traces), np.array([[rng.choice(biases)] for rng in rngs])
