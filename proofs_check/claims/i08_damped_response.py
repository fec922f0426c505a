"""I.8: the damped best response contracts at a known rate, for every beta."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames.functionals import Functional
from proofs_check import oracles
from proofs_check.attack import attack, simplex
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading
from proofs_check.one_functional import PLACE, VALUE, FunctionalGame, NotApplicable, games, named, scale
from proofs_check.rates import fit_rate

Array = NDArray[np.float64]
STEPS = 25
LOCAL = mp.mpf(10) ** -6
"""Divergence below which the rate is fitted."""
Vector = list[Any]


class Step(NamedTuple):
    """The step length, and the claimed largest factor on KL(nu* || nu)."""

    eta: Any
    factor: Any


def stated(beta: Any, smoothness: Any) -> Step:
    """The step eta = beta / (beta + L), with the factor L / (beta + L)."""
    return Step(beta / (beta + smoothness), smoothness / (beta + smoothness))


def undamped(beta: Any, smoothness: Any) -> Step:
    """The full step, as in the claim that this one repairs, with the same factor."""
    return Step(mp.mpf(1), stated(beta, smoothness).factor)


def near_miss(beta: Any, smoothness: Any) -> Step:
    """The step with a factor that is 2 % smaller."""
    step = stated(beta, smoothness)
    return Step(step.eta, step.factor * 98 / 100)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compare KL(nu* || nu') with L / (beta + L) KL(nu* || nu) along the iteration, at 50 digits.

    Args:
        formula: The step and its factor, from beta and the relative smoothness L.
        rng: Source of randomness.

    Yields:
        The worst ratio of a step to the claimed factor, for given and random instances and where an attack on the first
        step ended; and the rate near the equilibrium.
    """
    for instance in _instances(rng):
        yield _compare(formula, *instance)
    for n in (2, 3, 4, 6):
        nu_0, start, weight = _attacked(n, rng)
        found = _compare(formula, "collisions", nu_0, start, weight, Fraction(1))
        yield replace(found, ratio=found.measured)
    for weight in (Fraction(1, 2), Fraction(1), Fraction(10)):
        yield from _rate(formula, [Fraction(4, 5), Fraction(1, 5)], weight)


def _compare(
    formula: Formula, kind: str, nu_0: list[Fraction], start: list[Fraction], weight: Fraction, beta: Fraction
) -> Evidence:
    b, w = oracles.number(beta), oracles.number(weight)
    # Relative smoothness: the weight for the entropy, half of it for the collision probability on the simplex.
    smoothness = w if kind == "entropy" else w / 2
    eta, factor = formula(b, smoothness)
    distances = _distances(kind, nu_0, start, w, b, eta)
    worst = max((after / before / factor for before, after in pairwise(distances)), default=mp.mpf(0))
    return Evidence(
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
            "worst ratio of a step over the claimed factor": float(mp.nstr(worst, 8)),
        },
        size=oracles.complexity(nu_0, start, [weight, beta]),
    )


def _distances(kind: str, nu_0: list[Fraction], start: list[Fraction], weight: Any, beta: Any, eta: Any) -> Vector:
    """Follow KL(nu* || nu) along the iteration, until it is below 1e-30."""
    star, nu = _equilibrium(kind, nu_0, weight, beta), [oracles.number(p) for p in start]
    distances = [oracles.kl(star, nu)]
    while len(distances) <= STEPS and distances[-1] > mp.mpf(10) ** -30:
        nu = _step(kind, nu, nu_0, weight, beta, eta)
        distances.append(oracles.kl(star, nu))
    return distances


def _attacked(n: int, rng: np.random.Generator) -> tuple[list[Fraction], list[Fraction], Fraction]:
    """Attack the first step with collisions and beta = 1, over nu*, the start and the weight, from 1/50 to 20."""

    def parts(x: Array) -> tuple[Array, Array, Array]:
        star, nu = (0.999 * simplex(part) + 1e-3 / n for part in (x[:, 1 : n + 1], x[:, n + 1 :]))
        return 10 ** (1.5 * np.tanh(x[:, :1]) - 0.2), star, nu

    def ratio(x: Array) -> Array:
        w, star, nu = parts(x)
        eta = 1 / (1 + w / 2)
        following = simplex((1 - eta) * np.log(nu) + eta * (np.log(star) + w * (star - nu)))
        before, after = ((star * np.log(star / at)).sum(axis=1) for at in (nu, following))
        factor = (w / 2 / (1 + w / 2))[:, 0]
        return np.asarray(np.where(before > 1e-4, after / np.maximum(before, 1e-4) / factor, 0.0))

    x = attack(ratio, rng.normal(size=(300, 2 * n + 1)), rng).place
    w, star, nu = (part[0] for part in parts(x[None]))
    nu_0 = simplex(np.log(star) + w * star)
    return oracles.rounded(nu_0, 10**12), oracles.rounded(nu), Fraction(round(1000 * float(w[0])), 1000)


