"""What every solver returns."""

from dataclasses import dataclass, field
from typing import cast

import numpy as np

from dagames._types import OverAnswers, OverFeatures, OverTraces, PerConstraint, PerPrompt, RaggedTraces
from dagames.bregman import Consistency
from dagames.games.alignment import AlignmentGame
from dagames.games.bregman import BregmanGame
from dagames.games.certificate import Certificate
from dagames.games.coupled import CoupledGame
from dagames.numerics.float_errors import with_default_errors_in


@with_default_errors_in
@dataclass(frozen=True, eq=False)
class Iterate:
    """An iterate: the answer marginal of a policy, and a target.

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
@dataclass(frozen=True, eq=False, kw_only=True)
class Solution(CertifiedIterate):
    """A policy, a target, and a bound on their distance from equilibrium.

    Attributes:
        game: The game that is solved.
        iterations: Number of steps taken; 0 for a closed form.
        method: Name of the solver.
        history: Worst relative gap of each iterate, the start first; empty for direct methods.
        last: The last iterate, or None for direct methods.
        average: The mean of all iterates (of marginals and of dual variables), or None.
        average_history: Worst relative gaps of the running means, for solvers that converge on average.
        multipliers: Multiplier of each linear constraint, in R-units per unit of cost, [d] or [*x, d]; empty without
            constraints. At least 0 for a budget, and 0 where the constraint does not bind. It is inf for a budget at
            the least expected cost that can be reached, such as a budget of 0 on costs of at least 0: the constraint
            forbids answers. For an equality at an end of its range it is inf or -inf. Where rows forbid answers only
            together, all of these are infinite.
        slack: Budget minus expected cost, of the shape of `multipliers`; below 0 by rounding only, see
            `certificate.residuals`. It is 0 where the multiplier is infinite.
        log_policy: Log of the policy, [*x, Y], if it is not the lift of `log_nu` by the reference: in Bregman games and
            in restricted classes of policies. None otherwise.
    """

    game: AlignmentGame | CoupledGame | BregmanGame
    iterations: int
    method: str
    history: tuple[float, ...] = ()
    last: CertifiedIterate | None = None
    average: CertifiedIterate | None = None
    average_history: tuple[float, ...] = ()
    multipliers: PerConstraint = field(default_factory=lambda: np.zeros(0))
    slack: PerConstraint = field(default_factory=lambda: np.zeros(0))
    log_policy: OverTraces | None = None

    @property
    def pi(self) -> OverTraces | RaggedTraces:
        """The policy, [*x, Y], or one array [Y_x] per prompt; lifted from `log_nu` at each access."""
        return self._lift(in_logs=False) if self.log_policy is None else np.asarray(np.exp(self.log_policy))

    @property
    def log_pi(self) -> OverTraces | RaggedTraces:
        """Log of the policy, as `pi`, also for masses below float64's least number."""
        return self._lift(in_logs=True) if self.log_policy is None else self.log_policy

    @property
    def value(self) -> PerPrompt:
        """The objective J of the policy, [*x]."""
        return self.certificate.primal

    def _lift(self, *, in_logs: bool) -> OverTraces | RaggedTraces:
        # Solutions of Bregman games always have `log_policy`.
        return cast("AlignmentGame | CoupledGame", self.game).lift(self.log_nu, in_logs=in_logs)


@with_default_errors_in
@dataclass(frozen=True, eq=False, kw_only=True)
class BregmanSolution(Solution):
    """A solution of a Bregman game, with its dual variable.

    If no target expresses the dual variable (see `consistency`), `log_q` is the nearest one.

    Attributes:
        u: The dual variable that certifies the policy, [*x, Z]; -inf where unreachable.
        consistency: Whether a target expresses a best dual variable, and which.
    """

    u: OverAnswers
    consistency: Consistency


@with_default_errors_in
@dataclass(frozen=True, eq=False, kw_only=True)
class LogLinearSolution(Solution):
    """A stationary policy of a log-linear class; its gap is to the best of *all* policies.

    Attributes:
        theta: Parameters of the class, [*x, d].
        stationarity: Standard deviation, under the policy, of the projection of the reward's residual on the features,
            [*x], in nats; 0 if no direction of theta lowers the objective.
    """

    theta: OverFeatures
    stationarity: PerPrompt
