"""II.11: the best policy of the generalised game is a Bregman projection, with zeros if F is not steep."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import mpmath as mp
import numpy as np

from dagames.bregman import Entropic, Euclidean, Generator, Polynomial
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

ENTROPY, SQUARE, QUARTIC = "sum p log p", "|p|^2 / 2", "sum p^2 / 2 + p^4 / 4"
_LIBRARY: dict[str, Generator] = {
    ENTROPY: Entropic(),
    SQUARE: Euclidean(),
    QUARTIC: Polynomial([0, 0, Fraction(1, 2), 0, Fraction(1, 4)]),
}
_VALUE: dict[str, Callable[[Any], Any]] = {
    ENTROPY: lambda p: p * mp.log(p) if p else mp.mpf(0),
    SQUARE: lambda p: p**2 / 2,
    QUARTIC: lambda p: p**2 / 2 + p**4 / 4,
}
_SLOPE: dict[str, Callable[[Any], Any]] = {
    ENTROPY: lambda p: mp.log(p) + 1,
    SQUARE: lambda p: p,
    QUARTIC: lambda p: p + p**3,
}
_POINT: dict[str, Callable[[Any], Any]] = {
    ENTROPY: lambda slope: mp.exp(slope - 1),
    SQUARE: lambda slope: slope,
    # The one real root of p^3 + p = slope.
    QUARTIC: lambda slope: 2 / mp.sqrt(3) * mp.sinh(mp.asinh(3 * mp.sqrt(3) * slope / 2) / 3),
}
Vector = list[Any]


def stated(F: str, theta: Sequence[Any]) -> list[float]:
    """Project the point with gradient theta on the simplex, as the library does."""
    return [float(p) for p in _LIBRARY[F].conjugate_gradient(np.array([float(t) for t in theta]))]


def sabotage(F: str, theta: Sequence[Any]) -> list[float]:
    """Clip the point at 0 and divide by its sum, which is the projection for the entropy only."""
    point = [max(_POINT[F](t), mp.mpf(0)) for t in theta]
    total = mp.fsum(point) or mp.mpf(1)
    return [float(p / total) for p in point]


def near_miss(F: str, theta: Sequence[Any]) -> list[float]:
    """Project the point whose gradient is 1.001 theta."""
    return stated(F, [mp.mpf("1.001") * t for t in theta])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare the payoff of the formula's policy with the least one at 50 digits.

    Args:
        formula: The policy, from F and the slopes theta.
        rng: Source of randomness.

    Yields:
        For each pair of generators and random games: by how much G_F, and D_F from the point (grad F)^-1(theta), can be
        less than at the policy, bounded by convexity; with two traces the distance from a searched policy; for
        F = Phi = |p|^2 / 2 that from the exact one, whose support is found by trying all.
    """
    for F, Phi, pi_0, E, q, s in _instances(rng):
        shift = [oracles.number(s) * _SLOPE[Phi](oracles.number(q[z])) for z in E]
        own = [oracles.number(p) for p in pi_0]
        theta = [_SLOPE[F](p) - v for p, v in zip(own, shift, strict=True)]
        point, claimed = [_POINT[F](t) for t in theta], [mp.mpf(p) for p in formula(F, theta)]
        pi = [p / (mp.fsum(claimed) or 1) for p in claimed]
        instance = {"F": F, "Phi": Phi, "pi_0": oracles.as_text(pi_0), "E": str(E), "q": oracles.as_text(q)}
        instance |= {"s": str(s), "pi": ", ".join(mp.nstr(p, 6) for p in claimed)}
        measures = {
            "largest gain in G_F": _slack(F, pi, own, shift),
            "largest gain in D_F from the point": _slack(F, pi, point, [mp.mpf(0)] * len(pi)),
            "distance of the sum from 1": float(abs(mp.fsum(claimed) - 1)),
        }
        if len(pi) == 2:
            measures["distance from the searched policy"] = _distance(pi, _searched(F, own, shift))
        if F == Phi == SQUARE:
            exact = _by_support([p - s * q[z] for p, z in zip(pi_0, E, strict=True)])
            measures[f"distance from the exact {oracles.as_text(exact)}"] = _distance(pi, exact)
        for name, measured in measures.items():
            size = oracles.complexity(pi_0, q, [s])
            yield Evidence(0.0, measured, "at most", 1e-14, instance | {"compared": name}, size=size)


