"""B.5: when training on majority votes collapses, by K, beta and the reference; sampled runs."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import islice
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames.grpo import mean_field_path
from dagames.targets import MajorityVote
from proofs_check import groups, oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading, Relation

Array = NDArray[np.float64]
RUNS = 400
SIDES: tuple[tuple[float, Relation], ...] = ((0.8, "at most"), (1.25, "at least"))


def stated(K: int, p: Any) -> Any:
    """Mean sign of a vote of K - 2 traces, for an answer of probability p against one other; 0 for a tie."""
    return _vote(K - 2, p)


def sabotage(K: int, p: Any) -> Any:
    """The same for a vote of all K traces."""
    return _vote(K, p)


def one_vote_less(K: int, p: Any) -> Any:
    """The same for a vote of K - 1 traces."""
    return _vote(K - 1, p)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare steps, rest points, the critical beta and sampled runs with those predicted by the mean sign h.

    Args:
        formula: The mean sign h(K, p) of the vote.
        rng: Source of randomness.

    Yields:
        The expected step for two answers in exact rationals; the rest points of expected steps, for beta on both sides
        of the critical beta too; the gain of the mode of 3 to 5 answers; the library's course; sampled runs.
    """
    yield from _steps(formula, rng)
    yield from _rest_points(formula)
    yield from _onset(formula)
    yield from _gains(rng)
    yield from _runs(formula, rng)


def _vote(n: int, p: Any) -> Any:
    return sum(comb(n, k) * p**k * (1 - p) ** (n - k) * ((2 * k > n) - (2 * k < n)) for k in range(n + 1))


