"""Policies on a segment: projections of the means of a prompt's views, and slopes of the divergences on the segment."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import mpmath as mp

from proofs_check import oracles

Row = Sequence[Fraction]


@dataclass(frozen=True)
class Segment:
    """Views of a prompt, and a segment of policies: a convex set reduces to the segment between the two projections.

    Attributes:
        views: Answer marginals, [K, Z].
        ideal: The ideal policy.
        ends: The two ends of the segment, positive.
    """

    views: Sequence[Row]
    ideal: Row
    ends: tuple[Row, Row]

    def means(self) -> tuple[list[Any], list[Any], Any]:
        """Compute the arithmetic mean, the geometric mean and H^2."""
        K, n = len(self.views), len(self.ideal)
        mean = [mp.fsum(oracles.number(nu[z]) for nu in self.views) / K for z in range(n)]
        roots = [mp.root(mp.fprod(oracles.number(nu[z]) for nu in self.views), K) for z in range(n)]
        return mean, [g / mp.fsum(roots) for g in roots], 1 - mp.fsum(roots)

    def at(self, t: Any) -> list[Any]:
        """Compute the point (1 - t) a + t b of the segment from a to b."""
        return [(1 - t) * oracles.number(a) + t * oracles.number(b) for a, b in zip(*self.ends, strict=True)]

    def project(self, q: Sequence[Any]) -> list[Any]:
        """Find the policy of least KL(q || .), by bisection of the slope along the segment."""
        step = [oracles.number(b - a) for a, b in zip(*self.ends, strict=True)]
        low, high = mp.mpf(0), mp.mpf(1)
        for _ in range(120):
            middle = (low + high) / 2
            slope = -mp.fsum(m * d / p for m, d, p in zip(q, step, self.at(middle), strict=True))
            low, high = (middle, high) if slope < 0 else (low, middle)
        return self.at(low if low == 0 else high)

    @cached_property
    def projections(self) -> tuple[list[Any], list[Any]]:
        """Project the arithmetic and the geometric mean."""
        mean, geometric, _ = self.means()
        return self.project(mean), self.project(geometric)

    def loss(self) -> Any:
        """Compute KL(ideal || projected arithmetic mean) - KL(ideal || projected geometric mean)."""
        one, other = self.projections
        return mp.fsum(oracles.number(p) * mp.log(b / a) for p, a, b in zip(self.ideal, one, other, strict=True))

    def steepness(self) -> tuple[Any, Any]:
        """Compute L = max |ideal / pi|_2 and B = max 1 / pi, which are convex in pi and hence largest at an end."""
        L = max(
            mp.sqrt(mp.fsum(oracles.number(p / a) ** 2 for p, a in zip(self.ideal, e, strict=True))) for e in self.ends
        )
        return L, max(1 / oracles.number(a) for end in self.ends for a in end)

    def between(self) -> tuple[Any, Any, Any]:
        """Compute L, B and m on the segment between the two projections.

        Returns:
            The steepest slope of KL(ideal || .), which is convex and hence steepest at an end; the largest 1 / pi(z);
            and the mean curvature of KL(AM || .), the integral of sum_z AM(z) v(z)^2 / pi(z)^2 along the segment.
        """
        mean, a, g = self.means()[0], *self.projections
        apart = [y - x for x, y in zip(a, g, strict=True)]
        length = mp.sqrt(mp.fsum(d**2 for d in apart))
        if length == 0:
            return mp.mpf(0), mp.mpf(1), mp.mpf(1)
        slopes = [
            mp.fsum(oracles.number(p) * d / x for p, d, x in zip(self.ideal, apart, at, strict=True)) for at in (a, g)
        ]
        curvature = mp.fsum(m * d**2 / (x * y) for m, d, x, y in zip(mean, apart, a, g, strict=True)) / length**2
        return max(map(abs, slopes)) / length, 1 / min(*a, *g), curvature