def _rate(formula: Formula, nu_0: list[Fraction], weight: Fraction) -> Iterator[Evidence]:
    """Fit the factor per step near nu* on two answers, and compare with the linearised and with the claimed factor."""
    # Along e_0 - e_1 the step multiplies the distance in log nu by 1 - eta (1 + 2 w nu*_0 nu*_1 / beta), and the
    # divergence by its square; the error of this linearisation is of the order of the root of the divergence.
    w, b = oracles.number(weight), mp.mpf(1)
    (eta, factor), star = formula(b, w / 2), _equilibrium("collisions", nu_0, w, b)
    distances = _distances("collisions", nu_0, nu_0[::-1], w, b, eta)
    near = [(t, d) for t, d in enumerate(distances) if d < LOCAL]
    if len(near) < 3:
        return
    rate = fit_rate([float(mp.exp(t)) for t, _ in near], [float(d) for _, d in near])
    local = 2 * mp.log(abs(1 - eta * (1 + 2 * w * star[0] * star[1] / b)))
    claimed = mp.log(factor)
    instance = {"R": "weight / 2 |nu|^2", "nu_0": oracles.as_text(nu_0), "weight": str(weight), "beta": "1"}
    instance |= rate.as_instance() | {
        "log of the local factor": mp.nstr(local, 8),
        "log of the claimed factor": mp.nstr(claimed, 8),
    }
    yield Evidence(float(local), rate.exponent, "equal", float(mp.sqrt(LOCAL)), instance, size=10**6, noted=True)
    yield Evidence(float(claimed), rate.exponent, "at most", 0.0, instance, size=10**6)