def _steps(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    for K in range(2, 12):
        for p in (Fraction(1, 3), oracles.random_distribution(rng, 2, 20)[0]):
            step = Fraction(0)
            for k, n in oracles.group_counts(2, K):
                mean = Fraction(max(k, n), K) if k != n else Fraction(1, 2)
                reward = Fraction(int(k > n)) if k != n else Fraction(1, 2)
                step += oracles.multinomial((k, n), [p, 1 - p]) * Fraction(k, K) * (reward - mean)
            claimed = Fraction(K - 1, K) * p * (1 - p) * formula(K, p)
            instance = {"K": K, "p": str(p), "step": str(step), "claimed step": str(claimed)}
            yield Evidence(0.0, float(step - claimed), "equal", 0.0, instance, size=K + oracles.complexity([p]))


def _rest_points(formula: Formula) -> Iterator[Evidence]:
    for K, beta, p_0 in [(3, 0.3, 0.4), (5, 0.5, 0.45), (8, 1.5, 0.3), (8, 0.6, 0.6), (16, 1.0, 0.49), (16, 3.0, 0.2)]:
        course = _course(K, beta, p_0, 2.0 / (1 + beta), 4000)
        library = mean_field_path(
            [p_0, 1 - p_0], MajorityVote(), group_size=K, learning_rate=2.0 / (1 + beta), beta=beta
        )
        distance = max(abs(float(np.exp(nu[0])) - p) for nu, p in zip(islice(library, 40), course, strict=False))
        instance: dict[str, Any] = {"K": K, "beta": beta, "p_0": p_0}
        yield Evidence(
            0.0, distance, "at most", 1e-12, instance | {"compared": "expected course of the library"}, size=K
        )
        predicted = _rest(partial(formula, K), beta, p_0)
        instance |= {"compared": "rest point", "measured rest point": round(course[-1], 8)}
        yield Evidence(predicted, course[-1], "equal", 1e-9, instance, size=K)


def _onset(formula: Formula) -> Iterator[Evidence]:
    """Check that p collapses from just below 1/2 for beta below the slope of h in the logit, and not for beta above."""
    for K in (3, 4, 6, 9, 16, 33):
        h = 1e-4
        critical = float(formula(K, 0.5 + h) - formula(K, 0.5 - h)) / (8 * h)
        for factor, relation in SIDES:
            beta = factor * critical
            end = _course(K, beta, 0.4999, 2.0 / (1 + beta), 6000)[-1]
            instance = {"K": K, "critical beta": round(critical, 6), "beta / critical beta": factor, "p_0": 0.4999}
            bound = 0.45 if relation == "at most" else 0.49
            yield Evidence(bound, end, relation, 0.0, instance | {"rest point": round(end, 6)}, size=K)


def _gains(rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack the claim that the mode's logit increases by more than any other answer's."""
    for n_answers, K in ((3, 3), (3, 4), (3, 8), (3, 16), (4, 4), (4, 8), (5, 5)):
        counts = groups.counts_of(n_answers, K)
        won = counts == counts.max(axis=1, keepdims=True)
        advantages = groups.centred(counts, won / won.sum(axis=1, keepdims=True))

        def loss(nu: Array, counts: Array = counts, advantages: Array = advantages) -> Array:
            """Minus the least gain of the mode over another answer, over the lead times the mass of other answers."""
            order = np.sort(nu, axis=1)
            step = groups.expected_step(order, counts, advantages)
            lead = (order[:, -1:] - order[:, :-1]) * order[:, :-1].sum(axis=1, keepdims=True)
            return np.asarray(-((step[:, -1:] - step[:, :-1]) / (lead + 1e-12)).min(axis=1))

        worst, where = attack_distributions(loss, (n_answers,), rng)
        nu = ", ".join(f"{p:.6g}" for p in sorted(where.tolist()))
        instance = {"K": K, "nu": f"({nu})", "least gain / (lead * mass of other answers)": -worst}
        yield Evidence(0.0, -worst, "at least", 1e-9, instance, size=K + n_answers)


def _runs(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Train sampled runs at a small rate, and compare with the sign of h at the reference and with the course."""
    K, rate, steps = 8, 0.1, 1500
    for p_0, beta in ((0.3, 0.0), (0.4, 0.0), (0.6, 0.0), (0.3, 0.5), (0.6, 0.5)):
        logit_0 = np.log(p_0 / (1 - p_0))
        x = np.full(RUNS, logit_0)
        for _ in range(steps):
            p = 1 / (1 + np.exp(-x))
            k = rng.binomial(K, p)
            # Rewards of the two answers, with the divergence to the reference as a part of them.
            first = (2 * k > K) + 0.5 * (2 * k == K) - beta * np.log(p / p_0)
            second = (2 * k < K) + 0.5 * (2 * k == K) - beta * np.log((1 - p) / (1 - p_0))
            x += 2 * rate * k * (K - k) / K**2 * (first - second)
        p = 1 / (1 + np.exp(-x))
        course = _course(K, beta, p_0, rate, steps)[-1]
        instance = {"K": K, "p_0": p_0, "beta": beta, "rate": rate, "steps": steps, "runs": RUNS}
        share = float(((p > p_0) == (formula(K, p_0) > 0)).mean())
        text = {"share that moved in the direction of the expected course": share}
        yield Evidence(0.95, share, "at least", 0.0, instance | text, size=K)
        error = 4 * float(p.std()) / RUNS**0.5 + rate / 10
        text = {"mean of the runs": round(float(p.mean()), 4), "course": round(course, 4)}
        yield Evidence(course, float(p.mean()), "equal", error, instance | text, size=K)


def _course(K: int, beta: float, p_0: float, rate: float, steps: int) -> list[float]:
    """Iterate the expected step, listed by counts, for two answers."""
    k = np.arange(K + 1)
    ways = np.array([float(comb(K, int(i))) for i in k])
    wins = np.sign(2 * k - K)
    x = x_0 = np.log(p_0 / (1 - p_0))
    course = []
    for _ in range(steps):
        p = 1 / (1 + np.exp(-x))
        course.append(float(p))
        masses = ways * p**k * (1 - p) ** (K - k)
        x += 2 * rate * float(masses @ (k * (K - k) / K**2 * (wins - beta * (x - x_0))))
    return course


def _rest(mean_sign: Any, beta: float, p_0: float) -> float:
    """Find the first p from p_0 in the direction of h(p_0) where beta (logit p - logit p_0) = h(p)."""
    x_0 = np.log(p_0 / (1 - p_0))

    def excess(x: float) -> float:
        """Compute h(p) - beta (x - x_0)."""
        return float(mean_sign(1 / (1 + np.exp(-x))) - beta * (x - x_0))

    direction = np.sign(excess(x_0))
    far = x_0
    while excess(far) * direction > 0:
        far += 0.01 * direction
    near = far - 0.01 * direction
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if excess(middle) * direction > 0 else (near, middle)
    return float(1 / (1 + np.exp(-near)))


def plot() -> Plot:
    """Follow the expected course on both sides of the reference's mode and of the critical beta."""
    lines = []
    for beta, p_0 in ((0.1, 0.45), (0.1, 0.55), (1.5, 0.45)):
        course = _course(16, beta, p_0, 0.5, 60)
        lines.append(Line(f"beta = {beta:g}, p_0 = {p_0:g}", list(range(len(course))), list(course)))
    caption = (
        "K = 16, two answers. For small beta, the reference's likelier answer ends with nearly all mass; for large "
        "beta it does not."
    )
    return Plot("step", "probability of the right answer", lines, caption)


B5 = Claim(
    id="B.5",
    title="Collapse under majority vote",
    whose="ours",
    place="beside the paper, Algorithm 1 (COHERENCE-GRPO), which does not state its limit",
    plain=(
        "With a majority vote as reward, training ends at the reference's most frequent answer if beta is below a "
        "threshold."
    ),
    statement=(
        "In a group of K traces with a majority vote, the reward of a trace is 1 if its answer wins (1/m in a tie of "
        "m) minus beta log(nu / nu_0), and the group's mean is subtracted. For two answers, the expected step in the "
        "logit of an answer of probability p is (K-1)/K p (1-p) (h(p) - beta (logit p - logit p_0)), where h(p) is "
        "the mean sign of a vote of K - 2 traces for this answer. Hence p moves from p_0 away from 1/2, up to the "
        "first p where beta (logit p - logit p_0) = h(p): the probability of the right answer decreases iff it is not "
        "the reference's mode. From p_0 just below 1/2, p collapses iff beta is below the slope of h in the logit at "
        "1/2. For more answers and beta = 0, the logit of the mode increases by more than that of any other answer. "
        "Sampled runs at a small rate move as the expected steps do, in the mean and in nearly every run."
    ),
    printed="step in logit p = (K-1)/K p (1-p) (h(p) - beta (logit p - logit p_0)),  h = E sign of a vote of K - 2",
    kind="convergence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=one_vote_less,
            evidence=evidence,
        ),
    ),
    remark=(
        "The step compares two traces of the K with different answers, which leaves K - 2 for the vote. The critical "
        "beta is (n/2) C(n-1, (n-1)/2) / 2^(n-1), where n is the largest odd number up to K - 2: 1/2 at K = 3 or 4, "
        "about sqrt(n / (2 pi)). For K = 3, h = 2p - 1 and the rest points are those of a mean-field magnet, beta (x "
        "- x_0) = tanh(x / 2) with x = logit p. That the mode gains most among three and more answers was attacked, "
        "not proved. Nearer to 1/2 or at larger rates the runs end at different points, and their mean says little."
    ),
    plot=plot,
)

CLAIMS = (B5,)
