"""I.27: the projection on the coherent policies, directly or by a consensus that is then projected on Pi."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Rows = Sequence[Sequence[Fraction]]


@dataclass(frozen=True)
class Orbit:
    """Views of a prompt, and which policies are allowed.

    Attributes:
        policies: Reference of each view, [X, Y], positive.
        E: Answer of each trace, [X, Y]; coherent policies agree on the answers.
        shares: Weight of each view, [X].
        divergence: "kl" or "euclidean".
        line: None where every policy is allowed; otherwise a point and a direction over answers, one trace each: the
            policies allowed are those of the line.
    """

    policies: Rows
    E: Sequence[Sequence[int]]
    shares: Sequence[Fraction]
    divergence: str
    line: tuple[Sequence[Fraction], Sequence[Fraction]] | None = None

    @property
    def n_answers(self) -> int:
        """Number of answers."""
        return max(map(max, self.E)) + 1

    def consensus(self, *, by_traces: bool) -> list[Any]:
        """Find the mean of the marginals: geometric for KL, arithmetic for the Euclidean distance.

        Args:
            by_traces: Whether the arithmetic mean weighs a view's answer by its share over its number of traces, and is
                shifted to sum 1 by amounts that are inverse to these weights.

        Returns:
            The consensus, [Z].
        """
        n, X = self.n_answers, range(len(self.policies))
        nu = [oracles.marginal(self.policies[x], self.E[x], n) for x in X]
        if self.divergence == "kl":
            return oracles.normalised([
                mp.fsum(oracles.number(self.shares[x]) * oracles.log(nu[x][z]) for x in X) for z in range(n)
            ])
        weights = [[self.shares[x] / (self.E[x].count(z) if by_traces else 1) for z in range(n)] for x in X]
        totals = [sum((w[z] for w in weights), Fraction(0)) for z in range(n)]
        mean = [sum((weights[x][z] * nu[x][z] for x in X), Fraction(0)) / totals[z] for z in range(n)]
        spare = (1 - sum(mean, Fraction(0))) / sum((1 / total for total in totals), Fraction(0))
        return [oracles.number(m + spare / total) for m, total in zip(mean, totals, strict=True)]

    def distil(self, q: Sequence[Any], *, forward: bool) -> list[Any]:
        """Project a consensus on the line: least KL(q || .) if forward, KL(. || q) otherwise; or least distance."""
        point, step = ([oracles.number(p) for p in row] for row in self.line or ())

        def slope(t: Any) -> Any:
            here = [p + t * d for p, d in zip(point, step, strict=True)]
            if self.divergence == "euclidean":
                return mp.fsum(d * (p - m) for d, p, m in zip(step, here, q, strict=True))
            if forward:
                return -mp.fsum(d * m / p for d, p, m in zip(step, here, q, strict=True))
            return mp.fsum(d * mp.log(p / m) for d, p, m in zip(step, here, q, strict=True))

        low = max(-p / d for p, d in zip(point, step, strict=True) if d > 0)
        high = min(-p / d for p, d in zip(point, step, strict=True) if d < 0)
        for _ in range(150):
            middle = (low + high) / 2
            low, high = (middle, high) if slope(middle) < 0 else (low, middle)
        return [p + low * d for p, d in zip(point, step, strict=True)]

    def spread(self, q: Sequence[Any]) -> list[list[Any]]:
        """Compute each view's nearest policy with marginal q; for distances, if no trace ends at 0."""
        rows = []
        for pi, E in zip(self.policies, self.E, strict=True):
            nu = [oracles.number(p) for p in oracles.marginal(pi, E, self.n_answers)]
            if self.divergence == "kl":
                rows.append([oracles.number(p) * q[z] / nu[z] for p, z in zip(pi, E, strict=True)])
            else:
                rows.append([oracles.number(p) + (q[z] - nu[z]) / E.count(z) for p, z in zip(pi, E, strict=True)])
        return rows

    def slope(self, policies: Sequence[Sequence[Any]]) -> Any:
        """Find the steepest slope of sum_x s_x D(., reference) along coherent directions: 0 only at the minimum."""
        grad = []
        for share, row, reference in zip(self.shares, policies, self.policies, strict=True):
            pairs = [(p, oracles.number(r)) for p, r in zip(row, reference, strict=True)]
            grad.append([
                oracles.number(share) * (mp.log(p / r) if self.divergence == "kl" else p - r) for p, r in pairs
            ])
        if self.line is not None:
            return abs(mp.fsum(g * oracles.number(d) for row in grad for g, d in zip(row, self.line[1], strict=True)))
        means, steepest = [mp.mpf(0)] * self.n_answers, mp.mpf(0)
        for row, E in zip(grad, self.E, strict=True):
            for z in range(self.n_answers):
                of_answer = [g for g, answer in zip(row, E, strict=True) if answer == z]
                steepest = max(steepest, max(of_answer) - min(of_answer))
                means[z] += of_answer[0]
        return max(steepest, max(means) - min(means))


