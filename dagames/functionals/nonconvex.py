"""Functions R that are not convex, and the weight of the divergence that makes their games convex."""

from abc import ABC, abstractmethod

from dagames._errors import DomainError
from dagames._types import OverAnswers, PerPrompt
from dagames.functionals.base import Functional
from dagames.functionals.parameters import Parametric
from dagames.numerics.float_errors import with_default_errors_in


class Nonconvex(Parametric, ABC):
    """A function R on the simplex that is not convex, but becomes so with enough negative entropy.

    Math:
        threshold = the least known L for which R(nu) + L sum nu log nu is convex.

    For beta above the threshold the objective R(nu) + beta KL(nu || nu_0) is strictly convex, and the game has one
    equilibrium. For smaller beta Theorem 2.1 does not apply: there may be several local minima.
    `dagames.games.nonconvex.convex_game` makes the convex game.

    Source:
        claim I.15
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        with_default_errors_in(cls)

    @property
    @abstractmethod
    def threshold(self) -> float:
        """Least known L for which R + L times the negative entropy is convex, in R-units per nat."""

    @abstractmethod
    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute R(nu), [*x], in R-units."""

    @abstractmethod
    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute the gradient of R at nu, [*x, Z]; infinite entries where R has no finite slope."""

    @abstractmethod
    def convexified(self) -> Functional | None:
        """Make the convex functional R + threshold * sum nu log nu, or None where that is 0."""

    def check_beta(self, beta: float) -> None:
        """Raise unless beta lies above the threshold.

        Args:
            beta: Weight of the divergence to the reference, in R-units per nat.

        Raises:
            DomainError: With the threshold.
        """
        if not beta > self.threshold:
            raise DomainError(
                f"{type(self).__name__} is not convex, and `beta` = {beta:g} is not above the threshold "
                f"{self.threshold:g}. Above it the divergence to the reference makes the objective strictly convex "
                "(claim I.15); at it the optimum need not be unique, and below it there may be several local minima: "
                "raise `beta`, or lower the weight."
            )


def as_functional(functional: object, beta: float) -> Functional:
    """Return a Functional; a DomainError for anything else, with the threshold of a `Nonconvex`."""
    if isinstance(functional, Functional):
        return functional
    if isinstance(functional, Nonconvex):
        functional.check_beta(beta)
        raise DomainError(
            f"{type(functional).__name__} is not convex; `beta` = {beta:g} is above its threshold "
            f"{functional.threshold:g}, so `dagames.games.nonconvex.convex_game` makes the game."
        )
    raise DomainError(f"`functional` must be a Functional, not {type(functional).__name__}.")
