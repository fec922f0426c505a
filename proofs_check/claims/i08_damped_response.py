"""I.8: the damped best response contracts at a known rate, whatever beta."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames.functionals import Functional
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula
from proofs_check.one_functional import PLACE, VALUE, FunctionalGame, Unsaid, games, named, scale

STEPS = 25
Vector = list[Any]
Array = NDArray[np.float64]


def stated(beta: Any, smoothness: Any) -> Any:
    """The step eta = beta / (beta + L)."""
    return beta / (beta + smoothness)


def undamped(beta: Any, smoothness: Any) -> Any:  # noqa: ARG001 - the full step does not depend on either
    """The full step, as in the claim that this one repairs."""
    return mp.mpf(1)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare KL(nu* || nu') with L / (beta + L) KL(nu* || nu) along the iteration, at 50 digits.

    Args:
        formula: The step as a function of beta and the relative smoothness L.
        rng: Source of randomness.

    Yields:
        One comparison per instance: the worst ratio of a step to the claimed factor.
    """
    for kind, nu_0, start, weight, beta in _instances(rng):
        b, w = oracles.number(beta), oracles.number(weight)
        # Relative smoothness: the weight for the entropy, half of it for the collision probability on the simplex.
        smoothness = w if kind == "entropy" else w / 2
        star, nu = _equilibrium(kind, nu_0, w, b), [oracles.number(p) for p in start]
        eta, factor, worst = formula(b, smoothness), smoothness / (b + smoothness), mp.mpf(0)
        for _ in range(STEPS):
            before = _kl(star, nu)
            if before < mp.mpf(10) ** -30:
                break
            nu = _step(kind, nu, nu_0, w, b, eta)
            worst = max(worst, _kl(star, nu) / before / factor)
        yield Evidence(
            claimed=1.0,
            measured=float(worst),
            relation="at most",
            tolerance=1e-12,
            instance={
                "R": {"entropy": "weight sum nu log nu", "collisions": "weight / 2 |nu|^2"}[kind],
                "nu_0": oracles.as_text(nu_0),
                "start": oracles.as_text(start),
                "weight": str(weight),
                "beta": str(beta),
                "worst ratio of a step to L / (beta + L)": float(mp.nstr(worst, 8)),
            },
            size=oracles.complexity(nu_0, start, [weight, beta]),
        )


