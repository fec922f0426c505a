"""One function for every kind of game."""

from typing import Any, SupportsIndex, overload

from dagames._errors import DomainError
from dagames.functionals.base import ConstraintSet
from dagames.games.alignment import AlignmentGame
from dagames.games.bregman import BregmanGame
from dagames.games.coupled import CoupledGame
from dagames.numerics.arrays import short
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers.auto import solve_alignment
from dagames.solvers.log_linear import LogLinear, solve_log_linear
from dagames.solvers.methods import Method
from dagames.solvers.solution import BregmanSolution, LogLinearSolution, Solution


@overload
def solve(
    game: AlignmentGame | CoupledGame,
    method: str | Method = "auto",
    *,
    policies: ConstraintSet | None = None,
    tolerance: float | None = None,
    max_iterations: SupportsIndex | None = None,
) -> Solution: ...


@overload
def solve(
    game: AlignmentGame,
    method: str | Method = "auto",
    *,
    policies: LogLinear,
    tolerance: float | None = None,
    max_iterations: SupportsIndex | None = None,
) -> LogLinearSolution: ...


@overload
def solve(
    game: BregmanGame,
    method: str | Method = "auto",
    *,
    tolerance: float | None = None,
    max_iterations: SupportsIndex | None = None,
) -> BregmanSolution: ...


@with_default_errors
def solve(
    game: AlignmentGame | CoupledGame | BregmanGame,
    method: str | Method = "auto",
    *,
    policies: ConstraintSet | LogLinear | None = None,
    tolerance: float | None = None,
    max_iterations: SupportsIndex | None = None,
) -> Solution:
    """Solve a game of any kind to a certified duality gap.

    Args:
        game: An `AlignmentGame`, a `CoupledGame` or a `BregmanGame`.
        method: Name of a method (of `METHODS`, `COUPLED_METHODS` or `BREGMAN_METHODS`, by kind of game), or an object
            with options, such as `BestResponse(damping=0.5)`. "auto" chooses by the functional: a closed form where
            there is one, Newton's method where there is a Hessian, otherwise mirror descent and cutting planes.
        policies: A class that the policy must be in, for an `AlignmentGame`: a `Polytope` whose costs are those of
            traces, or `LogLinear(features)`. All policies by default.
        tolerance: Relative duality gap to reach, above 0. By default 1e-10, 1e-6 for "conic" and 1e-3 for
            "no_regret".
        max_iterations: Number of steps allowed to iterative methods; by default 10,000, 100,000 for coupled games and
            1,000 for classes of policies.

    Returns:
        The solution. Its `certificate.worst` is at most `tolerance` (except for `LogLinear`, whose solution is
        stationary, and whose gap is to the best of all policies), and `method` names the solver.

    Raises:
        CertificateError: If a user's own functional is not convex.
        DomainError: If `game` is not a game, the method is unknown, or a number is out of its domain.
        SolveError: If the method does not suit the game, or does not reach the tolerance.

    >>> from dagames.functionals import Gini, Linear, Polytope
    >>> from dagames.games.couplings import Coherence
    >>> game = AlignmentGame([0.5, 0.25, 0.25], [0, 1, 1], Linear([0.0, 1.0]), beta=1.0)
    >>> solution = solve(game)
    >>> solution.method, solution.certificate.worst < 1e-10
    ('closed_form', True)
    >>> views = AlignmentGame([[0.9, 0.1], [0.5, 0.5]], [0, 1], Linear([0.0, 0.0]), beta=1.0)
    >>> solve(CoupledGame(views, Coherence())).nu[0]
    array([0.75, 0.25])
    >>> spread = AlignmentGame([0.5, 0.25, 0.25], [0, 1, 1], Gini(1.0), beta=0.5)
    >>> solve(spread, policies=Polytope([1.0, 0.0, 0.0], 0.4)).pi.round(6)
    array([0.4, 0.3, 0.3])
    """
    options: dict[str, Any] = {"tolerance": tolerance, "max_iterations": max_iterations}
    options = {name: value for name, value in options.items() if value is not None}
    if policies is not None:
        return _solve_over(policies, game, method, options)
    if isinstance(game, CoupledGame):
        # Imported late: most games are of one kind, and some solvers load SciPy's optimisation.
        from dagames.solvers.coupled import solve_coupled

        return solve_coupled(game, method, **options)
    if isinstance(game, BregmanGame):
        from dagames.solvers.bregman import solve_bregman

        return solve_bregman(game, method, **options)
    return solve_alignment(game, method, **options)


def _solve_over(
    policies: ConstraintSet | LogLinear,
    game: AlignmentGame | CoupledGame | BregmanGame,
    method: str | Method,
    options: dict[str, Any],
) -> Solution:
    """Solve over a class of policies; each class has one method."""
    if not isinstance(game, AlignmentGame):
        raise DomainError(f"`policies` restricts the policy of an AlignmentGame, not of a {type(game).__name__}.")
    if method != "auto":
        raise DomainError(f'`method` must be "auto" where `policies` is given, not {short(method)}.')
    if isinstance(policies, ConstraintSet):
        from dagames.solvers.policy_set import solve_restricted

        return solve_restricted(game, policies, **options)
    if not isinstance(policies, LogLinear):
        raise DomainError(
            f"`policies` must be a Polytope over the traces or LogLinear(features), not {type(policies).__name__}."
        )
    if "tolerance" in options:
        raise DomainError(
            "`tolerance` bounds the gap to the best of all policies, which a log-linear class need not contain: leave "
            "it out, and read `stationarity` and `certificate` of the solution."
        )
    return solve_log_linear(game, policies.features, start=policies.start, **options)
