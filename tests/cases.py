"""The families over which laws are tested: whoever adds a functional or a target adds a row here."""

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from dagames.functionals import Functional, Gini, Linear, NegativeEntropy
from dagames.targets import GiniDiversity, InverseFrequency, MajorityVote, Target

FUNCTIONALS: dict[str, Callable[[np.random.Generator, int], Functional]] = {
    "Linear": lambda rng, n: Linear(rng.normal(size=n) * 10 ** rng.uniform(-2, 2)),
    "NegativeEntropy": lambda rng, _: NegativeEntropy(10 ** rng.uniform(-2, 2)),
    "Gini": lambda rng, _: Gini(10 ** rng.uniform(-2, 2)),
}

TARGETS: dict[str, Target] = {
    "MajorityVote": MajorityVote(),
    "MajorityVote first": MajorityVote(ties="first"),
    "MajorityVote none": MajorityVote(ties="none"),
    "InverseFrequency": InverseFrequency(weight=0.7),
    "GiniDiversity": GiniDiversity(weight=1.3),
}

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)


def random_distribution(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a distribution: spread out, or concentrated with masses down to 1e-300."""
    if rng.random() < 0.5:
        return rng.dirichlet(np.ones(n))
    log_weights = -rng.uniform(0, 690, size=n)
    log_weights[rng.integers(n)] = 0.0
    weights = np.exp(log_weights)
    return weights / weights.sum()


def random_reference(rng: np.random.Generator, n_answers: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a reference over traces and their answers, every answer with at least one trace."""
    E = np.concatenate([np.arange(n_answers), rng.integers(0, n_answers, size=rng.integers(0, 9))])
    return random_distribution(rng, E.size), E