@dataclass(frozen=True)
class Capped:
    """Two views with one trace per answer, each with a cap on the mass of answer 0.

    Attributes:
        policies: Reference of each view, [X, Z].
        caps: Largest mass of answer 0, [X].
    """

    policies: Rows
    caps: Sequence[Fraction]

    def mean(self) -> list[Any]:
        """Compute the geometric mean."""
        return oracles.normalised([
            mp.fsum(oracles.log(p) for p in column) / len(self.policies) for column in zip(*self.policies, strict=True)
        ])

    def best(self) -> Any:
        """Search the mass of answer 0, up to the least of the caps, where the mean of KL(. || pi_0) is least."""
        top = oracles.number(min(self.caps))
        # Given this mass, the minimiser is proportional to the geometric mean on the other answers.
        columns = list(zip(*self.policies, strict=True))
        rest = mp.fsum(mp.root(mp.fprod(map(oracles.number, c)), len(c)) for c in columns[1:])
        first = mp.root(mp.fprod(oracles.number(row[0]) for row in self.policies), len(self.policies))

        def cost(share: Any) -> Any:
            p = share * top
            return (p * mp.log(p / first) if p > 0 else 0) + (1 - p) * mp.log((1 - p) / rest)

        return oracles.by_thirds(cost) * top


def one_divergence(orbit: Orbit) -> list[list[Any]]:
    """Take the mean of the views, then project it by least D(. || mean)."""
    return in_two_steps(orbit, orbit.consensus(by_traces=False))


def nearly(orbit: Orbit) -> list[list[Any]]:
    """The same projection, of the mean shifted by a hundredth towards the uniform distribution."""
    mean = orbit.consensus(by_traces=False)
    return in_two_steps(orbit, [(99 * m + mp.mpf(1) / len(mean)) / 100 for m in mean])


def in_two_steps(orbit: Orbit, q: list[Any]) -> list[list[Any]]:
    """Project a consensus by least D(. || consensus), or give it to each view where every policy is allowed."""
    return orbit.spread(q) if orbit.line is None else [orbit.distil(q, forward=False)] * len(orbit.policies)


def distilled(orbit: Orbit) -> list[list[Any]]:
    """Take the mean of the views, then distil it by least KL(mean || .)."""
    q = orbit.consensus(by_traces=False)
    if orbit.line is None:
        return orbit.spread(q)
    return [replace(orbit, divergence="kl").distil(q, forward=True)] * len(orbit.policies)


def each_alone(orbit: Capped) -> list[list[Any]]:
    """Project the mean on the policies that each view allows."""
    mean = orbit.mean()
    return [_under(mean, cap) for cap in orbit.caps]


def all_together(orbit: Capped) -> list[list[Any]]:
    """Project the mean on the policies that all views allow."""
    return [_under(orbit.mean(), min(orbit.caps))] * len(orbit.caps)


def _under(mean: list[Any], cap: Fraction) -> list[Any]:
    top = min(oracles.number(cap), mean[0])
    return [top, *(p * (1 - top) / (1 - mean[0]) for p in mean[1:])]


def same_divergence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the slope of the sum of divergences along coherent directions, with one trace per answer.

    Args:
        formula: The two-step projection of an orbit.
        rng: Source of randomness.

    Yields:
        The steepest slope at the two-step projection, to 1e-30.
    """
    for orbit in per_trace(rng):
        yield slope_at(orbit, formula(orbit))


def fine_tuned(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the slope of the sum of divergences along allowed directions, where not every policy is allowed.

    Args:
        formula: The two-step projection of an orbit.
        rng: Source of randomness.

    Yields:
        The slope along the policies allowed at the two-step projection, to 1e-30.
    """
    sentence = (
        "Take two views with pi_0 = (4, 8, 1)/13 and (1, 8, 4)/13, and as Pi the policies (t, t, 1 - 2t). The "
        "geometric mean is (1/6, 2/3, 1/6). KL(mean || .) is least at t = (1/6 + 2/3)/2 = 5/12. But the mean of KL(. "
        "|| pi_0) has the slope log(t^2 / (1 - 2t)^2) - log 4 in t, which is log(25/4) - log 4 = log(25/16) = "
        f"{mp.nstr(mp.log(mp.mpf(25) / 16), 3)} at t = 5/12, and 0 at the minimum t = 2/5."
    )
    for i, orbit in enumerate(orbit for orbit in per_trace(rng) if orbit.line is not None):
        found = slope_at(orbit, formula(orbit))
        yield replace(found, sentence="" if i or found.holds else sentence)


