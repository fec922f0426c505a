"""I.50: the rest point of training with standardised advantages and an exact divergence penalty."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit

from proofs_check import oracles, stats
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading
from proofs_check.rates import extrapolated

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Verified:
    """A right and a wrong answer, in groups of K.

    Attributes:
        K: Group size.
        p_0: Share of the right answer under the reference.
        reward: That of the right answer, the other's being 0.
        beta: Weight of the divergence.
    """

    K: int
    p_0: Fraction
    reward: Fraction
    beta: Fraction

    def equilibrium(self) -> Any:
        """Compute the right answer's share under nu_0 exp(r / beta)."""
        odds = oracles.number(self.p_0 / (1 - self.p_0)) * mp.exp(oracles.number(self.reward / self.beta))
        return odds / (1 + odds)

    def push(self, formula: Formula, p: Any) -> Any:
        """Compute E[1/K sum_i A_i (1{right} - p)] / (p (1 - p)) by enumeration of the groups."""
        total = mp.mpf(0)
        for m in range(1, self.K):
            right, wrong = formula(m, self.K, self.reward)
            pull = (m * right * (1 - p) - (self.K - m) * wrong * p) / self.K
            total += comb(self.K, m) * p ** (m - 1) * (1 - p) ** (self.K - m - 1) * pull
        return total

    def rest(self, formula: Formula) -> Any:
        """Find the first share above p_0 at which the push equals beta times the change of log-odds."""
        beta, origin = oracles.number(self.beta), oracles.log(self.p_0 / (1 - self.p_0))

        def force(x: Any) -> Any:
            return self.push(formula, 1 / (1 + mp.exp(-x))) - beta * (x - origin)

        low = origin
        while force(low + mp.mpf("0.1")) > 0:
            low += mp.mpf("0.1")
        found = mp.findroot(force, (low, low + mp.mpf("0.1")), solver="anderson", tol=1e-60)
        return 1 / (1 + mp.exp(-found))


def population(m: int, K: int, reward: Fraction) -> tuple[Any, Any]:
    """The standardised rewards of right and wrong traces, with K in the denominator of the variance."""
    mean = oracles.number(reward) * m / K
    deviation = mp.sqrt(m * (reward_ := oracles.number(reward)) ** 2 / mp.mpf(K) - mean**2)
    return (reward_ - mean) / deviation, -mean / deviation


def sample(m: int, K: int, reward: Fraction) -> tuple[Any, Any]:
    """The standardised rewards with K - 1 in the denominator of the variance."""
    shorter = mp.sqrt(mp.mpf(K - 1) / K)
    right, wrong = population(m, K, reward)
    return right * shorter, wrong * shorter


