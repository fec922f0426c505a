"""I.9: how fast the plays of two learners, and their means, approach the equilibrium."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dagames import AlignmentGame, functionals
from dagames.solvers.no_regret import no_regret_path
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.rates import Rate, fit_rate
from proofs_check.two_learners import Duel, Play, softmax

Array = NDArray[np.float64]
ROUNDS = 2048
FITTED = tuple(2**k for k in range(5, 12))
LATE = tuple(2**k for k in range(8, 16))
"""Rounds over which a duel's rate is fitted."""

SLACK = 0.04
"""Tolerance of a duel's fitted exponent: its plays alternate across a kink."""


def stated(name: str) -> float:  # noqa: ARG001 - one rate for all functionals
    """-1/2."""
    return -0.5


def sabotage(name: str) -> float:  # noqa: ARG001 - one rate for all functionals
    """-1."""
    return -1.0


def near_miss(name: str) -> float:  # noqa: ARG001 - one rate for all functionals
    """-.6."""
    return -0.6


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Play games of three functionals against both learners of the policy; compare the gap with a bound from regrets.

    Args:
        formula: The exponent of t in the gap of the mean plays, by the functional.
        rng: Source of randomness.

    Yields:
        For each set of games the largest gap of the means over C t^exponent, at most 1, at rounds 32 to 2048, C being
        the constant that the learners' regrets give; how far the library's plays and gaps are from these; and for two
        duels the exponent that is fitted from round 256 to 32768.
    """
    for play in plays(rng):
        course = follow(play)
        rate = fit(course.mean, formula(play.name))
        share = course.mean / (course.constant * np.array(FITTED)[:, None] ** formula(play.name))
        instance = (
            play.described
            | rate.as_instance()
            | {"gaps of the means": _few(course.mean), "gaps of last plays": _few(course.last)}
        )
        here, worst = instance | {"compared": "gap over its bound"}, float(share.max())
        yield Evidence(1.0, worst, "at most", 0.0, here, 1, ratio=worst, noted=True)
        yield from _library(play)
    for policy in ("mw", "best_response"):
        duel = Duel(0.5, policy)
        seen = duel.run(LATE)
        yield _fitted(duel, formula("reward"), [duel.gap(seen[t]) for t in LATE], "gap of the means")


def _fitted(duel: Duel, power: float, values: list[float], what: str) -> Evidence:
    rate = fit_rate(LATE, values, power)
    instance = duel.described | rate.as_instance() | {"compared": f"exponent of the {what}"}
    return Evidence(power, rate.exponent, "at most", SLACK, instance, 4)


@dataclass(frozen=True)
class Course:
    """Gaps and regret bounds at rounds 32, 64, ..., 2048, [7, M].

    Attributes:
        last: Gaps of the last plays.
        mean: Gaps of the mean plays.
        constant: C, the sum of both mean regrets' bounds times sqrt(t).
    """

    last: Array
    mean: Array
    constant: Array


def follow(play: Play) -> Course:
    """Run the games, and bound the regrets.

    The target ascends in u with steps s / sqrt(t + 1) and slopes of length at most sqrt(2): against a comparator at
    distance at most D, its regret is at most sqrt(t + 1) (D^2 / (2 s) + 2 s). The policy descends in logarithms: at
    most sqrt(t + 1) (beta K + M^2 / (4 beta)), K its largest divergence from the comparator, M its slope's largest
    range.

    Args:
        play: The games.

    Returns:
        Gaps and constants.
    """
    nu_sum, u_sum = np.zeros_like(play.nu_0), np.zeros_like(play.nu_0)
    us, nus = [], []
    last, mean, constant = [], [], []
    widest = np.zeros(len(play.nu_0))
    for t, (nu, u) in enumerate(play.run(ROUNDS), 1):
        nu_sum, u_sum = nu_sum + nu, u_sum + u
        us.append(u)
        nus.append(nu)
        widest = np.maximum(widest, np.ptp(u + play.beta * np.log(nu / play.nu_0), axis=1))
        if t not in FITTED:
            continue
        last.append(play.gap(nu, u))
        mean.append(play.gap(nu_sum / t, u_sum / t))
        reply, played = play.slope(nu_sum / t), np.array(us)
        shift = (played - reply).mean(axis=2, keepdims=True)
        far = ((played - reply - shift) ** 2).sum(axis=2).max(axis=0)
        total = far / (2 * play.scale) + 2 * play.scale
        if play.policy == "mw":
            answer = softmax(np.log(play.nu_0) - u_sum / t / play.beta)
            apart = (answer * np.log(answer / np.array(nus))).sum(axis=2).max(axis=0)
            total = total + play.beta[:, 0] * apart + widest**2 / (4 * play.beta[:, 0])
        constant.append(total * np.sqrt((t + 1) / t))
    return Course(np.array(last), np.array(mean), np.array(constant))


def fit(gaps: Array, power: float) -> Rate:
    """Fit a power of t to the geometric mean of the games' gaps, from round 256 on, and its constant at this power."""
    return fit_rate(FITTED[3:], np.exp(np.log(gaps).mean(axis=1))[3:].tolist(), power)


