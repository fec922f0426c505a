"""The range condition: dual variables of the form sign beta grad Phi(q) + constant, with q a distribution."""

from dataclasses import dataclass

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError
from dagames._types import Extraction, OverAnswers, OverTraces, PerPrompt, Reachable
from dagames.bregman.base import Generator
from dagames.numerics.arrays import as_number
from dagames.numerics.roots import increasing_root


@dataclass(frozen=True, eq=False)
class Consistency:
    """Whether some dual variable u in a box equals sign beta grad Phi(q) + constant for a target q.

    Attributes:
        required: The least |sign| beta for which this holds, [*x], in R-units; 0 if Phi is steep.
        available: The game's |sign| beta.
        u: The dual variable of the box with the least requirement, [*x, Z]; -inf where unreachable.
        log_q: Log of its target q, [*x, Z], or of the nearest one if there is none.
    """

    required: PerPrompt
    available: float
    u: OverAnswers
    log_q: OverAnswers

    @property
    def by_prompt(self) -> Reachable:
        """Whether the dual variable of each prompt has a target, bool [*x]."""
        return np.asarray(self.required <= self.available * (1 + _tolerances.RANGE))

    @property
    def consistent(self) -> bool:
        """Whether the dual variables of all prompts have targets."""
        return bool(self.by_prompt.all())

    @property
    def q(self) -> OverAnswers:
        """The target, [*x, Z]."""
        return np.asarray(np.exp(self.log_q))


def consistency(
    Phi: Generator, low: OverAnswers, high: OverAnswers, strength: float, reachable: Reachable
) -> Consistency:
    """Decide whether a box of dual variables meets the range of strength grad Phi(q) + constant.

    Math:
        For strength > 0, v = u - min u: there is a q iff sum_z (phi')^-1(phi'(0) + v_z / strength) <= 1, and the least
        such strength is where the sum is 1; for Phi = |q|^2 / 2 it is sum_z v_z. For strength < 0, v = max u - u and
        |strength|. Within the box the sum is least at u_z = max(low_z, min high), or min(high_z, max low).

    The masses q_z = (phi')^-1((u_z - c) / strength) increase continuously as c decreases, so that some c gives the sum
    1 unless the sum is above 1 already where the least mass is 0.

    Args:
        Phi: The generator on answers.
        low: Lower ends of the box, [*x, Z]; -inf for none.
        high: Upper ends, [*x, Z], finite where reachable and at least `low`.
        strength: sign times beta, not 0.
        reachable: Answers to include, bool [*x, Z].

    Returns:
        The result, with the dual variable and the target.

    Source:
        claim II.10

    >>> from dagames.bregman import Euclidean
    >>> u = np.array([0.0, 0.3])
    >>> result = consistency(Euclidean(), u, u, 0.5, np.array([True, True]))
    >>> result.consistent, float(result.required), result.q.round(6)
    (True, 0.3, array([0.2, 0.8]))
    """
    least = np.where(reachable, high, np.inf).min(axis=-1, keepdims=True)
    if strength > 0:
        u = np.maximum(low, least)
    else:
        largest = np.where(reachable, low, -np.inf).max(axis=-1, keepdims=True)
        # Without lower ends, the least upper end is in the box for all answers.
        u = np.minimum(high, np.where(np.isfinite(largest), largest, least))
    signed = np.where(reachable, np.sign(strength) * u, np.inf)
    v = np.where(reachable, signed - signed.min(axis=-1, keepdims=True), 0.0)
    required = _required(Phi, v, reachable)
    theta = np.where(reachable, v / abs(strength), -np.inf)
    return Consistency(required, abs(strength), np.where(reachable, u, -np.inf), Phi.log_conjugate_gradient(theta))


def as_sign(sign: float) -> float:
    """Validate the sign and scale s of a coupling: any finite number but 0."""
    number = as_number(sign, "sign", "a number")
    if number == 0 or not np.isfinite(number):
        raise DomainError(f"`sign` must be finite and not 0, not {number:g}.")
    return number


def best_box(
    F: Generator,
    log_pi_0: OverTraces,
    log_pi: OverTraces,
    E: Extraction,
    u: OverAnswers,
    beta: float,
    reachable: Reachable,
) -> OverAnswers:
    """Return the lower ends of the maximising dual variables, [*x, Z]; their upper ends are u, the slope of R.

    Math:
        The maximisers are the u with u_z = grad R(nu*)_z where nu*_z > 0 and, where nu*_z = 0, between grad R(nu*)_z
        and c + beta max over the traces of z of (F'(pi_0) - F'(0)), with c = u_E(y) - beta (F'(pi_0(y)) - F'(pi*(y)))
        at any trace of positive mass.

    Above the slope of R, nu* would no longer attain R*(u) (the normal cone of the simplex only lowers it); below the
    lower end, pi* would no longer be the best response.

    Args:
        F: The generator on traces.
        log_pi_0: Log of the reference, [*x, Y].
        log_pi: Log of the best policy pi*, [*x, Y].
        E: Answer of each trace, [*x, Y] or [Y].
        u: Slope of R at the equilibrium, [*x, Z].
        beta: Weight of the divergence.
        reachable: Answers to include, bool [*x, Z].

    Source:
        claim II.10
    """
    batch, n_answers = reachable.shape[:-1], reachable.shape[-1]
    slope_0 = F.gradient_at_log(log_pi_0)
    finite = np.isfinite(slope_0)
    # For a steep F, a trace of reference mass 0 stays without mass for every u and gives no lower end: -inf.
    rise = np.where(finite, beta * (np.where(finite, slope_0, 0.0) - F.gradient_at_log(log_pi)), -np.inf)
    # c is most accurate at the trace of largest mass; an answer without mass has the bound of its likeliest trace.
    top = log_pi.argmax(axis=-1)[..., None]
    c = np.take_along_axis(simplex.at_answer(np.where(reachable, u, 0.0), E, batch) - rise, top, axis=-1)
    empty = reachable & np.isneginf(simplex.max_by_answer(log_pi, E, n_answers))
    return np.asarray(np.where(empty, np.minimum(c + simplex.max_by_answer(rise, E, n_answers), u), u))


def _required(Phi: Generator, v: OverAnswers, reachable: Reachable) -> PerPrompt:
    """Return the least strength at which masses at slopes phi'(0) + v / strength sum to at most 1, [*x]; v >= 0."""
    top = v.max(axis=-1, keepdims=True)
    if Phi.steep:
        return np.zeros(v.shape[:-1])
    at_none, at_one = (Phi.gradient_at_log(np.full(top.shape, end)) for end in (-np.inf, 0.0))
    curved = top > 0
    share = np.where(curved, v, 0.0) / np.where(curved, top, 1.0)

    def surplus(rise: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
        log_q = np.where(reachable, Phi.log_mass_at_slope(at_none + share * rise), -np.inf)
        with np.errstate(invalid="ignore"):
            slope = (share * Phi.growth(log_q, log_q)).sum(axis=-1, keepdims=True)
        return np.exp(log_q).sum(axis=-1, keepdims=True) - 1.0, slope

    # At the slope phi'(1), the largest mass alone is 1.
    rise = increasing_root(surplus, np.zeros_like(top), at_one - at_none)
    return np.asarray(np.where(curved, top / rise, 0.0)[..., 0])
