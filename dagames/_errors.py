"""The errors that this package raises."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class DagamesError(Exception):
    """Base class of all errors of the package."""


class DomainError(DagamesError, ValueError):
    """An argument is outside its domain."""


class ShapeError(DagamesError, ValueError):
    """An argument has a shape that does not fit the others."""


class InfeasibleError(DagamesError):
    """No policy satisfies the constraints.

    Attributes:
        nearest: The nearest feasible budgets, [d], those of least total relaxation; None where there are no budgets.
    """

    def __init__(self, message: str, nearest: "NDArray[np.float64] | None" = None) -> None:
        """Store the message and the nearest feasible budgets."""
        super().__init__(message)
        self.nearest = nearest


class SolveError(DagamesError):
    """A solver stopped before its result could be certified.

    Attributes:
        diagnosis: The cause: "cycle" (the iterates alternate between two points), "vertex" (they converge to a vertex
            of the simplex), "unbounded dual" (the dual variable diverges), "steps" (none of these, but the maximum
            number of steps was reached), "rounding" (a direct method stopped at float64's accuracy) or "unsuited" (the
            method does not apply to the game).
    """

    def __init__(self, message: str, diagnosis: str = "unsuited") -> None:
        """Store the message and the diagnosis."""
        super().__init__(message)
        self.diagnosis = diagnosis


class CertificateError(DagamesError):
    """Values that must agree do not: a functional and its conjugate, or a sum before and after a push-forward."""


class Named:
    """A class that a user may subclass: its name in error messages, and whether a user wrote it."""

    @property
    def name(self) -> str:
        """The name in error messages."""
        return type(self).__name__

    @property
    def foreign(self) -> bool:
        """Whether a user's code computes part of it; error messages then name it as a possible cause."""
        return not type(self).__module__.startswith("dagames.")
