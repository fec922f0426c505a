"""A functional times a positive number."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames._types import Hessian, Numbers, OverAnswers, PerPrompt, Reachable
from dagames.functionals.base import ConstraintSet, Functional, Operators, Separable, Smooth, as_weight


@dataclass(frozen=True, eq=False, init=False)
class Scaled(Functional):
    """A functional times a weight, as `weight * functional` makes it.

    Math:
        (w R)(nu) = w R(nu),   (w R)*(u) = w R*(u / w).

    A multiple of an indicator is the indicator, which the operator * returns.

    Attributes:
        functional: The functional R.
        weight: The factor w, [] or [*x].

    Source:
        ours

    >>> from dagames.functionals import Gini
    >>> float((3.0 * Gini()).value(np.array([0.0, 1.0])))
    1.5
    """

    per_prompt = ("weight",)
    functional: Functional
    weight: PerPrompt

    def __init__(self, functional: Functional, weight: Numbers) -> None:
        """Multiply a functional by a weight.

        Args:
            functional: The functional R.
            weight: The factor w, above 0, or one per prompt, [*x].
        """
        object.__setattr__(self, "functional", functional)
        object.__setattr__(self, "weight", as_weight(weight))

    @property
    def name(self) -> str:
        """The name of R, for error messages."""
        return self.functional.name

    @property
    def foreign(self) -> bool:
        """Whether a user's code computes R."""
        return self.functional.foreign

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute weight * R(nu), [*x]."""
        return np.asarray(self.weight * self.functional.value(nu))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute weight times the gradient of R, [*x, Z]."""
        return np.asarray(self.weight[..., None] * self.functional.gradient(nu))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight times the gradient of R at exp(log_nu), [*x, Z]."""
        with np.errstate(over="ignore"):
            return np.asarray(self.weight[..., None] * self.functional.gradient_at_log(log_nu))

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute weight * R*(u / weight), [*x]."""
        return np.asarray(self.weight * self.functional.conjugate(u / self.weight[..., None]))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Find the maximiser of R at u / weight, [*x, Z]."""
        return self.functional.conjugate_gradient(u / self.weight[..., None])

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return weight times the form of R."""
        form = self.functional.conic_form(nu, cp)
        return None if form is None else float(self.weight) * form

    @property
    def has_conic_form(self) -> bool:
        """Whether R has one."""
        return self.functional.has_conic_form

    @property
    def relative_smoothness(self) -> PerPrompt:
        """The weight times that of R."""
        return np.asarray(self.weight * self.functional.relative_smoothness)

    def allowed(self, reachable: Reachable) -> Reachable:
        """Mark the reachable answers that R allows, [*x, Z]."""
        return self.functional.allowed(reachable)

    def into_domain(self, nu: OverAnswers) -> OverAnswers:
        """Change distributions so that R is finite."""
        return self.functional.into_domain(nu)

    @property
    def is_indicator(self) -> bool:
        """Whether R is 0 or infinite, so that the weight has no effect."""
        return self.functional.is_indicator

    @property
    def is_finite_inside(self) -> bool:
        """Whether R is finite where every allowed answer has mass."""
        return self.functional.is_finite_inside

    @property
    def has_conjugate_formula(self) -> bool:
        """Whether R has a formula."""
        return self.functional.has_conjugate_formula

    def times(self, factor: PerPrompt) -> Functional:
        """Return one multiple of R, by both factors; R itself if it is an indicator."""
        return Operators.multiple(self.functional, factor * self.weight)

    def constraint_set(self) -> ConstraintSet | None:
        """Return the constraints of R; the weight does not change them."""
        return self.functional.constraint_set()

    def without_constraints(self) -> Functional | None:
        """Return the weight times R without its constraints, or None."""
        if self.functional.constraint_set() is None:
            return self
        rest = self.functional.without_constraints()
        return None if rest is None else rest * self.weight

    def check_reachable(self, reachable: Reachable) -> None:
        """Raise an InfeasibleError if R is infinite for every policy."""
        self.functional.check_reachable(reachable)


class SmoothScaled(Scaled, Smooth):
    """A smooth functional times a weight."""

    functional: Smooth

    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute weight times the second derivative of R, [*x, Z, Z]."""
        return np.asarray(self.weight[..., None, None] * self.functional.hessian(nu))


class SeparableScaled(SmoothScaled, Separable):
    """A separable functional times a weight."""

    functional: Separable

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute weight times the bend of R, [*x, Z]."""
        with np.errstate(over="ignore"):
            return np.asarray(self.weight[..., None] * self.functional.bend_at_log(log_nu))
