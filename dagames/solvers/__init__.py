"""Solvers: each returns a `Solution` whose certificate was computed by another path.

The conic oracle is imported from `dagames.solvers.conic`, because cvxpy is slow to load.
"""

from dagames.solvers.auto import METHODS, solve
from dagames.solvers.best_response import best_response_path, solve_best_response
from dagames.solvers.bregman import BregmanSolution, check_consistent, solve_bregman
from dagames.solvers.closed_form import has_closed_form, solve_closed_form
from dagames.solvers.mirror_descent import mirror_descent_path, solve_mirror_descent
from dagames.solvers.newton import solve_newton
from dagames.solvers.solution import Solution

__all__ = [
    "METHODS",
    "BregmanSolution",
    "Solution",
    "best_response_path",
    "check_consistent",
    "has_closed_form",
    "mirror_descent_path",
    "solve",
    "solve_best_response",
    "solve_bregman",
    "solve_closed_form",
    "solve_mirror_descent",
    "solve_newton",
]
