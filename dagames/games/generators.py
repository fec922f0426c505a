"""Generators of Bregman games from functionals that are a sum of one function of each mass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._errors import DomainError, ShapeError
from dagames._types import OverAnswers, PerPrompt
from dagames.bregman import Entropic, Euclidean, Generator, Power
from dagames.bregman.scaled import Scaled
from dagames.functionals import Functional, Gini, NegativeEntropy, Separable, Tsallis
from dagames.functionals.conjugates.root_conjugate import RootConjugate
from dagames.functionals.scaled import SeparableScaled
from dagames.numerics.roots import increasing_root

_SAME_DIVERGENCE: dict[type, Callable[[Any], tuple[Generator, PerPrompt]]] = {
    NegativeEntropy: lambda R: (Entropic(), R.weight),
    Gini: lambda R: (Euclidean(), R.weight),
    Tsallis: lambda R: (Power(R.order), R.order * R.weight),
}
"""The generator and the factor that give a functional's divergence."""

_REMEDY = (
    "a generator is a sum of one strictly convex function of each mass, such as `NegativeEntropy()`, `Gini()`, "
    "`Tsallis(order)` or `Polynomial(...)`."
)
_NEAR = 0.05
_NODES, _SHARES = (0.5 * a for a in np.polynomial.legendre.leggauss(6))
_LARGEST = 1e300
"""Largest absolute value of a slope and of the logarithm of a mass."""
_MASSES = np.concatenate([np.geomspace(1e-9, 1e-3, 25), np.linspace(0.005, 1.0, 200)])
_STEP = 1e-4
_MISMATCH = 1e-3
"""Largest relative difference of a slope from its difference quotient, whose own relative error is 1e-7."""


def as_generator(argument: object, name: str, batch: tuple[int, ...], n: int) -> Generator:
    """Return a generator, or the generator with the divergence of a functional.

    `NegativeEntropy`, `Gini` and `Tsallis` give multiples of `Entropic`, `Euclidean` and `Power`; another sum of one
    function of each mass gives a `FromFunctional`.

    Args:
        argument: A `Generator` or a `Functional`; weights of the latter may be one per prompt, [*x].
        name: The argument's name in error messages.
        batch: The prompts' shape, (*x,).
        n: Number of traces or answers.

    Returns:
        The generator.

    Raises:
        DomainError: If it is neither, or a functional that generates no divergence.
        ShapeError: If the functional does not fit the prompts.

    >>> as_generator(Gini(), "generator", (), 3)
    Euclidean()
    """
    if isinstance(argument, Generator):
        return argument
    if not isinstance(argument, Functional):
        raise DomainError(
            f"`{name}` must be a Generator such as `Euclidean()`, or a Functional that is a sum of one function of "
            f"each mass, such as `Gini()`, not {argument!r}."
        )
    try:
        argument.check_fits(batch, n)
    except ShapeError as error:
        raise ShapeError(f"`{name}` does not fit the game: {error}") from error
    if type(argument) in _SAME_DIVERGENCE:
        return _scaled(*_SAME_DIVERGENCE[type(argument)](argument))
    if isinstance(argument, SeparableScaled):
        return _scaled(as_generator(argument.functional, name, batch, n), argument.weight)
    separable = argument.as_separable()
    if separable is None:
        raise DomainError(f"`{name}` is {argument.name}, which is not a sum over the entries; {_REMEDY}")
    _check_generates(separable, name, batch, n)
    return FromFunctional(separable, batch)


def _scaled(generator: Generator, factor: PerPrompt) -> Generator:
    return generator if factor.shape == () and factor == 1 else Scaled(generator, np.asarray(factor))


