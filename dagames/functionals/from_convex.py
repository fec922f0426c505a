"""A functional from a user's functions for value and gradient."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dagames import _tolerances
from dagames._errors import CertificateError, DomainError, ShapeError
from dagames._types import Numbers, OverAnswers, PerPrompt
from dagames.functionals.base import Functional, as_nonnegative
from dagames.functionals.conjugates.interior_point import Supremum
from dagames.functionals.conjugates.numeric_conjugate import NumericConjugate
from dagames.functionals.conjugates.numeric_supremum import numeric_supremum
from dagames.numerics.arrays import read_real
from dagames.simplex import as_positive

_MISMATCH = 1e-3
"""Largest relative difference of gradient and difference quotient; the quotient's own error is about 1e-6."""


def from_convex(
    value: Callable[[OverAnswers], Numbers],
    gradient: Callable[[OverAnswers], Numbers],
    *,
    smoothness: Numbers = np.inf,
    name: str = "",
    tolerance: float = _tolerances.GAP,
) -> Functional:
    """Make a functional from a convex function and its gradient.

    The conjugate is computed numerically, and its duality gap is added, so that it is an upper bound. A gap above
    `tolerance` is a CertificateError. R must be finite where every answer has mass.

    Args:
        value: Computes R(nu), [*x], for distributions [*x, Z].
        gradient: Computes a subgradient of R at nu, [*x, Z]; a constant added to a row does not matter.
        smoothness: A number L such that L sum nu log nu - R is convex, if one is known; mirror descent needs it.
        name: The functional's name in error messages; the name of `value` by default.
        tolerance: Largest relative gap of the conjugate, above 0.

    Returns:
        The functional.

    Source:
        ours

    >>> steep = from_convex(lambda nu: (nu**4).sum(axis=-1), lambda nu: 4 * nu**3, name="steep")
    >>> steep.conjugate(np.zeros(2)).round(9)
    np.float64(-0.125)
    """
    return FromConvex(value, gradient, smoothness=smoothness, name=name, tolerance=tolerance)


