"""The methods of `solve` for coupled games, and the choice between them."""

from dagames import _tolerances
from dagames._choices import as_choice
from dagames._errors import SolveError
from dagames.games.coupled import CoupledGame
from dagames.games.couplings import Coherence, LinearCoupling, SoftCoherence
from dagames.numerics.float_errors import with_default_errors
from dagames.numerics.integers import as_count
from dagames.simplex import as_positive
from dagames.solvers.arguments import check_game
from dagames.solvers.budgets import solve_budgets
from dagames.solvers.coherent import solve_coherent, solve_soft_coherent
from dagames.solvers.dual_ascent import solve_dual_ascent
from dagames.solvers.methods import Method, with_options
from dagames.solvers.solution import Solution

COUPLED_METHODS = ("auto", "dual_ascent")


@with_default_errors
def solve_coupled(
    game: CoupledGame,
    method: str | Method = "auto",
    *,
    tolerance: float = _tolerances.GAP,
    max_iterations: int = 100_000,
) -> Solution:
    """Solve a coupled game to a certified duality gap.

    Args:
        game: The game.
        method: One of `COUPLED_METHODS`, or `DualAscent(step=...)`. "auto" uses the closed form for `Coherence`, and
            otherwise Newton's method on the dual.
        tolerance: Relative duality gap to reach, above 0.
        max_iterations: Steps allowed to dual ascent.

    Returns:
        The solution, whose `certificate.worst` is at most `tolerance`; with multipliers where the
        coupling is linear. A SolveError if that is not reached.

    Raises:
        DomainError: If `game` is not a `CoupledGame`, the method is unknown, or a number is out of its domain.
        SolveError: If no method solves games with this coupling.

    >>> from dagames import AlignmentGame
    >>> from dagames.functionals import Linear
    >>> views = AlignmentGame([[0.9, 0.1], [0.5, 0.5]], [0, 1], Linear([0.0, 0.0]), beta=1.0)
    >>> solve_coupled(CoupledGame(views, Coherence())).nu[0]
    array([0.75, 0.25])
    """
    check_game(game, CoupledGame)
    name, options = with_options(method)
    name = as_choice(name, "method", COUPLED_METHODS)
    tolerance, max_iterations = as_positive(tolerance, "tolerance"), as_count(max_iterations, "max_iterations", 0)
    if name == "dual_ascent":
        return solve_dual_ascent(game, tolerance=tolerance, max_iterations=max_iterations, **options)
    if isinstance(game.coupling, Coherence):
        return solve_coherent(game, tolerance=tolerance)
    if isinstance(game.coupling, SoftCoherence):
        return solve_soft_coherent(game, tolerance=tolerance)
    if isinstance(game.coupling, LinearCoupling):
        return solve_budgets(game, tolerance=tolerance)
    raise SolveError(
        f"no method solves games with a {type(game.coupling).__name__}; `game.certify` bounds the gap of any pair."
    )
