"""I.9: how fast the mean plays of two learners approach the equilibrium."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dagames import AlignmentGame, functionals
from dagames.solvers.no_regret import no_regret_path
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.rates import Rate, fit_rate

Array = NDArray[np.float64]
ROUNDS = 2048
FITTED = tuple(2**k for k in range(5, 12))


@dataclass(frozen=True)
class Play:
    """Many games of one functional, [M, Z], and the policy's learner.

    Attributes:
        name: "reward" for -<r, nu>, "entropy" or "gini" with a weight.
        strength: Rewards r, [M, Z], or weights, [M, 1].
        nu_0: References, [M, Z].
        beta: Weights of the divergence, [M, 1].
        policy: "mw" for multiplicative weights, "best_response" to the target of the same round.
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
    def described(self) -> dict[str, object]:
        """What the games are."""
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
        """Compute J(nu) + R*(u) + beta log sum nu_0 exp(-u / beta): the gain of both players' best replies."""
        primal = self.value(nu) + (self.beta * nu * np.log(np.maximum(nu, 1e-300) / self.nu_0)).sum(axis=1)
        best = self.answer(u)
        conjugate = (best * u).sum(axis=1) - self.value(best)
        low = u.min(axis=1, keepdims=True)
        total = (self.nu_0 * np.exp((low - u) / self.beta)).sum(axis=1)
        return np.asarray(primal + conjugate - low[:, 0] + self.beta[:, 0] * np.log(total))

    def run(self, rounds: int) -> Iterator[tuple[Array, Array]]:
        """Play; the target moves u at the rate s / sqrt(t + 1).

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
    """Turn log-weights into probabilities, [M, Z]."""
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def stated(name: str) -> float:  # noqa: ARG001 - one rate for all functionals
    """-1/2."""
    return -0.5


def sabotage(name: str) -> float:  # noqa: ARG001 - one rate for all functionals
    """-1."""
    return -1.0


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Play games of three functionals against both learners of the policy, and hold the gap against the regrets' bound.

    Args:
        formula: The exponent of t in the gap of the mean plays, by the functional.
        rng: Source of randomness.

    Yields:
        For each set of games the largest gap of the means over C t^exponent, at most 1, at rounds 32 to 2048, C being
        the constant that the learners' regrets give; and how far the library's plays and gaps are from these.
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


@dataclass(frozen=True)
class Course:
    """What the rounds 32, 64, ..., 2048 saw, [7, M].

    Attributes:
        last: Gaps of the last plays.
        mean: Gaps of the mean plays.
        constant: C, the sum of both mean regrets' bounds times sqrt(t).
    """

    last: Array
    mean: Array
    constant: Array


def follow(play: Play) -> Course:
    """Run the games, with what the regrets depend on.

    The target ascends in u with steps s / sqrt(t + 1) and slopes of length at most sqrt(2): against a best reply at
    distance at most D, its regret is at most sqrt(t + 1) (D^2 / (2 s) + 2 s). The policy descends in logarithms: at
    most sqrt(t + 1) (beta K + M^2 / (4 beta)), K its largest divergence from the reply, M its slope's largest range.

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
        reply, said = play.slope(nu_sum / t), np.array(us)
        shift = (said - reply).mean(axis=2, keepdims=True)
        far = ((said - reply - shift) ** 2).sum(axis=2).max(axis=0)
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


def plays(rng: np.random.Generator) -> Iterator[Play]:
    """Yield games of rewards, entropy and Gini, of 2 and of 4 answers, for both learners; none starts solved."""
    learners: tuple[Literal["mw", "best_response"], ...] = ("mw", "best_response")
    for name in ("reward", "entropy", "gini"):
        for policy in learners:
            for n in (2, 4):
                nu_0 = 0.5 * rng.dirichlet(np.full(n, 3.0), size=8) + 0.3 * (np.arange(n) == 0) + 0.2 / n
                beta = rng.uniform(0.5, 1.5, size=(8, 1))
                strength = rng.uniform(0.5, 2.0, size=(8, 1))
                if name == "reward":
                    strength = rng.uniform(size=(8, n)) + (np.arange(n) == 1)
                yield Play(name, strength, nu_0, beta, policy)


