"""Methods of `solve` that have options, as objects: `solve(game, BestResponse(damping="auto"))`."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias

from dagames._errors import DomainError
from dagames.numerics.arrays import short
from dagames.solvers.best_response import Damping
from dagames.solvers.no_regret import Learner


@dataclass(frozen=True)
class BestResponse:
    """Alternation of best responses, "best_response" of `solve`.

    Attributes:
        damping: Step towards the best response, in (0, 1], or "auto", which shortens it until the objective falls.

    >>> from dagames import AlignmentGame, solve
    >>> from dagames.functionals import Gini
    >>> game = AlignmentGame([0.5, 0.3, 0.2], [0, 1, 2], Gini(4.0), beta=1.0)
    >>> solve(game, BestResponse(damping=0.5)).certificate.worst < 1e-10
    True
    """

    name: ClassVar[str] = "best_response"
    damping: Damping = 1.0


@dataclass(frozen=True)
class MirrorDescent:
    """Mirror descent of the policy, "mirror_descent" of `solve`.

    Attributes:
        line_search: Whether steps are lengthened while that is safe, or have the length that relative smoothness gives.
    """

    name: ClassVar[str] = "mirror_descent"
    line_search: bool = True


@dataclass(frozen=True)
class NoRegret:
    """Two learners, "no_regret" of `solve`.

    Attributes:
        policy: The learner of the policy: "best_response", "mw", "ftrl" or "optimistic".
        target: The learner of the target.
    """

    name: ClassVar[str] = "no_regret"
    policy: Learner = "ftrl"
    target: Learner = "optimistic"


@dataclass(frozen=True)
class DualAscent:
    """Ascent on the multipliers of a linear coupling, "dual_ascent" of `solve` for a `CoupledGame`.

    Attributes:
        step: Length of the step, above 0; by default half of `admissible_step`.
    """

    name: ClassVar[str] = "dual_ascent"
    step: float | None = None


Method: TypeAlias = BestResponse | MirrorDescent | NoRegret | DualAscent


def with_options(method: Any) -> tuple[str, dict[str, Any]]:
    """Split a method into its name and the options that are not the default ones.

    Args:
        method: A name, or one of the classes of this module.

    Returns:
        The name, which may be unknown, and the options of its solver.

    Raises:
        DomainError: If it is neither.
    """
    if isinstance(method, str):
        return method, {}
    if not isinstance(method, Method):
        raise DomainError(
            f"`method` must be a name or an object such as `BestResponse(damping=0.5)`, not {short(method)}."
        )
    default = type(method)()
    chosen = {field.name: getattr(method, field.name) for field in fields(method)}
    return method.name, {name: value for name, value in chosen.items() if value != getattr(default, name)}
