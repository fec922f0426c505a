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
    *, primal: PerPrompt, dual: PerPrompt, scale: PerPrompt, potential: PerPrompt, functional: type
) -> Certificate:
    """Put a primal value and a dual bound side by side, and refuse a pair that cannot be.

    Args:
        primal: Objective of the policy, [*x].
        dual: Lower bound on the value, [*x].
        scale: What the gap is relative to, [*x].
        potential: The conjugate's part of the dual bound, [*x], whose size limits its rounding.
        functional: Class of the functional, which is named if weak duality fails.

    Returns:
        The certificate.

    Raises:
        CertificateError: If a user's functional breaks the Fenchel-Young inequality, or yields NaN.
        AssertionError: If one of this package's does: that is a bug here.
    """
    # A policy of infinite objective is infinitely far, also relatively: infinity over infinity must not be NaN.
    finite = np.isfinite(scale)
    gap = np.where(finite, (primal - dual) / np.where(finite, scale, 1.0), np.inf)
    broken = ~(primal - dual >= -_tolerances.ROUNDING * np.maximum(scale, np.abs(potential)))
    if broken.any():
        message = (
            f"{functional.__name__} breaks the Fenchel-Young inequality: primal {primal[broken].flat[0]:.17g} lies "
            f"below the dual bound {dual[broken].flat[0]:.17g}. Its `conjugate` is too small, its `value` is too "
            "small, or one of them is not a number."
        )
        if functional.__module__.startswith("dagames."):
            raise AssertionError(message)
        raise CertificateError(message)
    return Certificate(primal=primal, dual=dual, gap=np.asarray(np.maximum(gap, 0.0)))