def plays(rng: np.random.Generator, names: Collection[str] = ("reward", "entropy", "gini")) -> Iterator[Play]:
    """Yield eight games of four answers for each functional and learner; none starts at its equilibrium."""
    learners: tuple[Literal["mw", "best_response"], ...] = ("mw", "best_response")
    n = 4
    for name in names:
        for policy in learners:
            nu_0 = 0.5 * rng.dirichlet(np.full(n, 3.0), size=8) + 0.3 * (np.arange(n) == 0) + 0.2 / n
            beta = rng.uniform(0.5, 1.5, size=(8, 1))
            strength = rng.uniform(0.5, 2.0, size=(8, 1))
            if name == "reward":
                strength = rng.uniform(size=(8, n)) + (np.arange(n) == 1)
            yield Play(name, strength, nu_0, beta, policy)


def _library(play: Play) -> Iterator[Evidence]:
    """Compare the library's gaps on the first game, and its plays unless R* has a kink with several slopes."""
    strength = play.strength[0]
    if play.name == "reward":
        R: functionals.Functional = functionals.Linear(strength)
    else:
        R = (functionals.NegativeEntropy if play.name == "entropy" else functionals.Gini)(float(strength[0]))
    game = AlignmentGame(play.nu_0[0], range(play.nu_0.shape[1]), R, float(play.beta[0, 0]))
    apart = gap = 0.0
    for theirs, (nu, u) in zip(islice(no_regret_path(game, play.policy, "mw"), 40), play.run(40), strict=False):
        apart = max(apart, float(np.abs(theirs.nu - nu[0]).max()))
        certificate = game.certify_marginal(np.log(nu[0]), -u[0] / game.beta)
        gap = max(gap, abs(float(certificate.primal - certificate.dual) - float(play.gap(nu, u)[0])))
    for what, value in (("gaps", gap), ("plays", apart)):
        if what == "gaps" or play.name != "reward":
            here = play.described | {"compared": f"the library's {what} minus these"}
            yield Evidence(0.0, value, "equal", 1e-9, here, 3)


def _few(values: Array) -> str:
    return ", ".join(f"{value:.1e}" for value in values.mean(axis=1)[[0, 3, 6]])


