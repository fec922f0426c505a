"""Distributional alignment games: fine-tune on the distribution of answers, with a certificate."""

from typing import TYPE_CHECKING

from dagames._errors import CertificateError, DagamesError, DomainError, InfeasibleError, ShapeError, SolveError
from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.certificates import Certificate
    from dagames.coupled_game import CoupledGame
    from dagames.game import AlignmentGame
    from dagames.solvers import Solution, solve, solve_coupled
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "certificates": ["Certificate"],
            "coupled_game": ["CoupledGame"],
            "game": ["AlignmentGame"],
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