def _distance(pi: Vector, other: Sequence[Any]) -> float:
    return float(
        max(abs(a - (oracles.number(b) if isinstance(b, Fraction) else b)) for a, b in zip(pi, other, strict=True))
    )


def _divergence(F: str, p: Vector, x: Vector) -> Any:
    value, slope = _VALUE[F], _SLOPE[F]
    return mp.fsum(value(a) - value(b) - slope(b) * (a - b) for a, b in zip(p, x, strict=True))


def _slack(F: str, p: Vector, x: Vector, shift: Vector) -> float:
    """Bound how far D_F(p || x) + <p, shift> lies above its least value: by convexity, <slope, p> - min slope."""
    slope = [_SLOPE[F](a) - _SLOPE[F](b) + v for a, b, v in zip(p, x, shift, strict=True)]
    return float(mp.fdot(p, slope) - min(slope))


def _searched(F: str, own: Vector, shift: Vector) -> Vector:
    """Find the best policy over two traces by search."""

    def payoff(t: Any) -> Any:
        """G_F / beta up to a constant."""
        return _divergence(F, [1 - t, t], own) + (1 - t) * shift[0] + t * shift[1]

    t = oracles.by_thirds(payoff)
    return [1 - t, t]


def _by_support(theta: Sequence[Fraction]) -> list[Fraction]:
    """Project on the simplex exactly: on the right support the shifted masses are positive and the others' are not."""
    for n in range(1, len(theta) + 1):
        for support in combinations(range(len(theta)), n):
            level = (sum((theta[y] for y in support), Fraction(0)) - 1) / n
            if all((t > level) == (y in support) for y, t in enumerate(theta)):
                return [max(t - level, Fraction(0)) for t in theta]
    raise AssertionError("every point has a projection.")


def _instances(
    rng: np.random.Generator,
) -> Iterator[tuple[str, str, list[Fraction], tuple[int, ...], list[Fraction], Fraction]]:
    half, third = [Fraction(1, 2)] * 2, [Fraction(1, 3)] * 3
    for F, Phi in product(_LIBRARY, _LIBRARY):
        yield F, Phi, half, (0, 1), [Fraction(1, 4), Fraction(3, 4)], Fraction(1)
        yield F, Phi, third, (0, 1, 1), [Fraction(1, 4), Fraction(3, 4)], Fraction(2)
        for n in (2, 3, 3, 5):
            E = (*(int(z) for z in rng.integers(0, 2, size=n - 1)), 1)
            pi_0, q = oracles.random_distribution(rng, n, 9), oracles.random_distribution(rng, 2, 9)
            yield F, Phi, pi_0, E, q, Fraction(int(rng.integers(1, 7)) * int(rng.choice([-1, 1])), 2)


II11 = Claim(
    id="II.11",
    title="Best policy of the generalised game",
    whose="slides",
    place="Backup: Generalized Game (Bregman), Optimal policy",
    plain=(
        "The best policy for a fixed target is the projection of the reference, its slopes shifted by those of the "
        "target."
    ),
    statement=(
        "Against a fixed target q the optimal policy of G_F is the Bregman projection, on the simplex of traces, of "
        "the point whose gradient is grad F(pi_0) - s grad Phi(q)_E. The formula supposes that this point exists, "
        "which is so if grad F maps onto the line."
    ),
    printed="pi* = Proj^F_Delta((grad F)^-1(grad F(pi_0) - s grad Phi(q)_E))",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "Up to a constant G_F / beta is F(pi) - <theta, pi>, and so is D_F(pi || x) for grad F(x) = theta; beta "
        "cancels. If F is not steep, x may have negative entries, and the projection then has zeros: the entries are "
        "shifted first and clipped at 0 after, not clipped and rescaled. If theta is outside the range of grad F, as F "
        "= |p|^2 / 2 + |p|^3 / 3 allows, there is no such point; the minimiser of F(pi) - <theta, pi> is still the "
        "best policy, and the library computes it."
    ),
)

CLAIMS = (II11,)
