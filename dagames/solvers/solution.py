"""What every solver returns."""

from dataclasses import dataclass

import numpy as np

from dagames._types import OverAnswers, OverTraces, PerConstraint, PerPrompt, RaggedTraces
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate
from dagames.games.coupled import CoupledGame
from dagames.numerics.float_errors import with_default_errors_in


@with_default_errors_in
@dataclass(frozen=True, eq=False)
class Iterate:
    """A play of both players: the answer marginal of a policy, and a target.

    Attributes:
        log_nu: Log of an answer marginal, [*x, Z]; -inf where unreachable.
        log_q: Log of a target, [*x, Z]; -inf where unreachable.
    """

    log_nu: OverAnswers
    log_q: OverAnswers

    @property
    def nu(self) -> OverAnswers:
        """The answer marginal, [*x, Z]."""
        return np.asarray(np.exp(self.log_nu))

    @property
    def q(self) -> OverAnswers:
        """The target, [*x, Z]."""
        return np.asarray(np.exp(self.log_q))


@dataclass(frozen=True, eq=False)
class CertifiedIterate(Iterate):
    """An iterate with the bound on its distance from equilibrium.

    Attributes:
        certificate: The bound, computed from `log_nu` and `log_q` alone.
    """

    certificate: Certificate


@with_default_errors_in
@dataclass(frozen=True, eq=False)
class Solution(CertifiedIterate):
    """A policy, a target, and a bound on their distance from equilibrium.

    Attributes:
        game: The game that is solved.
        iterations: Steps taken; 0 for a closed form.
        method: Name of the solver that was used.
        history: Worst relative gap of each iterate of a path, the start first; empty for direct methods.
        last: The last iterate of a path, or None for direct methods.
        average: The mean of all iterates of a path, of marginals and of dual variables, or None.
        average_history: Worst relative gaps of the running means, for solvers that converge on average.
    """

    game: AlignmentGame | CoupledGame
    iterations: int
    method: str
    history: tuple[float, ...] = ()
    last: CertifiedIterate | None = None
    average: CertifiedIterate | None = None
    average_history: tuple[float, ...] = ()

    @property
    def pi(self) -> OverTraces | RaggedTraces:
        """The policy, [*x, Y], or one array [Y_x] per prompt; lifted from `log_nu` anew at each call."""
        return self.game.lift(self.log_nu, in_logs=False)

    @property
    def log_pi(self) -> OverTraces | RaggedTraces:
        """Log of the policy, as `pi`; for masses below float64's least number."""
        return self.game.lift(self.log_nu)

    @property
    def value(self) -> PerPrompt:
        """The objective J of the policy, [*x]."""
        return self.certificate.primal


@with_default_errors_in
@dataclass(frozen=True, eq=False, kw_only=True)
class ConstrainedSolution(Solution):
    """A solution under linear constraints, with their prices.

    Attributes:
        multipliers: Price of each constraint, in R-units per unit of cost, [d] or [*x, d]; at least 0 for a budget. It
            is inf for a budget at the least expected cost that can be reached, as a budget of 0 on costs of at least 0:
            the constraint forbids answers, and to allow them a little mass is worth more than any price. (For an
            equality at an end of its range it is inf or -inf. Where rows forbid answers only together, all of these
            are infinite.) A price of 0 says that the constraint does not bind.
        slack: Budget minus expected cost, [d] or [*x, d]; below 0 by rounding only, see `certificate.residuals`. It is
            0 where the multiplier is infinite.
    """

    multipliers: PerConstraint
    slack: PerConstraint

    @property
    def complementarity(self) -> float:
        """The largest product of a finite multiplier and its slack, in R-units: 0 at the equilibrium."""
        finite = np.where(np.isfinite(self.multipliers), self.multipliers, 0.0)
        with np.errstate(under="ignore"):
            return float(np.abs(finite * self.slack).max(initial=0.0))
