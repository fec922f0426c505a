"""The distributional alignment game between a Policy over traces and a Target distribution over answers."""

import numpy as np
from scipy.special import logsumexp

from dagames import _tolerances, simplex
from dagames._errors import CertificateError, DomainError, InfeasibleError, ShapeError
from dagames._types import Extraction, Numbers, OverAnswers, OverTraces, PerPrompt, Reachable
from dagames.certificates import Certificate
from dagames.functionals import Functional


class AlignmentGame:
    """One prompt, or a batch of prompts, whose answers are to be aligned.

    Math:
        J(pi) = R(nu_pi) + beta KL(pi || pi_0),   nu_pi(z) = sum of pi over the traces whose answer is z,
        G(pi, q) = beta KL(pi || pi_0) - beta E_pi log q(E(y)) - R*(-beta log q),
        min over pi of J = min over pi of sup over q of G.

    The Policy minimises and the Target maximises G. Answers that no trace of positive reference mass gives are
    *unreachable*, and so are answers that the functional does not allow: no policy of finite objective uses them, R
    is restricted to the face of the simplex without them, and what a target says of them is ignored. All values come
    one per prompt, [*x].

    Attributes:
        log_pi_0: Log of the reference over traces, [*x, Y].
        E: Answer of each trace, [*x, Y] or [Y].
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
        self, pi_0: Numbers, E: Numbers, functional: Functional, beta: float, *, n_answers: int | None = None
    ) -> None:
        """State the game.

        Args:
            pi_0: Reference probabilities of traces, [Y] or [X, Y].
            E: Answer of each trace, an index: [Y] (shared by every prompt) or pi_0's shape.
            functional: The functional R to be minimised.
            beta: Weight of KL(pi || pi_0), above 0.
            n_answers: Number of answers |Z|; by default the largest index in `E` plus one.
        """
        with np.errstate(divide="ignore"):
            log_pi_0 = np.log(simplex.as_distribution(pi_0, "pi_0"))
        self._build(log_pi_0, E, functional, beta, n_answers)

    @classmethod
    def from_log(
        cls, log_pi_0: Numbers, E: Numbers, functional: Functional, beta: float, *, n_answers: int | None = None
    ) -> "AlignmentGame":
        """State the game by the log of its reference, whose probabilities may lie below float64's least number.

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
        game._build(simplex.as_log_distribution(log_pi_0, "log_pi_0"), E, functional, beta, n_answers)
        return game

    def _build(
        self, log_pi_0: OverTraces, E: Numbers, functional: Functional, beta: float, n_answers: int | None
    ) -> None:
        self.beta = simplex.as_positive(beta, "beta")
        self.log_pi_0 = log_pi_0
        self.E: Extraction
        if n_answers is not None and (isinstance(n_answers, bool) or not isinstance(n_answers, int) or n_answers < 1):
            raise DomainError(f"`n_answers` must be an integer of at least 1, not {n_answers!r}.")
        self.E, self.n_answers = simplex.as_extraction(E, log_pi_0.shape, n_answers)
        if not isinstance(functional, Functional):
            raise DomainError(f"`functional` must be a Functional, not {type(functional).__name__}.")
        functional.check_fits(self.batch, self.n_answers)
        self.functional = functional
        self.log_nu_0 = simplex.pushforward(log_pi_0, self.E, self.n_answers)
        self.reachable: Reachable = np.isfinite(self.log_nu_0)
        functional.check_reachable(self.reachable)
        self.reachable = functional.usable(self.reachable)
        if not self.reachable.any(axis=-1).all():
            raise InfeasibleError(
                f"{type(functional).__name__} allows none of the answers that the reference reaches, so every policy "
                "has an infinite objective."
            )

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the prompts: () for one, (X,) for a batch."""
        return self.log_pi_0.shape[:-1]

    @property
    def nu_0(self) -> OverAnswers:
        """The reference's answer marginal, [*x, Z]."""
        return np.asarray(np.exp(self.log_nu_0))

    @property
    def log_reference(self) -> OverAnswers:
        """Log of the reference's marginal conditioned on the reachable answers, [*x, Z]; -inf elsewhere."""
        return simplex.log_normalize(np.where(self.reachable, self.log_nu_0, -np.inf))

    def reduced(self) -> "AlignmentGame":
        """Return the same game played on answers: a trace is an answer, the reference is nu_0.

        Among policies with a given marginal nu the divergence to pi_0 is least for pi_0(y) nu(E(y)) / nu_0(E(y)),
        where it equals KL(nu || nu_0); so both games have the same value, and solvers only ever see this one.

        Returns:
            The game with |Y| = |Z|.
        """
        log_nu_0 = simplex.log_normalize(self.log_nu_0)
        return type(self).from_log(log_nu_0, np.arange(self.n_answers), self.functional, self.beta)

    def lift(self, log_nu: OverAnswers) -> OverTraces:
        """Find the log-policy nearest the reference whose answer marginal is exp(log_nu).

        Args:
            log_nu: Log of an answer marginal, [*x, Z], -inf where unreachable.

        Returns:
            Log-probabilities of traces, [*x, Y].
        """
        ratio = np.where(self.reachable, log_nu - np.where(self.reachable, self.log_nu_0, 0.0), -np.inf)
        return simplex.log_normalize(simplex.lift(self.log_pi_0, self.E, ratio))

    def marginal(self, pi: Numbers) -> OverAnswers:
        """Compute the answer marginal nu_pi of a policy.

        Args:
            pi: Probabilities of traces, [*x, Y].

        Returns:
            Probabilities of answers, [*x, Z].
        """
        return np.asarray(np.exp(simplex.pushforward(self._as_log_policy(pi), self.E, self.n_answers)))

    def objective(self, pi: Numbers) -> PerPrompt:
        """Compute J(pi) = R(nu_pi) + beta KL(pi || pi_0).

        Args:
            pi: Probabilities of traces, [*x, Y].

        Returns:
            J, [*x], in R-units; +inf where pi uses a trace that the reference excludes.
        """
        return self._objective(self._as_log_policy(pi))[0]

    def payoff(self, pi: Numbers, q: Numbers) -> PerPrompt:
        """Compute G(pi, q), which the Policy minimises and the Target maximises.

        Args:
            pi: Probabilities of traces, [*x, Y].
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer.

        Returns:
            G, [*x], in R-units.
        """
        log_pi, log_q = self._as_log_policy(pi), self._as_log_target(q)
        log_nu = simplex.pushforward(log_pi, self.E, self.n_answers)
        # A policy that uses an answer which is not allowed pays an infinite price, whatever q says of it.
        said = np.where(self.reachable, log_q, np.where(np.isfinite(log_nu), -np.inf, 0.0))
        coupling = (np.exp(log_nu) * said).sum(axis=-1)
        divergence = simplex.kl_from_logs(log_pi, self.log_pi_0)
        return np.asarray(self.beta * divergence - self.beta * coupling - self._potential(log_q))

    def potential(self, q: Numbers) -> PerPrompt:
        """Compute Psi(q) = R*(-beta log q).

        Args:
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer.

        Returns:
            Psi, [*x], in R-units.
        """
        return self._potential(self._as_log_target(q))

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
        return np.asarray(np.exp(self.log_best_policy(self._as_log_target(q))))

    def best_target(self, pi: Numbers) -> OverAnswers:
        """Compute a best response of the Target to `pi`, from a subgradient of R at nu_pi.

        Math:
            q(z) proportional to exp(-grad R(nu_pi)(z) / beta).

        Args:
            pi: Probabilities of traces, [*x, Y].

        Returns:
            Probabilities of answers, [*x, Z]; 0 where unreachable.
        """
        log_nu = simplex.pushforward(self._as_log_policy(pi), self.E, self.n_answers)
        return np.asarray(np.exp(self.log_best_target(log_nu)))

    def gap(self, pi: Numbers, q: Numbers) -> PerPrompt:
        """Compute the duality gap J(pi) - min over policies of G(., q), an upper bound on J(pi) - min J.

        Args:
            pi: Probabilities of traces, [*x, Y].
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer.

        Returns:
            The gap, [*x], in R-units, at least 0 up to rounding.
        """
        return np.asarray(self.objective(pi) - self._dual(self._as_log_target(q)))

    def log_best_policy(self, log_q: OverAnswers) -> OverTraces:
        """Compute the log of the Policy's best response to exp(log_q), which may underflow.

        Args:
            log_q: Log-target, [*x, Z], finite on every reachable answer; its normalisation does not matter.

        Returns:
            Log-probabilities of traces, [*x, Y].
        """
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
        slope = np.where(self.reachable, self.functional.gradient_at_log(log_nu), np.inf)
        if np.isnan(slope).any():
            raise CertificateError(f"{type(self.functional).__name__}.gradient returned NaN.")
        bad = self.reachable & ~np.isfinite(slope)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise DomainError(
                f"no best target exists: {type(self.functional).__name__} has slope {slope[place]} at answer "
                f"{place[-1]}, whose mass is {np.exp(log_nu[place]):g}. The supremum over targets is approached, not "
                "attained (claim I.3); give every reachable answer positive mass."
            )
        return simplex.log_normalize(-slope / self.beta)

    def certify(self, log_pi: OverTraces, log_q: OverAnswers) -> Certificate:
        """Bound how far a policy is from optimal: primal from the traces, dual from the conjugate alone.

        Args:
            log_pi: Log-probabilities of traces, [*x, Y].
            log_q: Log-target, [*x, Z], finite on every reachable answer.

        Returns:
            The certificate; `gap` is relative to max(1, |R|, beta KL).

        Raises:
            CertificateError: If a user's functional breaks the Fenchel-Young inequality, or yields NaN.
            AssertionError: If one of this package's does: that is a bug here.
        """
        primal, value, divergence = self._objective(log_pi)
        dual = self._dual(log_q)
        scale = np.maximum(1.0, np.maximum(np.abs(value), self.beta * divergence))
        # A policy of infinite objective is infinitely far, also relatively: infinity over infinity must not be NaN.
        finite = np.isfinite(scale)
        gap = np.where(finite, (primal - dual) / np.where(finite, scale, 1.0), np.inf)
        size = np.maximum(scale, np.abs(self._potential(log_q)))
        broken = ~(primal - dual >= -_tolerances.ROUNDING * size)
        if broken.any():
            name = type(self.functional).__name__
            message = (
                f"{name} breaks the Fenchel-Young inequality: primal {primal[broken].flat[0]:.17g} lies below the "
                f"dual bound {dual[broken].flat[0]:.17g}. Its `conjugate` is too small, its `value` is too small, "
                "or one of them is not a number."
            )
            if type(self.functional).__module__.startswith("dagames."):
                raise AssertionError(message)
            raise CertificateError(message)
        return Certificate(primal=primal, dual=dual, gap=np.asarray(np.maximum(gap, 0.0)))

    def _objective(self, log_pi: OverTraces) -> tuple[PerPrompt, PerPrompt, PerPrompt]:
        nu = np.exp(simplex.pushforward(log_pi, self.E, self.n_answers))
        value = np.asarray(self.functional.value(nu))
        divergence = simplex.kl_from_logs(log_pi, self.log_pi_0)
        return np.asarray(value + self.beta * divergence), value, divergence

    def _potential(self, log_q: OverAnswers) -> PerPrompt:
        u = np.where(self.reachable, -self.beta * np.where(self.reachable, log_q, 0.0), -np.inf)
        return np.asarray(self.functional.conjugate(u))

    def _dual(self, log_q: OverAnswers) -> PerPrompt:
        log_mass = logsumexp(np.where(self.reachable, self.log_nu_0 + log_q, -np.inf), axis=-1)
        return np.asarray(-self.beta * log_mass - self._potential(log_q))

    def _as_log_policy(self, pi: Numbers) -> OverTraces:
        array = simplex.as_distribution(pi, "pi")
        if array.shape != self.log_pi_0.shape:
            raise ShapeError(f"`pi` has shape {array.shape}; the reference has {self.log_pi_0.shape}.")
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(array))

    def _as_log_target(self, q: Numbers) -> OverAnswers:
        array = simplex.as_distribution(q, "q")
        if array.shape != self.log_nu_0.shape:
            raise ShapeError(f"`q` has shape {array.shape}; the game's answers ask for {self.log_nu_0.shape}.")
        zero = self.reachable & (array == 0)
        if zero.any():
            place = ", ".join(str(int(i)) for i in np.argwhere(zero)[0])
            raise DomainError(
                f"`q[{place}]` is 0 at a reachable answer, where G is not defined (-beta log q is infinite). "
                "Use a small positive probability, or `log_best_policy` with its logarithm."
            )
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(array))