def left_out(m: int, K: int, reward: Fraction) -> tuple[Any, Any]:
    """The rewards less the mean of the other traces, without division."""
    r = oracles.number(reward)
    return r * (K - m) / (K - 1), -r * m / (K - 1)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the groups, and find at 50 digits where the expected step equals the gradient of beta KL.

    Args:
        formula: Advantages of a right and a wrong trace, from the number of right ones, K and the reward.
        rng: Source of randomness.

    Yields:
        The right answer's share at the rest point against its share at the equilibrium.
    """
    half, one = Fraction(1, 2), Fraction(1)
    cases = [Verified(K, half, one, one) for K in (4, 8, 16, 32)]
    for i in range(8):
        p_0 = Fraction(int(rng.integers(1, 9)), 10)
        cases.append(Verified(2 + i, p_0, Fraction(int(rng.integers(2, 9)), 2), Fraction(int(rng.integers(2, 6)), 2)))
    for i, case in enumerate(cases):
        rest, right = case.rest(formula), case.equilibrium()
        instance = {"K": case.K, "nu_0": f"({1 - case.p_0}, {case.p_0})", "rewards": f"(0, {case.reward})"}
        instance |= {"beta": str(case.beta), "p at the rest point": mp.nstr(rest, 6), "nu*": mp.nstr(right, 6)}
        words = _sentence(formula, rest, right) if i == 0 else ""
        # The first is the simplest to check by hand.
        yield Evidence(float(right), float(rest), "equal", 1e-15, instance, i, noted=i in (1, 2, 3), sentence=words)


def kept(nu_0: Sequence[Fraction], p: Any) -> list[Any]:
    """The policy nu_0 exp(r / some beta) with the share p for the right answer."""
    rest = [oracles.number(share / sum(nu_0[1:])) for share in nu_0[1:]]
    return [p, *((1 - p) * share for share in rest)]


def levelled(nu_0: Sequence[Fraction], p: Any) -> list[Any]:
    """The policy with p for the right answer and equal shares for the wrong ones."""
    return [p, *((1 - p) / (len(nu_0) - 1) for _ in nu_0[1:])]


def nearly_kept(nu_0: Sequence[Fraction], p: Any) -> list[Any]:
    """A mixture: 99 % of `kept` and 1 % of `levelled`."""
    return [mp.mpf("0.99") * a + mp.mpf("0.01") * b for a, b in zip(kept(nu_0, p), levelled(nu_0, p), strict=True)]


def of_some_weight(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate the groups over three answers, one of them right, and compute the gradient at the claimed policy.

    Args:
        formula: The policy, from the reference and the right answer's share at the rest point.
        rng: Source of randomness.

    Yields:
        For each game the largest component in the logits of the expected step minus the gradient of beta KL.
    """
    for K in (2, 3, 4, 6):
        a, b, c = (int(n) for n in rng.permutation(9)[:3] + 1)
        nu_0 = [Fraction(n, a + b + c) for n in (a, b, c)]
        case = Verified(K, nu_0[0], Fraction(1), Fraction(3, 2))
        p = case.rest(sample)
        nu = formula(nu_0, p)
        left = max(abs(slope) for slope in _slopes(case, nu_0, nu))
        other = oracles.number(case.reward) / (mp.log(p / (1 - p)) - oracles.log(nu_0[0] / (1 - nu_0[0])))
        instance = {"K": K, "nu_0": oracles.as_text(nu_0), "beta": "3/2", "equivalent beta": mp.nstr(other, 6)}
        yield Evidence(0.0, float(left), "equal", 1e-15, instance, size=K)


def _slopes(case: Verified, nu_0: Sequence[Fraction], nu: Sequence[Any]) -> list[Any]:
    """Compute E[1/K sum_i A_i (1{z_i = z} - nu(z))] over all counts, minus the gradient of beta KL."""
    K, ratios = case.K, [mp.log(p / oracles.number(p_0)) for p, p_0 in zip(nu, nu_0, strict=True)]
    divergence = mp.fsum(p * ratio for p, ratio in zip(nu, ratios, strict=True))
    slopes = [-oracles.number(case.beta) * p * (ratio - divergence) for p, ratio in zip(nu, ratios, strict=True)]
    for counts in oracles.group_counts(3, K):
        if not 0 < counts[0] < K:
            continue
        right, wrong = sample(counts[0], K, case.reward)
        chance = mp.fprod(p**x for p, x in zip(nu, counts, strict=True)) * mp.factorial(K)
        chance /= mp.fprod(mp.factorial(x) for x in counts)
        total = counts[0] * right + (K - counts[0]) * wrong
        for z, x in enumerate(counts):
            slopes[z] += chance * (x * (wrong if z else right) - total * nu[z]) / K
    return slopes


def _sentence(formula: Formula, rest: Any, right: Any) -> str:
    if formula not in (population, sample):
        return ""
    factor = "" if formula is population else "sqrt(3/4) "
    return (
        "Take K = 4, rewards (0, 1), nu_0 = (1/2, 1/2) and beta = 1. At the equilibrium the mass of the right answer "
        f"is p = e / (1 + e) = {float(right):.3f}. A group with m right traces contributes {factor}sqrt(m (4 - m)) / 4 "
        f"to the gradient in the logit, so that the expected gradient is {factor}p (1 - p) (sqrt(3) (p^2 + (1 - p)^2) "
        "+ 3 p (1 - p)). The gradient of the divergence is p (1 - p) log(p / (1 - p)). The two are equal at p = "
        f"{float(rest):.3f}, the rest point, and not at {float(right):.3f}."
    )


class Limit(NamedTuple):
    """The limit of large groups for a verified answer.

    Attributes:
        functional: From the right answer's share to the functional whose gradient is the standardised step.
        threshold: From the right answer's share under the reference to the least beta with a rest point inside; there
            are at most two.
    """

    functional: Callable[[Any], Any]
    threshold: Callable[[Fraction], Any]


def arcsine() -> Limit:
    """2 arcsin sqrt p; and sinh y with y - coth y half the log-odds of the reference."""
    return Limit(_arcsine, _threshold)


def _arcsine(p: Any) -> Any:
    return 2 * mp.asin(mp.sqrt(p))


