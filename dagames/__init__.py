"""Distributional alignment games: fine-tune on the distribution of answers, with a certificate."""

from dagames._errors import CertificateError, DagamesError, DomainError, InfeasibleError, ShapeError, SolveError
from dagames.certificates import Certificate
from dagames.coupled_game import CoupledGame
from dagames.game import AlignmentGame
from dagames.solvers import Solution, solve, solve_coupled

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
