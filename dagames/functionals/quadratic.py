"""Quadratic goals: R(nu) = nu'Q nu / 2 + <l, nu>."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagames import _tolerances
from dagames._errors import DomainError, ShapeError
from dagames._types import Hessian, Numbers, OverAnswers, PerPrompt
from dagames.functionals.base import Smooth
from dagames.functionals.conjugates.interior_point import Supremum, interior_point
from dagames.functionals.conjugates.numeric_conjugate import NumericConjugate
from dagames.simplex import as_real


@dataclass(frozen=True, eq=False, init=False)
class Quadratic(NumericConjugate, Smooth):
    """A quadratic function of the answers, convex on the simplex.

    Math:
        R(nu) = nu'Q nu / 2 + <l, nu>, with v'Qv >= 0 for every v of sum 0.

    Q may be indefinite beyond the simplex: minus a matrix of squared Euclidean distances is allowed. The conjugate is
    a quadratic program, solved by an interior-point method and returned with its duality gap added.

    Attributes:
        matrix: Q, symmetric, [Z, Z] or [*x, Z, Z].
        linear: l, [Z] or [*x, Z].

    Source:
        ours; Q = weight * identity is (paper, appendix C.2.2, Gini diversity), Q of distances between answers is
        (paper, appendix B, eq. 9) for one prompt

    >>> float(Quadratic([[2.0, 0.0], [0.0, 2.0]]).value(np.array([0.5, 0.5])))
    0.5
    """

    per_prompt = ("matrix Z Z", "linear Z")
    matrix: Hessian
    linear: OverAnswers

    def __init__(self, matrix: Numbers, linear: Numbers | None = None) -> None:
        """Validate the matrix and the linear term.

        Args:
            matrix: Q, [Z, Z], or per prompt, [*x, Z, Z]; symmetric, in R-units.
            linear: l, [Z] or [*x, Z], in R-units; 0 by default.

        Raises:
            ShapeError: If the matrix is not square, or the linear term has another size.
            DomainError: If the matrix is not symmetric, or R is not convex on the simplex.
        """
        Q = as_symmetric(matrix, "matrix")
        check_convex_on_simplex(Q)
        row = as_real(np.zeros(Q.shape[-1]) if linear is None else linear, "linear")
        if row.shape[-1] != Q.shape[-1] or (row.ndim > 1 and Q.ndim > 2 and row.shape[:-1] != Q.shape[:-2]):
            raise ShapeError(f"`linear` has shape {row.shape}; `matrix` has {Q.shape}, so {Q.shape[:-1]} would fit.")
        object.__setattr__(self, "matrix", Q)
        object.__setattr__(self, "linear", row)

    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute nu'Q nu / 2 + <l, nu>, [*x]."""
        return np.asarray((nu * (0.5 * self._times(nu) + self.linear)).sum(axis=-1))

    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute Q nu + l, [*x, Z]."""
        return np.asarray(self._times(nu) + self.linear)

    def hessian(self, nu: OverAnswers) -> Hessian:
        """Return Q, projected on the vectors of sum 0, [*x, Z, Z]."""
        return np.broadcast_to(on_sum_zero(self.matrix), (*nu.shape, nu.shape[-1]))

    def supremum(self, u: OverAnswers) -> Supremum:
        """Maximise <nu, u> - R(nu) by an interior-point method."""
        return interior_point(self.value, self.gradient, self.hessian, u)

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return nu'Q nu / 2 + <l, nu> as a sum of squares and a linear function."""
        values, vectors = np.linalg.eigh(on_sum_zero(self.matrix))
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
        # On the simplex Q differs from its projection on sum 0 by a linear function.
        row = self.matrix.mean(axis=0) - self.matrix.mean() / 2
        return 0.5 * cp.sum_squares(root @ nu) + (row + self.linear) @ nu

    @property
    def relative_smoothness(self) -> PerPrompt:
        """A quarter of the largest Q_yy + Q_zz - 2 Q_yz, the least possible L.

        L works iff v'Qv <= L sum v^2 / nu for every v of sum 0 and every nu. For given v the right side is least at nu
        proportional to |v|, where it is L |v|_1^2. On {sum v = 0, |v|_1 <= 1} the convex v'Qv is largest at an extreme
        point, and those are (e_y - e_z) / 2.
        """
        return largest_exchange(self.matrix)

    def _times(self, nu: OverAnswers) -> OverAnswers:
        # With a shared matrix, one product serves all prompts.
        return np.asarray(nu @ self.matrix if self.matrix.ndim == 2 else (self.matrix @ nu[..., None])[..., 0])


def as_symmetric(matrix: Numbers, name: str) -> Hessian:
    """Return a matrix, [*x, Z, Z], symmetric to the last bit; an error unless it is square and symmetric."""
    array = as_real(matrix, name)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise ShapeError(f"`{name}` has shape {array.shape}; a square matrix over answers is needed.")
    other = np.swapaxes(array, -1, -2)
    off = np.abs(array - other) > _tolerances.SYMMETRY * np.abs(array).max(axis=(-2, -1), keepdims=True)
    if off.any():
        place = tuple(int(i) for i in np.argwhere(off)[0])
        index = ", ".join(map(str, place))
        raise DomainError(
            f"`{name}[{index}]` is {array[place]:g}, but its mirror entry is {other[place]:g}. "
            "A quadratic form only sees (Q + Q') / 2; pass that."
        )
    return np.asarray(0.5 * (array + other))


def on_sum_zero(matrix: Hessian) -> Hessian:
    """Project matrices Q, [*x, Z, Z], on the vectors of sum 0: P Q P with P = I - 11'/Z."""
    rows = matrix - matrix.mean(axis=-1, keepdims=True)
    return np.asarray(rows - rows.mean(axis=-2, keepdims=True))


def largest_exchange(matrix: Hessian) -> PerPrompt:
    """Compute max over y, z of (Q_yy + Q_zz - 2 Q_yz) / 4, [*x], the largest v'Qv over v = (e_y - e_z) / 2."""
    diagonal = np.diagonal(matrix, axis1=-2, axis2=-1)
    return np.asarray((diagonal[..., :, None] + diagonal[..., None, :] - 2.0 * matrix).max(axis=(-2, -1)) / 4.0)


def check_convex_on_simplex(matrix: Hessian) -> None:
    """Raise a DomainError unless v'Qv >= 0 for every v of sum 0, for symmetric matrices Q, [*x, Z, Z]."""
    values, vectors = np.linalg.eigh(on_sum_zero(matrix))
    bad = values[..., 0] < -_tolerances.SEMIDEFINITE * np.abs(matrix).max(axis=(-2, -1))
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f"`matrix[{', '.join(map(str, place))}]`" if place else "`matrix`"
        direction = np.array2string(vectors[place][:, 0], precision=3, threshold=8)
        raise DomainError(
            f"{where} makes R concave: along {direction}, which moves mass between answers, its curvature is "
            f"{values[place][0]:g}. Theorem 2.1 covers convex functionals only (claim I.15); for distances between "
            "answers that are to be made small use `PairwiseIncoherence`, which is a `Nonconvex`."
        )
