"""Sums of functionals."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames._types import Hessian, OverAnswers, PerPrompt, Reachable
from dagames.functionals.base import ConstraintSet, Functional, Separable, Smooth
from dagames.functionals.conjugates.interior_point import Supremum, interior_point
from dagames.functionals.conjugates.nested_roots import separable_supremum
from dagames.functionals.conjugates.numeric_conjugate import NumericConjugate
from dagames.functionals.conjugates.numeric_supremum import curvature, numeric_supremum
from dagames.functionals.conjugates.simplicial import composite_supremum


@dataclass(frozen=True, eq=False, init=False)
class Sum(NumericConjugate):
    """The sum of several functionals, as `R1 + R2` makes it.

    Math:
        R(nu) = sum_i R_i(nu),   (R + <l, .>)*(u) = R*(u - l).

    Linear parts shift the dual variable, so that the conjugate of one other part is the conjugate of the sum. With
    several other parts the conjugate is computed numerically, from values and gradients. At most one of them, an
    indicator, may be neither `Smooth` nor made by `from_convex`; its conjugate is used in place of its gradient.

    Attributes:
        parts: The functionals R_i, none of them a sum.

    Source:
        ours

    >>> from dagames.functionals import Gini, Linear
    >>> float((Gini() + Linear([1.0, 0.0])).conjugate(np.array([1.0, 0.0])))
    1.5
    """

    per_prompt = ()
    parts: tuple[Functional, ...]

    def __init__(self, *parts: Functional) -> None:
        """Validate the parts.

        Args:
            *parts: At least one functional.

        Raises:
            DomainError: If there is none, or more than one whose values and gradients do not suffice.
        """
        if not parts:
            raise DomainError("a sum needs at least one functional.")
        rough = [part.name for part in parts if not part.is_finite_inside]
        if len(rough) > 1:
            raise DomainError(
                f"a sum can hold one functional that is not `Smooth`, but {' and '.join(rough)} are {len(rough)}: no "
                "certified conjugate is known for them together. State constraints as one functional, and functions "
                "with kinks by `from_convex`."
            )
        object.__setattr__(self, "parts", parts)

    @property
    def name(self) -> str:
        """The names of the parts, for error messages."""
        return " + ".join(part.name for part in self.parts)

    @property
    def foreign(self) -> bool:
        """Whether a user's code computes one of the parts."""
        return any(part.foreign for part in self.parts)

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute the sum of the values, [*x]."""
        return np.asarray(sum(part.value(nu) for part in self.parts))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute the sum of the gradients, [*x, Z]."""
        return np.asarray(sum(part.gradient(nu) for part in self.parts))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute the sum of the gradients at exp(log_nu), [*x, Z]."""
        with np.errstate(over="ignore"):
            return np.asarray(sum(part.gradient_at_log(log_nu) for part in self.parts))

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute R*(u), [*x]: exactly with at most one part that is not linear, else from above."""
        parts, shifted = self._curved(u)
        if not parts:
            return np.asarray(shifted.max(axis=-1))
        return parts[0].conjugate(shifted) if len(parts) == 1 else super().conjugate(u)

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Find a maximiser of <nu, u> - R(nu), [*x, Z]."""
        parts, shifted = self._curved(u)
        if not parts:
            return np.asarray(np.arange(u.shape[-1]) == shifted.argmax(axis=-1)[..., None], dtype=np.float64)
        return parts[0].conjugate_gradient(shifted) if len(parts) == 1 else super().conjugate_gradient(u)

    def supremum(self, u: OverAnswers) -> Supremum:
        """Maximise <nu, u> - R(nu); with an indicator, over the hull of points that its conjugate gradient returns."""
        rough = [part for part in self.parts if not part.is_finite_inside]
        if rough:
            return self._decomposed(rough[0], u)
        kinked = [part for part in self.parts if part.as_smooth() is None]
        if len(kinked) != 1:
            return numeric_supremum(self, u, 0.1 * self.tolerance)
        found = interior_point(self.value, self.gradient, lambda nu: curvature(self, nu), u)
        if (found.gap <= 0.1 * self.tolerance).all():
            return found
        # A part with kinks may be a maximum of few tangents; the sum is not if another part is curved.
        other = self._decomposed(kinked[0], u)
        return found.or_better(other.nu, other.upper, other.gap)

    def _decomposed(self, part: Functional, u: OverAnswers) -> Supremum:
        """Maximise <nu, u> - R(nu), with the conjugate of one part and values and gradients of the others."""
        return composite_supremum(Sum(*(other for other in self.parts if other is not part)), part, u)

    @property
    def is_finite_inside(self) -> bool:
        """Whether every part is finite where every allowed answer has mass."""
        return all(part.is_finite_inside for part in self.parts)

    @property
    def has_conjugate_formula(self) -> bool:
        """Whether at most one part is not linear, and that part has a formula."""
        curved = [part for part in self.parts if part.constant_slope() is None]
        return not curved or (len(curved) == 1 and curved[0].has_conjugate_formula)

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return the sum of the parts' forms."""
        forms = [part.conic_form(nu, cp) for part in self.parts]
        return None if any(form is None for form in forms) else sum(forms)

    @property
    def has_conic_form(self) -> bool:
        """Whether every part has one."""
        return all(part.has_conic_form for part in self.parts)

    def terms(self) -> tuple[Functional, ...]:
        """Return the parts."""
        return self.parts

    def times(self, factor: PerPrompt) -> Functional:
        """Return the sum of the parts' multiples."""
        return reduce(add, (part * factor for part in self.parts))

    @property
    def relative_smoothness(self) -> PerPrompt:
        """The sum of the parts'."""
        return np.asarray(sum(part.relative_smoothness for part in self.parts))

    def allowed(self, reachable: Reachable) -> Reachable:
        """Mark the reachable answers that every part allows, [*x, Z]."""
        left = np.asarray(reduce(np.logical_and, (part.allowed(reachable) for part in self.parts)))
        if not left.any(axis=-1).all():
            return left
        # What a part allows may depend on which answers the other parts allow.
        return np.asarray(reduce(lambda answers, part: part.allowed(answers), self.parts, left))

    def constraint_set(self) -> ConstraintSet | None:
        """Return the constraints of the one part that has some, or None."""
        return next((limits for part in self.parts if (limits := part.constraint_set()) is not None), None)

    def without_constraints(self) -> Functional | None:
        """Return the sum of the parts without their constraints, or None."""
        others = [other for part in self.parts if (other := part.without_constraints()) is not None]
        # Not Sum(*others): the sum of fewer parts may be of a more special class.
        return reduce(add, others) if others else None

    def into_domain(self, nu: OverAnswers) -> OverAnswers:
        """Change distributions so that every part is finite."""
        nu = super().into_domain(nu)
        rough = [part for part in self.parts if not part.is_finite_inside]
        return rough[0].into_domain(nu) if rough else nu

    def check_reachable(self, reachable: Reachable) -> None:
        """Raise an InfeasibleError if a part is infinite for every policy on the answers that all allow."""
        for part in self.parts:
            part.check_reachable(reachable)
        allowed = self.allowed(reachable)
        if allowed.any(axis=-1).all():
            for part in self.parts:
                part.check_reachable(allowed)

    def _curved(self, u: OverAnswers) -> tuple[list[Functional], OverAnswers]:
        """Return the parts that are not linear, and u minus the slopes of the linear ones."""
        curved = [part for part in self.parts if part.constant_slope() is None]
        slopes = [slope for part in self.parts if (slope := part.constant_slope()) is not None]
        return curved, np.asarray(u - sum(slopes))


class SmoothSum(Sum, Smooth):
    """A sum of smooth functionals."""

    parts: tuple[Smooth, ...]

    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute the sum of the second derivatives, [*x, Z, Z]."""
        return np.asarray(sum(part.hessian(nu) for part in self.parts))

    def supremum(self, u: OverAnswers) -> Supremum:
        """Maximise <nu, u> - R(nu) by an interior-point method."""
        return interior_point(self.value, self.gradient, self.hessian, u)


class SeparableSum(SmoothSum, Separable):
    """A sum of separable functionals, which is separable."""

    parts: tuple[Separable, ...]

    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute the sum of the bends, [*x, Z]."""
        with np.errstate(over="ignore"):
            return np.asarray(sum(part.bend_at_log(log_nu) for part in self.parts))

    def supremum(self, u: OverAnswers) -> Supremum:
        """Maximise <nu, u> - R(nu) by two nested roots."""
        return separable_supremum(self, u)
