"""The interface of functionals R of answer distributions, and the laws that each functional obeys."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dagames._errors import DomainError, InfeasibleError, Named
from dagames._types import Costs, Flags, Hessian, Numbers, OverAnswers, PerPrompt, Reachable
from dagames.functionals.parameters import Parametric
from dagames.numerics import arrays
from dagames.numerics.float_errors import with_default_errors_in

if TYPE_CHECKING:
    # These import SciPy's linear programs, which most functionals do not need.
    from dagames.numerics.constraints import LinearConstraints
    from dagames.numerics.faces import Face


class Functional(Parametric, Named, ABC):
    """A convex function R on the simplex of answer distributions, with its conjugate over that simplex.

    Math:
        R*(u) = sup over nu in the simplex of <nu, u> - R(nu).

    Laws (tested over every subclass): R is convex; gradient(nu) is a subgradient; R(nu) + R*(u) >= <nu, u> with
    equality at u = gradient(nu) and at nu = conjugate_gradient(u); R*(u + c) = R*(u) + c; R** = R.

    Conventions: `nu` may have zeros; an entry -inf of `u` forbids that answer (the supremum runs over the face of the
    simplex without it). Leading batch dimensions are prompts, and parameters may vary with them.

    To add a functional, implement the four primitives, declare the parameters that are arrays in `per_prompt`, and
    implement `relative_smoothness` if it is finite.

    Solvers do not look at the class but use these methods, which return None by default: `as_smooth` and `as_separable`
    return R with a second derivative, and as a sum over answers; `constant_slope` returns the gradient of a linear R,
    `constraint_set` the linear constraints, and `conic_form` an expression for cvxpy.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        with_default_errors_in(cls)

    @abstractmethod
    def value(self, nu: OverAnswers) -> PerPrompt:
        """Compute R(nu), [*x], in R-units."""

    @abstractmethod
    def gradient(self, nu: OverAnswers) -> OverAnswers:
        """Compute a subgradient of R at nu, [*x, Z]; infinite entries where R has no finite slope."""

    @abstractmethod
    def conjugate(self, u: OverAnswers) -> PerPrompt:
        """Compute R*(u) over the simplex, [*x], in R-units."""

    @abstractmethod
    def conjugate_gradient(self, u: OverAnswers) -> OverAnswers:
        """Find a maximiser of <nu, u> - R(nu) over the simplex, [*x, Z]."""

    def gradient_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute the gradient at exp(log_nu); override where a mass below 1e-308 still matters."""
        return self.gradient(np.exp(log_nu))

    @property
    def relative_smoothness(self) -> PerPrompt:
        """Least known L such that L times the negative entropy minus R is convex on the simplex, [*x] or scalar."""
        return np.asarray(np.inf)

    def allowed(self, reachable: Reachable) -> Reachable:
        """Mark the answers that may have mass: R is infinite at distributions on the reachable answers that use others.

        Args:
            reachable: The answers that some policy gives, bool [*x, Z].

        Returns:
            Those of them that R allows, bool [*x, Z].
        """
        return reachable

    @property
    def is_indicator(self) -> bool:
        """Whether R is 0 or infinite, so that a multiple of R is R itself."""
        return False

    @property
    def is_finite_inside(self) -> bool:
        """Whether R is finite where every allowed answer has mass, so that values and gradients suffice for R*."""
        return self.as_smooth() is not None

    @property
    def has_conjugate_formula(self) -> bool:
        """Whether `conjugate` is exact up to rounding, not a numerical bound."""
        return True

    def as_smooth(self) -> "Smooth | None":
        """Return R with its second derivative, or None if it has none."""
        return None

    def as_separable(self) -> "Separable | None":
        """Return R as a sum of one function per answer, or None if it is not such a sum."""
        return None

    def constant_slope(self) -> OverAnswers | None:
        """Return the gradient if it is the same everywhere, [Z] or [*x, Z], or None."""
        return None

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return R(nu) for one prompt as a convex cvxpy expression, or None if no form is known.

        It must equal R where R is finite. The solver adds the constraints: mass 0 on the answers that R does not allow,
        and `constraint_set`.

        Args:
            nu: A cvxpy expression of an answer distribution, [Z].
            cp: The module cvxpy, which the core does not import.

        Returns:
            The expression, in R-units, or None.
        """
        return None

    @property
    def has_conic_form(self) -> bool:
        """Whether the class implements `conic_form`."""
        return type(self).conic_form is not Functional.conic_form

    def terms(self) -> "tuple[Functional, ...]":
        """Return the functionals whose sum R is, none of them a sum."""
        return (self,)

    def times(self, factor: PerPrompt) -> "Functional | None":
        """Return `factor` times R if it has a more special class than `Scaled`, else None; `factor` > 0, [] or [*x]."""
        return self if self.is_indicator else None

    def constraint_set(self) -> "ConstraintSet | None":
        """Return the indicator of the linear constraints that R contains, or None; see `without_constraints`."""
        return None

    def without_constraints(self) -> "Functional | None":
        """Return R minus the indicator that `constraint_set` returns, or None if that is 0."""
        return self

    def into_domain(self, nu: OverAnswers) -> OverAnswers:
        """Change distributions, [*x, Z], so that R is finite; override if mass on allowed answers is not enough."""
        kept = np.where(self.allowed(np.ones(nu.shape, dtype=bool)), nu, 0.0)
        return np.asarray(kept / kept.sum(axis=-1, keepdims=True))

    def check_reachable(self, reachable: Reachable) -> None:
        """Raise an InfeasibleError if R is infinite for every policy on the reachable answers, bool [*x, Z]."""

    def __add__(self, other: "Functional") -> "Functional":
        return Operators.total(self, other) if isinstance(other, Functional) else NotImplemented

    def __rmul__(self, weight: Numbers) -> "Functional":
        return Operators.multiple(self, weight)

    __mul__ = __rmul__

    # With a numpy array on the left, numpy calls __rmul__ instead of making an array of functionals.
    __array_ufunc__ = None


