"""Solvers: each returns a `Solution` whose certificate was computed by another path.

The conic oracle is imported from `dagames.solvers.conic`, because cvxpy is slow to load.
"""

from dagames.solvers.auto import METHODS, solve
from dagames.solvers.best_response import best_response_path, solve_best_response
from dagames.solvers.closed_form import has_closed_form, solve_closed_form
from dagames.solvers.coherent import solve_coherent, solve_soft_coherent
from dagames.solvers.constrained import solve_budgets, solve_polytope
from dagames.solvers.coupled import COUPLED_METHODS, solve_coupled
from dagames.solvers.dual_ascent import admissible_step, dual_ascent_path, solve_dual_ascent
from dagames.solvers.mirror_descent import mirror_descent_path, solve_mirror_descent
from dagames.solvers.newton import solve_newton
from dagames.solvers.solution import ConstrainedSolution, Solution

__all__ = [
    "COUPLED_METHODS",
    "METHODS",
    "ConstrainedSolution",
    "Solution",
    "admissible_step",
    "best_response_path",
    "dual_ascent_path",
    "has_closed_form",
    "mirror_descent_path",
    "solve",
    "solve_best_response",
    "solve_budgets",
    "solve_closed_form",
    "solve_coherent",
    "solve_coupled",
    "solve_dual_ascent",
    "solve_mirror_descent",
    "solve_newton",
    "solve_polytope",
    "solve_soft_coherent",
]
