"""I.5: neither a small G(pi, q) nor small gains of both players bound the suboptimality of pi by the same epsilon."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

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


class Gaps(NamedTuple):
    """The gaps of a pair in a game, as numbers of any kind or arrays.

    Attributes:
        excess: J(pi) - min J, the suboptimality.
        above: G(pi, q) - min J.
        below: min J - min over policies of G(., q).
    """

    excess: Any
    above: Any
    below: Any

    @property
    def target_gains(self) -> Any:
        """The target's gain by its best response: max over targets of G(pi, .), which is J(pi), minus G(pi, q)."""
        return self.excess - self.above

    @property
    def policy_gains(self) -> Any:
        """The policy's gain by its best response: G(pi, q) minus min over policies of G(., q)."""
        return self.above + self.below


def stated(gaps: Gaps) -> Any:
    """The slack of the printed inequality: by how much G(pi, q) exceeds the value of the game."""
    return np.maximum(gaps.above, 0)


def duality_gap(gaps: Gaps) -> Any:
    """The slack of the repair: max over targets of G(pi, .) minus min over policies of G(., q)."""
    return gaps.excess + gaps.below


def largest_gain(gaps: Gaps) -> Any:
    """The slack of the textbook definition: the largest gain of a player by another choice."""
    return np.maximum(gaps.target_gains, gaps.policy_gains)


def twice_the_gain(gaps: Gaps) -> Any:
    """Twice the largest gain."""
    return 2 * largest_gain(gaps)


def nearly_the_gap(gaps: Gaps) -> Any:
    """99 % of the duality gap."""
    return duality_gap(gaps) * 99 / 100


@dataclass(frozen=True)
class EntropyGame:
    """A game with R(nu) = sum nu log nu and one trace per answer, in closed form.

    Attributes:
        nu_0: Reference.
        beta: Weight of the divergence.
    """

    nu_0: Sequence[Fraction]
    beta: Fraction

    def objective(self, pi: Sequence[Fraction]) -> Any:
        """Compute J(pi)."""
        return mp.fsum(oracles.number(p) * oracles.log(p) for p in pi if p) + self._divergence(pi)

    def payoff(self, pi: Sequence[Fraction], q: Sequence[Fraction]) -> Any:
        """Compute G(pi, q); the conjugate of R is log sum exp(u)."""
        b = oracles.number(self.beta)
        return self._divergence(pi) - b * oracles.expectation(pi, [oracles.log(p) for p in q]) - self._conjugate(q)

    def value(self) -> Any:
        """Compute min J = -(1 + beta) log sum nu_0^(beta / (1 + beta))."""
        b = oracles.number(self.beta)
        return -(1 + b) * mp.log(mp.fsum(oracles.number(p) ** (b / (1 + b)) for p in self.nu_0))

    def lower_bound(self, q: Sequence[Fraction]) -> Any:
        """Compute min over policies of G(., q)."""
        mass = sum((p * r for p, r in zip(self.nu_0, q, strict=True)), Fraction(0))
        return -oracles.number(self.beta) * oracles.log(mass) - self._conjugate(q)

    def _divergence(self, pi: Sequence[Fraction]) -> Any:
        return oracles.number(self.beta) * oracles.kl(pi, self.nu_0)

    def _conjugate(self, q: Sequence[Fraction]) -> Any:
        return mp.log(mp.fsum(oracles.number(p) ** -oracles.number(self.beta) for p in q))


Game = EntropyGame | oracles.LinearGame
Pair = tuple[Game, list[Fraction], list[Fraction]]


def gaps_of(game: Any, pi: Any, q: Any) -> Gaps:
    """Compute the gaps of a pair in a game.

    Args:
        game: A game.
        pi: A policy.
        q: A target.

    Returns:
        The three gaps.
    """
    value = game.value()
    return Gaps(game.objective(pi) - value, game.payoff(pi, q) - value, value - game.lower_bound(q))


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the suboptimality of the policy with the slack that the claim allows.

    Args:
        formula: The slack epsilon of a pair, from its gaps.
        rng: Source of randomness.

    Yields:
        Comparisons at 50 digits: on pairs given by hand, on random pairs, and for 2 to 6 answers at the end of an
        attack. As the slack may be 0, the attack maximises the suboptimality over the larger of 1/10 and the slack.
    """
    for game, pi, q in _instances(rng):
        yield _compare(formula, game, pi, q)
    for n in range(2, 7):
        found = attacked(formula, n, rng)
        yield replace(found, ratio=found.measured / max(found.claimed, EPSILON))


def evidence_of_gains(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the suboptimality of the policy with the slack that the claim allows, in entropy and reward games.

    Args:
        formula: The slack epsilon of a pair, from its gaps.
        rng: Source of randomness.

    Yields:
        Comparisons at 50 digits: R = sum nu log nu at q = q*, and random ones.
    """
    for game, pi, q in (*_at_best_targets(), *_random(rng, 100)):
        yield _compare(formula, game, pi, q, of_gains=True)


