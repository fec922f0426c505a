"""I.9a: mean plays approach like 1 / t^2 where R is strongly convex, and like 1 / sqrt(t) for rewards."""

from collections.abc import Iterator

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula
from proofs_check.claims import i09_no_regret as i09

SETTLED = 1e-10


def stated(name: str) -> float:
    """-1/2 for rewards, -2 otherwise."""
    return -0.5 if name == "reward" else -2.0


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Fit the decay of the gap of the mean plays, in the games of I.9.

    Args:
        formula: The exponent of t, by the functional.
        rng: Source of randomness.

    Yields:
        The exponent fitted from round 256 on, to half the width of its interval and .2 for rewards, .02 where R is
        strongly convex; there of the games whose last plays have settled by round 1024, for which also t^2 times the
        gap is to change by less than 2 % from there to round 2048.
    """
    for play in i09.plays(rng):
        course = i09.follow(play)
        kept, slack = course.last[-2] < SETTLED, 0.02
        if play.name == "reward":
            kept, slack = np.ones(len(play.nu_0), dtype=bool), 0.2
        if not kept.any():
            continue
        rate = i09.fit(course.mean[:, kept], formula(play.name))
        half = (rate.high - rate.low) / 2
        instance = play.described | {"games": int(kept.sum())} | rate.as_instance() | {"compared": "exponent"}
        yield Evidence(formula(play.name), rate.exponent, "equal", slack + half, instance, 1, noted=True)
        if play.name != "reward":
            ratio = course.mean[-1, kept] / course.mean[-2, kept] * 2.0 ** -formula(play.name)
            off = float(np.abs(ratio - 1).max())
            yield Evidence(0.0, off, "equal", 0.02, instance | {"compared": "change of the constant"}, 2)


CLAIM = Claim(
    id="I.9a",
    title="No-regret dynamics, faster",
    statement=(
        "With the learners of I.9, and R strongly convex so that R* is smooth (entropy, Gini), the last plays converge "
        "and the gap of the mean plays then falls like 1 / t^2. For rewards it falls like 1 / sqrt(t), also if the "
        "policy best responds."
    ),
    source="ours, on paper, appendix E",
    kind="rate",
    expected="holds",
    stated=stated,
    sabotage=i09.stated,
    evidence=evidence,
    remark=(
        "Once the last plays have settled, the sum of their errors is fixed, so that the mean's error is a constant "
        "over t and the gap, which is quadratic there, one over t^2; the last plays' own gap is far below. A policy "
        "that best responds makes the first half of the dual smooth, -beta log sum nu_0 exp(-u / beta); the kink of "
        "R* stays, across which steps of length 1 / sqrt(t) go to and fro. Following the leader avoids this for "
        "rewards: grad R is the same at every mean, and u* is played at once."
    ),
)
