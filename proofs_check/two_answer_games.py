"""Games on two answers with a budget on the first, with the search for their best targets at 50 digits (claim I.6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath as mp

from proofs_check import oracles

Vector = list[Any]


@dataclass(frozen=True)
class Kinked:
    """A game on two answers with a budget on the mass of answer 0, and a list of targets.

    Attributes:
        name: Name of the functional.
        value: R.
        conjugate: R* over the simplex.
        nu_0: Reference.
        beta: Weight of the divergence.
        budget: Largest mass of answer 0; 1 allows every policy.
        targets: Targets to compare.
        answering: Whether a target and pi* are best responses to each other, by a derived condition.
    """

    name: str
    value: Callable[[Vector], Any]
    conjugate: Callable[[Vector], Any]
    nu_0: Sequence[Fraction]
    beta: Fraction
    budget: Fraction
    targets: Sequence[Sequence[Fraction]]
    answering: Callable[[Sequence[Fraction]], bool]

    def best_targets(self) -> list[Sequence[Fraction]]:
        """Find the targets q for which min over policies of G(., q) equals min J, by search.

        Returns:
            These targets.
        """
        b = oracles.number(self.beta)

        def least(f: Callable[[Vector], Any]) -> Any:
            if 0 in self.nu_0:
                return f([mp.mpf(1), mp.mpf(0)])

            def along(x: Any) -> Any:
                t = x * oracles.number(self.budget)
                return f([t, 1 - t]) + b * oracles.kl([t, 1 - t], self.nu_0)

            return along(oracles.by_thirds(along))

        value, best = least(self.value), []
        for q in self.targets:
            u = [-b * oracles.log(p) for p in q]

            def coupling(nu: Vector, u: Vector = u) -> Any:
                return nu[0] * u[0] + nu[1] * u[1]

            if abs(value - least(coupling) + self.conjugate(u)) < FLAT:
                best.append(q)
        return best


FLAT = mp.mpf(10) ** -20
"""Largest difference of the two minima that counts as 0; the search has errors of 1e-25."""


def restricted(nu_0: Sequence[Fraction], beta: Fraction, targets: Sequence[tuple[int, int]]) -> Kinked:
    """Make the game of R = |nu(0) - nu(1)| with pi(0) <= 1/2, whose nu* is (1/2, 1/2) for nu_0(0) <= 1/2."""
    # The target is a best response to nu* if |u(0) - u(1)| <= 2, and nu* to the target if
    # nu_0(0) q(0) >= nu_0(1) q(1).
    one = mp.mpf(1)
    return Kinked(
        "|nu(0) - nu(1)|",
        lambda nu: abs(nu[0] - nu[1]),
        lambda u: max(u[0] - one, (u[0] + u[1]) / 2, u[1] - one),
        nu_0,
        beta,
        Fraction(1, 2),
        [[Fraction(a, b), 1 - Fraction(a, b)] for a, b in targets],
        lambda q: nu_0[0] * q[0] >= nu_0[1] * q[1] and abs(oracles.number(beta) * oracles.log(q[0] / q[1])) <= 2,
    )
