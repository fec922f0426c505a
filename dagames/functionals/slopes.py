"""The slope of a functional on the reachable answers, or an error if it is infinite there."""

import numpy as np

from dagames._errors import CertificateError, DomainError
from dagames._types import OverAnswers, Reachable
from dagames.functionals.base import Functional


def finite_slope(functional: Functional, log_nu: OverAnswers, reachable: Reachable, fill: float) -> OverAnswers:
    """Compute a subgradient of R at exp(log_nu), [*x, Z], finite where reachable or an error; `fill` elsewhere."""
    slope = functional.gradient_at_log(log_nu)
    if not reachable.all():
        slope = np.where(reachable, slope, fill)
    if np.isnan(slope).any():
        raise CertificateError(f"the `gradient` of {functional.name} returned NaN.")
    bad = reachable & ~np.isfinite(slope)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DomainError(
            f"no best target exists: {functional.name} has slope {slope[place]} at answer {place[-1]}, whose "
            f"mass is {np.exp(log_nu[place]):g}. The supremum over targets is approached, not attained (claim I.3); "
            "give every reachable answer positive mass."
        )
    return np.asarray(slope)
