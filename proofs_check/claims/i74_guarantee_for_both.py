"""I.74: whether Theorem 2.1 covers the objectives of both algorithms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading


@dataclass(frozen=True)
class Disagreement:
    """R(nu) = weight (1 - <nu, other>) on two answers, with one trace each; the other is nu itself if it is not given.

    Attributes:
        nu_0: Reference.
        other: Marginal of the view that is compared with; None if both views have one policy.
        weight: Weight of the disagreement.
        beta: Weight of the divergence, at least `weight`, so that J is convex.
    """

    nu_0: Sequence[Fraction]
    other: Sequence[Fraction] | None
    weight: Fraction
    beta: Fraction

    def penalty(self, first: Any) -> Any:
        """Compute R at the law (first, 1 - first)."""
        nu = [first, 1 - first]
        other = nu if self.other is None else [oracles.number(p) for p in self.other]
        return oracles.number(self.weight) * (1 - mp.fsum(a * b for a, b in zip(nu, other, strict=True)))

    def objective(self, first: Any) -> Any:
        """Compute J at the law (first, 1 - first)."""
        return self.penalty(first) + oracles.number(self.beta) * oracles.kl([first, 1 - first], self.nu_0)

    def dual(self, first: Any) -> Any:
        """Search sup_u <nu, u> - R*(u), with R*(u) attained at a corner, as R is concave; u is (s, 0) up to a shift."""
        corners = [self.penalty(mp.mpf(1)), self.penalty(mp.mpf(0))]

        def loss(share: Any) -> Any:
            s = 40 * share - 20
            return max(s - corners[0], -corners[1]) - first * s

        return -loss(oracles.by_thirds(loss))


@dataclass(frozen=True)
class Coherent:
    """Two views on two answers that must agree.

    Attributes:
        views: Marginals of the references.
        beta: Weight of the mean divergence.
    """

    views: Sequence[Sequence[Fraction]]
    beta: Fraction

    def objective(self, first: Any) -> Any:
        """Compute J where both views have the law (first, 1 - first)."""
        return oracles.number(self.beta) * mp.fsum(oracles.kl([first, 1 - first], nu) for nu in self.views) / 2


def value_of_coherence(game: Coherent) -> Any:
    """Search the maximum over v of min over policies of G, with the dual variables v and -v for the two views."""
    beta = oracles.number(game.beta)
    rows = [[oracles.number(p) for p in nu] for nu in game.views]

    def loss(share: Any) -> Any:
        s = 20 * share - 10
        signed = zip(rows, (1, -1), strict=True)
        return beta * mp.fsum(mp.log(a * mp.exp(-sign * s) + b) for (a, b), sign in signed) / 2

    # u = beta (v, 0) and beta (-v, 0): their mean is 0, and so is R*.
    return -loss(oracles.by_thirds(loss))


def coherence_off(game: Coherent) -> Any:
    """The value of the coherence game times 1.001."""
    return mp.mpf("1.001") * value_of_coherence(game)


def cost_of_mean(game: Coherent) -> Any:
    """J at the arithmetic mean of the views."""
    return game.objective(oracles.number((game.views[0][0] + game.views[1][0]) / 2))


def value_of_game(game: Disagreement) -> Any:
    """The value of min max G, -beta log sum nu_0 exp(-R(e_z) / beta), as the sup over targets is affine in nu."""
    beta = oracles.number(game.beta)
    corners = [game.penalty(mp.mpf(1)), game.penalty(mp.mpf(0))]
    return -beta * mp.log(oracles.expectation(game.nu_0, [mp.exp(-r / beta) for r in corners]))


def value_off(game: Disagreement) -> Any:
    """The value of the game times 1.001."""
    return mp.mpf("1.001") * value_of_game(game)


def value_at_reference(game: Disagreement) -> Any:
    """J of the reference."""
    return game.objective(oracles.number(game.nu_0[0]))


def least(game: Disagreement) -> Any:
    """J at the zero of its derivative, by bisection."""
    low, high = mp.mpf(10) ** -45, 1 - mp.mpf(10) ** -45
    a, b = (oracles.number(p) for p in game.nu_0)
    for _ in range(170):
        t = (low + high) / 2
        slope = 2 * oracles.number(game.weight) * (1 - 2 * t) + oracles.number(game.beta) * mp.log(t * b / (1 - t) / a)
        low, high = (t, high) if slope < 0 else (low, t)
    return game.objective(low)


def evidence_of_coherence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min J over the laws that both views have in common.

    Args:
        formula: The value of the game.
        rng: Source of randomness.

    Yields:
        min J, at 40 digits.
    """
    half, fifth = Fraction(1, 2), Fraction(1, 5)
    games = [Coherent([[half, half], [4 * fifth, fifth]], Fraction(1))]
    for i in range(6):
        views = [oracles.random_distribution(rng, 2, 9) for _ in range(2)]
        games.append(Coherent(views, Fraction(1 + i, 2)))
    for game in games:
        found = game.objective(oracles.by_thirds(game.objective))
        here = {
            "views": "; ".join(map(oracles.as_text, game.views)),
            "beta": str(game.beta),
            "compared": "min J of the coherence constraint",
        }
        size = oracles.complexity(*game.views)
        text = (
            f"Take the views {here['views']} and beta = {game.beta}. The minimum of beta times the mean divergence of "
            f"a common law from the views is {mp.nstr(found, 4)}; the value of the game is "
            f"{mp.nstr(value_of_coherence(game), 4)}."
        )
        yield Evidence(float(formula(game)), float(found), "equal", 1e-15, here, size, sentence=text)


