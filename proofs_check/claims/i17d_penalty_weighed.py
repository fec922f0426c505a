"""I.17d: with a weighted estimate, or the divergence inside the reward, the rest point is the equilibrium."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import mpmath as mp
import numpy as np

from dagames.grpo import mean_field_path
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import i17a_penalty_as_loss as i17a


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Repeat the comparisons of I.17a, and add groups whose rewards are centred.

    Args:
        formula: Loss of a trace by the name of the estimate.
        rng: Source of randomness.

    Yields:
        Those of I.17a; the slopes of k3 minus nu - nu_0; at 50 digits, by listing counts, the expected step of centred
        groups with the penalty as a loss at the equilibrium of K / (K - 1) beta, and with it inside the rewards at
        that of beta; and the library's course in the latter case.
    """
    yield from i17a.evidence(formula, rng)
    for K, case in _instances(rng):
        instance = {
            "K": K,
            "nu_0": oracles.as_text(case.nu_0),
            "r": oracles.as_text(case.rewards),
            "beta": str(case.beta),
        }
        size = K + oracles.complexity(case.nu_0, case.rewards, [case.beta])
        ref = [oracles.number(p) for p in case.nu_0]
        star, b = case.equilibrium(), oracles.number(case.beta)
        terms = case.penalty_slopes(i17a.stated, star)["k3"]
        away = [p - r for p, r in zip(star, ref, strict=True)]
        here = instance | {"compared": "slopes of k3 minus (nu - nu_0)"}
        yield Evidence(0.0, i17a.apart(terms, away), "equal", 1e-40, here, size)
        shifted = i17a.Rewarded(case.nu_0, case.rewards, case.beta * Fraction(K, K - 1)).equilibrium()
        reward_step = centred_step(K, shifted, [oracles.number(r) for r in case.rewards])
        for name, slope in case.penalty_slopes(formula, shifted).items():
            here = instance | {"compared": "step at the equilibrium of K / (K - 1) beta", "penalty": name}
            yield Evidence(0.0, i17a.apart(reward_step, [b * s for s in slope]), "equal", 1e-40, here, size)
        penalised = [oracles.number(r) - b * mp.log(p / m) for r, p, m in zip(case.rewards, star, ref, strict=True)]
        step = centred_step(K, star, penalised)
        here = instance | {"compared": "step at the equilibrium of beta, log-ratios centred with the rewards"}
        yield Evidence(0.0, float(max(map(abs, step))), "equal", 1e-40, here, size)
        rewards = [float(r) for r in case.rewards]
        course = mean_field_path(
            [float(p) for p in case.nu_0],
            rewards,
            group_size=K,
            learning_rate=0.9 / float(case.beta),
            beta=float(case.beta),
            geometry="natural",
        )
        end = [mp.mpf(p) for p in np.exp(next(islice(course, 80, None))).tolist()]
        here = instance | {"compared": "end of the library's course minus nu*"}
        yield Evidence(0.0, i17a.apart(end, star), "equal", 1e-12, here, size)


def centred_step(K: int, nu: list[Any], rewards: list[Any]) -> list[Any]:
    """List the counts of a group, and sum 1/K sum_i (r_i - mean(r)) (e_{z_i} - nu).

    Args:
        K: Group size.
        nu: Answer probabilities.
        rewards: Reward of each answer.

    Returns:
        The expected step; nu drops out, for centred rewards sum to 0.
    """
    total = [mp.mpf(0)] * len(nu)
    for counts in oracles.group_counts(len(nu), K):
        mass = mp.factorial(K)
        for n, p in zip(counts, nu, strict=True):
            mass *= p**n / mp.factorial(n)
        mean = mp.fsum(n * r for n, r in zip(counts, rewards, strict=True)) / K
        total = [t + mass * n * (r - mean) / K for t, n, r in zip(total, counts, rewards, strict=True)]
    return total


def _instances(rng: np.random.Generator) -> Iterator[tuple[int, i17a.Rewarded]]:
    for i in range(9):
        n = 2 + i % 3
        rewards = [Fraction(int(r), 4) for r in rng.integers(0, 9, size=n)]
        beta = Fraction(int(rng.integers(3, 9)), 4)
        yield 2 + i // 3, i17a.Rewarded(oracles.random_distribution(rng, n, 9), rewards, beta)


I17D = Claim(
    id="I.17d",
    title="Divergence weighted or in the reward",
    whose="ours",
    place="repair of claim I.17a",
    plain=(
        "Weighted by the policy's probability ratio, or put inside the reward, the estimate makes the equilibrium the "
        "rest point."
    ),
    statement=(
        "For traces of one token, k3 weighted by pi / pi_old (and differentiated through the weight) has the slope of "
        "KL(pi || pi_0), and so has log(pi_old / pi_0) as a part of the reward: in both cases the rest point is the "
        "equilibrium. If the group's mean is subtracted from the rewards, the rest point is the equilibrium of K / (K "
        "- 1) beta with the loss term, and that of beta with the part of the reward, which is centred too."
    ),
    printed="loss = beta (pi / pi_old) k3   or   reward = r - beta log(pi_old / pi_0)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=i17a.amended,
            sabotage=i17a.stated,
            near_miss=i17a.near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "The weight adds E[k3 grad log pi], and k3 + 1 - pi_0 / pi is log(pi / pi_0). Centring multiplies the "
        "reward's step by (K - 1) / K (claim I.17c) and not that of a loss: at K = 4 the effective beta is a third "
        "larger."
    ),
)

CLAIMS = (I17D,)
