"""Certificates: the primal value of a policy, a lower bound from the dual, and their difference, the duality gap."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from dagames import _tolerances
from dagames._errors import CertificateError
from dagames._types import PerPrompt


@dataclass(frozen=True, eq=False)
class Certificate:
    """A bound on the suboptimality of a policy, one number per prompt.

    Attributes:
        primal: J(pi), an upper bound on the game's value, [*x].
        dual: min over policies of G(., q), a lower bound on the game's value, [*x].
        gap: (primal - dual) / max(1, |R|, beta KL), [*x], an upper bound on the relative error of J(pi) up to the
            rounding of both numbers, a few 1e-15 for every beta.
        residuals: Values of further optimality or feasibility conditions by name; each is 0 at an exact solution.
    """

    primal: PerPrompt
    dual: PerPrompt
    gap: PerPrompt
    residuals: dict[str, float] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The largest relative gap over the prompts."""
        return float(np.max(self.gap))


@runtime_checkable
class Certifiable(Protocol):
    """A functional, coupling or game that the error message of a failed certificate names."""

    @property
    def name(self) -> str:
        """The name in messages."""

    @property
    def foreign(self) -> bool:
        """Whether a user's code computes part of it."""


def certify(
    *, value: PerPrompt, divergence: PerPrompt, dual: PerPrompt, rounded: PerPrompt, of: Certifiable
) -> Certificate:
    """Compute the relative duality gap of a policy and a lower bound; raise if they contradict weak duality.

    Args:
        value: R of the policy, [*x], in R-units; inf if it violates a constraint.
        divergence: beta times the policy's divergence from the reference, [*x], in R-units.
        dual: Lower bound on the least objective, [*x].
        rounded: Size of the largest numbers in the dual bound, [*x]; the bound's rounding error is a multiple of it.
        of: The object that an error message names.

    Returns:
        The certificate, whose gap is relative to max(1, |value|, divergence).

    Raises:
        CertificateError: If the bound exceeds the objective by more than rounding, or one of them is NaN.
    """
    primal = np.asarray(value + divergence)
    scale = np.maximum(1.0, np.maximum(np.abs(value), divergence))
    # An infinite objective has an infinite gap; inf / inf would be NaN.
    finite = np.isfinite(scale)
    gap = np.where(finite, (primal - dual) / np.where(finite, scale, 1.0), np.inf)
    broken = ~(primal - dual >= -_tolerances.ROUNDING * np.maximum(scale, rounded))
    if broken.any():
        raise CertificateError(_contradiction(of, float(primal[broken].flat[0]), float(dual[broken].flat[0])))
    # Where the bound exceeds the value, the difference is rounding: report its size.
    return Certificate(primal=primal, dual=dual, gap=np.asarray(np.abs(gap)))


def _contradiction(of: Certifiable, primal: float, dual: float) -> str:
    """Return the message that names the object, both values and the remedy."""
    remedy = (
        "Its `conjugate` is too small, its `value` is too small, or one of them is not a number; "
        "`dagames.functionals.broken_laws` finds which."
        if of.foreign
        else "This is a fault of dagames: please report it with the game's arrays."
    )
    return (
        f"{of.name} breaks the Fenchel-Young inequality: primal {primal:.17g} lies below the dual bound "
        f"{dual:.17g}. {remedy}"
    )
