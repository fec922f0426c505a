"""Solvers: each returns a `Solution` whose certificate was computed by another path.

The conic oracle is imported from `dagames.solvers.conic`, because cvxpy is slow to load.
"""

from typing import TYPE_CHECKING

from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.solvers.accelerated_ascent import accelerated_ascent_path, solve_accelerated_ascent
    from dagames.solvers.any_game import solve
    from dagames.solvers.auto import METHODS
    from dagames.solvers.best_response import best_response_path, solve_best_response
    from dagames.solvers.bregman import BREGMAN_METHODS, check_consistent, solve_bregman
    from dagames.solvers.budgets import solve_budgets
    from dagames.solvers.closed_form import has_closed_form, solve_closed_form
    from dagames.solvers.coherent import solve_coherent, solve_soft_coherent
    from dagames.solvers.constrained import solve_polytope
    from dagames.solvers.coupled import COUPLED_METHODS, solve_coupled
    from dagames.solvers.cutting_planes import solve_cutting_planes
    from dagames.solvers.dual_ascent import admissible_step, dual_ascent_path, solve_dual_ascent
    from dagames.solvers.extragradient import mirror_prox_path, solve_mirror_prox
    from dagames.solvers.log_linear import LogLinear, best_log_linear_policy, solve_log_linear
    from dagames.solvers.methods import BestResponse, DualAscent, MirrorDescent, NoRegret
    from dagames.solvers.mirror_descent import mirror_descent_path, solve_mirror_descent
    from dagames.solvers.newton import solve_newton
    from dagames.solvers.no_regret import no_regret_path, solve_no_regret
    from dagames.solvers.policy_set import (
        best_restricted_policy,
        restricted_path,
        solve_polytope_sum,
        solve_restricted,
    )
    from dagames.solvers.solution import BregmanSolution, CertifiedIterate, Iterate, LogLinearSolution, Solution
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "accelerated_ascent": ["accelerated_ascent_path", "solve_accelerated_ascent"],
            "any_game": ["solve"],
            "auto": ["METHODS"],
            "best_response": ["best_response_path", "solve_best_response"],
            "bregman": ["BREGMAN_METHODS", "check_consistent", "solve_bregman"],
            "budgets": ["solve_budgets"],
            "closed_form": ["has_closed_form", "solve_closed_form"],
            "coherent": ["solve_coherent", "solve_soft_coherent"],
            "constrained": ["solve_polytope"],
            "coupled": ["COUPLED_METHODS", "solve_coupled"],
            "cutting_planes": ["solve_cutting_planes"],
            "dual_ascent": ["admissible_step", "dual_ascent_path", "solve_dual_ascent"],
            "extragradient": ["mirror_prox_path", "solve_mirror_prox"],
            "log_linear": ["LogLinear", "best_log_linear_policy", "solve_log_linear"],
            "methods": ["BestResponse", "DualAscent", "MirrorDescent", "NoRegret"],
            "mirror_descent": ["mirror_descent_path", "solve_mirror_descent"],
            "newton": ["solve_newton"],
            "no_regret": ["no_regret_path", "solve_no_regret"],
            "policy_set": [
                "best_restricted_policy",
                "restricted_path",
                "solve_polytope_sum",
                "solve_restricted",
            ],
            "solution": ["BregmanSolution", "CertifiedIterate", "Iterate", "LogLinearSolution", "Solution"],
        },
    )

__all__ = [
    "BREGMAN_METHODS",
    "COUPLED_METHODS",
    "METHODS",
    "BestResponse",
    "BregmanSolution",
    "CertifiedIterate",
    "DualAscent",
    "Iterate",
    "LogLinear",
    "LogLinearSolution",
    "MirrorDescent",
    "NoRegret",
    "Solution",
    "accelerated_ascent_path",
    "admissible_step",
    "best_log_linear_policy",
    "best_response_path",
    "best_restricted_policy",
    "check_consistent",
    "dual_ascent_path",
    "has_closed_form",
    "mirror_descent_path",
    "mirror_prox_path",
    "no_regret_path",
    "restricted_path",
    "solve",
    "solve_accelerated_ascent",
    "solve_best_response",
    "solve_bregman",
    "solve_budgets",
    "solve_closed_form",
    "solve_coherent",
    "solve_coupled",
    "solve_cutting_planes",
    "solve_dual_ascent",
    "solve_log_linear",
    "solve_mirror_descent",
    "solve_mirror_prox",
    "solve_newton",
    "solve_no_regret",
    "solve_polytope",
    "solve_polytope_sum",
    "solve_restricted",
    "solve_soft_coherent",
]