def apart(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare with the nearest coherent policy, found by search, for views with different caps on one answer.

    Args:
        formula: The two-step projection of such an orbit.
        rng: Source of randomness.

    Yields:
        The mass of that answer in each view against the one where the mean of KL(. || pi_0) is least.
    """
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    cases = [Capped([[half, half]] * 2, [Fraction(1), quarter])]
    for i in range(8):
        rows = [oracles.random_distribution(rng, 2 + i % 2, 9) for _ in range(2)]
        cases.append(Capped(rows, oracles.random_distribution(rng, 2, 9)))
    for case in cases:
        found, best = formula(case), case.best()
        for x, row in enumerate(found):
            sentence = (
                "Take two views with pi_0 = (1/2, 1/2), of which the second allows only pi(1) <= 1/4. The mean is "
                "(1/2, 1/2), and its projections for the two views are (1/2, 1/2) and (1/4, 3/4), which are not "
                "coherent. The nearest coherent policy is (1/4, 3/4) in both."
            )
            yield Evidence(
                float(row[0]),
                float(best),
                "equal",
                1e-12,
                {
                    "reference": "; ".join(oracles.as_text(nu) for nu in case.policies),
                    "largest masses of answer 1": oracles.as_text(case.caps),
                    "view": x + 1,
                },
                oracles.complexity(*case.policies, case.caps),
                sentence=sentence if case == cases[0] and abs(row[0] - best) > 1e-12 else "",
            )


def slope_at(orbit: Orbit, found: list[list[Any]]) -> Evidence:
    """Compare the slope along coherent policies at a two-step projection with 0."""
    instance = {
        "reference": "; ".join(oracles.as_text(row) for row in orbit.policies),
        "E": str(orbit.E),
        "shares": oracles.as_text(orbit.shares),
        "divergence": orbit.divergence,
        "allowed": "all" if orbit.line is None else " + t ".join(oracles.as_text(row) for row in orbit.line),
        "two-step": "; ".join("(" + ", ".join(mp.nstr(p, 6) for p in row) + ")" for row in found),
        "compared": "slope along coherent policies at the two-step projection",
    }
    size = oracles.complexity(*orbit.policies, orbit.shares, *(orbit.line or ()))
    return Evidence(0.0, float(orbit.slope(found)), "equal", 1e-30, instance, size)


def per_trace(rng: np.random.Generator) -> Iterator[Orbit]:
    """Yield orbits with one trace per answer: one by hand, then random ones on lines and with all policies."""
    half, third, one, zero = Fraction(1, 2), Fraction(1, 3), Fraction(1), Fraction(0)
    views = [[Fraction(w, 13) for w in row] for row in ((4, 8, 1), (1, 8, 4))]
    yield Orbit(views, [(0, 1, 2)] * 2, [half, half], "kl", ([third] * 3, [one, one, -2 * one]))
    for i in range(18):
        divergence, X = ("kl", "euclidean")[i % 2], 2 + i % 3
        shares = oracles.random_distribution(rng, X, 4)
        rows = [oracles.random_distribution(rng, 3, 9) for _ in range(X)]
        if divergence == "euclidean":
            rows = [[(p + 4) / 13 for p in row] for row in rows]
        step = [[one, one, -2 * one], [one, zero, -one], [2 * one, -3 * one, one]][i // 2 % 3]
        yield Orbit(rows, [(0, 1, 2)] * X, shares, divergence, None if i % 3 == 0 else ([third] * 3, step))


I27 = Claim(
    id="I.27",
    title="Direct and two-step projection",
    whose="paper",
    place="appendix G.2, which cites theorem 5.7 of the coherence paper",
    plain="Making a model consistent in one step, or by averaging and then retraining, gives the same model.",
    statement=(
        "For KL, the Euclidean distance and others, the policies of Pi that are coherent (equal on all views, trace "
        "by trace) and nearest pi_0 are also found in two steps: the consensus, which is pi_0 projected on all "
        "coherent distributions (the geometric mean for KL), is projected on Pi, typically by supervised "
        "fine-tuning."
    ),
    printed="argmin_(Pi and C_coh) E_x D_F(. || pi_0) = projection on Pi of argmin_(C_coh) E_x D_F(. || pi_0)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="step 2 minimises KL(consensus || .), as fine-tuning does, and Pi does not contain every policy",
            expected="false",
            stated=distilled,
            sabotage=one_divergence,
            near_miss="The divergence of step 2 has two orders of its arguments; the sabotage has the other order.",
            evidence=fine_tuned,
        ),
        Reading(
            supposes="step 2 minimises D_F(. || consensus), and each view allows the same policies",
            expected="holds",
            stated=one_divergence,
            sabotage=distilled,
            near_miss=nearly,
            evidence=same_divergence,
        ),
        Reading(
            supposes="Pi allows policies for one view that it does not allow for another",
            expected="false",
            stated=each_alone,
            sabotage=all_together,
            near_miss=(
                "The result is not coherent; the sabotage projects on the policies that all views allow, which is "
                "right."
            ),
            evidence=apart,
        ),
    ),
    remark=(
        "Coherence is a set of linear equations, so that D(pi, pi_0) and D(pi, consensus) differ by a constant for "
        "coherent pi. Hence the second reading, in which the cited theorem holds. Fine-tuning has the consensus in "
        "the first argument of KL: it gives the same only if Pi contains the consensus. If views allow different "
        "policies, the result of step 2 is not coherent. The repaired statement also holds for answers (I.27a)."
    ),
    amendment="I.27a",
)

CLAIMS = (I27,)
