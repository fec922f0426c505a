"""The generalised alignment game, in which a Bregman divergence replaces KL(pi || pi_0)."""

from functools import cached_property
from typing import SupportsIndex, TypeAlias

import numpy as np

from dagames import simplex
from dagames._errors import DomainError, ShapeError
from dagames._types import Extraction, Numbers, OverAnswers, OverTraces, PerPrompt, Reachable
from dagames.bregman import Consistency, Entropic, Generator, consistency
from dagames.bregman.reach import as_sign, best_box
from dagames.functionals import Functional
from dagames.functionals.base import reachable_answers
from dagames.functionals.slopes import finite_slope
from dagames.games.base import TraceGame
from dagames.games.certificate import Certificate, certify
from dagames.games.generators import as_generator
from dagames.games.reference import Reference
from dagames.numerics.float_errors import with_default_errors_in

_ENTROPIC = Entropic()
_Geometry: TypeAlias = tuple[Generator | Functional, Generator | Functional, float]


@with_default_errors_in
class BregmanGame(TraceGame):
    """The game of one prompt, or of a batch, with a generator F on traces and a generator Phi on answers.

    Math:
        J_F(pi) = R(nu_pi) + beta D_F(pi || pi_0),
        G_F(pi, q) = beta D_F(pi || pi_0) + s beta E_pi[grad Phi(q)_{E(y)}] - R*(s beta grad Phi(q)).

    G_F depends on the target only through the dual variable u = s beta grad Phi(q). The maximum over all u of the least
    G_F over policies equals min J_F. The maximum over targets q equals min J_F only if some maximiser u equals
    s beta grad Phi(q) + constant for some q (claim II.10); `consistency` decides this. `certify` takes u itself and
    applies in both cases. F = Phi = `Entropic` with s = -1 is `AlignmentGame`.

    A trace is usable unless F is steep and the reference mass of the trace is 0. An answer is reachable if a usable
    trace gives it and the functional allows it. The reachable traces are the usable traces of reachable answers.

    Attributes:
        log_pi_0: Log of the reference over traces, normalised, [*x, Y].
        E: Answer of each trace, [*x, Y] or [Y].
        functional: The functional R.
        beta: Weight of the divergence, in R-units per unit of D_F.
        generator: F, on traces; for a functional, the generator of its divergence.
        target_generator: Phi, on answers.
        sign: The sign and scale s of the coupling, not 0.
        n_answers: Number of answers |Z|.
        reachable_traces: Which traces a policy of finite objective can use, bool [*x, Y].
        reachable: Which answers a policy of finite objective can use, bool [*x, Z].

    Source:
        (slides, backup: generalized game); claims II.10 and II.11

    >>> from dagames.bregman import Euclidean
    >>> from dagames.functionals import SquaredDistance
    >>> R = SquaredDistance([0.05, 0.95], weight=2.0)
    >>> game = BregmanGame([0.95, 0.05], [0, 1], R, 0.5, generator=Euclidean(), target_generator=Euclidean(), sign=1.0)
    >>> float(game.objective([0.23, 0.77]).round(12))
    0.324
    """

    def __init__(
        self,
        pi_0: Numbers,
        E: Numbers,
        functional: Functional,
        beta: float,
        *,
        generator: Generator | Functional = _ENTROPIC,
        target_generator: Generator | Functional = _ENTROPIC,
        sign: float = -1.0,
        n_answers: SupportsIndex | None = None,
    ) -> None:
        """Make the game from the probabilities of the reference.

        Args:
            pi_0: Reference probabilities of traces, [Y] or [X, Y].
            E: Answer of each trace, an index: [Y] (shared by every prompt) or pi_0's shape.
            functional: The functional R to be minimised.
            beta: Weight of D_F(pi || pi_0), above 0.
            generator: F, on traces: a `Generator`, or a `Functional` that is a sum of one strictly convex function of
                each mass, such as `Gini()`; the weight of a functional may be one per prompt, [*x].
            target_generator: Phi, on answers, of the same kinds.
            sign: Sign and scale s of the coupling, any finite number but 0.
            n_answers: Number of answers |Z|; by default the largest index in `E` plus one.

        Raises:
            DomainError: If an argument is out of range, or if a functional cannot be a generator.
            InfeasibleError: If every policy has an infinite objective.
        """
        with np.errstate(divide="ignore"):
            log_pi_0 = np.log(simplex.as_distribution(pi_0, "pi_0", kept=False))
        self._build(log_pi_0, E, functional, beta, n_answers, (generator, target_generator, sign))

    @classmethod
    def from_log(
        cls,
        log_pi_0: Numbers,
        E: Numbers,
        functional: Functional,
        beta: float,
        *,
        generator: Generator | Functional = _ENTROPIC,
        target_generator: Generator | Functional = _ENTROPIC,
        sign: float = -1.0,
        n_answers: SupportsIndex | None = None,
    ) -> "BregmanGame":
        """Make the game from the log-probabilities of the reference; masses may be below 1e-308.

        Args:
            log_pi_0: Log-probabilities of traces, [Y] or [X, Y]; -inf for probability 0.
            E: Answer of each trace.
            functional: R; this and the other arguments are those of the constructor.
            beta: Weight of the divergence.
            generator: F.
            target_generator: Phi.
            sign: s.
            n_answers: |Z|.

        Returns:
            The game; raises the errors of the constructor.
        """
        game, logs = cls.__new__(cls), simplex.as_log_distribution(log_pi_0, "log_pi_0", kept=False)
        game._build(logs, E, functional, beta, n_answers, (generator, target_generator, sign))
        return game

    def _build(
        self,
        log_pi_0: OverTraces,
        E: Numbers,
        functional: Functional,
        beta: float,
        n_answers: SupportsIndex | None,
        geometry: _Geometry,
    ) -> None:
        self.reference = Reference(simplex.log_normalize(log_pi_0), E, n_answers, in_logs=True)
        self.n_answers = self.reference.n_answers
        self.beta = simplex.as_positive(beta, "beta")
        self.generator = as_generator(geometry[0], "generator", self.batch, log_pi_0.shape[-1])
        self.target_generator = as_generator(geometry[1], "target_generator", self.batch, self.n_answers)
        self.sign = as_sign(geometry[2])
        if not isinstance(functional, Functional):
            raise DomainError(f"`functional` must be a Functional, not {type(functional).__name__}.")
        functional.check_fits(self.batch, self.n_answers)
        self.functional = functional
        finite = np.isfinite(self.generator.gradient_at_log(self.log_pi_0))
        with_trace = simplex.max_by_answer(finite * 1.0, self.E, self.n_answers) > 0
        self.reachable: Reachable = reachable_answers(functional, with_trace)
        self.reachable_traces: Reachable = finite & (self._at_traces(self.reachable * 1.0) > 0)

    @cached_property
    def E(self) -> Extraction:
        """Answer of each trace, [*x, Y] or [Y], as int64; the solver reads it in every step."""
        return self.reference.answers

    @property
    def strength(self) -> float:
        """The factor s beta in u = s beta grad Phi(q), in R-units."""
        return self.sign * self.beta

    def objective(self, pi: Numbers) -> PerPrompt:
        """Compute J_F(pi) = R(nu_pi) + beta D_F(pi || pi_0).

        Args:
            pi: Probabilities of traces, [*x, Y].

        Returns:
            J_F, [*x], in R-units; +inf where F is steep and pi uses a trace that the reference excludes.
        """
        return np.asarray(sum(self._objective(self.reference.as_log_policy(pi))))

    def payoff(self, pi: Numbers, q: Numbers) -> PerPrompt:
        """Compute G_F(pi, q), which the Policy minimises and the Target maximises.

        Args:
            pi: Probabilities of traces, [*x, Y].
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer if Phi is steep.

        Returns:
            G_F, [*x], in R-units; +inf where pi uses a trace that is not reachable.
        """
        log_pi, u = self.reference.as_log_policy(pi), self.dual_variable(q)
        return np.asarray(self._lagrangian(log_pi, u) - self.functional.conjugate(u))

    def potential(self, q: Numbers) -> PerPrompt:
        """Compute Psi(q) = R*(s beta grad Phi(q)).

        Args:
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer if Phi is steep.

        Returns:
            Psi, [*x], in R-units. For `Entropic` Phi it is `AlignmentGame.potential` plus s beta.
        """
        return np.asarray(self.functional.conjugate(self.dual_variable(q)))

    def dual_variable(self, q: Numbers) -> OverAnswers:
        """Compute u = s beta grad Phi(q).

        Args:
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer if Phi is steep.

        Returns:
            u, [*x, Z]; -inf where unreachable.

        Raises:
            ShapeError: If `q` has another shape.
            DomainError: If Phi is steep and `q` is 0 at a reachable answer.
        """
        array = simplex.as_distribution(q, "q", kept=False)
        if array.shape != self.reachable.shape:
            raise ShapeError(
                f"`q` has shape {array.shape}; it must have the shape of the game's answers, {self.reachable.shape}."
            )
        slope = self.target_generator.gradient(array)
        bad = self.reachable & ~np.isfinite(slope)
        if bad.any():
            place = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
            raise DomainError(
                f"`q[{place}]` is 0 at a reachable answer, where {self.target_generator.name} has no finite "
                "slope and G_F is not defined. Use a small positive probability."
            )
        return np.asarray(np.where(self.reachable, self.strength * np.where(self.reachable, slope, 0.0), -np.inf))

    def best_policy(self, q: Numbers) -> OverTraces:
        """Compute the Policy's best response to `q`, a Bregman projection.

        Math:
            pi = Proj_F of the point whose gradient is grad F(pi_0) - s grad Phi(q)_E.

        Args:
            q: Target probabilities of answers, [*x, Z], positive on every reachable answer if Phi is steep.

        Returns:
            Probabilities of traces, [*x, Y].

        Source:
            (slides, backup: optimal policy); claim II.11
        """
        return np.asarray(np.exp(self.log_best_policy(self.dual_variable(q))))

    def log_best_policy(self, u: OverAnswers) -> OverTraces:
        """Compute the log of the best response to a dual variable, which need not be that of a target.

        Args:
            u: Dual variable, [*x, Z], finite on every reachable answer.

        Returns:
            Log-probabilities of traces, [*x, Y]; -inf for no mass.
        """
        cost = np.where(self.reachable_traces, self._at_traces(np.where(self.reachable, u, 0.0)) / self.beta, np.inf)
        theta = np.where(self.reachable_traces, self.generator.gradient_at_log(self.log_pi_0) - cost, -np.inf)
        return self.generator.log_conjugate_gradient(theta)

    def best_target(self, pi: Numbers) -> OverAnswers:
        """Compute a best response of the Target to `pi`, if some distribution q attains it.

        Math:
            s beta grad Phi(q) = a subgradient of R at nu_pi, up to a constant and to lower slopes at answers of mass 0.

        Args:
            pi: Probabilities of traces, [*x, Y].

        Returns:
            Probabilities of answers, [*x, Z]; 0 where unreachable.

        Raises:
            DomainError: If R has no finite slope at a reachable answer, or if no distribution attains the maximum.
        """
        log_nu = self._log_marginal(self.reference.as_log_policy(pi))
        slope = self.best_dual_variable(log_nu)
        low = np.where(np.isfinite(log_nu), slope, -np.inf)
        result = consistency(self.target_generator, low, slope, self.strength, self.reachable)
        if not result.consistent:
            place = tuple(int(i) for i in np.argwhere(~result.by_prompt)[0])
            raise DomainError(
                f"no target q has s beta grad Phi(q) equal to the slope of {type(self.functional).__name__} up to a "
                f"constant: this needs |s| beta of at least {result.required[place]:.6g}, and the game has "
                f"{result.available:.6g} (claim II.10). Increase |sign|, use a steep `target_generator`, or use "
                "`best_dual_variable`."
            )
        return result.q

    def best_dual_variable(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute a best dual variable for the marginal exp(log_nu): a subgradient of R.

        Args:
            log_nu: Log of an answer marginal, [*x, Z].

        Returns:
            u, [*x, Z]; -inf where unreachable.

        Raises:
            DomainError: If R has no finite slope at a reachable answer, so that no maximum is attained.
            CertificateError: If the functional's gradient is not a number.
        """
        return finite_slope(self.functional, log_nu, self.reachable, -np.inf)

    def gap(self, pi: Numbers, q: Numbers) -> PerPrompt:
        """Compute J_F(pi) - min over policies of G_F(., q), [*x], an upper bound on J_F(pi) - min J_F."""
        return np.asarray(self.objective(pi) - self.dual_value(self.dual_variable(q)))

    def dual_value(self, u: OverAnswers) -> PerPrompt:
        """Compute min over pi of beta D_F(pi || pi_0) + <nu_pi, u>, minus R*(u): a lower bound on min J_F.

        Args:
            u: Dual variable, [*x, Z], finite on every reachable answer; adding a constant does not change the bound.

        Returns:
            The bound, [*x], in R-units. Its error is quadratic in the error of the projection on the simplex.
        """
        u = np.where(self.reachable, u, -np.inf)
        return np.asarray(self._lagrangian(self.log_best_policy(u), u) - self.functional.conjugate(u))

    def certify(self, log_pi: OverTraces, u: OverAnswers) -> Certificate:
        """Bound the suboptimality of a policy: the primal value from its traces, the dual bound from u.

        Args:
            log_pi: Log-probabilities of traces, [*x, Y].
            u: Dual variable, [*x, Z], finite on every reachable answer.

        Returns:
            The certificate; `gap` is relative to max(1, |R|, beta D_F).

        Raises:
            CertificateError: If functional or generator break the Fenchel-Young inequality, or yield NaN.
        """
        value, divergence = self._objective(log_pi)
        # Rounding is of the order of beta in the divergence, and of the largest |u| in <nu, u>.
        rounded = np.maximum(np.abs(np.where(self.reachable, u, 0.0)).max(axis=-1), self.beta)
        return certify(
            value=value, divergence=divergence, dual=self.dual_value(u), rounded=np.asarray(rounded), of=self
        )

    @property
    def name(self) -> str:
        """Name of the functional and its geometry in error messages."""
        return f"{self.functional.name} in the geometry of {self.generator.name}"

    @property
    def foreign(self) -> bool:
        """Whether a user's code computes the functional or the generator."""
        return self.functional.foreign or self.generator.foreign

    def consistency(self, log_pi: OverTraces, u: OverAnswers) -> Consistency:
        """Decide whether some target attains the maximum over dual variables, given the equilibrium.

        The maximisers form a box, which `bregman.reach.best_box` computes.

        Args:
            log_pi: Log of the best policy, [*x, Y].
            u: A best dual variable that is a subgradient of R at its marginal, [*x, Z].

        Returns:
            The result: consistent if and only if max over q of min over pi of G_F equals min J_F. Then min over pi of
            max over q of G_F equals min J_F too.

        Source:
            claim II.10
        """
        low = best_box(self.generator, self.log_pi_0, log_pi, self.E, u, self.beta, self.reachable)
        return consistency(self.target_generator, low, u, self.strength, self.reachable)

    def _at_traces(self, over_answers: OverAnswers) -> OverTraces:
        return simplex.at_answer(over_answers, self.E, self.batch)

    def _objective(self, log_pi: OverTraces) -> tuple[PerPrompt, PerPrompt]:
        """Compute the two terms of the objective, R(nu) and beta D_F(pi || pi_0), [*x] each."""
        value = np.asarray(self.functional.value(np.exp(self._log_marginal(log_pi))))
        divergence = self.generator.divergence_from_logs(log_pi, self.log_pi_0)
        return value, np.asarray(self.beta * divergence)

    def _lagrangian(self, log_pi: OverTraces, u: OverAnswers) -> PerPrompt:
        """Compute beta D_F(pi || pi_0) + <nu_pi, u>, [*x]; +inf where pi uses a trace that is not reachable."""
        nu = np.exp(self._log_marginal(log_pi))
        outside = np.where(self.reachable_traces, 0.0, np.exp(log_pi)).sum(axis=-1)
        cost = (nu * np.where(self.reachable, u, 0.0)).sum(axis=-1)
        total = self.beta * self.generator.divergence_from_logs(log_pi, self.log_pi_0) + cost
        return np.asarray(np.where(outside > 0, np.inf, total))