def _compare(
    formula: Formula, game: Game, pi: Sequence[Fraction], q: Sequence[Fraction], *, of_gains: bool = False
) -> Evidence:
    gaps, rewards = gaps_of(game, pi, q), list(getattr(game, "rewards", []))
    R = f"-<r, nu>, r = {oracles.as_text(rewards)}" if rewards else "sum nu log nu"
    instance = {
        "R": R,
        "nu_0": oracles.as_text(game.nu_0),
        "beta": str(game.beta),
        "pi": oracles.as_text(pi),
        "q": oracles.as_text(q),
        "G": mp.nstr(game.payoff(pi, q), 12),
        "value": mp.nstr(game.value(), 12),
        "J(pi)": mp.nstr(game.objective(pi), 12),
    }
    claimed = formula(gaps)
    taken = ", ".join(f"{name} = {instance[name]}" for name in ("nu_0", "beta", "pi"))
    G, J, least = (float(x) for x in (game.payoff(pi, q), game.objective(pi), game.value()))
    if of_gains:
        reason = (
            f"By another choice the policy gains {float(gaps.policy_gains):.3f}, and the target J(pi) - G(pi, q) = "
            f"{J:.3f} - {G:.3f} = {float(gaps.target_gains):.3f}: epsilon = {float(largest_gain(gaps)):.3f}"
        )
    else:
        reason = f"G(pi, q) = {G:.3f} and min max G = {least:.3f}, so that epsilon = {float(stated(gaps)):.3f}"
    return Evidence(
        claimed=float(claimed),
        measured=float(gaps.excess),
        relation="at most",
        tolerance=1e-14,
        instance=instance,
        size=oracles.complexity(game.nu_0, rewards, [game.beta], pi, q),
        sentence=(
            f"Take R = {R}, {taken} and q = {instance['q']}. {reason}. But J(pi) - min J = {J:.3f} - ({least:.3f}) = "
            f"{float(gaps.excess):.3f}."
        )
        if gaps.excess > claimed + mp.mpf(10) ** -14
        else "",
    )


def attacked(formula: Formula, n: int, rng: np.random.Generator) -> Evidence:
    """Attack policy, target, reference and a reward in [0, 2], beta being 1, with masses of at least 1/1000."""

    def ratio(rows: Array) -> Array:
        (pi, q, nu_0), rewards = rows[:, :3].swapaxes(0, 1), 2 * rows[:, 3]
        u, value = -np.log(q), -np.log((nu_0 * np.exp(rewards)).sum(axis=1))
        conjugate, divergence = (u + rewards).max(axis=1), (pi * np.log(pi / nu_0)).sum(axis=1)
        excess = divergence - (pi * rewards).sum(axis=1) - value
        payoff = divergence + (pi * u).sum(axis=1) - conjugate
        below = value + np.log((nu_0 * q).sum(axis=1)) + conjugate
        return np.asarray(excess / np.maximum(formula(Gaps(excess, payoff - value, below)), EPSILON))

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
            claimed, J = float(formula(gaps_of(game, pi, q))), float(game.searched_objective(pi))
            yield Evidence(
                claimed=claimed,
                measured=J - game.star[0],
                relation="at most",
                tolerance=VALUE * scale(claimed, J),
                instance=game.instance | {"pi": str(pi.round(6).tolist()), "q": str(q.round(6).tolist())},
                size=game.n_answers,
            )


def _instances(rng: np.random.Generator) -> Iterator[Pair]:
    yield from _at_best_targets()
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    zero = oracles.LinearGame([half, half], [Fraction(0), Fraction(0)], Fraction(1))
    yield zero, [Fraction(1), Fraction(0)], [1 - quarter, quarter]
    yield from _random(rng, 200)


def _at_best_targets() -> Iterator[Pair]:
    """Yield R = sum nu log nu, beta = 1, with q*, in proportion to 1 / sqrt(nu_0)."""
    half, third, fifth = Fraction(1, 2), Fraction(1, 3), Fraction(1, 5)
    one, zero = Fraction(1), Fraction(0)
    even, uneven = EntropyGame([half, half], one), EntropyGame([1 - fifth, fifth], one)
    yield even, [one, zero], [half, half]
    for pi in ([half, half], [fifth, 1 - fifth], [one, zero], [1 - fifth, fifth]):
        yield uneven, pi, [third, 1 - third]


def _random(rng: np.random.Generator, number: int) -> Iterator[Pair]:
    for _ in range(number):
        n = int(rng.integers(2, 5))
        rewards = [Fraction(int(r), 10) for r in rng.integers(-20, 21, size=n)]
        beta = Fraction(int(rng.integers(1, 30)), 10)
        game = oracles.LinearGame(oracles.random_distribution(rng, n, 9), rewards, beta)
        pi, q = (oracles.random_distribution(rng, n, int(10 ** rng.integers(1, 4))) for _ in range(2))
        yield game, pi, q


