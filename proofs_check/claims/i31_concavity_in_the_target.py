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
        """Compute G(pi, q), less the divergence, for the policy that always answers z; [M, Z] to [M]."""
        return np.asarray(-np.log(q[:, z]) - self.conjugate(-np.log(q)))


def stated(goal: Goal) -> bool:
    """For the entropy, whatever else."""
    return goal.name == "entropy"


def amended(goal: Goal) -> bool:
    """With two answers: entropy up to weight 1, Gini up to its limit, no reward; with three never."""
    if goal.n_answers > 2:
        return False
    limits = {"entropy": 1.0, "gini": gini_limit(), "reward": 0.0}
    return float(goal.weight) <= limits[goal.name]


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
        A pair that checks by hand; per functional, 1 if no such pair was found and 0 otherwise; and the largest
        difference of the payoff's convexity from the library's.
    """
    simple = Goal("entropy", Fraction(1), 3)
    ends = np.array([[4, 2, 1], [2, 4, 1]]) / 7
    middle = ends.mean(axis=0, keepdims=True)
    excess = float(simple.payoff(ends, 0).mean() - simple.payoff(middle, 0)[0])
    text = "(4/7, 2/7, 1/7) and (2/7, 4/7, 1/7), of mean (3/7, 3/7, 1/7)"
    instance = {"R": "sum nu log nu", "beta": 1, "answers": 3, "nu": "(1, 0, 0)", "q": text}
    instance |= {"compared": "mean of G less G of the mean, log(50/49) / 2"}
    if formula(simple):
        yield Evidence(0.0, excess, "at most", 1e-12, instance, 1)
    else:
        yield Evidence(math.log(50 / 49) / 2, excess, "equal", 1e-12, instance, 1)
    for goal in _goals():
        found, where = _convexity(goal, rng)
        instance = {"R": goal.name, "weight / beta": str(goal.weight), "answers": goal.n_answers}
        instance |= {"largest excess": f"{found:.2e}", "at q": where, "compared": "whether no pair has an excess"}
        yield Evidence(float(formula(goal)), float(found <= 1e-9), "equal", 0.0, instance, 10 * goal.n_answers)
        q = rng.dirichlet(np.ones(goal.n_answers), size=3)
        own = goal.conjugate(-np.log(q))
        library = [AlignmentGame(row, range(goal.n_answers), _library(goal), 1.0).potential(row) for row in q]
        here = {"R": goal.name, "compared": "the library's potential less R*(-log q)"}
        yield Evidence(0.0, float(np.abs(own - library).max()), "equal", 1e-9, here, DEEP)


def _goals() -> Iterator[Goal]:
    limit = Fraction(gini_limit()).limit_denominator(10**6)
    for weight in (Fraction(1, 4), Fraction(1), Fraction(21, 20), Fraction(4)):
        yield Goal("entropy", weight, 2)
    for weight in (Fraction(1, 2), limit * Fraction(49, 50), limit * Fraction(51, 50), Fraction(8)):
        yield Goal("gini", weight, 2)
    for weight in (Fraction(0), Fraction(1, 2)):
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
    """Find the largest mean of G at q + d and q - d less G at q, over policies, targets and directions."""
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
    for share in (0.02, 0.3):
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
    place="paper, appendix E, Concave in Dual Variables ('may also hold')",
    statement=(
        "For the negative entropy, of any weight and on any number of answers, G(pi, q) is concave in q on the "
        "simplex, for every policy; as it is in u for every convex R."
    ),
    kind="existence",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            evidence=evidence,
        ),
    ),
    remark=(
        "The term -beta <nu, log q> is convex in q, and only -R*(-beta log q) can make up for it. With R = sum nu "
        "log nu, beta = 1 and nu = (1, 0, 0), exp(-G) is 7 at q = (4/7, 2/7, 1/7), 7/2 at (2/7, 4/7, 1/7) and 5 at "
        "their mean: 49/2 < 25. With two answers it holds up to weight beta (I.31a)."
    ),
    amendment="I.31a",
)

I31A = Claim(
    id="I.31a",
    title="Concavity in the target, two answers",
    whose="ours",
    place="amendment of claim I.31",
    statement=(
        "With two answers G(pi, q) is concave in q for every policy exactly if: for the negative entropy, weight <="
        " beta; for Gini, weight / beta <= k, the largest k with k (1 - x) tanh(k x / 2) <= 1 for all x in [0, 1]; "
        "for rewards, the two are equal. With three or more answers it is not, for any R that is finite at a point "
        "mass."
    ),
    kind="existence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            evidence=evidence,
        ),
    ),
    remark=(
        "Two answers: R*(u) = u_2 + r(u_1 - u_2), and the second derivative is at most 0 iff beta r'' >= (1 - r') "
        "(1 - 2q) and >= r' (2q - 1), at b = -beta log(q / (1 - q)); k = 3.049. Three: let q(3) go to 0 with R "
        "finite at its point mass. Then R*(-beta log q) + beta log q(3) tends to -R there, whatever q(1) : q(2), "
        "and for nu = (1, 0, 0) there remains -beta log q(1), which is strictly convex."
    ),
)

CLAIMS = (
    I31,
    I31A,
)
