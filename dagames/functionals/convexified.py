"""A weakly convex function with the negative entropy that makes it convex."""

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from dagames._types import Hessian, OverAnswers, PerPrompt
from dagames.functionals.base import Smooth
from dagames.functionals.conjugates.interior_point import Supremum, interior_point
from dagames.functionals.conjugates.numeric_conjugate import NumericConjugate
from dagames.functionals.nonconvex import Nonconvex


class WeaklyConvex(Nonconvex):
    """A function that its threshold times the negative entropy makes convex, with bounded second derivative."""

    @property
    @abstractmethod
    def relative_smoothness(self) -> float:
        """Least known L with L * sum nu log nu - R convex."""

    @abstractmethod
    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute the second derivative of R, [*x, Z, Z]; with threshold / nu on the diagonal it is semidefinite."""

    def convexified(self) -> "Convexified":
        """Make the convex functional R + threshold * sum nu log nu."""
        return Convexified(self)


@dataclass(frozen=True, eq=False)
class Convexified(NumericConjugate, Smooth):
    """A weakly convex function plus its threshold times the negative entropy.

    Math:
        S(nu) = R(nu) + L sum_z nu(z) log nu(z), with L the threshold of R.

    Attributes:
        function: The function R.
        threshold: L, of all prompts; the functional of some prompts keeps it.

    Source:
        claim I.15

    >>> from dagames.functionals import PairwiseIncoherence
    >>> apart = PairwiseIncoherence([[0.0, 1.0], [1.0, 0.0]])
    >>> Convexified(apart).value(np.array([0.5, 0.5])).round(6)
    np.float64(-0.193147)
    """

    per_prompt = ()
    function: WeaklyConvex
    threshold: float = field(init=False)

    def __post_init__(self) -> None:
        """Set the threshold to that of R."""
        object.__setattr__(self, "threshold", self.function.threshold)

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute R(nu) + L sum nu log nu, [*x]."""
        from scipy.special import xlogy

        return np.asarray(self.function.value(nu) + self.threshold * xlogy(nu, nu).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute the gradient of R plus L (log nu + 1), [*x, Z]; -inf where nu is 0."""
        with np.errstate(divide="ignore"):
            return self.gradient_at_log(np.log(nu))

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute the gradient of R at exp(log_nu) plus L (log_nu + 1), [*x, Z]."""
        slope = self.function.gradient(np.exp(log_nu))
        # 0 times an infinite logarithm is 0 here.
        return slope if self.threshold == 0 else np.asarray(slope + self.threshold * (log_nu + 1.0))

    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute the second derivative of R plus L diag(1 / nu), [*x, Z, Z]."""
        curvature = self.threshold / np.maximum(nu, np.finfo(np.float64).tiny)
        return np.asarray(self.function.hessian(nu) + np.eye(nu.shape[-1]) * curvature[..., None])

    def supremum(self, u: OverAnswers) -> Supremum:
        """Maximise <nu, u> - S(nu) by an interior-point method."""
        return interior_point(self.value, self.gradient, self.hessian, u)

    @property
    def relative_smoothness(self) -> PerPrompt:
        """That of R plus L."""
        return np.asarray(self.function.relative_smoothness + self.threshold)
