"""I.31: the payoff of the entropy game is not concave in the target once there are three answers."""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dagames import AlignmentGame, functionals
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
DEEP = 700
NOISE = 1e-13
"""Largest excess due to rounding: a payoff is at most about 20, in float64, and has an error of 1e-14."""


@dataclass(frozen=True)
class Goal:
    """A functional with its weight over beta; beta = 1.

    Attributes:
        name: "entropy", "gini", or "reward" for -weight nu(0).
        weight: Its weight.
        n_answers: Number of answers.
    """

    name: str
    weight: Fraction
    n_answers: int

    def conjugate(self, u: Array) -> Array:
        """Compute R* for many u, [M, Z]: a log-sum, a projection by sorting, a maximum."""
        w = float(self.weight)
        if self.name == "reward":
            return np.asarray((u + w * (np.arange(self.n_answers) == 0)).max(axis=1))
        if self.name == "entropy":
            top = u.max(axis=1)
            return np.asarray(top + w * np.log(np.exp((u - top[:, None]) / w).sum(axis=1)))
        down = -np.sort(-u / w, axis=1)
        taus = (np.cumsum(down, axis=1) - 1) / np.arange(1, self.n_answers + 1)
        tau = np.take_along_axis(taus, (down > taus).sum(axis=1, keepdims=True) - 1, axis=1)
        nu = np.maximum(u / w - tau, 0)
        return np.asarray((nu * u).sum(axis=1) - w / 2 * (nu * nu).sum(axis=1))

    def payoff(self, q: Array, z: int) -> Array:
        """Compute G(pi, q) minus the divergence for the policy that always gives answer z; [M, Z] to [M]."""
        return np.asarray(-np.log(q[:, z]) - self.conjugate(-np.log(q)))


def stated(goal: Goal) -> bool:
    """For the entropy, with every weight and number of answers."""
    return goal.name == "entropy"


def amended(goal: Goal) -> bool:
    """With two answers: entropy up to weight 1, Gini up to its limit, no reward; with three never."""
    return within(goal, {"entropy": 1.0, "gini": gini_limit(), "reward": 0.0})


def near_miss(goal: Goal) -> bool:
    """Each limit a hundredth larger."""
    return within(goal, {"entropy": 1.01, "gini": 1.01 * gini_limit(), "reward": 0.01})


def within(goal: Goal, limits: dict[str, float]) -> bool:
    """Decide whether there are two answers, and the weight is within the limits."""
    return goal.n_answers == 2 and float(goal.weight) <= limits[goal.name]


def of_few(goal: Goal) -> bool:
    """The negative entropy with two answers, at a weight of at most beta."""
    return within(goal, {"entropy": 1.0})


def of_few_nearly(goal: Goal) -> bool:
    """The same up to a weight of 1.01."""
    return within(goal, {"entropy": 1.01})


