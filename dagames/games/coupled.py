"""Games whose prompts are tied together: one consensus over an orbit, one multiplier over a batch."""

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, ShapeError
from dagames._types import Numbers, OverAnswers, OverTraces, PerPrompt, RaggedTraces, Reachable
from dagames.functionals import Linear
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate, certify_gap
from dagames.numerics.float_errors import with_default_errors_in


class Coupling(ABC):
    """A convex function C of the answer marginals of all prompts at once, with its conjugate.

    Math:
        C*(u) = sup over nu, one distribution per prompt, of sum_x s_x <nu_x, u_x> - C(nu),

    with s the prompts' shares. Conventions as for a `Functional`: an entry -inf of `u` forbids that answer of that
    prompt. To add one, implement the methods below; its games are solved by `dagames.solvers`.
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

    def usable(self, reachable: Reachable, shares: PerPrompt) -> Reachable:
        """Mark the reachable answers that policies of finite C may use, bool [X, Z]."""
        return reachable

    def residuals(self, nu: OverAnswers, shares: PerPrompt) -> dict[str, float]:
        """Measure how far marginals are from meeting the coupling's constraints, by name; nothing by default."""
        return {}


@with_default_errors_in
class CoupledGame:
    """A batch of prompts whose answer marginals enter one convex function together.

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
        """Tie prompts together.

        Args:
            prompts: A batch of prompts; its functional must be `Linear` (of rewards 0 where there is no reward).
            coupling: The function that sees all marginals.
            shares: Weight of each prompt, [X], summing to 1; equal by default.

        Raises:
            ShapeError: If `prompts` is not a batch, or if there is not one share per prompt.
            DomainError: If `prompts` is no game, the functional is not `Linear`, the coupling none, or a share 0.
        """
        if not isinstance(prompts, AlignmentGame):
            raise DomainError(f"`prompts` must be an AlignmentGame of several prompts, not {type(prompts).__name__}.")
        if len(prompts.batch) != 1:
            raise ShapeError(f"`prompts` must be a batch [X, Y] of prompts; its batch shape is {prompts.batch}.")
        if not isinstance(prompts.functional, Linear):
            raise DomainError(
                f"`prompts.functional` must be Linear, not {type(prompts.functional).__name__}: what is not linear "
                "belongs into the coupling, which sees every marginal. Prompts that share nothing are solved by "
                "`dagames.solve(prompts)`."
            )
        n = prompts.batch[0]
        self.prompts = prompts
        self.coupling = coupling
        self.shares: PerPrompt = simplex.as_distribution(np.full(n, 1 / n) if shares is None else shares, "shares")
        if self.shares.shape != (n,):
            raise ShapeError(f"`shares` has shape {self.shares.shape}; there are {n} prompts.")
        if (self.shares == 0).any():
            raise DomainError("`shares` has a 0; leave that prompt out instead.")
        if not isinstance(coupling, Coupling):
            raise DomainError(f"`coupling` must be a Coupling, not {type(coupling).__name__}.")
        coupling.check_fits(prompts.reachable, self.shares)
        self.reachable: Reachable = coupling.usable(prompts.reachable, self.shares)

    @property
    def tilted(self) -> OverAnswers:
        """Log of nu_0 exp(r / beta), not normalised, [X, Z]; -inf where unreachable."""
        rewards = -self.prompts.functional.gradient(self.prompts.nu_0)
        return np.asarray(np.where(self.reachable, self.prompts.log_nu_0 + rewards / self.prompts.beta, -np.inf))

    def log_best_marginal(self, log_q: OverAnswers) -> OverAnswers:
        """Compute the log-marginals of the Policy's best response to exp(log_q), prompt by prompt.

        Args:
            log_q: Log-target, [X, Z], finite on every reachable answer; its normalisation does not matter.

        Returns:
            Log answer marginals, [X, Z]; -inf where unreachable.
        """
        said = np.where(self.reachable, log_q, 0.0)
        return simplex.log_normalize(self.tilted + said)

    def certify(self, log_pi: OverTraces, log_q: OverAnswers) -> Certificate:
        """Bound the suboptimality of a policy by the dual value of a target.

        Args:
            log_pi: Log-policy, [X, Y].
            log_q: Log-target, [X, Z], finite on every reachable answer; its normalisation does not matter.

        Returns:
            The certificate, of one number; its gap is relative to max(1, |R + C|, beta KL), both averaged over prompts,
            and its residuals say how far constraints are broken. A CertificateError if the dual value exceeds the
            primal beyond rounding, which is a fault of the coupling.
        """
        log_nu = simplex.pushforward(log_pi, self.prompts.E, self.prompts.n_answers)
        return self._certify(log_nu, simplex.kl_from_logs(log_pi, self.prompts.log_pi_0), log_q)

    def certify_marginal(self, log_nu: OverAnswers, log_q: OverAnswers) -> Certificate:
        """Bound the suboptimality of the policy `lift(log_nu)`, without a look at its traces.

        Args:
            log_nu: Log answer marginals, [X, Z]; -inf where unreachable.
            log_q: Log-target, [X, Z], finite on every reachable answer.

        Returns:
            The certificate, with the errors of `certify`.
        """
        return self._certify(log_nu, simplex.kl_from_logs(log_nu, self.prompts.log_nu_0), log_q)

    def objective(self, pi: Numbers) -> float:
        """Compute J(pi), averaged over prompts.

        Args:
            pi: Probabilities of traces, [X, Y].

        Returns:
            J in R-units; +inf where constraints are broken or a trace is used that the reference excludes.
        """
        prompts = self.prompts
        log_pi = prompts.reference.as_log_policy(pi)
        nu = np.exp(simplex.pushforward(log_pi, prompts.E, prompts.n_answers))
        own = prompts.functional.value(nu) + prompts.beta * simplex.kl_from_logs(log_pi, prompts.log_pi_0)
        return float(self.shares @ own) + self.coupling.value(nu, self.shares)

    def lift(self, log_nu: OverAnswers, *, in_logs: bool = True) -> OverTraces | RaggedTraces:
        """Find the policies nearest the references whose answer marginals are exp(log_nu).

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
        said = np.where(self.reachable, log_q, np.nan)
        spread = beta * float(self.shares @ (np.nanmax(said, axis=-1) - np.nanmin(said, axis=-1)))
        # What a policy saves by exceeding a budget within the tolerance is at most that at the target's prices.
        slack = spread * (1 + _tolerances.FEASIBILITY / _tolerances.ROUNDING)
        certificate = certify_gap(
            primal=np.asarray(value + cost),
            dual=np.asarray(self.dual_value(log_q)),
            scale=np.asarray(max(1.0, abs(value), cost)),
            rounded=np.asarray(max(abs(self._potential(log_q)), slack)),
            name=type(self.coupling).__name__,
            foreign=not type(self.coupling).__module__.startswith("dagames."),
        )
        return replace(certificate, residuals=self.coupling.residuals(nu, self.shares))

    def _potential(self, log_q: OverAnswers) -> float:
        said = np.where(self.reachable, log_q, 0.0)
        return self.coupling.conjugate(np.where(self.reachable, -self.prompts.beta * said, -np.inf), self.shares)

    def dual_value(self, log_q: OverAnswers) -> float:
        """Compute min over policies of G(., q), a lower bound on the game's value.

        Args:
            log_q: Log-target, [X, Z], finite on every reachable answer; its normalisation does not matter.

        Returns:
            The bound, in R-units.
        """
        said = np.where(self.reachable, log_q, 0.0)
        log_mass = simplex.log_sum(self.tilted + said)
        return float(-self.prompts.beta * (self.shares @ log_mass)) - self._potential(log_q)
