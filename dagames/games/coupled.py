"""Games whose objective couples the answer marginals of several prompts, as by a budget on their average cost."""

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, Named, ShapeError
from dagames._types import Numbers, OverAnswers, OverTraces, PerPrompt, RaggedTraces, Reachable
from dagames.functionals import Linear
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate, certify
from dagames.numerics.float_errors import with_default_errors_in


class Coupling(Named, ABC):
    """A convex function C of the answer marginals of all prompts at once, with its conjugate.

    Math:
        C*(u) = sup over nu, one distribution per prompt, of sum_x s_x <nu_x, u_x> - C(nu),

    with s the prompts' shares. As for a `Functional`, the supremum is over marginals that are 0 where `u` is -inf. To
    add a coupling, implement the methods below; `dagames.solvers` then solves its games.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        with_default_errors_in(cls)

    @abstractmethod
    def value(self, nu: OverAnswers, shares: PerPrompt) -> float:
        """Compute C(nu) for marginals [X, Z] and shares [X], in R-units; +inf where infeasible beyond rounding."""

    @abstractmethod
    def conjugate(self, u: OverAnswers, shares: PerPrompt) -> float:
        """Compute C*(u) for a dual variable [X, Z] and shares [X], in R-units."""

    @abstractmethod
    def check_fits(self, reachable: Reachable, shares: PerPrompt) -> None:
        """Raise a ShapeError unless the parameters fit [X, Z], an InfeasibleError if C is +inf for every policy."""

    def allowed(self, reachable: Reachable, shares: PerPrompt) -> Reachable:
        """Mark the reachable answers that have mass in some policies of finite C, bool [X, Z]."""
        return reachable

    def residuals(self, nu: OverAnswers, shares: PerPrompt) -> dict[str, float]:
        """Compute the violation of each constraint, by its name; none by default."""
        return {}


@with_default_errors_in
class CoupledGame:
    """The game of a batch of prompts with a convex function of all their answer marginals in the objective.

    Math:
        J(pi) = sum_x s_x (R_x(nu_x) + beta KL(pi_x || pi_0x)) + C(nu_1, ..., nu_X),   R_x linear,
        G(pi, q) = sum_x s_x (R_x(nu_x) + beta KL(pi_x || pi_0x) - beta E_{pi_x} log q_x(E(y))) - C*(-beta log q).

    For a fixed target the best responses separate by prompt: pi_x is proportional to
    pi_0x(y) exp(r_x(E(y)) / beta) q_x(E(y)).

    Attributes:
        prompts: The prompts, a batch of shape (X,), with the rewards r of a `Linear` functional.
        coupling: The function C.
        shares: Weight s of each prompt, [X], summing to 1.
        reachable: Which answers policies of finite objective can use, bool [X, Z].

    Source:
        (paper, sections 4 and D)
    """

    def __init__(self, prompts: AlignmentGame, coupling: Coupling, shares: Numbers | None = None) -> None:
        """Make the game.

        Args:
            prompts: A batch of prompts; its functional must be `Linear` (of rewards 0 where there is no reward).
            coupling: The function C of all marginals.
            shares: Weight of each prompt, [X], summing to 1; equal by default.

        Raises:
            ShapeError: If `prompts` is not a batch, or if there is not one share per prompt.
            DomainError: If `prompts` is not a game, its functional is not `Linear`, `coupling` is not a Coupling, or a
                share is 0.
        """
        if not isinstance(prompts, AlignmentGame):
            raise DomainError(f"`prompts` must be an AlignmentGame of several prompts, not {type(prompts).__name__}.")
        if len(prompts.batch) != 1:
            raise ShapeError(f"`prompts` must be a batch [X, Y] of prompts; its batch shape is {prompts.batch}.")
        if not isinstance(prompts.functional, Linear):
            raise DomainError(
                f"`prompts.functional` must be Linear, not {type(prompts.functional).__name__}. State a "
                "term that is not linear as a Coupling, which is a function of all marginals; without a term that "
                "couples the prompts, use `dagames.solve(prompts)`."
            )
        n = prompts.batch[0]
        self.prompts = prompts
        self.coupling = coupling
        self.shares: PerPrompt = simplex.as_distribution(np.full(n, 1 / n) if shares is None else shares, "shares")
        if self.shares.shape != (n,):
            raise ShapeError(f"`shares` has shape {self.shares.shape}; there are {n} prompts.")
        if (self.shares == 0).any():
            raise DomainError("`shares` has a 0; every share must be above 0. Omit the prompt instead.")
        if not isinstance(coupling, Coupling):
            raise DomainError(f"`coupling` must be a Coupling, not {type(coupling).__name__}.")
        coupling.check_fits(prompts.reachable, self.shares)
        self.reachable: Reachable = coupling.allowed(prompts.reachable, self.shares)

    @property
    def tilted(self) -> OverAnswers:
        """Log of nu_0 exp(r / beta), not normalised, [X, Z]; -inf where unreachable."""
        return np.asarray(np.where(self.reachable, self.prompts.log_nu_0 + self._nats, -np.inf))

    @property
    def _nats(self) -> OverAnswers:
        """The rewards over beta, [X, Z]."""
        return np.asarray(-self.prompts.functional.gradient(self.prompts.nu_0) / self.prompts.beta)

    def log_best_marginal(self, log_q: OverAnswers) -> OverAnswers:
        """Compute the log-marginals of the Policy's best response to exp(log_q), prompt by prompt.

        Args:
            log_q: Log-target, [X, Z], finite on every reachable answer; need not be normalised.

        Returns:
            Log answer marginals, [X, Z]; -inf where unreachable.
        """
        return simplex.log_normalize(self.tilted + np.where(self.reachable, log_q, 0.0))

    def certify(self, log_pi: OverTraces, log_q: OverAnswers) -> Certificate:
        """Bound the suboptimality of a policy by the dual value of a target.

        Args:
            log_pi: Log-policy, [X, Y].
            log_q: Log-target, [X, Z], finite on every reachable answer; need not be normalised.

        Returns:
            The certificate, one number for the batch. Its gap is relative to max(1, |R + C|, beta KL), averaged over
            prompts; its residuals are the violations of the constraints. Raises a CertificateError if the dual value
            exceeds the primal value by more than rounding, as with a wrong conjugate of the coupling.
        """
        log_nu = simplex.pushforward(log_pi, self.prompts.E, self.prompts.n_answers)
        return self._certify(log_nu, simplex.kl_from_logs(log_pi, self.prompts.log_pi_0), log_q)

    def certify_marginal(self, log_nu: OverAnswers, log_q: OverAnswers) -> Certificate:
        """Bound the suboptimality of the policy `lift(log_nu)`, without computing it.

        Args:
            log_nu: Log answer marginals, [X, Z]; -inf where unreachable.
            log_q: Log-target, [X, Z], finite on every reachable answer.

        Returns:
            The certificate; raises the errors of `certify`.
        """
        return self._certify(log_nu, simplex.kl_from_logs(log_nu, self.prompts.log_nu_0), log_q)

    def objective(self, pi: Numbers) -> float:
        """Compute J(pi), averaged over prompts.

        Args:
            pi: Probabilities of traces, [X, Y].

        Returns:
            J in R-units; +inf if a constraint is violated or a trace of reference probability 0 has mass.
        """
        prompts = self.prompts
        log_pi = prompts.reference.as_log_policy(pi)
        nu = np.exp(simplex.pushforward(log_pi, prompts.E, prompts.n_answers))
        separate = prompts.functional.value(nu) + prompts.beta * simplex.kl_from_logs(log_pi, prompts.log_pi_0)
        return float(self.shares @ separate) + self.coupling.value(nu, self.shares)

    def lift(self, log_nu: OverAnswers, *, in_logs: bool = True) -> OverTraces | RaggedTraces:
        """Compute the policies of least divergence to their references whose answer marginals are exp(log_nu).

        Args:
            log_nu: Log answer marginals, [X, Z], -inf where unreachable.
            in_logs: Whether to return log-probabilities.

        Returns:
            Probabilities of traces or their logarithms, [X, Y]; one array [Y_x] per prompt of a ragged batch.
        """
        return self.prompts.lift(log_nu, in_logs=in_logs)

    def _certify(self, log_nu: OverAnswers, divergence: PerPrompt, log_q: OverAnswers) -> Certificate:
        nu, beta = np.exp(log_nu), self.prompts.beta
        value = float(self.shares @ self.prompts.functional.value(nu)) + self.coupling.value(nu, self.shares)
        cost = beta * float(self.shares @ divergence)
        reachable_log_q = np.where(self.reachable, log_q, np.nan)
        low, high = np.nanmin(reachable_log_q, axis=-1), np.nanmax(reachable_log_q, axis=-1)
        spread = beta * float(self.shares @ (high - low))
        # A violation of a budget lowers the objective by at most the violation times the range of -beta log q.
        slack = spread * (1 + _tolerances.FEASIBILITY / _tolerances.ROUNDING)
        certificate = certify(
            value=np.asarray(value),
            divergence=np.asarray(cost),
            dual=np.asarray(self.dual_value(log_q)),
            rounded=np.asarray(max(abs(self._potential(log_q)), slack)),
            of=self.coupling,
        )
        return replace(certificate, residuals=self.coupling.residuals(nu, self.shares))

    def _potential(self, log_q: OverAnswers) -> float:
        finite_log_q = np.where(self.reachable, log_q, 0.0)
        u = np.where(self.reachable, -self.prompts.beta * finite_log_q, -np.inf)
        return self.coupling.conjugate(u, self.shares)

    def dual_value(self, log_q: OverAnswers) -> float:
        """Compute min over policies of G(., q), a lower bound on the game's value.

        Args:
            log_q: Log-target, [X, Z], finite on every reachable answer; need not be normalised.

        Returns:
            The bound, in R-units.
        """
        log_mass = simplex.log_mean(self.prompts.log_nu_0, np.where(self.reachable, self._nats + log_q, -np.inf))
        return float(-self.prompts.beta * (self.shares @ log_mass)) - self._potential(log_q)