class Operators:
    """The functions that + and * call; `algebra` sets them, because sums and multiples are functionals themselves."""

    total: Callable[..., Functional]
    multiple: Callable[[Functional, Numbers], Functional]


class Smooth(Functional):
    """A functional that is twice differentiable inside the simplex, on the answers that it allows."""

    @abstractmethod
    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute the second derivative of R at nu, [*x, Z, Z].

        The matrix is positive semidefinite, and v'Hv is the second derivative of R along v for every v of sum 0.
        For other v, v'Hv may have any value, because R is a function on the simplex. `nu` is positive on the allowed
        answers; at mass 0 the derivative is that at float64's least mass, and may be infinite.
        """

    def as_smooth(self) -> "Smooth":
        """Return R."""
        return self


class Separable(Smooth):
    """A functional R(nu) = sum_z f_z(nu(z)); the equilibrium of its games is a one-dimensional root per prompt."""

    @abstractmethod
    def bend_at_log(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute d f'(nu) / d log nu = nu f''(nu) at nu = exp(log_nu), at least 0, [*x, Z]."""

    def slope_and_bend(self, log_nu: OverAnswers, nu: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
        """Compute gradient and bend together; override if both are functions of nu = exp(log_nu) alone."""
        return self.gradient_at_log(log_nu), self.bend_at_log(log_nu)

    def hessian(self, nu: OverAnswers) -> Hessian:
        """Compute the diagonal matrix of f_z''(nu(z)), [*x, Z, Z]."""
        mass = np.maximum(nu, np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            curvature = self.bend_at_log(np.log(mass)) / mass
        return np.asarray(np.where(np.eye(nu.shape[-1], dtype=bool), curvature[..., None], 0.0))

    def as_separable(self) -> "Separable":
        """Return R."""
        return self


class ConstraintSet(Functional):
    """The indicator of linear constraints on the answer marginal of each prompt.

    Attributes:
        costs: Cost of each answer in each row, [d, Z] or [*x, d, Z].
        equal: Rows that are equalities, [d].
    """

    costs: Costs
    equal: Flags

    @abstractmethod
    def rows(self, prompt: tuple[int, ...]) -> "LinearConstraints":
        """Return the constraints of the prompt with this index, () for a game of one prompt."""

    @abstractmethod
    def face(self, reachable: Reachable, prompt: tuple[int, ...]) -> "Face":
        """Find the reachable answers, bool [Z], to which feasible distributions of one prompt give mass."""

    def conic_form(self, nu: Any, cp: Any) -> Any:
        """Return 0: the solver adds the constraints."""
        return 0.0 * nu[0]

    @property
    def is_indicator(self) -> bool:
        """True."""
        return True

    def constraint_set(self) -> "ConstraintSet":
        """Return the functional itself."""
        return self

    def without_constraints(self) -> None:
        """Return None: R is its constraints."""
        return


def as_weight(weight: Numbers) -> PerPrompt:
    """Return a weight, [] or [*x], as float64, read-only; a DomainError unless it is finite and above 0."""
    raw = arrays.read_real(weight, "weight", scalar=True)
    array = arrays.owned(raw.array, fresh=raw.fresh)
    if not ((array > 0) & (array < np.inf)).all():
        raise DomainError(
            f"`weight` must be finite and above 0, not {array}. A negative weight makes the functional concave, "
            "which Theorem 2.1 does not cover (claim I.15)."
        )
    return array


def as_nonnegative(value: Numbers, name: str) -> PerPrompt:
    """Return a bound, [] or [*x], as float64, read-only; a DomainError unless it is at least 0 (or +inf)."""
    raw = arrays.read_real(value, name, scalar=True)
    array = arrays.owned(raw.array, fresh=raw.fresh)
    if not (array >= 0).all():
        raise DomainError(f"`{name}` must be at least 0, not {array}.")
    return array


def reachable_answers(functional: Functional, with_trace: Reachable) -> Reachable:
    """Mark the answers with a trace that the functional allows, [*x, Z]; an InfeasibleError if a prompt has none."""
    functional.check_reachable(with_trace)
    reachable = np.asarray(with_trace & functional.allowed(with_trace))
    if not reachable.any(axis=-1).all():
        raise InfeasibleError(
            f"{functional.name} allows none of the answers that the reference reaches, so every policy has "
            "an infinite objective."
        )
    return reachable
