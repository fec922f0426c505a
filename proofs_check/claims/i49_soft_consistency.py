"""I.49: matching the arithmetic mean keeps all answers; using its logarithm as the reward does not."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from proofs_check import oracles, stats
from proofs_check.attack import Array
from proofs_check.claim import Claim, Evidence, Formula, Reading

STEPS = np.arange(0, 4001) / 100
"""Distances from the reference's log-odds at which a rest point is searched."""


def stated(nu: Sequence[Fraction]) -> list[Fraction]:
    """The distribution itself."""
    return list(nu)


def flattened(nu: Sequence[Fraction], share: Fraction = Fraction(1, 2)) -> list[Fraction]:
    """A mixture with the uniform distribution, by default in equal shares."""
    return [(1 - share) * p + share / len(nu) for p in nu]


def near_miss(nu: Sequence[Fraction]) -> list[Fraction]:
    """A mixture with one percent of the uniform distribution."""
    return flattened(nu, Fraction(1, 100))


def share_kept(minority: Fraction) -> float:
    """The mass of the rarer answer under the reference."""
    return float(minority)


def nothing_kept(minority: Fraction) -> float:  # noqa: ARG001 - however much it has
    """0."""
    return 0.0


def evidence_of_match(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Average the empirical distribution over all groups of K traces, exactly.

    Args:
        formula: The marginal of a policy that matches the target on average, from the group's distribution.
        rng: Source of randomness.

    Yields:
        One comparison per answer.
    """
    for i in range(12):
        nu, K = oracles.random_distribution(rng, 2 + i % 2, 9), 2 + i % 5
        mean = [Fraction(0)] * len(nu)
        for counts in oracles.group_counts(len(nu), K):
            chance = oracles.multinomial(counts, nu)
            mean = [m + chance * Fraction(count, K) for m, count in zip(mean, counts, strict=True)]
        for z, (claimed, measured) in enumerate(zip(formula(nu), mean, strict=True)):
            here = {"nu": oracles.as_text(nu), "K": K, "answer": z, "compared": "mean of Count/K"}
            # Both are exact, and rounded to float64 at the end.
            yield Evidence(float(claimed), float(measured), "equal", 1e-15, here, K + oracles.complexity(nu))


def evidence_of_reward(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Follow the expected step of the reward log(Count/K) less beta KL from the reference to the first rest point.

    Args:
        formula: Lower bound on the mass of the rarer of two answers, from its mass under the reference.
        rng: Source of randomness.

    Yields:
        The mass at the rest point in float64, with the expectation as a sum over all counts, for K = 8 and more.
    """
    for minority, beta, K in _instances(rng):
        rest = rest_of(minority, beta, K)
        nu_0 = oracles.as_text([minority, 1 - minority])
        yield Evidence(
            claimed=formula(minority),
            measured=rest,
            relation="at least",
            tolerance=1e-9,
            instance={
                "nu_0": nu_0,
                "beta": str(beta),
                "K": K,
                "compared": "mass of the rarer answer at the rest point",
            },
            size=K + oracles.complexity([minority, 1 - minority, beta]),
            sentence=(
                f"Take nu_0 = {nu_0}, beta = {beta} and K = {K}. Given that a trace has the rarer answer, E "
                f"log(Count/K) = {_mean_log(np.array([float(minority)]), K)[0]:.3f}; for the other answer it is "
                f"{_mean_log(np.array([1 - float(minority)]), K)[0]:.3f}. The mass of the rarer answer decreases from "
                f"{float(minority):.3g} to {rest:.2g}, where the penalty balances this difference."
            ),
        )


def rest_of(minority: Fraction, beta: Fraction, K: int) -> float:
    """Find the first rest point of the log-odds in the direction of the expected step from the reference.

    Args:
        minority: Mass of the rarer answer under the reference.
        beta: Weight of the divergence.
        K: Group size.

    Returns:
        Mass of the rarer answer at the rest point.

    Raises:
        RuntimeError: If the grid has no rest point.
    """
    start = float(np.log(float(minority / (1 - minority))))
    grid = start - STEPS
    drift = _drift(grid, start, float(beta), K)
    turns = np.flatnonzero(drift[1:] >= 0)
    if not drift[0] < 0 or not turns.size:
        raise RuntimeError("no rest point was found within 40 of the reference's log-odds.")
    high, low = grid[turns[0]], grid[turns[0] + 1]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _drift(np.array([middle]), start, float(beta), K)[0] >= 0 else (low, middle)
    return float(1 / (1 + np.exp(-low)))


def _drift(log_odds: Array, start: float, beta: float, K: int) -> Array:
    p = 1 / (1 + np.exp(-log_odds))
    return np.asarray(_mean_log(p, K) - _mean_log(1 - p, K) - beta * (log_odds - start))


def _mean_log(p: Array, K: int) -> Array:
    """Compute E log(Count/K) given that one trace has the answer, the others being independent."""
    others = np.arange(K)
    return np.asarray((stats.binom.pmf(others, K - 1, p[:, None]) * np.log((1 + others) / K)).sum(axis=1))


def _instances(rng: np.random.Generator) -> Iterator[tuple[Fraction, Fraction, int]]:
    yield Fraction(2, 5), Fraction(1, 2), 8
    yield Fraction(1, 3), Fraction(2), 8
    for _ in range(8):
        minority = Fraction(int(rng.integers(1, 10)), 21)
        yield minority, Fraction(int(rng.integers(2, 9)), 4), int(rng.integers(8, 33))


I49 = Claim(
    id="I.49",
    title="Soft consistency",
    whose="paper",
    place="appendix F.2, C and D",
    plain="Rewarding a trace by the logarithm of its answer's frequency keeps every answer that occurs in the group.",
    statement=(
        "The arithmetic mean is the empirical frequency, which allows the direct reward log(Count/K). It preserves any "
        "answer of the group, and effectively requires the model to cover the group's uncertainty; the sharpening has "
        "to come from elsewhere."
    ),
    printed="q* = Count/K,  R_i = log(Count(z_i)/K)",
    kind="existence",
    expected="depends",
    readings=(
        Reading(
            supposes="the policy matches the target as its marginal",
            expected="holds",
            stated=stated,
            sabotage=flattened,
            near_miss=near_miss,
            evidence=evidence_of_match,
        ),
        Reading(
            supposes=(
                "the policy follows the expected step of the reward less beta KL, with the target recomputed at each "
                "step"
            ),
            expected="false",
            stated=share_kept,
            sabotage=nothing_kept,
            near_miss=("An answer either keeps its mass or not; for small beta the rarer answer keeps almost none."),
            evidence=evidence_of_reward,
        ),
    ),
    remark=(
        "The reward is that of claim I.18 with the opposite sign. It is the policy gradient of -H, so the game is that "
        "of R = +H. For large K its rest point is nu_0^(beta / (beta - 1)), normalised, and for beta <= 1 the point "
        "mass on the mode of nu_0 (claim I.15a). So the reward itself sharpens the policy."
    ),
    amendment="I.15a",
)

CLAIMS = (I49,)