@dataclass(frozen=True, eq=False, init=False)
class FromConvex(NumericConjugate):
    """A user's convex function as a functional; `from_convex` makes one.

    Source:
        ours
    """

    per_prompt = ("_smoothness",)
    _value: Callable[[OverAnswers], Numbers]
    _gradient: Callable[[OverAnswers], Numbers]
    _smoothness: PerPrompt
    _name: str
    _tolerance: float

    def __init__(
        self,
        value: Callable[[OverAnswers], Numbers],
        gradient: Callable[[OverAnswers], Numbers],
        *,
        smoothness: Numbers = np.inf,
        name: str = "",
        tolerance: float = _tolerances.GAP,
    ) -> None:
        """Make the functional; the arguments are those of `from_convex`.

        Args:
            value: Computes R(nu), [*x], for distributions [*x, Z].
            gradient: Computes a subgradient of R at nu, [*x, Z].
            smoothness: Relative smoothness L, at least 0, [] or [*x].
            name: The functional's name in error messages.
            tolerance: Largest relative gap of the conjugate, above 0.

        Raises:
            DomainError: If value or gradient cannot be called.
        """
        for argument, function in (("value", value), ("gradient", gradient)):
            if not callable(function):
                raise DomainError(f"`{argument}` must be a function of distributions [*x, Z], not {function!r}.")
        object.__setattr__(self, "_value", value)
        object.__setattr__(self, "_gradient", gradient)
        object.__setattr__(self, "_smoothness", as_nonnegative(smoothness, "smoothness"))
        object.__setattr__(self, "_name", name or getattr(value, "__name__", "value"))
        object.__setattr__(self, "_tolerance", as_positive(tolerance, "tolerance"))

    @property
    def name(self) -> str:
        """The name in error messages."""
        return self._name

    @property
    def foreign(self) -> bool:
        """True: value and gradient are the user's."""
        return True

    @property
    def is_finite_inside(self) -> bool:
        """True: the functions of `from_convex` are finite where every answer has mass."""
        return True

    @property
    def tolerance(self) -> float:
        """Largest relative gap of the conjugate; a larger one is an error."""
        return self._tolerance

    @property
    def relative_smoothness(self) -> PerPrompt:
        """The number that the user gave, +inf by default."""
        return self._smoothness

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Call the user's value and check what it returns, [*x]."""
        array = self._called("value", self._value, nu, nu.shape[:-1])
        self._check(np.asarray(np.isnan(array) | (array == -np.inf)), "value", array, nu)
        return array

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Call the user's gradient and check what it returns, [*x, Z]."""
        array = self._called("gradient", self._gradient, nu, nu.shape)
        self._check(np.asarray((np.isnan(array) | (np.isinf(array) & (nu > 0))).any(axis=-1)), "gradient", array, nu)
        return array

    def supremum(self, u: OverAnswers) -> Supremum:
        """Maximise <nu, u> - R(nu) by an interior-point method, and by cutting planes where R has a kink."""
        return numeric_supremum(self, u, 0.1 * self.tolerance)

    def check_fits(self, batch: tuple[int, ...], n_answers: int) -> None:
        """Raise unless the parameters fit a game, and value and gradient agree at a random point of each prompt.

        Args:
            batch: The prompts' shape, (*x,).
            n_answers: Number of answers |Z|.

        Raises:
            CertificateError: If the gradient is not the slope of the value.
        """
        super().check_fits(batch, n_answers)
        rng = np.random.default_rng(0)
        nu, mu = (rng.dirichlet(np.full(n_answers, 5.0), size=batch) for _ in range(2))
        v, h = mu - nu, 1e-5
        slope = (self.gradient(nu) * v).sum(axis=-1)
        quotient = (self.value(nu + h * v) - self.value(nu - h * v)) / (2 * h)
        size = np.maximum(1.0, np.abs(self.gradient(nu)).max(axis=-1))
        if (np.abs(slope - quotient) > _MISMATCH * size).any():
            place = np.unravel_index(np.argmax(np.abs(slope - quotient) / size), slope.shape)
            raise CertificateError(
                f"`gradient` of {self.name} disagrees with its `value`: from nu = {_shown(nu[place])} towards "
                f"{_shown(mu[place])} the value changes by {quotient[place]:.6g} per unit, and by the gradient "
                f"it is {slope[place]:.6g}. `broken_laws` tries more points."
            )

    def _called(
        self, word: str, function: Callable[[OverAnswers], Numbers], nu: OverAnswers, shape: tuple[int, ...]
    ) -> np.ndarray:
        """Call a user's function without numpy's warnings, and check what it returns.

        Args:
            word: "value" or "gradient".
            function: The user's function.
            nu: Distributions, [*x, Z].
            shape: Shape that it should return.

        Returns:
            The returned array, as float64.

        Raises:
            ShapeError: If it has another shape.
            CertificateError: If it is not an array of numbers.
        """
        with np.errstate(all="ignore"):
            returned = function(nu)
        try:
            array = read_real(returned, word, scalar=True).array
        except DomainError:
            raise CertificateError(f"the {word} of {self.name} returned {returned!r}, which is not a number.") from None
        if array.shape != shape:
            raise ShapeError(
                f"the {word} of {self.name} returned shape {array.shape} for distributions of shape {nu.shape}; "
                f"{shape} is needed. Sum over the last axis only, as in `(nu**2).sum(axis=-1)`."
            )
        return array

    def _check(self, bad: np.ndarray, word: str, array: np.ndarray, nu: OverAnswers) -> None:
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise CertificateError(
                f"the {word} of {self.name} returned {_shown(array[place])} at nu = {_shown(nu[place])}; "
                "it must be a number wherever every answer has mass."
            )


def _shown(array: np.ndarray) -> str:
    return np.array2string(np.asarray(array), precision=4, threshold=8)