def _threshold(p_0: Fraction) -> Any:
    half_odds = oracles.log(p_0 / (1 - p_0)) / 2
    return mp.sinh(mp.findroot(lambda y: y - mp.coth(y) - half_odds, (mp.mpf("1e-3"), mp.mpf(30)), solver="anderson"))


def mean_reward() -> Limit:
    """The expected reward p, with a rest point for every beta."""
    return Limit(lambda p: p, lambda _: mp.mpf(0))


def looser() -> Limit:
    """A threshold half a per cent too high."""
    return Limit(_arcsine, lambda p_0: mp.mpf("1.005") * _threshold(p_0))


def limit_evidence(formula: Formula, _: np.random.Generator) -> Iterator[Evidence]:
    """Enumerate groups of up to 8192 traces in float64, and extrapolate the step and the least beta with a rest point.

    Args:
        formula: The functional and the threshold.

    Yields:
        The slope of the functional in the logit against the limit of the expected step; and the threshold against the
        limit of 1 / max((log-odds gained) / push), the maximum before the corner.
    """
    limit = formula()
    for p in (Fraction(1, 5), Fraction(1, 2), Fraction(7, 10)):
        x = oracles.log(p / (1 - p))
        slope = mp.diff(lambda a: limit.functional(1 / (1 + mp.exp(-a))), x)
        steps = [float(p * (1 - p)) * push(float(x), K) for K in (128, 256, 512, 1024)]
        instance = {"K": "128 to 1024, extrapolated", "p": str(p), "compared": "step in the logit"}
        yield Evidence(float(slope), extrapolated(steps), "equal", 1e-7, instance, 1)
    for p_0 in (Fraction(1, 100), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):
        least = [_least_beta(float(p_0), K) for K in (1024, 2048, 4096, 8192)]
        instance = {
            "K": "1024 to 8192, extrapolated",
            "p_0": str(p_0),
            "compared": "least beta with a rest point p < 1",
        }
        yield Evidence(float(limit.threshold(p_0)), extrapolated(least), "equal", 1e-5, instance, 2, noted=True)


def push(x: float, K: int) -> float:
    """Compute E sqrt(f (1 - f)) / (p (1 - p)) in groups of K, f being the share of right traces.

    Args:
        x: Log-odds of the right answer.
        K: Group size.

    Returns:
        The push in log-odds, with the population standard deviation.
    """
    f = np.arange(1, K) / K
    spread = np.exp(stats.binom.logpmf(np.arange(1, K), K, expit(x)) - np.log(expit(x)) - np.log(expit(-x)))
    return float(spread @ np.sqrt(f * (1 - f)))


def _least_beta(p_0: float, K: int) -> float:
    origin = float(np.log(p_0 / (1 - p_0)))

    def ratio(x: float) -> float:
        return (x - origin) / push(x, K)

    grid = origin + np.arange(1, 100) * 0.2
    values = [ratio(x) for x in grid[:3]]
    for x in grid[3:]:
        values.append(ratio(x))
        if values[-1] < values[-2]:
            break
    top = grid[len(values) - 2]
    found = minimize_scalar(
        lambda x: -ratio(x), bounds=(top - 0.2, top + 0.2), method="bounded", options={"xatol": 1e-9}
    )
    return -1 / float(found.fun)


def rest_plot() -> Plot:
    """Plot the right answer's share at the rest point over beta, for the reference (1/2, 1/2)."""
    log_odds = np.geomspace(0.5, 8.0, 80)
    lines = [Line(f"K = {K}", [push(x, K) / x for x in log_odds], expit(log_odds).tolist()) for K in (4, 8, 16, 32)]
    inside = np.geomspace(0.5, 2 * brentq(lambda y: y - 1 / np.tanh(y), 0.5, 3), 80)
    lines.append(Line("large K", [2 * np.cosh(x / 2) / x for x in inside], expit(inside).tolist()))
    betas = np.linspace(0.2, 4, 80)
    lines.append(Line("equilibrium", betas.tolist(), expit(1 / betas).tolist(), "bound"))
    return Plot(
        x="beta",
        y="share of the right answer at the rest point",
        lines=lines,
        caption=(
            "A right answer has the reward 1 and a wrong one 0; the reference gives 1/2 to each. With standardised "
            "advantages the rest point is above the equilibrium; for large groups no rest point below 1 exists for "
            "beta < 1.509."
        ),
    )


_NO_NEAR = "The sabotage is the true rule; a rule close to it has another rest point as well."

