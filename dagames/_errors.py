"""The one channel by which this package reports failure."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class DagamesError(Exception):
    """Base of every error that a user can cause or must know of."""


class DomainError(DagamesError, ValueError):
    """An argument lies outside its domain."""


class ShapeError(DagamesError, ValueError):
    """An argument has a shape that does not fit the others."""


class InfeasibleError(DagamesError):
    """No policy satisfies the constraints.

    Attributes:
        nearest: The nearest feasible budgets, [d], those of least total relaxation; None where there are no budgets.
    """

    def __init__(self, message: str, nearest: "NDArray[np.float64] | None" = None) -> None:
        """Say what cannot be met, and by which budgets it could be."""
        super().__init__(message)
        self.nearest = nearest


class SolveError(DagamesError):
    """A solver stopped before its result could be certified.

    Attributes:
        diagnosis: What happened: "cycle" (the iterates alternate between two points), "vertex" (they run into a vertex
            of the simplex), "unbounded dual" (the dual variable leaves for infinity), "steps" (none of these within the
            steps allowed), "rounding" (a direct method stopped at float64's accuracy) or "unsuited" (the method does
            not apply to the game).
    """

    def __init__(self, message: str, diagnosis: str = "unsuited") -> None:
        """Take the message and the diagnosis."""
        super().__init__(message)
        self.diagnosis = diagnosis


class CertificateError(DagamesError):
    """A functional contradicts itself, which the message explains, or a sum that must be conserved was not."""
