"""Distributional alignment games: fine-tune on the distribution of answers, with a certificate."""

from typing import TYPE_CHECKING

from dagames._errors import CertificateError, DagamesError, DomainError, InfeasibleError, ShapeError, SolveError
from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.games.alignment import AlignmentGame
    from dagames.games.certificate import Certificate
    from dagames.games.coupled import CoupledGame
    from dagames.solvers import Solution, solve, solve_coupled
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "games.certificate": ["Certificate"],
            "games.coupled": ["CoupledGame"],
            "games.alignment": ["AlignmentGame"],
            "solvers": ["Solution", "solve", "solve_coupled"],
        },
    )

__all__ = [
    "AlignmentGame",
    "Certificate",
    "CertificateError",
    "CoupledGame",
    "DagamesError",
    "DomainError",
    "InfeasibleError",
    "ShapeError",
    "Solution",
    "SolveError",
    "solve",
    "solve_coupled",
]
