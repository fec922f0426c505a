"""I.38: the gradient of R(nu_pi) depends on all traces, but a few sampled traces estimate it without bias."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class Policy:
    """A policy of one logit for each trace, with R(nu) = |nu|^2 / 2.

    Attributes:
        pi: Probabilities of traces.
        E: Answer of each trace.
        group: Number of traces K that are drawn.
    """

    pi: Sequence[Fraction]
    E: Sequence[int]
    group: int

    def gradient(self) -> list[Fraction]:
        """Compute the gradient of R(nu_pi) in the logits from the marginal: pi(y) (nu(E(y)) - sum nu^2)."""
        nu = oracles.marginal(self.pi, self.E, max(self.E) + 1)
        mean = sum((p * p for p in nu), Fraction(0))
        return [p * (nu[z] - mean) for p, z in zip(self.pi, self.E, strict=True)]

    def mean_estimate(self) -> list[Fraction]:
        """Average the mean of (share of the other traces with the same answer) grad log pi(y) over all groups."""
        traces, K = range(len(self.pi)), self.group
        mean = [Fraction(0) for _ in traces]
        for drawn in product(traces, repeat=K):
            chance = Fraction(1)
            for y in drawn:
                chance *= self.pi[y]
            for i, y in enumerate(drawn):
                others = drawn[:i] + drawn[i + 1 :]
                share = Fraction(sum(self.E[other] == self.E[y] for other in others), K - 1)
                for w in traces:
                    mean[w] += chance * share / K * ((w == y) - self.pi[w])
        return mean

    def needed(self) -> int:
        """Count the traces whose move to another answer changes the gradient."""
        changed = 0
        for y in range(len(self.pi)):
            other = [1 - z if w == y else z for w, z in enumerate(self.E)]
            changed += Policy(self.pi, other, self.group).gradient() != self.gradient()
        return changed


def all_traces(policy: Policy) -> int:
    """The number of all traces."""
    return len(policy.pi)


def drawn_traces(policy: Policy) -> int:
    """The number of traces that are drawn."""
    return policy.group


def but_one(policy: Policy) -> int:
    """The number of all traces but one."""
    return len(policy.pi) - 1


def evidence_of_exact(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Move each trace in turn to another answer, and count how often the exact gradient changes.

    Args:
        formula: The number of traces on which the gradient depends.
        rng: Source of randomness.

    Yields:
        Exact comparisons.
    """
    for policy in _instances(rng):
        here = _shown(policy) | {"compared": "number of traces that change the gradient"}
        yield Evidence(float(formula(policy)), float(policy.needed()), "equal", 0.0, here, _size(policy))


def biased(policy: Policy) -> int:  # noqa: ARG001 - whatever the policy
    """1: an estimate from the group alone is biased."""
    return 1


def unbiased(policy: Policy) -> int:  # noqa: ARG001 - whatever the policy
    """0: an estimate from the group alone is unbiased."""
    return 0


def evidence_of_samples(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate all groups of K traces, and compare the mean of an estimate from the group alone with the gradient.

    Args:
        formula: 1 if the estimate is biased, else 0.
        rng: Source of randomness.

    Yields:
        Exact comparisons, of groups of 2 and 3.
    """
    for policy in _instances(rng):
        exact, mean = policy.gradient(), policy.mean_estimate()
        yield Evidence(
            claimed=float(formula(policy)),
            measured=float(exact != mean),
            relation="equal",
            tolerance=0.0,
            instance=_shown(policy) | {"gradient": oracles.as_text(exact), "mean estimate": oracles.as_text(mean)},
            size=_size(policy),
            sentence=(
                f"Take R = |nu|^2 / 2, traces with pi = {oracles.as_text(policy.pi)} and answers E = "
                f"{tuple(policy.E)}, and groups of {policy.group}. The mean over the group of (share of the other "
                f"traces with the same answer) grad log pi(y) has the expectation {oracles.as_text(mean)} in the "
                "logits, which is the gradient of R(nu_pi). The estimate uses no trace outside the group."
            ),
        )


def _shown(policy: Policy) -> dict[str, object]:
    return {"pi": oracles.as_text(policy.pi), "E": str(tuple(policy.E)), "K": policy.group}


def _size(policy: Policy) -> int:
    return oracles.complexity(policy.pi) + policy.group


def _instances(rng: np.random.Generator) -> Iterator[Policy]:
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    yield Policy([half, quarter, quarter], (0, 0, 1), 2)
    for n, K in ((3, 2), (4, 2), (4, 3)):
        yield Policy(oracles.random_distribution(rng, n, 9), (*(int(z) for z in rng.integers(0, 2, n - 1)), 1), K)


I38 = Claim(
    id="I.38",
    title="The gradient needs the sum over all traces",
    whose="paper",
    place=("section 2.1, Why is this hard?; also the slides, Why Is ALFT Hard?, and Motivation: Why Answer-Level?"),
    plain=(
        "The gradient of a property of the answers needs a sum over all traces of an answer, which cannot be computed."
    ),
    statement=(
        "R acts on nu_pi, so that its gradient needs backpropagation through the sum over E^-1(z). As this set is "
        "unknown and vast, neither the sum nor the gradient can be computed efficiently. The source treats estimates "
        "from samples separately, as noisy."
    ),
    printed="nu_pi(z) = sum_{y in E^-1(z)} pi(y);  grad R(nu_pi) needs all y in E^-1(z)",
    kind="existence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=all_traces,
            sabotage=drawn_traces,
            near_miss=but_one,
            evidence=evidence_of_exact,
        ),
    ),
    remark=(
        "The gradient is E_y[R'(nu)(E(y)) grad log pi(y)], an average over sampled traces; of nu it needs only R' at "
        "their answers. For a polynomial R the group alone gives an unbiased estimate (claim I.19). For a logarithm no "
        "group does, and the bias is the difficulty (claim II.1). The variance of such estimates is the subject of "
        "claim I.39."
    ),
    amendment="I.38a",
)

I38A = Claim(
    id="I.38a",
    title="A few traces estimate the gradient",
    whose="ours",
    place="in addition to claim I.38",
    plain="The traces of one group are enough for an estimate of the gradient without systematic error.",
    statement=(
        "For R(nu) = |nu|^2 / 2 the mean over a group of K >= 2 traces of (share of the others with the same answer) "
        "times grad log pi(y) has the expectation grad R(nu_pi), without knowledge of any other trace."
    ),
    printed="E[1/K sum_i (count_i - 1) / (K - 1) grad log pi(y_i)] = grad R(nu_pi)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=unbiased,
            sabotage=biased,
            near_miss="An estimate is either biased or unbiased; the sabotage is the other value.",
            evidence=evidence_of_samples,
        ),
    ),
    remark=(
        "The same holds for every polynomial R of degree at most K (claim I.19); for a logarithm no group gives an "
        "unbiased estimate."
    ),
)

CLAIMS = (I38, I38A)
