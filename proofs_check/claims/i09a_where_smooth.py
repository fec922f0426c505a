"""I.9a: where R* is smooth the plays of two learners converge, and the gap of their means falls like 1 / t^2."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i09_no_regret import fit, follow, plays, sabotage
from proofs_check.two_learners import Play

Array = NDArray[np.float64]
CONVERGED = 1e-10


def by_curvature(name: str) -> float:  # noqa: ARG001 - one rate for all of them
    """-2."""
    return -2.0


def near_curvature(name: str) -> float:  # noqa: ARG001 - one rate for all of them
    """-1.95."""
    return -1.95


def evidence_of_faster(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Fit the decay of the gap of the mean plays, in the games of I.9 and for beta from 1 down to 1/50.

    Args:
        formula: The exponent of t, by the functional.
        rng: Source of randomness.

    Yields:
        For the games whose last plays have converged by round 1024 the exponent fitted from round 256 on, to half the
        width of its interval and .02, and the change of t^2 times the gap from there to round 2048, at most 2 %. For
        nu_0 = (.8, .2), a weight of 1, a best response and each beta the same change from 4 t_0 to 8 t_0, or from 64
        on if that is later.
    """
    for play in plays(rng, ("entropy", "gini")):
        course = follow(play)
        converged = course.last[-2] < CONVERGED
        if not converged.any():
            continue
        rate = fit(course.mean[:, converged], formula(play.name))
        half = (rate.high - rate.low) / 2
        instance = play.described | {"games": int(converged.sum())} | rate.as_instance() | {"compared": "exponent"}
        yield Evidence(formula(play.name), rate.exponent, "equal", 0.02 + half, instance, 1, noted=True)
        ratio = course.mean[-1, converged] / course.mean[-2, converged] * 2.0 ** -formula(play.name)
        off = float(np.abs(ratio - 1).max())
        yield Evidence(0.0, off, "equal", 0.02, instance | {"compared": "change of the constant"}, 2)
    for name in ("entropy", "gini"):
        yield from _onset(formula, name)


def onset(name: str, nu: Array, scale: Array, beta: Array) -> Array:
    """Compute t_0, the round from which the linearised step reduces the error.

    With weight 1 and a best response the difference of u between two answers is multiplied by 1 - 2 s a / sqrt(t + 1),
    a = nu(0) nu(1) / beta + c, where c is the slope of grad R*: nu(0) nu(1) for the entropy, 1/2 for Gini.

    Args:
        name: "entropy" or "gini".
        nu: The equilibrium, [M, 2].
        scale: The step's scale s, [M].
        beta: Weights of the divergence, [M].

    Returns:
        (s a)^2, [M].
    """
    spread = nu.prod(axis=1)
    return np.asarray((scale * (spread / beta + (spread if name == "entropy" else 0.5))) ** 2)


def _onset(formula: Formula, name: str) -> Iterator[Evidence]:
    beta = np.array([1.0, 0.5, 0.2, 0.1, 0.05, 0.02])[:, None]
    play = Play(name, np.ones_like(beta), np.tile([0.8, 0.2], (len(beta), 1)), beta, "best_response")
    since = onset(name, play.equilibrium, play.scale, beta[:, 0])
    first = np.maximum(np.ceil(4 * since), 64).astype(int)
    gaps = np.zeros((2, len(beta)))
    nu_sum, u_sum = np.zeros_like(play.nu_0), np.zeros_like(play.nu_0)
    for t, (nu, u) in enumerate(play.run(2 * int(first.max())), 1):
        nu_sum, u_sum = nu_sum + nu, u_sum + u
        for row, rounds in enumerate((first, 2 * first)):
            if t in rounds:
                gaps[row] = np.where(rounds == t, play.gap(nu_sum / t, u_sum / t), gaps[row])
    for i, b in enumerate(beta[:, 0].tolist()):
        change = float(gaps[1, i] / gaps[0, i] * 2.0 ** -formula(name)) - 1
        instance = {"R": name, "nu_0": "(.8, .2)", "beta": b, "t_0": round(float(since[i]), 1)}
        here = instance | {"compared": f"change of t^2 times the gap from round {first[i]} to {2 * first[i]}"}
        yield Evidence(0.0, abs(change), "at most", 0.03, here, 3)


I9A = Claim(
    id="I.9a",
    title="No-regret play where R* is smooth",
    whose="ours",
    place="on claim I.9",
    plain=(
        "If the objective is strongly convex, the last plays converge, and the error of the averages decreases like "
        "one over T."
    ),
    statement=(
        "With the learners of I.9 and R strongly convex, so that R* is smooth (entropy, Gini), the last plays "
        "converge, and then the gap of the average plays decreases like 1 / t^2. With two answers, weight 1 and a "
        "best response, the last plays have converged from round 4 t_0 on, t_0 = s^2 (nu*(0) nu*(1) / beta + c)^2, "
        "where s is the range of grad R(nu_0) and c the slope of grad R*: nu*(0) nu*(1) for the entropy, 1/2 for Gini."
    ),
    printed="gap of the averages ~ C / t^2 for t >= 4 t_0",
    kind="rate",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=by_curvature,
            sabotage=sabotage,
            near_miss=near_curvature,
            evidence=evidence_of_faster,
        ),
    ),
    remark=(
        "Once the last plays have converged, the sum of their errors is constant. So the error of the average is a "
        "constant divided by t, and the gap, which is quadratic in this error, decreases like 1 / t^2. The learner's "
        "steps overshoot less in later rounds; t_0 is the round from which the linearised step reduces the error, and "
        "grows like 1 / beta^2. This was measured from beta = 1 down to 1/50. For a policy that learns by "
        "multiplicative weights, or more answers, the onset is not derived: at beta from .5 to 1.5 it is before round "
        "1024, in most games."
    ),
)

CLAIMS = (I9A,)