def evidence_of_one_side(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min J for a given marginal of the other view.

    Args:
        formula: The value of the game.
        rng: Source of randomness.

    Yields:
        min J at 40 digits; and the sup over targets against R.
    """
    for game in _games(rng):
        other = oracles.random_distribution(rng, 2, 9)
        yield from _compared(formula, Disagreement(game.nu_0, other, game.weight, game.beta), "R")


def evidence_of_pairs(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search min J with both sides of each pair from the trained policy.

    Args:
        formula: The value of the game.
        rng: Source of randomness.

    Yields:
        min J at 40 digits; and the sup over targets against the chord of R, which is 0.
    """
    for game in _games(rng):
        yield from _compared(formula, game, "the chord of R")


def _compared(formula: Formula, game: Disagreement, name: str) -> Iterator[Evidence]:
    found, value = game.objective(oracles.by_thirds(game.objective)), value_of_game(game)
    here: dict[str, Any] = {"nu_0": oracles.as_text(game.nu_0), "weight": str(game.weight), "beta": str(game.beta)}
    size = oracles.complexity(game.nu_0, [game.weight, game.beta])
    if game.other is None:
        text = (
            f"Take nu_0 = {here['nu_0']}, beta = {game.beta} and R = {game.weight} (1 - sum nu^2), the disagreement. "
            f"min J is {mp.nstr(found, 4)}. The sup over q is the chord of R between the point masses, where R is 0; "
            f"so min max G is {mp.nstr(value, 4)}, attained at nu_0."
        )
    else:
        here["other"] = oracles.as_text(game.other)
        text = (
            f"Take nu_0 = {here['nu_0']}, beta = {game.beta} and R = {game.weight} (1 - <nu, {here['other']}>), the "
            f"disagreement. min J is {mp.nstr(found, 4)}, and min max G {mp.nstr(value, 4)}."
        )
    compared = here | {"compared": "min J"}
    yield Evidence(float(formula(game)), float(found), "equal", 1e-15, compared, size, sentence=text)
    place = mp.mpf(3) / 8
    chord = place * game.penalty(mp.mpf(1)) + (1 - place) * game.penalty(mp.mpf(0))
    wanted = chord if name == "the chord of R" else game.penalty(place)
    compared = here | {"nu": "(3/8, 5/8)", "compared": f"sup over targets, against {name}"}
    yield Evidence(float(wanted), float(game.dual(place)), "equal", 1e-15, compared, size + 1)


def _games(rng: np.random.Generator) -> Iterator[Disagreement]:
    half, one = Fraction(1, 2), Fraction(1)
    yield Disagreement([half, half], None, one, one)
    for _ in range(6):
        weight = Fraction(int(rng.integers(1, 9)), 8)
        yield Disagreement(oracles.random_distribution(rng, 2, 9), None, weight, one)


I74 = Claim(
    id="I.74",
    title="Theorem 2.1 for both algorithms",
    whose="paper",
    place="Section 5.2, Practical guidance",
    plain="The equivalence of game and objective holds for the vote and for the pairwise algorithm.",
    statement=(
        "The guarantees of Theorem 2.1 hold equally for COHERENCE-GRPO and PAIRWISE-GRPO; in practice the two differ "
        "in the quality of the consensus signal. The theorem requires a convex R."
    ),
    printed="min_pi J(pi) = min_pi max_q G(pi, q), for the R of both",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the objective of both is the coherence constraint of section 4.1",
            expected="holds",
            stated=value_of_coherence,
            sabotage=cost_of_mean,
            near_miss=coherence_off,
            evidence=evidence_of_coherence,
        ),
        Reading(
            supposes="PAIRWISE-GRPO minimises equation 9 with d = 1{E != E'}, with the other side of each pair given",
            expected="holds",
            stated=value_of_game,
            sabotage=value_at_reference,
            near_miss=value_off,
            evidence=evidence_of_one_side,
        ),
        Reading(
            supposes="PAIRWISE-GRPO minimises equation 9 with d = 1{E != E'}, with both sides from the trained policy",
            expected="false",
            stated=value_of_game,
            sabotage=least,
            near_miss="The value of the game is 0 for every reference; the sabotage is min J by another search.",
            evidence=evidence_of_pairs,
        ),
    ),
    remark=(
        "With both sides from one policy the disagreement is 1 - sum nu^2, which is concave; over an orbit it is that "
        "of the mean of the views. The sup over targets is the convex hull of this R, which is 0. With one side given "
        "the disagreement is linear in the other side, and the theorem applies to each step. Part 2, the best policy "
        "for a fixed target, does not involve R and holds in all readings."
    ),
)

CLAIMS = (I74,)
