"""Agreement in meaning: R(nu) = weight * E d(z, z'), which is not convex."""

from dataclasses import dataclass

import numpy as np

from dagames._errors import DomainError
from dagames._types import Hessian, Numbers, OverAnswers, PerPrompt
from dagames.functionals.convexified import WeaklyConvex
from dagames.functionals.quadratic import as_symmetric
from dagames.simplex import as_positive


@dataclass(frozen=True, eq=False, init=False)
class PairwiseIncoherence(WeaklyConvex):
    """The mean distance of two independent answers, times a weight; to minimise it makes answers agree.

    Math:
        R(nu) = weight sum_{y,z} nu(y) nu(z) d(y, z).

    With d = 1 off the diagonal this is 1 - sum nu^2, the Gini index.

    Attributes:
        distances: d, [Z, Z] or [*x, Z, Z]; at least 0, 0 on the diagonal. It need not be a metric.
        weight: The functional's weight lambda.

    Source:
        (paper, appendix B, eq. 9, for one prompt)

    >>> PairwiseIncoherence([[0.0, 2.0], [2.0, 0.0]], weight=0.5).threshold
    1.0
    """

    per_prompt = ("distances Z Z",)
    distances: Hessian
    weight: float

    def __init__(self, distances: Numbers, weight: float = 1.0) -> None:
        """Validate distances and weight.

        Args:
            distances: Distance of each pair of answers, [Z, Z], or per prompt, [*x, Z, Z]; symmetric.
            weight: The functional's weight lambda, above 0.

        Raises:
            DomainError: If a distance is negative, or one of an answer to itself is not 0.
        """
        array = as_symmetric(distances, "distances")
        diagonal = np.diagonal(array, axis1=-2, axis2=-1)
        for bad, of, why in (
            (array < 0, array, "is negative"),
            ((diagonal != 0)[..., None] & np.eye(array.shape[-1], dtype=bool), array, "is not 0"),
        ):
            if bad.any():
                place = tuple(int(i) for i in np.argwhere(bad)[0])
                raise DomainError(
                    f"`distances[{', '.join(map(str, place))}]` {why}: {of[place]:g}. Distances are at least 0, and 0 "
                    "from an answer to itself."
                )
        object.__setattr__(self, "distances", array)
        object.__setattr__(self, "weight", as_positive(weight, "weight"))

    @property
    def threshold(self) -> float:
        """The weight times the largest distance, the least L for which R + L sum nu log nu is convex.

        The function is convex iff -2 weight v'dv <= L sum v^2 / nu for every v of sum 0 and every nu. For given v the
        right side is at least L |v|_1^2. Let a and b be the positive and the negative part of v, each of mass
        |v|_1 / 2. Since d >= 0, -v'dv = 2 a'db - a'da - b'db <= 2 max d |v|_1^2 / 4, so L = weight max d suffices.
        For two answers at the largest distance there is equality: v = (1, -1) and nu = (1/2, 1/2) on them.
        """
        return self.weight * float(self.distances.max())

    @property
    def relative_smoothness(self) -> float:
        """A number L with L sum nu log nu - R convex: as above, v'dv <= a'da + b'db <= max d |v|_1^2 / 2."""
        return self.threshold

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute weight * E d(z, z'), [*x]."""
        return np.asarray(self.weight * (nu * self._means(nu)).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute 2 weight times the mean distance of each answer to the others, [*x, Z]."""
        return np.asarray(2.0 * self.weight * self._means(nu))

    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute 2 weight d, [*x, Z, Z], which is not positive semidefinite."""
        return np.broadcast_to(2.0 * self.weight * self.distances, (*nu.shape, nu.shape[-1]))

    def _means(self, nu: OverAnswers) -> OverAnswers:
        return np.asarray(nu @ self.distances if self.distances.ndim == 2 else (self.distances @ nu[..., None])[..., 0])
