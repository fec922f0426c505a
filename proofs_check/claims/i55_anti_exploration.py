"""I.55: whether the log of a frequency, as a reward, keeps training from exploring."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from proofs_check import oracles, stats
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class Rare:
    """A rare and a frequent answer, rewarded by weight times the log of their frequency.

    Attributes:
        K: Group size.
        p_0: Share of the rare answer under the reference, below 1/2.
        weight: That of the reward over beta; negative where rare answers are rewarded.
    """

    K: int
    p_0: Fraction
    weight: Fraction

    @property
    def origin(self) -> float:
        """Log-odds of the rare answer under the reference."""
        return float(oracles.log(self.p_0 / (1 - self.p_0)))

    def rest(self, floor: float | None = None) -> float:
        """Find where the listed step balances the divergence, coming from the reference.

        Args:
            floor: What log 0 is taken for, the count being that of another group; None for the trace's own group.

        Returns:
            The rare answer's share.
        """

        def force(x: float) -> float:
            gap = self._own_gap(x) if floor is None else self._other_gap(x, floor)
            return float(self.weight) * gap - (x - self.origin)

        way = -0.05 if self.weight > 0 else 0.05
        x = self.origin
        while force(x + way) * way > 0 and abs(x) < 600:
            x, way = x + way, way * 1.1
        return float(expit(brentq(force, min(x, x + way), max(x, x + way), xtol=1e-14)))

    def _own_gap(self, x: float) -> float:
        """List the groups, with the mean of the others as a baseline: the step in log-odds per p (1 - p) and weight."""
        m = np.arange(1, self.K)
        rewards = np.log(m / self.K), np.log((self.K - m) / self.K)
        # Only groups with both answers move: each pair of unlike traces adds the difference of their rewards.
        masses = np.exp(stats.binom.logpmf(m, self.K, expit(x)) - np.log(expit(x)) - np.log(expit(-x)))
        return float(masses @ (m * (self.K - m) * (rewards[0] - rewards[1])) / (self.K * (self.K - 1)))

    def _other_gap(self, x: float, floor: float) -> float:
        counts = np.arange(self.K + 1)
        values = np.concatenate([[floor], np.log(counts[1:] / self.K)])
        means = [float(stats.binom.pmf(counts, self.K, p) @ values) for p in (expit(x), expit(-x))]
        return means[0] - means[1]


def stated(case: Rare) -> float:
    """The rest of the exact log: nu in proportion to nu_0^(1 / (1 - weight)), a corner from the weight 1 on."""
    return float(expit(case.origin / (1 - float(case.weight)))) if case.weight < 1 else 0.0


def lower(case: Rare) -> float:
    """The same, a hundredth lower."""
    return 0.99 * stated(case)


def higher(case: Rare) -> float:
    """Half of the answers."""
    return 0.5 + 0 * stated(case)


def nothing(case: Rare) -> float:  # noqa: ARG001
    """A share below 0."""
    return -1.0


def consensus(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List the groups with the reward log(count / K), the trace's own count, and find where training rests.

    Args:
        formula: The most that the rare answer may have at rest.
        rng: Source of randomness.

    Yields:
        Its share at rest.
    """
    one = Fraction(1)
    drawn = [Rare(int(rng.integers(4, 65)), Fraction(1, int(rng.integers(5, 60))), one / 2) for _ in range(8)]
    for i, case in enumerate([Rare(16, Fraction(1, 50), one), Rare(16, Fraction(1, 50), one / 2), *drawn]):
        rest = case.rest()
        words = (
            "Take K = 16, nu_0 = (.98, .02) and the reward beta log q^, q^ being the frequency in the trace's own "
            "group. With the exact log of nu the policy is its own target, nu ~ nu_0 nu, which only a corner solves: "
            "the rare answer ends at 0. But where it is rare its own count is about 1, and the other's about 15, so "
            f"that its odds stop near nu_0's over 15, 1 : 735. The rest is at {rest:.5f}."
            if i == 0
            else ""
        )
        yield Evidence(formula(case), rest, "at most", 1e-12, _instance(case, rest), i, sentence=words)


def diversity(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """List the groups with the reward -log(count / K), the trace's own count, and find where training rests.

    Args:
        formula: The most that the rare answer may have at rest.
        rng: Source of randomness.

    Yields:
        Its share at rest; in groups of 512 it is within a hundredth of that with the exact log.
    """
    drawn = [Rare(int(rng.integers(4, 65)), Fraction(1, int(rng.integers(5, 60))), Fraction(-1)) for _ in range(8)]
    fixed = [Rare(K, Fraction(1, 50), Fraction(-1)) for K in (16, 64, 512)]
    for i, case in enumerate([*fixed, *drawn]):
        rest = case.rest()
        yield Evidence(formula(case), rest, "at most", 1e-12, _instance(case, rest), i, noted=i == 0)


def other_group(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Take the count of another group and ever lower numbers for log 0, and find where training rests.

    Args:
        formula: The most that the rare answer may have at rest.
        rng: Source of randomness.

    Yields:
        The rare answer's share at rest.
    """
    for i in range(6):
        case = Rare(int(rng.integers(4, 33)), Fraction(1, int(rng.integers(5, 60))), Fraction(1, 2))
        for floor in (-20.0, -60.0, -200.0):
            rest = case.rest(floor)
            yield Evidence(formula(case), rest, "at most", 0.0, _instance(case, rest) | {"log 0": floor}, i)


def _instance(case: Rare, rest: float) -> dict[str, object]:
    return {
        "K": case.K,
        "nu_0": f"({1 - case.p_0}, {case.p_0})",
        "weight / beta": str(case.weight),
        "at rest": f"{rest:.5g}",
        "exact log": f"{stated(case):.5g}",
    }


I55 = Claim(
    id="I.55",
    title="A cost on exploring",
    whose="slides",
    place="The Hidden Bias in Small-Batch ALFT, Consequences",
    plain="Rewards from small groups make a model give up rare answers too early.",
    statement=(
        "The bias of log(X / K), where X / K estimates q*, acts as an artificial cost on exploration and leads to "
        "premature mode collapse. X = 0 gives minus infinity."
    ),
    printed="R(z) = beta log q^(z),   q^ = X / K",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=higher,
            near_miss="What is wrong is the side of the bound on which the rest lies.",
            evidence=consensus,
            supposes="frequent answers are rewarded, by the log of the count in the trace's own group",
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=nothing,
            near_miss=lower,
            evidence=diversity,
            supposes=(
                "rare answers are rewarded, by minus the log of the own group's count, and a cost is meant, no collapse"
            ),
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=nothing,
            near_miss=(
                "With log 0 at minus infinity the rare answer vanishes, and no bound above 0 is a little too low."
            ),
            evidence=other_group,
            supposes="frequent answers are rewarded, by the log of the count in another group, with log 0 as it is",
        ),
    ),
    remark=(
        "A trace's own count says too much of rare answers (claim I.51a). Where the log is rewarded this protects "
        "them: the exact game collapses, and groups do not. Where minus the log is rewarded they get too little: at "
        "K = 16, nu_0 = (.98, .02) and weight beta the rare answer rests at .1086 for .125, which is less exploring "
        "but no collapse. The mean of the others is the baseline here, so that no factor of centring is mixed in."
    ),
    amendment="I.51a",
)

CLAIMS = (I55,)