def evidence_of_distance(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Measure the distance of the means of nu and u from nu* and u*, computed independently, and fit the decay.

    Args:
        formula: The exponent of t in the distance, by the functional.
        rng: Source of randomness.

    Yields:
        The exponent fitted to the sum of both distances, in total variation and in the sum of absolute values modulo
        shifts: over rounds 256 to 2048 for games of four answers, and over 256 to 32768 for two duels.
    """
    for policy in ("mw", "best_response"):
        duel = Duel(0.5, policy)
        seen = duel.run(LATE)
        far = [2 * abs(seen[t].worse - duel.star) + abs(seen[t].d) for t in LATE]
        yield _fitted(duel, formula("reward"), far, "distance of the means")
    for play in plays(rng):
        star = play.equilibrium
        best = _centred(play.slope(star))
        nu_sum, u_sum, far = np.zeros_like(star), np.zeros_like(star), []
        for t, (nu, u) in enumerate(play.run(ROUNDS), 1):
            nu_sum, u_sum = nu_sum + nu, u_sum + u
            if t in FITTED:
                apart = np.abs(nu_sum / t - star) + np.abs(_centred(u_sum / t) - best)
                far.append(apart.sum(axis=1))
        rate = fit(np.array(far), formula(play.name))
        instance = play.described | rate.as_instance() | {"compared": "exponent of the distance of the means"}
        yield Evidence(formula(play.name), rate.exponent, "at most", 0.1, instance, 9, noted=True)


def _centred(u: Array) -> Array:
    return np.asarray(u - u.mean(axis=1, keepdims=True))


def quarter(name: str) -> float:  # noqa: ARG001 - one rate for all functionals
    """-1/4."""
    return -0.25


def evidence_of_any_learners(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Play nu_t(0) = 1/2 + t^(-1/4) / 4 against its best responses, sum both regrets, and measure the mean's distance.

    Args:
        formula: The exponent of t in the distance of the mean, by the functional.
        rng: Not used: there is one course of play.

    Yields:
        That both regrets are at most sqrt(t), and the exponent of the distance of the mean of nu_t from nu*.
    """
    del rng
    t = np.arange(1, LATE[-1] + 1)
    far = t**-0.25 / 4
    nu = np.stack([0.5 + far, 0.5 - far], axis=1)
    u = np.log(nu)  # grad R(nu), the target's best response; R*(u) = log sum exp u = 0, and R*(mean u) likewise below
    divergence = (nu * np.log(2 * nu)).sum(axis=1)
    incurred = np.cumsum((nu * u).sum(axis=1) + divergence)
    mean_u = np.cumsum(u, axis=0) / t[:, None]
    mean = np.cumsum(nu, axis=0) / t[:, None]
    policy = incurred + t * np.log((np.exp(-mean_u) / 2).sum(axis=1))
    target = t * (mean * np.log(mean)).sum(axis=1) - np.cumsum((nu * u).sum(axis=1))
    late = np.array(LATE) - 1
    game = {"R": "sum nu log nu", "nu_0": "(1/2, 1/2)", "beta": 1, "nu_t(0)": "1/2 + t^(-1/4) / 4", "u_t": "log nu_t"}
    worst = float((np.maximum(policy, target)[late] / np.sqrt(LATE)).max())
    yield Evidence(1.0, worst, "at most", 0.0, game | {"compared": "regret over sqrt(t)"}, 9)
    values = (mean[late, 0] - 0.5).tolist()
    rate = fit_rate(LATE, values, formula("entropy"))
    T, regret = LATE[-1], float(policy[-1])
    yield Evidence(
        claimed=formula("entropy"),
        measured=rate.exponent,
        relation="at most",
        tolerance=0.01,
        instance=game | rate.as_instance() | {"compared": "exponent of the distance of the mean"},
        size=6,
        noted=True,
        sentence=(
            "Take R = sum nu log nu, nu_0 = (1/2, 1/2) and beta = 1, so that nu* = (1/2, 1/2). In round t the policy "
            "plays nu(0) = 1/2 + t^(-1/4) / 4 and the target its best response u = log nu. The target's regret is 0. "
            f"The policy's regret after T = {T} rounds is {regret:.1f}, or {regret / math.sqrt(T):.2f} sqrt(T). The "
            f"mean of nu(0) differs from 1/2 by {values[-1]:.4f}, about T^(-1/4) / 3 = {T**-0.25 / 3:.4f}: the "
            "exponent is -1/4, not -1/2."
        ),
    )


def constant(name: str) -> float:  # noqa: ARG001 - one rate for all functionals
    """0: no decay."""
    return 0.0


def evidence_of_last_plays(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Play the equilibrium except in rounds 1, 2, 4, 8, ..., sum both regrets, and measure the gap of single rounds.

    Args:
        formula: The exponent of t in the gap of the last play, by the functional.
        rng: Not used: there is one course of play.

    Yields:
        That the regrets after T rounds are at most 2 + log2 T, and the gap at rounds that are powers of 2, at most that
        of round 1 times t^exponent.
    """
    del rng
    nu = np.array([0.75, 0.25])
    u, even = np.log(nu), np.log([0.5, 0.5])
    divergence, cost = float(nu @ np.log(2 * nu)), float(nu @ u)
    gap = cost + divergence + math.log(float(np.exp(-u).sum()) / 2)
    game = {"R": "sum nu log nu", "nu_0": "(1/2, 1/2)", "beta": 1, "nu in rounds 1, 2, 4, ..": "(3/4, 1/4)"}
    for k in (5, 10, 20):
        T, odd = 2**k, k + 1
        mean_u, mean = (odd * u + (T - odd) * even) / T, (odd * nu + (T - odd) * np.array([0.5, 0.5])) / T
        incurred = odd * (cost + divergence) - (T - odd) * math.log(2)
        policy = incurred + T * math.log(float(np.exp(-mean_u).sum()) / 2)
        target = T * float(mean @ np.log(mean)) - odd * cost + (T - odd) * math.log(2)
        here = game | {"round": T, "compared": "regret, 2 + log2 T"}
        yield Evidence(2.0 + k, max(policy, target), "at most", 0.0, here, 9)
        yield Evidence(
            claimed=gap * T ** formula("entropy"),
            measured=gap,
            relation="at most",
            tolerance=1e-12,
            instance=game | {"round": T, "compared": "gap of the last play"},
            size=k,
            noted=True,
            sentence=(
                "Take R = sum nu log nu, nu_0 = (1/2, 1/2) and beta = 1, so that nu* = (1/2, 1/2) and u* is "
                "constant. Both players play the equilibrium except in rounds 1, 2, 4, 8, ..., in which the policy "
                f"plays (3/4, 1/4) and the target its best response. After T = {T} rounds each regret is at most "
                f"{max(policy, target):.2f}, and below 2 + log2 T for every T. But the gap of round {T} equals that "
                f"of round 1, {gap:.3f}."
            ),
        )


I9 = Claim(
    id="I.9",
    title="No-regret play has the rate 1 / sqrt(T)",
    whose="paper",
    place=(
        "section 2.3, below Prop. 2.2, and appendix E, 1. General Solution via No-Regret Dynamics; also the slides, "
        "Consistency: Nash Equilibrium = Optimal ALFT"
    ),
    plain=(
        "If both players have vanishing mean regret, their average plays converge to the equilibrium like one over "
        "the root of the number of rounds."
    ),
    statement=(
        "Where the game is convex-concave in pi and u, standard no-regret dynamics (such as mirror descent or "
        "follow-the-regularised-leader) on pi and u have average iterates that approach the equilibrium at the rate "
        "O(1 / sqrt(T)). Section 2.3 and the slides state this for no-regret dynamics in general, without naming "
        "averages. The measure of the distance is not stated."
    ),
    printed="(pi, u)_T -> (pi*, u*) at O(1 / sqrt(T))",
    kind="rate",
    expected="depends",
    readings=(
        Reading(
            supposes="the duality gap of the average pi and u is meant, for multiplicative weights of rate 1 / sqrt(t)",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
        Reading(
            supposes="the distance of the average pi and u from pi* and u* is meant, for the same learners",
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence_of_distance,
        ),
        Reading(
            supposes="the distance of the averages is meant, for all learners of regret O(sqrt(T))",
            expected="false",
            stated=stated,
            sabotage=quarter,
            near_miss=(
                "The sabotage is the exponent of this play, -1/4; every smaller exponent, such as -.3, is still false."
            ),
            evidence=evidence_of_any_learners,
        ),
        Reading(
            supposes="the last plays are meant, for all learners of regret O(sqrt(T))",
            expected="false",
            stated=stated,
            sabotage=constant,
            near_miss="The sabotage is the exponent of this play, 0; every exponent below 0 is still false.",
            evidence=evidence_of_last_plays,
        ),
    ),
    remark=(
        "G is convex in pi and concave in u. So the gap of the averages is at most the sum of both mean regrets, for "
        "all learners. The averages are of u, not of q. The gap is at least beta KL(average pi || pi*), which implies "
        "only T^(-1/4) for the distance. The second reading is measured, not proved. The bound of the first reading "
        "is about six times the gap; but its exponent is right for rewards, whose R* has a kink. Where R* is smooth, "
        "the gap decreases faster (I.9a), and for rewards and a small beta it decreases faster at first (I.9b)."
    ),
)

CLAIMS = (I9,)
