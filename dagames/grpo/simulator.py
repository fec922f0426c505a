"""A tabular policy over traces, trained on sampled groups, many seeds at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from dagames._errors import DomainError
from dagames.estimators.reward_table import as_group_size
from dagames.grpo.environments import Environment, Generators
from dagames.grpo.learners import Groups, Learner
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.integers import as_count

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Course:
    """The record of a set of runs, one row per seed.

    Attributes:
        nu: Answer marginal before each step, [seeds, steps, Z].
        update: The sampled direction 1/K sum_i A_i (e_{z_i} - nu) of each step, [seeds, steps, Z]: an estimate of the
            gradient in the logits of the answers.
        right: The correct answer, whose probability is the accuracy.
    """

    nu: Array
    update: Array
    right: int

    @property
    def accuracy(self) -> Array:
        """Probability of the right answer before each step, [seeds, steps]."""
        return self.nu[..., self.right]

    @property
    def direction(self) -> Array:
        """The step's estimate of d accuracy / d (logit of the right answer), [seeds, steps]."""
        return self.update[..., self.right]


@with_default_errors
def simulate(
    environment: Environment, learner: Learner, *, steps: int, group_size: int = 16, n_seeds: int = 8
) -> Course:
    """Train a softmax policy over traces with one group per step, for many seeds at once.

    Args:
        environment: Traces, answers, reference and rewards.
        learner: The update rule: `Reinforce`, `Rloo`, `Grpo`, `MirrorDescent` or `Dpo`.
        steps: Number of steps, at least 1.
        group_size: Traces per group K.
        n_seeds: Number of independent runs, seeded 0, 1, 2, ..., at least 1. The run of a seed does not depend on
            the number of seeds.

    Returns:
        The record of the runs.

    Raises:
        DomainError: If `environment` or `learner` is of another type, or a number is not a count.

    >>> from dagames.grpo import Grpo, ManyToOne
    >>> course = simulate(ManyToOne(n_traces=30, n_answers=3), Grpo(learning_rate=5.0), steps=60, n_seeds=4)
    >>> course.accuracy[:, -1].round(1)
    array([1., 1., 1., 1.])
    """
    for name, value, kind in (("environment", environment, Environment), ("learner", learner, Learner)):
        if not isinstance(value, kind):
            raise DomainError(f"`{name}` must be {_KINDS[name]}, not {type(value).__name__}.")
    group_size = as_group_size(group_size)
    steps, n_seeds = as_count(steps, "steps"), as_count(n_seeds, "n_seeds")
    rngs = [np.random.default_rng(seed) for seed in range(n_seeds)]
    E = np.asarray(environment.E, dtype=np.int64)
    logits = np.tile(environment.logits, (n_seeds, 1))
    answer_of = (E[:, None] == np.arange(environment.n_answers)).astype(np.float64)
    memory = learner.start(n_seeds)
    nus, updates = np.empty((2, n_seeds, steps, environment.n_answers))
    for t in range(steps):
        pi = softmax(logits, axis=-1)
        traces = _sample(pi, rngs, group_size)
        answers = E[traces]
        rewards = environment.rewards(answers, rngs)
        groups = Groups(traces, answers, rewards, pi, logits, environment.logits, E, environment.beta)
        advantages, memory = learner.advantages(groups, memory)
        nus[:, t] = pi @ answer_of
        pulls = (advantages[..., None] * answer_of[traces]).mean(axis=1)
        updates[:, t] = pulls - nus[:, t] * advantages.mean(axis=-1, keepdims=True)
        logits = learner.learn(groups, advantages)
    return Course(nus, updates, environment.right)


_KINDS = {"environment": "an Environment, such as ManyToOne or GroupTask", "learner": "a Learner, such as Grpo"}


def _sample(pi: Array, rngs: Generators, group_size: int) -> NDArray[np.int64]:
    """Draw a group of traces for each seed, [seeds, K], from its generator."""
    cumulative = np.cumsum(pi, axis=-1)
    cumulative /= cumulative[:, -1:]
    rows = zip(cumulative, rngs, strict=True)
    return np.stack([np.searchsorted(row, rng.random(group_size), side="right") for row, rng in rows])
