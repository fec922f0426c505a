"""Two learners that play against each other: many games at once, or one game on two answers in two variables."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import lambertw

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Play:
    """Many games of one functional, [M, Z], and the learner of the policy.

    Attributes:
        name: "reward" for -<r, nu>, "entropy" or "gini" with a weight.
        strength: Rewards r, [M, Z], or weights, [M, 1].
        nu_0: References, [M, Z].
        beta: Weights of the divergence, [M, 1].
        policy: "mw" for multiplicative weights, "best_response" for the best response to the target of the round.
    """

    name: str
    strength: Array
    nu_0: Array
    beta: Array
    policy: Literal["mw", "best_response"]

    @property
    def scale(self) -> Array:
        """The range s of the first u, or beta if that is 0, [M]."""
        scale = np.ptp(self.slope(self.nu_0), axis=1)
        return np.asarray(np.where(scale > 0, scale, self.beta[:, 0]))

    @property
    def equilibrium(self) -> Array:
        """The marginal nu*, [M, Z]: a softmax, or the root of J' = constant by bisection."""
        if self.name == "reward":
            return softmax(np.log(self.nu_0) + self.strength / self.beta)
        if self.name == "entropy":
            return softmax(np.log(self.nu_0) / (1 + self.strength / self.beta))
        low, high = (np.broadcast_to(side, self.beta.shape) for side in (-10.0, 10.0))
        for _ in range(60):
            middle = (low + high) / 2
            short = self._masses(middle).sum(axis=1, keepdims=True) < 1
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return self._masses((low + high) / 2)

    def _masses(self, level: Array) -> Array:
        """Solve strength nu + beta log(nu / nu_0) = level for every answer."""
        ratio = self.strength / self.beta
        return np.asarray(lambertw(ratio * self.nu_0 * np.exp(level / self.beta), 0).real / ratio)

    @property
    def described(self) -> dict[str, object]:
        """Description of the games, for the instance of a comparison."""
        M, n = self.nu_0.shape
        return {"R": self.name, "policy": self.policy, "answers": n, "games": M}

    def slope(self, nu: Array) -> Array:
        """Compute grad R."""
        if self.name == "reward":
            return -self.strength
        return np.asarray(self.strength * (1 + np.log(nu) if self.name == "entropy" else nu))

    def answer(self, u: Array) -> Array:
        """Compute grad R*: a vertex, a softmax, or a projection by sorting."""
        if self.name == "reward":
            return np.asarray(np.eye(u.shape[1])[(u + self.strength).argmax(axis=1)])
        if self.name == "entropy":
            return softmax(u / self.strength)
        down = -np.sort(-u / self.strength, axis=1)
        taus = (np.cumsum(down, axis=1) - 1) / np.arange(1, u.shape[1] + 1)
        tau = np.take_along_axis(taus, (down > taus).sum(axis=1, keepdims=True) - 1, axis=1)
        return np.asarray(np.maximum(u / self.strength - tau, 0))

    def value(self, nu: Array) -> Array:
        """Compute R."""
        if self.name == "reward":
            return np.asarray(-(self.strength * nu).sum(axis=1))
        slope = np.log(np.maximum(nu, 1e-300)) if self.name == "entropy" else nu / 2
        return np.asarray((self.strength * nu * slope).sum(axis=1))

    def gap(self, nu: Array, u: Array) -> Array:
        """Compute the gap J(nu) + R*(u) + beta log sum nu_0 exp(-u / beta), [M]."""
        primal = self.value(nu) + (self.beta * nu * np.log(np.maximum(nu, 1e-300) / self.nu_0)).sum(axis=1)
        best = self.answer(u)
        conjugate = (best * u).sum(axis=1) - self.value(best)
        low = u.min(axis=1, keepdims=True)
        total = (self.nu_0 * np.exp((low - u) / self.beta)).sum(axis=1)
        return np.asarray(primal + conjugate - low[:, 0] + self.beta[:, 0] * np.log(total))

    def run(self, rounds: int) -> Iterator[tuple[Array, Array]]:
        """Run both learners; the target's step in u at round t is s / sqrt(t + 1).

        Args:
            rounds: Number of rounds.

        Yields:
            Marginals and dual variables.
        """
        nu, u = self.nu_0, self.slope(self.nu_0)
        for t in range(1, rounds + 1):
            yield nu, u
            rate = 1 / np.sqrt(t + 1)
            moved = u + rate * self.scale[:, None] * (nu - self.answer(u))
            if self.policy == "best_response":
                nu = softmax(np.log(self.nu_0) - moved / self.beta)
            else:
                nu = softmax((1 - rate) * np.log(nu) + rate * (np.log(self.nu_0) - u / self.beta))
            u = moved


def softmax(logs: Array) -> Array:
    """Convert log-weights to probabilities, [M, Z]."""
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


class Means(NamedTuple):
    """Means of nu(0) and of d over the first rounds of a duel."""

    worse: float
    d: float


@dataclass(frozen=True)
class Duel:
    """The learners of claim I.9 on two answers of rewards 0 and 1, in two variables.

    The variables are nu(0), the mass of the worse answer, and d = u(1) - u(0) + 1, which is 0 at the equilibrium. The
    target changes d by 2 (nu(1) - [d > 0]) / sqrt(t + 1) in round t.

    Attributes:
        beta: Weight of the divergence.
        policy: "mw" for multiplicative weights, "best_response" for the best response to the target of the round.
        better: Reference mass of the better answer.
    """

    beta: float
    policy: str
    better: float = 0.2

    @property
    def star(self) -> float:
        """nu*(0)."""
        return 1 / (1 + self.better / (1 - self.better) * math.exp(1 / self.beta))

    @property
    def described(self) -> dict[str, object]:
        """Description of the game, for the instance of a comparison."""
        nu_0 = f"({1 - self.better:g}, {self.better:g})"
        return {"R": "-nu(1)", "nu_0": nu_0, "beta": self.beta, "policy": self.policy}

    def run(self, rounds: Collection[int]) -> dict[int, Means]:
        """Run both learners, and return the means over the first rounds, for each of the given numbers of rounds."""
        start = math.log(self.better / (1 - self.better))
        odds, worse, d = start, 1 - self.better, 0.0
        sum_worse = sum_d = 0.0
        means = {}
        for t in range(1, max(rounds) + 1):
            sum_worse += worse
            sum_d += d
            if t in rounds:
                means[t] = Means(sum_worse / t, sum_d / t)
            rate = 1 / math.sqrt(t + 1)
            moved = d + 2 * rate * (1 - worse - (d > 0))
            if self.policy == "mw":
                odds = (1 - rate) * odds + rate * (start + (1 - d) / self.beta)
            else:
                odds = start + (1 - moved) / self.beta
            worse, d = 1 / (1 + math.exp(min(odds, 700.0))), moved
        return means

    def gap(self, means: Means) -> float:
        """Compute beta KL(nu || nu*), and the dual's loss beta log(nu*(0) e^(d / beta) + nu*(1)), or its mirror."""
        x, star = means.worse, self.star
        divergence = x * math.log(x / star) + (1 - x) * math.log1p((star - x) / (1 - star))
        tail = star if means.d > 0 else 1 - star
        return self.beta * (divergence + math.log1p(tail * math.expm1(abs(means.d) / self.beta)))