@dataclass(frozen=True, eq=False)
class FromFunctional(Generator):
    """The generator F = R, for a functional R(p) = sum_i f(p_i) with one strictly convex f.

    Attributes:
        functional: The functional R.
        batch: The prompts' shape, (*x,), which the parameters of R fit.

    Source:
        ours

    >>> F = FromFunctional(Gini(2.0))
    >>> F.conjugate_gradient(np.array([0.2, 1.0, -3.0])).round(12)
    array([0.3, 0.7, 0. ])
    """

    functional: Separable
    batch: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The name of R."""
        return self.functional.name

    @property
    def foreign(self) -> bool:
        """Whether a user's code computes R."""
        return self.functional.foreign

    @property
    def steep(self) -> bool:
        """Whether f'(0) = -inf."""
        return bool(np.isneginf(self.gradient_at_log(np.full((*self.batch, 1), -np.inf))).all())

    def summand(self, p: OverAnswers) -> OverAnswers:
        """Compute f(p), [*x, n]: R of distributions over one answer."""
        return np.asarray(np.moveaxis(self.functional.value(np.moveaxis(p, -1, 0)[..., None]), 0, -1))

    def gradient_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute f'(p), [*x, n]."""
        return self.functional.gradient_at_log(log_p)

    def bend_at_log(self, log_p: OverAnswers) -> OverAnswers:
        """Compute p f''(p), [*x, n]."""
        return self.functional.bend_at_log(log_p)

    def log_mass_at_slope(self, slope: OverAnswers) -> OverAnswers:
        """Find the root of f' - slope in the log mass, [*x, n]; -inf or 0 for slopes out of the range."""
        none = np.isneginf(slope)
        slope = np.clip(slope, -_LARGEST, _LARGEST)

        def miss(log_p: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
            with np.errstate(over="ignore"):
                return self.gradient_at_log(log_p) - slope, self.bend_at_log(log_p)

        start = None
        if isinstance(self.functional, RootConjugate):
            with np.errstate(divide="ignore"):
                start = np.log(np.minimum(self.functional.mass_at_slope(slope), 1.0))
        # At the lower end, the slope is at most f'(0).
        log_p = increasing_root(miss, np.full(slope.shape, -_LARGEST), np.zeros(slope.shape), start)
        return np.asarray(np.where(none | (log_p <= -0.5 * _LARGEST), -np.inf, log_p))

    def excess(self, log_p: OverAnswers, log_q: OverAnswers) -> OverAnswers:
        """Compute f(p) - f(q) - f'(q) (p - q), [*x, n]."""
        p, q = np.exp(log_p), np.exp(log_q)
        both = np.isfinite(log_p) & np.isfinite(log_q)
        log_q_inside = np.where(both, log_q, 0.0)
        ratio = np.where(both, log_p, 0.0) - log_q_inside
        small = np.clip(ratio, -_NEAR, _NEAR)
        # For close masses the difference cancels. It is the integral of (p - e^t) e^t f''(e^t) over t from log q to
        # log p, whose integrand is at least 0; Gauss-Legendre quadrature is accurate over less than 0.05.
        near = np.zeros(ratio.shape)
        for node, share in zip(0.5 + _NODES, _SHARES, strict=True):
            weight = p * np.expm1((node - 1.0) * small) * -small
            with np.errstate(over="ignore", invalid="ignore"):
                near = near + share * np.where(weight > 0, weight * self.bend_at_log(log_q_inside + node * small), 0.0)
        slope, step = self.gradient_at_log(log_q), p - q
        tangent = np.where(step != 0, step, 0.0) * np.where(step != 0, slope, 0.0)
        far = np.maximum(self.summand(p) - self.summand(q) - tangent, 0.0)
        far = np.where(np.isfinite(log_p) & np.isneginf(log_q) & np.isneginf(slope), np.inf, far)
        return np.asarray(np.where(both & (np.abs(ratio) < _NEAR), near, far))


def _check_generates(functional: Separable, name: str, batch: tuple[int, ...], n: int) -> None:
    """Raise a DomainError unless R is a sum of one strictly convex function of each mass, tested at some masses."""
    if not _is_one_function(functional, batch, n):
        raise DomainError(
            f"`{name}` is {functional.name}, which is not the sum of the same function of each mass, or has parameters "
            f"for each entry; {_REMEDY} `Gini` has the "
            "divergence of `SquaredDistance`, and `NegativeEntropy` that of `KLToPrior`."
        )
    F, logs = FromFunctional(functional, batch), _log_masses(_MASSES, batch)
    value, slope, bend = F.summand(np.exp(logs)), F.gradient_at_log(logs), F.bend_at_log(logs)
    start = f"`{name}` is {functional.name}"
    _check_masses(np.isfinite(value), f"{start}: its value is infinite or not a number at mass", f"; {_REMEDY}")
    _check_masses(np.isfinite(slope), f"{start}: its slope is infinite or not a number at mass", f"; {_REMEDY}")
    what = "its second derivative is not above 0, so that it is not strictly convex, at mass"
    _check_masses(bend > 0, f"{start}: {what}", f"; {_REMEDY}")
    if not np.isfinite(F.summand(np.zeros((*batch, 1)))).all():
        raise DomainError(f"{start}, which is infinite at mass 0; {_REMEDY}")
    middle, up, down = (logs - k * _STEP for k in (2, 1, 3))
    by_value = (F.summand(np.exp(up)) - F.summand(np.exp(down))) / (2 * _STEP)
    by_slope = (F.gradient_at_log(up) - F.gradient_at_log(down)) / (2 * _STEP)
    for method, of, derivative, quotient in (
        ("gradient_at_log", "value", np.exp(middle) * F.gradient_at_log(middle), by_value),
        ("bend_at_log", "gradient_at_log", F.bend_at_log(middle), by_slope),
    ):
        # The rounding error of a difference of slopes is proportional to their size.
        size = np.maximum(np.abs(derivative), np.abs(quotient)) + 1e-9 * np.abs(slope).max()
        message = f"{start}, whose `{method}` is not the derivative of `{of}` at mass"
        _check_masses(np.abs(derivative - quotient) <= _MISMATCH * size, message, ".")


def _is_one_function(functional: Separable, batch: tuple[int, ...], n: int) -> bool:
    """Return whether R sums one function over all entries, tested for n and n + 1 entries."""
    for size in (n, n + 1):
        table = np.broadcast_to(_log_masses(_MASSES, batch), (_MASSES.size, *batch, size)).copy()
        try:
            slope, bend = functional.gradient_at_log(table), functional.bend_at_log(table)
            allowed = functional.allowed(np.ones(size, dtype=bool))
            p = np.broadcast_to(np.arange(1.0, size + 1) / (0.5 * size * (size + 1)), (*batch, size)).copy()
            value, summed = functional.value(p), FromFunctional(functional, batch).summand(p).sum(axis=-1)
        except (ValueError, IndexError):
            # Parameters of n entries do not fit n + 1.
            return False
        same = all(np.allclose(a, a[..., :1], rtol=1e-9, atol=0, equal_nan=True) for a in (slope, bend))
        if not (same and allowed.all() and np.allclose(value, summed, rtol=1e-9, atol=1e-12, equal_nan=True)):
            return False
    return True


def _log_masses(masses: np.ndarray, batch: tuple[int, ...]) -> np.ndarray:
    """Return the logarithms of masses for each prompt, [m, *x, 1]."""
    logs = np.log(masses).reshape(-1, *(1 for _ in batch), 1)
    return np.broadcast_to(logs, (masses.size, *batch, 1)).copy()


def _check_masses(good: np.ndarray, start: str, end: str) -> None:
    """Raise a DomainError that names the first mass at which a condition fails."""
    if not good.all():
        raise DomainError(f"{start} {_MASSES[np.argwhere(~good)[0][0]]:g}{end}")