I5 = Claim(
    id="I.5",
    title="Approximate equilibria are near-optimal",
    whose="paper",
    place="section 2.3, Prop. 2.2 (Approximation Guarantee)",
    plain="If a pair of policy and target is an approximate equilibrium, the policy is optimal up to the same error.",
    statement=(
        "If (pi, q) is an epsilon-approximate equilibrium, such that G(pi, q) is at most min max G + epsilon, then "
        "J(pi) is at most min J + epsilon. The inequality for G is the only definition that is given."
    ),
    printed="G(pi^, q^) <= min_pi max_q G(pi, q) + eps  =>  J(pi^) <= min J + eps",
    kind="upper bound",
    expected="false",
    readings=(
        Reading(
            supposes="the printed inequality defines an epsilon-approximate equilibrium",
            expected="false",
            stated=stated,
            sabotage=duality_gap,
            near_miss=(
                "The sabotage is the correct slack. No multiple of the printed slack is enough: it may be 0 where "
                "J(pi) - min J = log 2, as for R = 0, nu_0 = (1/2, 1/2), beta = 1, pi = (1, 0), q = (3/4, 1/4)."
            ),
            evidence=evidence,
            of_functional=of_functional,
        ),
        Reading(
            supposes=(
                "in addition to this inequality neither player gains more than epsilon by another choice, as in "
                "textbooks"
            ),
            expected="false",
            stated=largest_gain,
            sabotage=twice_the_gain,
            near_miss=(
                "The sabotage has the correct constant, 2; with any smaller one, such as 1.98, the statement is still "
                "false (I.5b)."
            ),
            evidence=evidence_of_gains,
        ),
    ),
    remark=(
        "G(pi, q) is the payoff against one target, J(pi) the payoff against the best target. In the instance shown, "
        "q is q*, each player gains log 2 by another choice, and the printed inequality holds with equality: the "
        "statement is false under both definitions. With one trace per answer, R = sum nu log nu, beta = 1 and q = "
        "q*, both players gain epsilon = KL(pi || pi*) and J(pi) - min J is 2 epsilon, for every pi. The duality gap "
        "is a third definition, which the text does not have; with it the statement is true (I.5a). If q is a best "
        "response to pi, then G(pi, q) = J(pi), and premise and conclusion are the same inequality."
    ),
    amendment="I.5a",
)

I5A = Claim(
    id="I.5a",
    title="A small duality gap is enough",
    whose="ours",
    place="repair of claim I.5",
    plain="If the possible gains of target and policy have a small sum, the policy is optimal up to this sum.",
    statement=(
        "If max over targets of G(pi, .) minus min over policies of G(., q) is at most epsilon, then J(pi) is at "
        "most min J + epsilon."
    ),
    printed="max_q G(pi^, q) - min_pi G(pi, q^) <= eps  =>  J(pi^) <= min J + eps",
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=duality_gap,
            sabotage=stated,
            near_miss=nearly_the_gap,
            evidence=evidence,
            of_functional=of_functional,
        ),
    ),
    remark=(
        "max_q G(pi, q) = J(pi), and min_pi G(pi, q) <= G(pi*, q) <= J(pi*) for every q; subtraction gives the bound. "
        "Equality holds at q = q*, which an attack finds. Every solver of this library reports this gap."
    ),
)

I36 = Claim(
    id="I.36",
    title="Approximate equilibria on the slides",
    whose="slides",
    place="Consistency: Nash Equilibrium = Optimal ALFT, the proposition below the theorem",
    plain="If a pair of policy and target is an approximate equilibrium, the policy is optimal up to the same error.",
    statement=(
        "If (pi, q) is an epsilon-approximate equilibrium of G, then J(pi) is at most min J + epsilon. The slides do "
        "not define the term."
    ),
    printed="J(pi^) <= J(pi*) + eps",
    kind="upper bound",
    expected="depends",
    readings=(
        Reading(
            supposes="the duality gap of an epsilon-approximate equilibrium is at most epsilon",
            expected="holds",
            stated=duality_gap,
            sabotage=stated,
            near_miss=nearly_the_gap,
            evidence=evidence,
        ),
        Reading(
            supposes="in an epsilon-approximate equilibrium neither player gains more than epsilon by another choice",
            expected="false",
            stated=largest_gain,
            sabotage=twice_the_gain,
            near_miss=(
                "The sabotage has the correct constant, 2; with any smaller one, such as 1.98, the statement is still "
                "false (I.5b)."
            ),
            evidence=evidence_of_gains,
        ),
    ),
    remark=(
        "Both definitions are in use. With the first the statement holds and is tight (I.5a); with the second J(pi) - "
        "min J can be 2 epsilon (I.5b). The paper's own definition is a third one, with which the statement is false "
        "(I.5)."
    ),
)

CLAIMS = (I5, I5A, I36)
