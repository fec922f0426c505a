"""Gram matrices of the Bernstein basis under weights on points, which are Hankel matrices up to binomials."""

from math import comb

import numpy as np
from flint import arb_mat

from dagames.estimators.program import Balls, Program, matrix, product


class Gram:
    """The matrices A' D A and E' D E of a program, for diagonal D.

    Math:
        B_k B_l = binom(n, k) binom(n, l) p^(k + l) (1 - p)^(2 n - k - l), so that
        sum_j d_j B_k(p_j) B_l(p_j) = binom(n, k) binom(n, l) s_{k + l},   s_i = sum_j d_j p_j^i (1 - p_j)^(2 n - i):
        2 n + 1 sums over the points instead of (n + 1)^2, without cancellation if all d_j have one sign.
    """

    def __init__(self, program: Program) -> None:
        """Tabulate p^i (1 - p)^(2 n - i) at the points of the program."""
        n = program.A.ncols() - 1
        self._binomials = np.array([comb(n, k) for k in range(n + 1)], dtype=object)
        self._scale = np.outer(self._binomials, self._binomials)
        self._at = np.add.outer(np.arange(n + 1), np.arange(n + 1))
        self._moments, self._errors = self._products(program.A), self._products(program.E)

    def moments(self, weights: Balls) -> Balls:
        """Compute A' D A.

        Args:
            weights: The diagonal of D, [J].

        Returns:
            The matrix, [n + 1, n + 1].
        """
        return np.asarray(self._scale * product(self._moments, weights)[self._at])

    def errors(self, weights: Balls) -> Balls:
        """Compute E' D E.

        Args:
            weights: The diagonal of D, [M].

        Returns:
            The matrix, [n + 1, n + 1].
        """
        return np.asarray(self._scale * product(self._errors, weights)[self._at])

    def _products(self, a: arb_mat) -> arb_mat:
        """Multiply, for each i, two columns whose indices add up to i: [2 n + 1, points]."""
        columns = entries(a).T / self._binomials[:, None]
        i = np.arange(2 * len(columns) - 1)
        return matrix(columns[i // 2] * columns[(i + 1) // 2])


def entries(a: arb_mat) -> Balls:
    """Convert flint's matrix to an array.

    Args:
        a: Matrix, [m, n].

    Returns:
        Its entries, [m, n].
    """
    return np.array(a.entries(), dtype=object).reshape(a.nrows(), a.ncols())