@functools.cache
def gini_limit() -> float:
    """Find the largest k with k (1 - x) tanh(k x / 2) <= 1 for all x in [0, 1]."""

    def largest(k: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            rising = (1 - middle) * k > math.sinh(k * middle)
            low, high = (middle, high) if rising else (low, middle)
        return k * (1 - low) * math.tanh(k * low / 2)

    low, high = 1.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if largest(middle) < 1 else (low, middle)
    return low


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search for two targets whose mean has a smaller payoff than they have on average.

    G is affine in the marginal, so that the policies to try are those that always give one answer.

    Args:
        formula: Whether G is concave in q for every policy.
        rng: Source of randomness.

    Yields:
        A pair to check by hand; per functional, 1 if no such pair was found and 0 otherwise; and the largest
        difference of the payoff's convexity from the library's.
    """
    yield by_hand(formula)
    for goal in _goals():
        yield _searched(formula, goal, rng)
        q = rng.dirichlet(np.ones(goal.n_answers), size=3)
        conjugate = goal.conjugate(-np.log(q))
        library = [AlignmentGame(row, range(goal.n_answers), _library(goal), 1.0).potential(row) for row in q]
        here = {"R": goal.name, "compared": "the library's potential minus R*(-log q)"}
        yield Evidence(0.0, float(np.abs(conjugate - library).max()), "equal", 1e-9, here, DEEP)


def evidence_of_two(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search for two targets whose mean has a smaller payoff, in games of two answers with the negative entropy.

    Args:
        formula: Whether G is concave in q for every policy.
        rng: Source of randomness.

    Yields:
        Per weight, 1 if no such pair was found and 0 otherwise, on both sides of beta.
    """
    for goal in _goals():
        if goal.name == "entropy" and goal.n_answers == 2:
            yield _searched(formula, goal, rng)


def by_hand(formula: Formula) -> Evidence:
    """Compare G at two targets, and at their mean."""
    simple = Goal("entropy", Fraction(1), 3)
    ends = np.array([[4, 2, 1], [2, 4, 1]]) / 7
    middle = ends.mean(axis=0, keepdims=True)
    (first, second), (between,) = np.exp(-simple.payoff(ends, 0)), np.exp(-simple.payoff(middle, 0))
    excess = float(simple.payoff(ends, 0).mean() - simple.payoff(middle, 0)[0])
    text = "(4/7, 2/7, 1/7) and (2/7, 4/7, 1/7), of mean (3/7, 3/7, 1/7)"
    instance = {"R": "sum nu log nu", "beta": 1, "answers": 3, "nu": "(1, 0, 0)", "q": text}
    instance |= {"compared": "mean of G minus G at the mean, log(50/49) / 2"}
    sentence = (
        "Take R = sum nu log nu, beta = 1 and nu = nu_0 = (1, 0, 0). Then exp(-G) = q(0) sum_z 1 / q(z). It is "
        f"{first:.4g} at q = (4/7, 2/7, 1/7), {second:.4g} at (2/7, 4/7, 1/7), and {between:.4g} at their mean (3/7, "
        f"3/7, 1/7). Concavity of G requires at most the square root of {first:.4g} times {second:.4g}, "
        f"{(first * second) ** 0.5:.4g}."
    )
    if formula(simple):
        return Evidence(0.0, excess, "at most", 1e-12, instance, 1, sentence=sentence)
    return Evidence(math.log(50 / 49) / 2, excess, "equal", 1e-12, instance, 1, sentence=sentence)


def _searched(formula: Formula, goal: Goal, rng: np.random.Generator) -> Evidence:
    found, where = _convexity(goal, rng)
    instance = {"R": goal.name, "weight / beta": str(goal.weight), "answers": goal.n_answers}
    instance |= {"largest excess": f"{found:.2e}", "at q": where, "compared": "whether no pair has an excess"}
    return Evidence(float(formula(goal)), float(found <= NOISE), "equal", 0.0, instance, 10 * goal.n_answers)


def _goals() -> Iterator[Goal]:
    limit = Fraction(gini_limit()).limit_denominator(10**6)
    nearby = (Fraction(995, 1000), Fraction(1005, 1000))
    for weight in (Fraction(1, 4), nearby[0], Fraction(1), nearby[1], Fraction(4)):
        yield Goal("entropy", weight, 2)
    for weight in (Fraction(1, 2), *(limit * factor for factor in nearby), Fraction(8)):
        yield Goal("gini", weight, 2)
    for weight in (Fraction(0), Fraction(1, 200), Fraction(1, 2)):
        yield Goal("reward", weight, 2)
    for n in (3, 4):
        for name in ("entropy", "gini", "reward"):
            for weight in (Fraction(1, 8), Fraction(1), Fraction(8)):
                yield Goal(name, weight, n)


def _library(goal: Goal) -> functionals.Functional:
    w = float(goal.weight)
    if goal.name == "reward":
        return functionals.Linear([w] + [0.0] * (goal.n_answers - 1))
    return functionals.NegativeEntropy(w) if goal.name == "entropy" else functionals.Gini(w)


def _convexity(goal: Goal, rng: np.random.Generator) -> tuple[float, str]:
    """Find the largest mean of G at q + d and q - d minus G at q, over policies, targets and directions."""
    n, worst, where = goal.n_answers, -np.inf, ""
    if n == 2:
        first = np.concatenate([np.logspace(-6, -1, 600), np.linspace(0.1, 0.9, 1601)])
        first = np.concatenate([first, 1 - first])
        q = np.stack([first, 1 - first], axis=1)
        steps = np.tile([1.0, -1.0], (len(q), 1))
    else:
        q = np.concatenate([rng.dirichlet(np.full(n, a), size=3000) for a in (0.3, 1.0)])
        steps = rng.normal(size=q.shape)
        steps[::2] = np.eye(n)[rng.integers(0, n, len(q))][::2] - np.eye(n)[rng.integers(0, n, len(q))][::2]
        steps -= steps.mean(axis=1, keepdims=True)
    q = np.maximum(q, 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.nanmin(np.where(steps == 0, np.inf, q / np.abs(steps)), axis=1, keepdims=True)
    q, steps, room = (array[np.isfinite(room[:, 0])] for array in (q, steps, room))
    for share in (0.001, 0.02, 0.3):
        d = share * room * steps
        for z in range(n):
            excess = (goal.payoff(q + d, z) + goal.payoff(q - d, z)) / 2 - goal.payoff(q, z)
            if excess.max() > worst:
                worst, where = float(excess.max()), str(q[excess.argmax()].round(4).tolist())
    return worst, where


I31 = Claim(
    id="I.31",
    title="Concavity in the target",
    whose="paper",
    place="Appendix E, Concave in Dual Variables",
    plain="For some functionals, such as the entropy, the game may be concave in the target itself.",
    statement=(
        "G(pi, q) is concave in u = -beta log q. For general functionals this does not make it concave in q; for "
        "specific ones, such as the entropy, concavity in q may also hold on the simplex."
    ),
    printed="q -> -beta <nu, log q> - R*(-beta log q):  may be concave for R = -H",
    kind="existence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=of_few,
            sabotage=stated,
            near_miss=of_few_nearly,
            evidence=evidence_of_two,
        ),
    ),
    remark=(
        "The paper says 'may'. The condition is two answers, and a weight of at most beta. The term -beta <nu, log q> "
        "is convex in q, and only -R*(-beta log q) can compensate for it. With two answers it does for weights up to "
        "beta; with three or more answers it never does, for any R that is finite at a point mass (claim I.31a)."
    ),
    amendment="I.31a",
)

