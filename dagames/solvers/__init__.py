"""Solvers: each returns a `Solution` whose certificate was computed by another path.

The conic oracle is imported from `dagames.solvers.conic`, because cvxpy is slow to load.
"""

from typing import TYPE_CHECKING

from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.solvers.any_game import solve
    from dagames.solvers.auto import METHODS
    from dagames.solvers.best_response import best_response_path
    from dagames.solvers.bregman import BREGMAN_METHODS, check_consistent, solve_bregman
    from dagames.solvers.coupled import COUPLED_METHODS, solve_coupled
    from dagames.solvers.dual_ascent import admissible_step, solve_dual_ascent
    from dagames.solvers.log_linear import LogLinear, best_log_linear_policy, solve_log_linear
    from dagames.solvers.methods import BestResponse, DualAscent, MirrorDescent, NoRegret
    from dagames.solvers.mirror_descent import mirror_descent_path
    from dagames.solvers.no_regret import no_regret_path, solve_no_regret
    from dagames.solvers.policy_set import best_restricted_policy, solve_restricted
    from dagames.solvers.solution import BregmanSolution, Iterate, LogLinearSolution, Solution
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "any_game": ["solve"],
            "auto": ["METHODS"],
            "best_response": ["best_response_path"],
            "bregman": ["BREGMAN_METHODS", "check_consistent", "solve_bregman"],
            "coupled": ["COUPLED_METHODS", "solve_coupled"],
            "dual_ascent": ["admissible_step", "solve_dual_ascent"],
            "log_linear": ["LogLinear", "best_log_linear_policy", "solve_log_linear"],
            "methods": ["BestResponse", "DualAscent", "MirrorDescent", "NoRegret"],
            "mirror_descent": ["mirror_descent_path"],
            "no_regret": ["no_regret_path", "solve_no_regret"],
            "policy_set": ["best_restricted_policy", "solve_restricted"],
            "solution": ["BregmanSolution", "Iterate", "LogLinearSolution", "Solution"],
        },
    )

__all__ = [
    "BREGMAN_METHODS",
    "COUPLED_METHODS",
    "METHODS",
    "BestResponse",
    "BregmanSolution",
    "DualAscent",
    "Iterate",
    "LogLinear",
    "LogLinearSolution",
    "MirrorDescent",
    "NoRegret",
    "Solution",
    "admissible_step",
    "best_log_linear_policy",
    "best_response_path",
    "best_restricted_policy",
    "check_consistent",
    "mirror_descent_path",
    "no_regret_path",
    "solve",
    "solve_bregman",
    "solve_coupled",
    "solve_dual_ascent",
    "solve_log_linear",
    "solve_no_regret",
    "solve_restricted",
]
