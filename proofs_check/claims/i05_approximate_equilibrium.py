"""I.5: a small value of G at a pair does not make its policy near-optimal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames.functionals import Functional
from proofs_check import oracles
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.one_functional import VALUE, games, scale

Array = NDArray[np.float64]
EPSILON = 0.1
"""Least slack that an attack divides by."""


def stated(game: oracles.LinearGame, pi: Sequence[Fraction], q: Sequence[Fraction]) -> Any:
    """The slack of the proposition: by how much G(pi, q) exceeds the value of the game."""
    return max(mp.mpf(0), game.payoff(pi, q) - game.value())


def duality_gap(game: oracles.LinearGame, pi: Sequence[Fraction], q: Sequence[Fraction]) -> Any:
    """The slack of the amendment: max over targets of G(pi, .) minus min over policies of G(., q)."""
    return game.objective(pi) - game.lower_bound(q)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the suboptimality of the policy with the slack that the claim allows.

    Args:
        formula: The slack epsilon of a pair.
        rng: Source of randomness.

    Yields:
        Comparisons at 50 digits: a hand-made instance first, then random ones, and for 2 to 6 answers where an attack
        ended. As the slack may be 0, what is attacked is the suboptimality over an epsilon of 1/10, or of the slack if
        that is larger.
    """
    for game, pi, q in _instances(rng):
        yield _compare(formula, game, pi, q)
    for n in range(2, 7):
        found = _attacked(formula, n, rng)
        yield replace(found, ratio=found.measured / max(found.claimed, EPSILON))


def _compare(formula: Formula, game: oracles.LinearGame, pi: Sequence[Fraction], q: Sequence[Fraction]) -> Evidence:
    suboptimality = game.objective(pi) - game.value()
    return Evidence(
        claimed=float(formula(game, pi, q)),
        measured=float(suboptimality),
        relation="at most",
        tolerance=1e-14,
        instance={
            "R": f"-<r, nu>, r = {oracles.as_text(game.rewards)}",
            "nu_0": oracles.as_text(game.nu_0),
            "beta": str(game.beta),
            "pi": oracles.as_text(pi),
            "q": oracles.as_text(q),
            "G": mp.nstr(game.payoff(pi, q), 12),
            "value": mp.nstr(game.value(), 12),
            "J(pi)": mp.nstr(game.objective(pi), 12),
        },
        size=oracles.complexity(game.nu_0, game.rewards, [game.beta], pi, q),
    )


def _attacked(formula: Formula, n: int, rng: np.random.Generator) -> Evidence:
    """Attack policy, target, reference and a reward in [0, 2], beta being 1, with masses of at least 1/1000."""
    by_value = formula is stated

    def ratio(rows: Array) -> Array:
        (pi, q, nu_0), rewards = rows[:, :3].swapaxes(0, 1), 2 * rows[:, 3]
        u, value = -np.log(q), -np.log((nu_0 * np.exp(rewards)).sum(axis=1))
        conjugate, divergence = (u + rewards).max(axis=1), (pi * np.log(pi / nu_0)).sum(axis=1)
        excess = divergence - (pi * rewards).sum(axis=1) - value
        payoff = divergence + (pi * u).sum(axis=1) - conjugate
        below = -np.log((nu_0 * q).sum(axis=1)) - conjugate
        slack = payoff - value if by_value else excess + value - below
        return np.asarray(excess / np.maximum(slack, EPSILON))

    place = attack_distributions(ratio, (4, n), rng, least=1e-3, trials=24, rounds=120).place
    pi, q, nu_0, rewards = (oracles.rounded(row, 10**4) for row in place)
    return _compare(formula, oracles.LinearGame(nu_0, [2 * r for r in rewards], Fraction(1)), pi, q)


def of_functional(R: Functional, formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the suboptimality of policies with the slack that the claim allows, for a user's R.

    Args:
        R: The functional.
        formula: The slack epsilon of a pair.
        rng: Source of randomness.

    Yields:
        Suboptimality from a search over R's values, against the slack from the library's J, G and best policy.
    """
    for game in games(R, rng):
        for spread in (0.3, 1.0, 3.0, 6.0):
            noise = spread * rng.normal(size=(2, len(game.face)))
            q, pi = np.exp(noise) / np.exp(noise).sum(axis=1, keepdims=True)
            pi = pi if np.isfinite(game.cost(pi)) else game.star[1]
            claimed, J = float(formula(game, pi, q)), float(game.searched_objective(pi))
            yield Evidence(
                claimed=claimed,
                measured=J - game.star[0],
                relation="at most",
                tolerance=VALUE * scale(claimed, J),
                instance=game.instance | {"pi": str(pi.round(6).tolist()), "q": str(q.round(6).tolist())},
                size=game.n_answers,
            )


def _instances(rng: np.random.Generator) -> Iterator[tuple[oracles.LinearGame, list[Fraction], list[Fraction]]]:
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    zero = oracles.LinearGame([half, half], [Fraction(0), Fraction(0)], Fraction(1))
    yield zero, [Fraction(1), Fraction(0)], [1 - quarter, quarter]
    for _ in range(400):
        n = int(rng.integers(2, 5))
        rewards = [Fraction(int(r), 10) for r in rng.integers(-20, 21, size=n)]
        beta = Fraction(int(rng.integers(1, 30)), 10)
        game = oracles.LinearGame(oracles.random_distribution(rng, n, 9), rewards, beta)
        pi, q = (oracles.random_distribution(rng, n, int(10 ** rng.integers(1, 4))) for _ in range(2))
        yield game, pi, q


I5 = Claim(
    id="I.5",
    title="Approximate equilibrium by the value of G",
    whose="paper",
    place="paper, Prop 2.2; slides, proposition on approximate equilibria",
    statement=(
        "If G(pi, q) is at most the value of the game plus epsilon, then J(pi) is at most its least value plus epsilon."
    ),
    kind="upper bound",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=duality_gap,
            evidence=evidence,
            of_functional=of_functional,
        ),
    ),
    remark=(
        "G(pi, q) is the payoff against one target, J(pi) against the best one: a target that answers pi badly "
        "makes G small without making pi good. With R = 0, uniform nu_0 = (1/2, 1/2), beta = 1, pi = (1, 0), q = "
        "(3/4, 1/4): G = log 2 - log 3 < 0 = value, so epsilon = 0, but J(pi) = log 2."
    ),
    amendment="I.5a",
)

I5A = Claim(
    id="I.5a",
    title="Approximate equilibrium by the duality gap",
    whose="ours",
    place="amendment of claim I.5",
    statement=(
        "If max over targets of G(pi, .) minus min over policies of G(., q) is at most epsilon, then J(pi) is at "
        "most its least value plus epsilon."
    ),
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=duality_gap,
            sabotage=stated,
            evidence=evidence,
            of_functional=of_functional,
        ),
    ),
    remark=(
        "max_q G(pi, q) = J(pi), and min_pi G(pi, q) <= G(pi*, q) <= J(pi*) for every q; subtract. Both are equal "
        "at q = q*, which an attack finds. This is the gap that every solver here reports."
    ),
)

CLAIMS = (
    I5,
    I5A,
)