I31A = Claim(
    id="I.31a",
    title="Concavity in the target, two answers",
    whose="ours",
    place="repair of claim I.31",
    plain="With two answers and a small weight the game is concave in the target; with three answers it is not.",
    statement=(
        "With two answers G(pi, q) is concave in q for every policy exactly if: for the negative entropy, weight <= "
        "beta; for Gini, weight / beta <= k, the largest k with k (1 - x) tanh(k x / 2) <= 1 for all x in [0, 1]; for "
        "rewards, the two rewards are equal. With three or more answers it is not, for any R that is finite at a "
        "point mass."
    ),
    printed="|Z| = 2:  weight / beta <= 1 (entropy), 3.049 (Gini), 0 (rewards)",
    kind="existence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "Two answers: R*(u) = u_2 + r(u_1 - u_2), and the second derivative is at most 0 iff beta r'' >= (1 - r') (1 "
        "- 2q) and >= r' (2q - 1), at b = -beta log(q / (1 - q)); k = 3.049. Three answers: let q(3) go to 0, and let "
        "R be finite at the point mass of answer 3. Then R*(-beta log q) + beta log q(3) tends to -R at this point "
        "mass, for every q(1) : q(2), and for nu = (1, 0, 0) the term -beta log q(1) remains, which is strictly "
        "convex."
    ),
)

CLAIMS = (I31, I31A)
