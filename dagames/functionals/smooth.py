"""Functionals with a second derivative, for Newton's method."""

from abc import abstractmethod

from dagames._types import Hessian, OverAnswers
from dagames.functionals.base import Functional


class Smooth(Functional):
    """A functional that is twice differentiable inside the simplex, on the answers that it allows."""

    @abstractmethod
    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute the second derivative of R at nu, [*x, Z, Z].

        The matrix is positive semidefinite, and v'Hv is the second derivative of R along v for every v of sum 0.
        (Along other v it is free: R is a function on the simplex.) `nu` is positive on the allowed answers; an answer
        of mass 0 is taken to have float64's least mass, where the derivative may be infinite.
        """