I50 = Claim(
    id="I.50",
    title="Rest point of standardised advantages",
    whose="paper",
    place="section 3.1 with equations 4 to 6, and section 3.2; also the slides, Game-Derived Rewards for GRPO",
    plain="The rest point of training with rewards standardised in each group is the equilibrium of the game.",
    statement=(
        "For a fixed target GRPO is said to solve the policy step of the game, and to estimate the gradient of exactly "
        "this kind of objective. Here this is taken to mean: with the rewards R = beta log q*(E(y)), the standardised "
        "advantages of equation 5 and an exact divergence penalty of weight beta, the rest point is the policy "
        "proportional to pi_0 q*. Appendix A adds that the updates used are stochastic and not exact solutions. The "
        "source does not say which standard deviation is meant; epsilon is small."
    ),
    printed="L = E[1/K sum_i (pi / pi_old) A_i - beta KL(pi || pi_ref)],   pi* ~ pi_0 q*   (eq. 4, section 3)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            expected="false",
            stated=sample,
            sabotage=left_out,
            near_miss=_NO_NEAR,
            evidence=evidence,
            supposes="beta is the printed one, and the standard deviation has K - 1 in its denominator",
        ),
        Reading(
            expected="false",
            stated=population,
            sabotage=left_out,
            near_miss=_NO_NEAR,
            evidence=evidence,
            supposes="beta is the printed one, and the standard deviation has K in its denominator",
        ),
        Reading(
            expected="holds",
            stated=kept,
            sabotage=levelled,
            near_miss=nearly_kept,
            evidence=of_some_weight,
            supposes=(
                "the objective may have another beta than the printed one, and there is one prompt with rewards of two "
                "values"
            ),
        ),
    ),
    remark=(
        "Division by the standard deviation removes the scale of the reward, to which beta is relative. The statement "
        "fails even for two reward values, where the direction of the step is right (claim I.17): for one prompt the "
        "rest point is the equilibrium of another beta, which differs from prompt to prompt. For rewards (0, 1), nu_0 "
        "uniform and beta = 1 the mass of the right answer at the rest point is .808, .898, .965, .995 for K = 4, 8, "
        "16, 32 with K - 1 in the denominator, and .842, .914, .970, .995 with K; at the equilibrium it is .731. With "
        "centred advantages the rest point is the equilibrium of K / (K - 1) beta; with the mean of the other traces "
        "as the baseline it is the equilibrium of beta (claim I.17d)."
    ),
    amendment="I.50a",
)

I50A = Claim(
    id="I.50a",
    title="The game of standardised advantages",
    whose="ours",
    place="repair of claim I.50",
    plain=(
        "In large groups, division by the standard deviation changes the game: below a certain beta the right answer "
        "gets all mass."
    ),
    statement=(
        "For a right answer of mass p, whatever its reward, the expected standardised step in the logit tends to "
        "sqrt(p (1 - p)) as K grows. This is the gradient of 2 arcsin sqrt p. With the penalty beta KL there is a rest "
        "point with p_0 < p < 1 if beta > sinh y, where y - coth y = 1/2 log(p_0 / (1 - p_0)), and none if beta < sinh "
        "y: the mass of the right answer then tends to 1."
    ),
    printed=(
        "max 2 arcsin sqrt p - beta KL; no rest point p_0 < p < 1 for beta < sinh y, y - coth y = 1/2 log(p_0 / (1 - "
        "p_0))"
    ),
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=arcsine,
            sabotage=mean_reward,
            near_miss=looser,
            evidence=limit_evidence,
        ),
    ),
    remark=(
        "The wrong answers keep their proportions, because the direction of the step is right (claim I.17). A rest "
        "point satisfies beta (x - x_0) = 2 cosh(x / 2) in log-odds x. At the least beta the line is tangent to the "
        "curve, at x - x_0 = 2 coth(x / 2). The least beta is .401, .697, 1.509 and 4.137 for p_0 = .01, .1, .5 and "
        ".9; 1.509 is 1 / max(x / cosh x). At beta = .02, the paper's weight, a rest point would need p_0 < "
        "exp(-99.9). The slope of the functional is infinite at p = 1, so that the corner is attracting for every "
        "beta. Minus the functional is not convex, so theorem 2.1 does not apply. In finite groups there is a rest "
        "point near the corner (claim I.50b)."
    ),
    plot=rest_plot,
)

CLAIMS = (I50, I50A)
