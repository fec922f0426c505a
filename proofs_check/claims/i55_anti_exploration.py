"""I.55: the effect on exploration of the log of a frequency as the reward."""

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
        weight: Weight of the reward over beta; negative if rare answers are rewarded.
    """

    K: int
    p_0: Fraction
    weight: Fraction

    @property
    def origin(self) -> float:
        """Log-odds of the rare answer under the reference."""
        return float(oracles.log(self.p_0 / (1 - self.p_0)))

    def rest(self, floor: float | None = None) -> float:
        """Find the first rest point from the reference, where the expected step equals the gradient of the divergence.

        Args:
            floor: Value of log 0, for counts from another group; None for counts from the trace's own group.

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
        """Compute the step in log-odds per p (1 - p) and weight, with the mean of the other traces as the baseline."""
        m = np.arange(1, self.K)
        rewards = np.log(m / self.K), np.log((self.K - m) / self.K)
        # Only groups with both answers have a step; each pair of unlike traces adds the difference of their rewards.
        masses = np.exp(stats.binom.logpmf(m, self.K, expit(x)) - np.log(expit(x)) - np.log(expit(-x)))
        return float(masses @ (m * (self.K - m) * (rewards[0] - rewards[1])) / (self.K * (self.K - 1)))

    def _other_gap(self, x: float, floor: float) -> float:
        counts = np.arange(self.K + 1)
        values = np.concatenate([[floor], np.log(counts[1:] / self.K)])
        means = [float(stats.binom.pmf(counts, self.K, p) @ values) for p in (expit(x), expit(-x))]
        return means[0] - means[1]


def stated(case: Rare) -> float:
    """The rest point for the exact log: nu ~ nu_0^(1 / (1 - weight)), a corner for weights of at least 1."""
    return float(expit(case.origin / (1 - float(case.weight)))) if case.weight < 1 else 0.0


def lower(case: Rare) -> float:
    """The rest point for the exact log, times .99."""
    return 0.99 * stated(case)


def higher(case: Rare) -> float:
    """The share 1/2."""
    return 0.5 + 0 * stated(case)


def nothing(case: Rare) -> float:  # noqa: ARG001
    """A share below 0."""
    return -1.0


def consensus(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the groups, and find the rest point for the reward log(count / K), counts being in the trace's group.

    Args:
        formula: Upper bound on the rare answer's share at the rest point.
        rng: Source of randomness.

    Yields:
        The rare answer's share at the rest point.
    """
    one = Fraction(1)
    drawn = [Rare(int(rng.integers(4, 65)), Fraction(1, int(rng.integers(5, 60))), one / 2) for _ in range(8)]
    for i, case in enumerate([Rare(16, Fraction(1, 50), one), Rare(16, Fraction(1, 50), one / 2), *drawn]):
        rest = case.rest()
        words = (
            "Take K = 16, nu_0 = (.98, .02) and the reward beta log q^, where q^ is the frequency in the trace's own "
            "group. With the exact log of nu a rest point satisfies nu ~ nu_0 nu, which only a corner solves: the "
            "share of the rare answer tends to 0. But while this answer is rare, the count of a trace that has it is "
            "about 1, and the count of the other answer about 15, so that its odds tend to about those of nu_0 over "
            f"15, 1 : 735. Its share at the rest point is {rest:.5f}."
            if i == 0
            else ""
        )
        yield Evidence(formula(case), rest, "at most", 1e-12, _instance(case, rest), i, sentence=words)


def diversity(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the groups, and find the rest point for the reward -log(count / K), counts being in the trace's group.

    Args:
        formula: Upper bound on the rare answer's share at the rest point.
        rng: Source of randomness.

    Yields:
        The rare answer's share at the rest point; in groups of 512 it is within a hundredth of that with the exact log.
    """
    drawn = [Rare(int(rng.integers(4, 65)), Fraction(1, int(rng.integers(5, 60))), Fraction(-1)) for _ in range(8)]
    fixed = [Rare(K, Fraction(1, 50), Fraction(-1)) for K in (16, 64, 512)]
    for i, case in enumerate([*fixed, *drawn]):
        rest = case.rest()
        yield Evidence(formula(case), rest, "at most", 1e-12, _instance(case, rest), i, noted=i == 0)


def other_group(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Find the rest point for counts from another group, with decreasing values of log 0.

    Args:
        formula: Upper bound on the rare answer's share at the rest point.
        rng: Source of randomness.

    Yields:
        The rare answer's share at the rest point.
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
        "share at the rest point": f"{rest:.5g}",
        "share with the exact log": f"{stated(case):.5g}",
    }


I55 = Claim(
    id="I.55",
    title="Cost of exploration",
    whose="slides",
    place="The Hidden Bias in Small-Batch ALFT, Consequences",
    plain="Rewards from small groups make a model lose rare answers too early.",
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
            near_miss="The rest point is on the wrong side of the bound, by a finite distance.",
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
                "rare answers are rewarded, by minus the log of the count in the trace's own group, and only a cost is "
                "meant, not a collapse"
            ),
        ),
        Reading(
            expected="holds",
            stated=stated,
            sabotage=nothing,
            near_miss=(
                "With log 0 = -inf the share of the rare answer tends to 0, so no bound above 0 is slightly too low."
            ),
            evidence=other_group,
            supposes="frequent answers are rewarded, by the log of the count in another group, with log 0 = -inf",
        ),
    ),
    remark=(
        "The count in a trace's own group overestimates rare answers (claim I.51a). If the reward is the log, this "
        "protects rare answers: the exact game collapses, and training with groups does not. If the reward is minus "
        "the log, rare answers are rewarded too little: at K = 16, nu_0 = (.98, .02) and weight beta the share of the "
        "rare answer at the rest point is .1086 in the place of .125, which is less exploration but no collapse. The "
        "baseline here is the mean of the other traces, so that no factor of centring enters."
    ),
    amendment="I.51a",
)

CLAIMS = (I55,)