def _library(play: Play) -> Iterator[Evidence]:
    """Compare the first game: plays where R* has no kink, on which the choice of a slope is free, and gaps."""
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
            here = play.described | {"compared": f"the library's {what} less these"}
            yield Evidence(0.0, value, "equal", 1e-9, here, 3)


def _few(values: Array) -> str:
    return ", ".join(f"{value:.1e}" for value in values.mean(axis=1)[[0, 3, 6]])


SETTLED = 1e-10


def by_curvature(name: str) -> float:
    """-1/2 for rewards, -2 otherwise."""
    return -0.5 if name == "reward" else -2.0


def evidence_of_faster(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Fit the decay of the gap of the mean plays, in the games of I.9.

    Args:
        formula: The exponent of t, by the functional.
        rng: Source of randomness.

    Yields:
        The exponent fitted from round 256 on, to half the width of its interval and .2 for rewards, .02 where R is
        strongly convex; there of the games whose last plays have settled by round 1024, for which also t^2 times the
        gap is to change by less than 2 % from there to round 2048.
    """
    for play in plays(rng):
        course = follow(play)
        kept, slack = course.last[-2] < SETTLED, 0.02
        if play.name == "reward":
            kept, slack = np.ones(len(play.nu_0), dtype=bool), 0.2
        if not kept.any():
            continue
        rate = fit(course.mean[:, kept], formula(play.name))
        half = (rate.high - rate.low) / 2
        instance = play.described | {"games": int(kept.sum())} | rate.as_instance() | {"compared": "exponent"}
        yield Evidence(formula(play.name), rate.exponent, "equal", slack + half, instance, 1, noted=True)
        if play.name != "reward":
            ratio = course.mean[-1, kept] / course.mean[-2, kept] * 2.0 ** -formula(play.name)
            off = float(np.abs(ratio - 1).max())
            yield Evidence(0.0, off, "equal", 0.02, instance | {"compared": "change of the constant"}, 2)


I9 = Claim(
    id="I.9",
    title="No-regret dynamics",
    whose="paper",
    place=("paper, section 2.3 and appendix E, General Solution via No-Regret Dynamics; slides, consistency"),
    statement=(
        "If the target learns by multiplicative weights of rate 1 / sqrt(t), and the policy does as well or best "
        "responds, the duality gap of the mean plays after t rounds is of order 1 / sqrt(t) at most."
    ),
    kind="rate",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            evidence=evidence,
        ),
    ),
    remark=(
        "G is convex in nu and concave in u, so that the gap of the means is at most the sum of both mean regrets. "
        "The means are of marginals and of dual variables u, not of targets q. For rewards, whose R* has a kink, "
        "the rate is met, whatever the policy does; where R* is smooth it is far faster (I.9a). The bound's "
        "constant, from the range of the plays, is about eight times what is seen."
    ),
)

I9A = Claim(
    id="I.9a",
    title="No-regret dynamics, faster",
    whose="ours",
    place="ours, on paper, appendix E",
    statement=(
        "With the learners of I.9, and R strongly convex so that R* is smooth (entropy, Gini), the last plays "
        "converge and the gap of the mean plays then falls like 1 / t^2. For rewards it falls like 1 / sqrt(t), "
        "also if the policy best responds."
    ),
    kind="rate",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=by_curvature,
            sabotage=by_curvature,
            evidence=evidence_of_faster,
        ),
    ),
    remark=(
        "Once the last plays have settled, the sum of their errors is fixed, so that the mean's error is a constant"
        " over t and the gap, which is quadratic there, one over t^2; the last plays' own gap is far below. A "
        "policy that best responds makes the first half of the dual smooth, -beta log sum nu_0 exp(-u / beta); the "
        "kink of R* stays, across which steps of length 1 / sqrt(t) go to and fro. Following the leader avoids this"
        " for rewards: grad R is the same at every mean, and u* is played at once."
    ),
)

CLAIMS = (
    I9,
    I9A,
)
