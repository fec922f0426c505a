"""The distributional alignment game between a Policy over traces and a Target distribution over answers."""

from collections.abc import Sequence
from typing import SupportsIndex

import numpy as np

from dagames import simplex
from dagames._types import Numbers, OverAnswers, OverTraces, PerPrompt, RaggedTraces, Reachable
from dagames.functionals import Functional
from dagames.functionals.base import reachable_answers
from dagames.functionals.nonconvex import as_functional
from dagames.functionals.slopes import finite_slope
from dagames.games.base import TraceGame
from dagames.games.certificate import Certificate, certify
from dagames.games.reference import Reference
from dagames.numerics.float_errors import with_default_errors_in


@with_default_errors_in
class AlignmentGame(TraceGame):
    """The alignment game of one prompt, or of a batch of prompts.

    Math:
        J(pi) = R(nu_pi) + beta KL(pi || pi_0),   nu_pi(z) = sum of pi over the traces whose answer is z,
        G(pi, q) = beta KL(pi || pi_0) - beta E_pi log q(E(y)) - R*(-beta log q),
        min over pi of J = min over pi of sup over q of G.

    The Policy minimises G and the Target maximises it. An answer is *unreachable* if no trace of positive reference
    mass gives it, or if the functional does not allow it: R is restricted to the face of the simplex without it, and
    its entry in a target is ignored. All values have one entry per prompt, [*x].

    Attributes:
        reference: The reference pi_0 over traces, and the answer of each.
        functional: The functional R.
        beta: Weight of the divergence to the reference, in R-units per nat.
        n_answers: Number of answers |Z|.
        log_nu_0: Log of the reference's answer marginal, [*x, Z]; -inf where no trace gives the answer.
        reachable: Which answers a policy of finite objective can use, bool [*x, Z].

    Source:
        (paper, section 2, eq. 1 and 3, Thm 2.1)

    >>> from dagames.functionals import Linear
    >>> game = AlignmentGame([0.5, 0.25, 0.25], [0, 1, 1], Linear([0.0, 1.0]), beta=0.5)
    >>> float(game.objective([0.5, 0.25, 0.25]))
    -0.5
    """

    def __init__(
        self, pi_0: Numbers, E: Numbers, functional: Functional, beta: float, *, n_answers: SupportsIndex | None = None
    ) -> None:
        """Make the game from the probabilities of the reference.

        Args:
            pi_0: Reference probabilities of traces, [Y] or [X, Y].
            E: Answer of each trace, an index: [Y] (shared by every prompt) or pi_0's shape.
            functional: The functional R to be minimised.
            beta: Weight of KL(pi || pi_0), above 0.
            n_answers: Number of answers |Z|; by default the largest index in `E` plus one.
        """
        self._build(Reference(pi_0, E, n_answers, in_logs=False), functional, beta)

    @classmethod
    def from_log(
        cls,
        log_pi_0: Numbers,
        E: Numbers,
        functional: Functional,
        beta: float,
        *,
        n_answers: SupportsIndex | None = None,
    ) -> "AlignmentGame":
        """Make the game from the log-probabilities of the reference; masses may be below 1e-308.

        Args:
            log_pi_0: Log-probabilities of traces, [Y] or [X, Y]; -inf for probability 0.
            E: Answer of each trace, as in the constructor.
            functional: The functional R to be minimised.
            beta: Weight of KL(pi || pi_0), above 0.
            n_answers: Number of answers |Z|; by default the largest index in `E` plus one.

        Returns:
            The game.
        """
        game = cls.__new__(cls)
        game._build(Reference(log_pi_0, E, n_answers, in_logs=True), functional, beta)
        return game

    @classmethod
    def ragged(
        cls,
        pi_0: Sequence[Numbers],
        E: Sequence[Numbers],
        functional: Functional,
        beta: float,
        *,
        n_answers: SupportsIndex | None = None,
    ) -> "AlignmentGame":
        """Make the game of a batch of prompts with unequal numbers of traces.

        An answer without a trace in a prompt is unreachable for that prompt. A policy is a list of one array per
        prompt, or an array [X, Y] with Y the largest number of traces, padded with probability 0.

        Args:
            pi_0: Probabilities of each prompt's traces, X arrays [Y_x].
            E: Answer of each trace, X arrays [Y_x].
            functional: The functional R to be minimised.
            beta: Weight of KL(pi || pi_0), above 0.
            n_answers: Number of answers |Z|; by default the largest index in `E` plus one.

        Returns:
            The game.

        >>> from dagames.functionals import Linear
        >>> game = AlignmentGame.ragged([[1.0], [0.5, 0.5]], [[0], [0, 1]], Linear([0.0, 1.0]), beta=1.0)
        >>> game.nu_0
        array([[1. , 0. ],
               [0.5, 0.5]])
        """
        game = cls.__new__(cls)
        game._build(Reference.ragged(pi_0, E, n_answers), functional, beta)
        return game

    def _build(self, reference: Reference, functional: Functional, beta: float) -> None:
        self.beta = simplex.as_positive(beta, "beta")
        self.reference = reference
        self.n_answers = reference.n_answers
        self.functional = as_functional(functional, self.beta)
        functional.check_fits(self.batch, self.n_answers)
        self.log_nu_0: OverAnswers = reference.log_nu_0
        self.reachable: Reachable = reachable_answers(functional, np.isfinite(self.log_nu_0))
        self._all_reachable = bool(self.reachable.all())

    @property
    def nu_0(self) -> OverAnswers:
        """The reference's answer marginal, [*x, Z]."""
        return np.asarray(np.exp(self.log_nu_0))

    @property
    def log_reference(self) -> OverAnswers:
        """Log of the reference's marginal conditioned on the reachable answers, [*x, Z]; -inf elsewhere."""
        return simplex.log_normalize(self._where_reachable(self.log_nu_0, -np.inf))

    def reduced(self) -> "AlignmentGame":
        """Return the game whose traces are the answers themselves, with reference nu_0.

        Among policies with a given marginal nu, the divergence to pi_0 is least for pi_0(y) nu(E(y)) / nu_0(E(y)),
        where it equals KL(nu || nu_0). Hence both games have the same value. Solvers work on the reduced game.

        Returns:
            The game with |Y| = |Z|.
        """
        return self.at_prompts(slice(None)) if self.batch else self._on_answers(self.log_nu_0, self.functional)

    def at_prompts(self, prompts: slice) -> "AlignmentGame":
        """Return the reduced game of some prompts of a batch.

        Args:
            prompts: Indices of the prompts, a slice of 0..X-1.

        Returns:
            The game with |Y| = |Z|; its functional has the parameters of those prompts.
        """
        return self._on_answers(self.log_nu_0[prompts], self.functional.at_prompts(prompts))

    def _on_answers(self, log_nu_0: OverAnswers, functional: Functional) -> "AlignmentGame":
        game = type(self).__new__(type(self))
        game._build(Reference.of_answers(log_nu_0), functional, self.beta)
        return game

    def lift(self, log_nu: OverAnswers, *, in_logs: bool = True) -> OverTraces | RaggedTraces:
        """Compute pi_0(y) nu(E(y)) / nu_0(E(y)), the policy nearest the reference with marginal nu = exp(log_nu).

        Args:
            log_nu: Log of an answer marginal, [*x, Z], -inf where unreachable.
            in_logs: Whether to return log-probabilities.

        Returns:
            Probabilities of traces or their logarithms, [*x, Y]; one array [Y_x] per prompt of a ragged batch.
        """
        return self.reference.lift(log_nu, in_logs=in_logs)

    def log_ratio(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute log(nu / nu_0), the log of the factor by which `lift` multiplies the traces of each answer.

        If the reference's probabilities sum to 1 + d instead of 1, the factor is nu / ((1 + d) nu_0).

        Args:
            log_nu: Log of an answer marginal, [*x, Z], -inf where unreachable.

        Returns:
            Log-factors, [*x, Z]; -inf where unreachable.
        """
        return self.reference.log_ratio(log_nu)

    def objective(self, pi: Numbers) -> PerPrompt:
        """Compute J(pi) = R(nu_pi) + beta KL(pi || pi_0).

        Args:
            pi: Probabilities of traces, [*x, Y].

        Returns:
            J, [*x], in R-units; +inf where pi uses a trace that the reference excludes.
        """
        log_pi = self.reference.as_log_policy(pi)
        value = self.functional.value(np.exp(self._log_marginal(log_pi)))
        return np.asarray(value + self.beta * simplex.kl_from_logs(log_pi, self.log_pi_0))

    def payoff(self, pi: Numbers, q: Numbers) -> PerPrompt:
        """Compute G(pi, q), which the Policy minimises and the Target maximises.

        Args:
            pi: Probabilities of traces, [*x, Y].
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer.

        Returns:
            G, [*x], in R-units.
        """
        log_pi, log_q = self.reference.as_log_policy(pi), simplex.as_log_target(q, self.reachable)
        log_nu = self._log_marginal(log_pi)
        # Mass on an unreachable answer costs +inf, whatever the entry of q.
        log_target = np.where(self.reachable, log_q, np.where(np.isfinite(log_nu), -np.inf, 0.0))
        coupling = (np.exp(log_nu) * log_target).sum(axis=-1)
        divergence = simplex.kl_from_logs(log_pi, self.log_pi_0)
        return np.asarray(self.beta * divergence - self.beta * coupling - self._potential(log_q))

    def potential(self, q: Numbers) -> PerPrompt:
        """Compute Psi(q) = R*(-beta log q).

        Args:
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer.

        Returns:
            Psi, [*x], in R-units.
        """
        return self._potential(simplex.as_log_target(q, self.reachable))

    def best_policy(self, q: Numbers) -> OverTraces:
        """Compute the Policy's best response to `q`.

        Math:
            pi(y) proportional to pi_0(y) q(E(y)).

        Args:
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer.

        Returns:
            Probabilities of traces, [*x, Y].

        Source:
            (paper, Thm 2.1, part 2)
        """
        return np.asarray(np.exp(self.log_best_policy(simplex.as_log_target(q, self.reachable))))

    def best_target(self, pi: Numbers) -> OverAnswers:
        """Compute the best response of the Target to `pi` that the gradient (or a subgradient) of R gives.

        Math:
            q(z) proportional to exp(-grad R(nu_pi)(z) / beta).

        Args:
            pi: Probabilities of traces, [*x, Y].

        Returns:
            Probabilities of answers, [*x, Z]; 0 where unreachable.
        """
        log_nu = self._log_marginal(self.reference.as_log_policy(pi))
        return np.asarray(np.exp(self.log_best_target(log_nu)))

    def gap(self, pi: Numbers, q: Numbers) -> PerPrompt:
        """Compute the duality gap J(pi) - min over policies of G(., q), an upper bound on J(pi) - min J.

        Args:
            pi: Probabilities of traces, [*x, Y].
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer.

        Returns:
            The gap, [*x], in R-units, at least 0 up to rounding.
        """
        log_q = simplex.as_log_target(q, self.reachable)
        return np.asarray(self.objective(pi) + self.beta * self._log_mass(log_q) + self._potential(log_q))

    def log_best_policy(self, log_q: OverAnswers) -> OverTraces:
        """Compute the log of the best response, [*x, Y], to a log-target, [*x, Z], finite where reachable."""
        return simplex.log_normalize(simplex.lift(self.log_pi_0, self.E, np.where(self.reachable, log_q, -np.inf)))

    def log_best_target(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute the log of a best response of the Target to the marginal exp(log_nu).

        Args:
            log_nu: Log of an answer marginal, [*x, Z].

        Returns:
            Log-probabilities of answers, [*x, Z]; -inf where unreachable.

        Raises:
            DomainError: If R has no finite slope at a reachable answer, so that the supremum is not attained.
            CertificateError: If the functional's gradient is not a number.
        """
        slope = finite_slope(self.functional, log_nu, self.reachable, np.inf)
        return simplex.log_normalize(-slope / self.beta)

    def certify(self, log_pi: OverTraces, log_q: OverAnswers) -> Certificate:
        """Bound the suboptimality of a policy: the primal value from its traces, the dual bound from a target.

        Args:
            log_pi: Log-probabilities of traces, [*x, Y].
            log_q: Log-target, [*x, Z], finite on every reachable answer.

        Returns:
            The certificate; `gap` is relative to max(1, |R|, beta KL).

        Raises:
            CertificateError: If the functional breaks the Fenchel-Young inequality, or yields NaN.
        """
        log_nu = self._log_marginal(log_pi)
        return self._certify(log_nu, simplex.kl_from_logs(log_pi, self.log_pi_0), log_q)

    def certify_marginal(self, log_nu: OverAnswers, log_q: OverAnswers) -> Certificate:
        """Bound the suboptimality of the policy `lift(log_nu)`, whose divergence to pi_0 is KL(nu || nu_0).

        Args:
            log_nu: Log of an answer marginal, [*x, Z]; -inf where unreachable.
            log_q: Log-target, [*x, Z], finite on every reachable answer.

        Returns:
            The certificate; raises the errors of `certify`.
        """
        return self._certify(log_nu, simplex.kl_from_logs(log_nu, self.log_nu_0), log_q)

    def marginal_objective(self, log_nu: OverAnswers) -> PerPrompt:
        """Compute R(nu) + beta KL(nu || nu_0), the objective of the policy `lift(log_nu)`.

        Args:
            log_nu: Log of an answer marginal, [*x, Z]; -inf where unreachable.

        Returns:
            J, [*x], in R-units.
        """
        value = self.functional.value(np.exp(log_nu))
        return np.asarray(value + self.beta * simplex.kl_from_logs(log_nu, self.log_nu_0))

    def _certify(self, log_nu: OverAnswers, divergence: PerPrompt, log_q: OverAnswers) -> Certificate:
        value = np.asarray(self.functional.value(np.exp(log_nu)))
        # G is the same for multiples of q. With sum nu_0 q = 1, no two terms of the size of -beta log q cancel.
        log_mass = self._log_mass(log_q)[..., None]
        shifted = self._where_reachable(log_q, 0.0) - log_mass
        dual = -self.beta * self._log_mass(shifted) - self._potential(shifted)
        # The 1 accounts for the rounding of the divergence.
        largest = 1.0 + np.abs(self._where_reachable(shifted, 0.0)).max(axis=-1)
        return certify(
            value=value,
            divergence=np.asarray(self.beta * divergence),
            dual=np.asarray(dual),
            rounded=np.asarray(self.beta * largest),
            of=self.functional,
        )

    def _potential(self, log_q: OverAnswers) -> PerPrompt:
        u = self._where_reachable(-self.beta * self._where_reachable(log_q, 0.0), -np.inf)
        return np.asarray(self.functional.conjugate(u))

    def _log_mass(self, log_q: OverAnswers) -> PerPrompt:
        return simplex.log_mean(self.log_nu_0, self._where_reachable(log_q, -np.inf))

    def _where_reachable(self, values: OverAnswers, fill: float) -> OverAnswers:
        return values if self._all_reachable else np.where(self.reachable, values, fill)