def of_functional(R: Functional, formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Follow the damped step for a user's R and R's relative smoothness L, with beta below, at and above L.

    Args:
        R: The functional.
        formula: The step and its factor, from beta and the relative smoothness L.
        rng: Source of randomness.

    Yields:
        The step that exceeds its bound most, nu* being searched over R's values; and the hypothesis, that R lies at
        most L KL(mu || nu) above its tangent at nu.

    Raises:
        NotApplicable: If R states no finite relative smoothness.
    """
    L = float(np.max(R.relative_smoothness))
    if not np.isfinite(L):
        raise NotApplicable(f"{named(R)} states no finite relative smoothness, which claim I.8 needs")
    for i, game in enumerate(games(R, rng, repeats=3)):
        beta = Fraction(L * (0.25, 1.0, 4.0)[i % 3] or 1.0).limit_denominator(10**6) or Fraction(1, 10**6)
        here = replace(game, beta=beta)
        nu, mu = 0.9 * rng.dirichlet(np.ones(len(game.face)), size=2) + 0.1 / len(game.face)
        for at in (mu, nu + 0.01 * (mu - nu)):
            rise = float(here.cost(at) - here.cost(nu) - _gradient(here, nu) @ (at - nu))
            bound = L * float((at * np.log(at / nu)).sum())
            instance = here.instance | {"L": L, "compared": "R(mu) minus its tangent at nu, L KL(mu || nu)"}
            yield Evidence(bound, rise, "at most", VALUE * 1e-2 * scale(float(here.cost(nu))), instance, game.n_answers)
        yield _worst_step(here, nu, formula, L)


def _gradient(game: FunctionalGame, nu: Array) -> Array:
    return np.asarray(game.R.gradient(game.spread(nu)), dtype=np.float64)[list(game.face)]


def _worst_step(game: FunctionalGame, nu: Array, formula: Formula, L: float) -> Evidence:
    """Follow the damped step from nu, and keep the step whose divergence exceeds the bound most."""
    beta, (_, star) = float(game.beta), game.star
    eta, factor = map(float, formula(beta, L))
    shown, worst, log_nu = (0.0, 0.0), -np.inf, np.log(nu)
    for _ in range(STEPS):
        before = _divergence(star, log_nu)
        nu = np.exp(log_nu)
        moved = (1 - eta) * log_nu + eta * (np.log(game.floats) - _gradient(game, nu) / beta)
        log_nu = moved - moved.max()
        log_nu = np.maximum(log_nu - np.log(np.exp(log_nu).sum()), -700.0)
        after = _divergence(star, log_nu)
        if after - factor * before > worst:
            shown, worst = (factor * before, after), after - factor * before
    instance = game.instance | {"L": L, "compared": "KL(nu* || nu') and L / (beta + L) KL(nu* || nu)"}
    return Evidence(*shown, "at most", PLACE * scale(*shown), instance, size=game.n_answers)


def _divergence(star: Array, log_nu: Array) -> float:
    return float((star * (np.log(np.maximum(star, 1e-300)) - log_nu)).sum())


def _instances(
    rng: np.random.Generator,
) -> Iterator[tuple[str, list[Fraction], list[Fraction], Fraction, Fraction]]:
    simple, start = [Fraction(4, 5), Fraction(1, 5)], [Fraction(1, 5), Fraction(4, 5)]
    few, rare = Fraction(1, 1000), Fraction(1, 10**300)
    yield "collisions", [1 - few, few], [1 - rare, rare], Fraction(2), Fraction(1)
    for kind in ("entropy", "collisions"):
        for weight in (Fraction(1, 2), Fraction(1), Fraction(10)):  # below, at and above beta
            yield kind, simple, start, weight, Fraction(1)
        for _ in range(8):
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


def plot() -> Plot:
    """Follow KL(nu* || nu) of the damped and of the full step, with the claimed contraction."""
    nu_0, shown = [Fraction(4, 5), Fraction(1, 5)], 11
    steps = list(range(shown))
    beta, weight, smoothness = mp.mpf(1), mp.mpf(6), mp.mpf(3)
    star, lines = _equilibrium("collisions", nu_0, weight, beta), []
    for name, eta in (("damped", stated(beta, smoothness).eta), ("full step", mp.mpf(1))):
        nu, path = [mp.mpf(1) / 5, mp.mpf(4) / 5], []
        for _ in range(shown):
            path.append(float(oracles.kl(star, nu)))
            nu = _step("collisions", nu, nu_0, weight, beta, eta)
        lines.append(Line(name, steps, path))
    bound = [lines[0].y[0] * float(smoothness / (beta + smoothness)) ** t for t in range(shown)]
    lines.append(Line("claimed: factor L / (beta + L) per step", steps, bound, "bound"))
    caption = (
        "R = 3 |nu|^2, nu_0 = (4/5, 1/5), beta = 1, L = 3. The damped step stays below the bound; the full step cycles."
    )
    return Plot("step", "KL(nu* || nu), nats", lines, caption, log_y=True)


I8 = Claim(
    id="I.8",
    title="Damped best response converges",
    whose="ours",
    place="repair of claim I.7",
    plain="If each best response is damped by a known factor, policy and target converge to the equilibrium.",
    statement=(
        "Let R be smooth relative to the negative entropy with constant L. The step log nu' = (1 - eta) log nu + eta "
        "(log nu_0 - grad R(nu) / beta), eta = beta / (beta + L), multiplies KL(nu* || nu) by at most L / (beta + L), "
        "for every beta > 0. No smaller multiple of this factor is a bound."
    ),
    printed="KL(nu* || nu') <= L / (beta + L) KL(nu* || nu)",
    kind="rate",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=undamped,
            near_miss=near_miss,
            evidence=evidence,
            of_functional=of_functional,
        ),
    ),
    remark=(
        "The step is mirror descent on J, with the divergence to the reference taken exactly. L is the weight for the "
        "entropy, for which the iteration converges in one step, and half the weight for the collision probability. "
        "The factor is reached in the limit of rare answers: for nu_0(1) = 1/1000, weight 2 beta and a start with "
        "mass 10^-300 at answer 1, the ratio of one step is .9985 of the factor. Near the equilibrium the factor is "
        "smaller: the square of the linearised step's factor."
    ),
    plot=plot,
)

CLAIMS = (I8,)
