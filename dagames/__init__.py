"""Distributional alignment games: fine-tune on the distribution of answers, with a certificate."""

from dagames._errors import CertificateError, DagamesError, DomainError, InfeasibleError, ShapeError, SolveError
from dagames.certificates import Certificate
from dagames.game import AlignmentGame
from dagames.solvers import Solution, solve

__all__ = [
    "AlignmentGame",
    "Certificate",
    "CertificateError",
    "DagamesError",
    "DomainError",
    "InfeasibleError",
    "ShapeError",
    "Solution",
    "SolveError",
    "solve",
]
