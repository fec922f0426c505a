"""The only meaning of "solved": a primal value, a dual bound and the distance between them."""

from dataclasses import dataclass, field

import numpy as np

from dagames import _tolerances
from dagames._errors import CertificateError
from dagames._types import PerPrompt


@dataclass(frozen=True, eq=False)
class Certificate:
    """A bound on how far a policy is from optimal, one number per prompt.

    Attributes:
        primal: J(pi), an upper bound on the game's value, [*x].
        dual: min over policies of G(., q), a lower bound on the game's value, [*x].
        gap: (primal - dual) / max(1, |R|, beta KL), [*x]; at most this far, relatively, is J(pi) from its least value.
        residuals: Further checks by name, each with the value that would be 0 if exact.
    """

    primal: PerPrompt
    dual: PerPrompt
    gap: PerPrompt
    residuals: dict[str, float] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The largest relative gap over the prompts."""
        return float(np.max(self.gap))


def certify_gap(
    *, primal: PerPrompt, dual: PerPrompt, scale: PerPrompt, rounded: PerPrompt, name: str, foreign: bool
) -> Certificate:
    """Put a primal value and a dual bound side by side, and refuse a pair that cannot be.

    Args:
        primal: Objective of the policy, [*x].
        dual: Lower bound on the value, [*x].
        scale: What the gap is relative to, [*x].
        rounded: Size of the largest numbers in the dual bound, [*x], of which its rounding is a multiple.
        name: Name of the functional, for the error if weak duality fails.
        foreign: Whether a user's own code computes part of it.

    Returns:
        The certificate.

    Raises:
        CertificateError: If the functional breaks the Fenchel-Young inequality, or yields NaN.
    """
    # A policy of infinite objective is infinitely far, also relatively: infinity over infinity must not be NaN.
    finite = np.isfinite(scale)
    gap = np.where(finite, (primal - dual) / np.where(finite, scale, 1.0), np.inf)
    broken = ~(primal - dual >= -_tolerances.ROUNDING * np.maximum(scale, rounded))
    if broken.any():
        raise CertificateError(
            _contradiction(name, foreign, float(primal[broken].flat[0]), float(dual[broken].flat[0]))
        )
    # Where the bound exceeds the value, rounding is at least as large as the difference.
    return Certificate(primal=primal, dual=dual, gap=np.asarray(np.abs(gap)))


def _contradiction(name: str, foreign: bool, primal: float, dual: float) -> str:
    """Name the functional whose value and conjugate contradict each other, and who can mend it."""
    remedy = (
        "Its `conjugate` is too small, its `value` is too small, or one of them is not a number; "
        "`dagames.functionals.broken_laws` finds which."
        if foreign
        else "This is a fault of dagames: please report it with the game's arrays."
    )
    return (
        f"{name} breaks the Fenchel-Young inequality: primal {primal:.17g} lies below the dual bound "
        f"{dual:.17g}. {remedy}"
    )
