"""Functionals whose conjugate is found numerically, with a bound on its error."""

from abc import abstractmethod

import numpy as np

from dagames import _tolerances
from dagames._errors import CertificateError
from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.functionals.base import Functional
from dagames.functionals.conjugates.interior_point import Supremum


class NumericConjugate(Functional):
    """A functional whose conjugate has no known formula.

    `conjugate` returns an upper bound on R*(u), so that an inexact maximiser makes the certificate of a game larger,
    never smaller; a bound that is not tight is an error, not a number.
    """

    @abstractmethod
    def supremum(self, u: OverAnswers) -> Supremum:
        """Maximise <nu, u> - R(nu) where each row of `u`, [*x, Z], has a finite entry at an allowed answer."""

    @property
    def has_conjugate_formula(self) -> bool:
        """False."""
        return False

    @property
    def tolerance(self) -> float:
        """Largest `conjugate_gap` that is not an error."""
        return _tolerances.GAP

    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute R*(u), [*x], from above; -inf where every allowed answer is forbidden."""
        u, open_ = self._opened(u)
        return np.asarray(np.where(open_, self._certified(u).upper, -np.inf))

    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Find the distribution that attains R*(u) up to the gap, [*x, Z]."""
        return self._certified(self._opened(u)[0]).nu

    def conjugate_gap(self, u: OverAnswers) -> PerPrompt:
        """Bound the error of `conjugate(u)`, and of what `conjugate_gradient(u)` attains.

        Args:
            u: Dual variable, [*x, Z].

        Returns:
            The bound, [*x], relative to max(1, |R|, |<nu, u>|) with max u = 0; 0 where every answer is forbidden.
        """
        u, open_ = self._opened(u)
        return np.asarray(np.where(open_, self._relative_gap(u, self.supremum(u)), 0.0))

    def _opened(self, u: OverAnswers) -> tuple[OverAnswers, Reachable]:
        """Put -inf at answers that are not allowed, and mark the rows with an allowed answer; the others become 0."""
        allowed = self.allowed(np.ones(u.shape, dtype=bool))
        u = np.where(allowed, u, -np.inf)
        open_ = np.isfinite(u).any(axis=-1)
        stand_in = np.where(allowed | ~allowed.any(axis=-1, keepdims=True), 0.0, -np.inf)
        return np.where(open_[..., None], u, stand_in), np.asarray(open_)

    def _certified(self, u: OverAnswers) -> Supremum:
        found = self.supremum(u)
        gap = self._relative_gap(u, found)
        if not (gap <= self.tolerance).all():
            place = np.unravel_index(np.argmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
            remedy = (
                "Either its `gradient` is not a subgradient of its `value`, which `broken_laws` checks, or it is too "
                "far from smooth for the tolerance: subclass `Functional` with the conjugate in closed form, or pass a "
                "larger `tolerance`."
                if self.foreign
                else "The slopes differ too much in size for float64: bring weights and priors to a common scale."
            )
            raise CertificateError(
                f"the conjugate of {self.name} could not be bounded: gap {gap[place]:.1e} > {self.tolerance:.1e} at "
                f"u = {np.array2string(u[place], precision=4, threshold=8)}. {remedy}"
            )
        return found

    def _relative_gap(self, u: OverAnswers, found: Supremum) -> PerPrompt:
        shifted = np.where(found.nu > 0, u - u.max(axis=-1, keepdims=True), 0.0)
        against = np.abs((found.nu * shifted).sum(axis=-1))
        value = self.value(found.nu)
        attained = np.isfinite(value)
        relative = found.gap / np.maximum(1.0, np.maximum(against, np.where(attained, np.abs(value), 0.0)))
        if attained.all():
            return np.asarray(relative)
        # The bound -inf is right only if R is infinite on the face, and then it is infinite at the middle of the face.
        face = np.isfinite(u)
        middle = self.value(face / face.sum(axis=-1, keepdims=True))
        empty = np.where(np.isfinite(middle), np.inf, 0.0)
        return np.asarray(np.where(~attained & np.isneginf(found.upper), empty, relative))