def of_functional(R: Functional, formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Follow the damped step for a user's R and its own relative smoothness, with beta below, at and above that.

    Args:
        R: The functional.
        formula: The step as a function of beta and the relative smoothness L.
        rng: Source of randomness.

    Yields:
        The step that exceeds its bound most, nu* being searched over R's values; and the hypothesis, that R lies at
        most L KL(mu || nu) above its tangent at nu.

    Raises:
        Unsaid: If R states no finite relative smoothness.
    """
    L = float(np.max(R.relative_smoothness))
    if not np.isfinite(L):
        raise Unsaid(f"{named(R)} states no finite relative smoothness, which claim I.8 needs")
    for i, game in enumerate(games(R, rng, repeats=3)):
        beta = Fraction(L * (0.25, 1.0, 4.0)[i % 3] or 1.0).limit_denominator(10**6) or Fraction(1, 10**6)
        here = replace(game, beta=beta)
        nu, mu = 0.9 * rng.dirichlet(np.ones(len(game.face)), size=2) + 0.1 / len(game.face)
        for at in (mu, nu + 0.01 * (mu - nu)):
            rise = float(here.cost(at) - here.cost(nu) - _gradient(here, nu) @ (at - nu))
            bound = L * float((at * np.log(at / nu)).sum())
            instance = here.instance | {"L": L, "compared": "R(mu) above its tangent at nu, L KL(mu || nu)"}
            yield Evidence(bound, rise, "at most", VALUE * 1e-2 * scale(float(here.cost(nu))), instance, game.n_answers)
        yield _worst_step(here, nu, formula, L)


def _gradient(game: FunctionalGame, nu: Array) -> Array:
    return np.asarray(game.R.gradient(game.spread(nu)), dtype=np.float64)[list(game.face)]


def _worst_step(game: FunctionalGame, nu: Array, formula: Formula, L: float) -> Evidence:
    """Follow the damped step from nu, and keep the step whose divergence exceeds the bound most."""
    beta, (_, star) = float(game.beta), game.star
    eta, factor = float(formula(beta, L)), L / (beta + L)
    kept, worst, log_nu = (0.0, 0.0), -np.inf, np.log(nu)
    for _ in range(STEPS):
        before = _divergence(star, log_nu)
        nu = np.exp(log_nu)
        moved = (1 - eta) * log_nu + eta * (np.log(game.floats) - _gradient(game, nu) / beta)
        log_nu = moved - moved.max()
        log_nu = np.maximum(log_nu - np.log(np.exp(log_nu).sum()), -700.0)
        after = _divergence(star, log_nu)
        if after - factor * before > worst:
            kept, worst = (factor * before, after), after - factor * before
    instance = game.instance | {"L": L, "compared": "KL(nu* || nu') and L / (beta + L) KL(nu* || nu)"}
    return Evidence(*kept, "at most", PLACE * scale(*kept), instance, size=game.n_answers)


def _divergence(star: Array, log_nu: Array) -> float:
    return float((star * (np.log(np.maximum(star, 1e-300)) - log_nu)).sum())


def _instances(
    rng: np.random.Generator,
) -> Iterator[tuple[str, list[Fraction], list[Fraction], Fraction, Fraction]]:
    simple, start = [Fraction(4, 5), Fraction(1, 5)], [Fraction(1, 5), Fraction(4, 5)]
    for kind in ("entropy", "collisions"):
        for weight in (Fraction(1, 2), Fraction(1), Fraction(10)):  # below, at and above beta
            yield kind, simple, start, weight, Fraction(1)
        for _ in range(20):
            n = int(rng.integers(2, 5))
            nu_0, begin = (oracles.random_distribution(rng, n, int(10 ** rng.integers(1, 4))) for _ in range(2))
            weight, beta = (Fraction(int(10 ** rng.uniform(1, 3)), 50) for _ in range(2))
            yield kind, nu_0, begin, weight, beta


def _slope(kind: str, nu: Vector, weight: Any) -> Vector:
    return [weight * (mp.log(p) if kind == "entropy" else p) for p in nu]


def _step(kind: str, nu: Vector, nu_0: list[Fraction], weight: Any, beta: Any, eta: Any) -> Vector:
    answer = [oracles.log(p) - g / beta for p, g in zip(nu_0, _slope(kind, nu, weight), strict=True)]
    return oracles.normalised([(1 - eta) * mp.log(p) + eta * a for p, a in zip(nu, answer, strict=True)])


def _equilibrium(kind: str, nu_0: list[Fraction], weight: Any, beta: Any) -> Vector:
    """Find nu* by a route that takes no such steps: in closed form, or by bisection on the multiplier."""
    if kind == "entropy":
        return oracles.normalised([oracles.log(p) * beta / (beta + weight) for p in nu_0])

    def masses(multiplier: Any) -> Vector:
        """Solve weight nu + beta log(nu / nu_0) = multiplier for each answer by Lambert's function."""
        ratio = weight / beta
        return [mp.lambertw(ratio * oracles.number(p) * mp.exp(multiplier / beta)).real / ratio for p in nu_0]

    low, high = -weight, weight
    for _ in range(180):
        middle = (low + high) / 2
        low, high = (middle, high) if mp.fsum(masses(middle)) < 1 else (low, middle)
    return masses((low + high) / 2)


def _kl(p: Vector, q: Vector) -> Any:
    return mp.fsum(a * mp.log(a / b) for a, b in zip(p, q, strict=True))


CLAIM = Claim(
    id="I.8",
    title="Damped best response converges",
    statement=(
        "Let R be smooth relative to the negative entropy with constant L. The step log nu' = (1 - eta) log nu + "
        "eta (log nu_0 - grad R(nu) / beta), eta = beta / (beta + L), shrinks KL(nu* || nu) by at least the factor "
        "L / (beta + L), for every beta > 0."
    ),
    source="amendment of claim I.7",
    kind="rate",
    expected="holds",
    stated=stated,
    sabotage=undamped,
    evidence=evidence,
    of_functional=of_functional,
    remark=(
        "It is mirror descent on J with the divergence to the reference taken exactly. L is the weight for the "
        "entropy, which then takes one step, and half the weight for the collision probability."
    ),
)
