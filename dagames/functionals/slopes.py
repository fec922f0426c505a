"""The slope of a functional where a game needs it: finite on every reachable answer, or an error that says why not."""

import numpy as np

from dagames._errors import CertificateError, DomainError
from dagames._types import OverAnswers, Reachable
from dagames.functionals.base import Functional


def finite_slope(functional: Functional, log_nu: OverAnswers, reachable: Reachable, fill: float) -> OverAnswers:
    """Compute a subgradient of R at exp(log_nu) on the reachable answers.

    Args:
        functional: The functional R.
        log_nu: Log of an answer marginal, [*x, Z].
        reachable: Which answers a policy of finite objective can use, bool [*x, Z].
        fill: What stands at the other answers.

    Returns:
        The subgradient, [*x, Z], in R-units.

    Raises:
        DomainError: If R has no finite slope at a reachable answer, so that no target attains the supremum.
        CertificateError: If the functional's gradient is not a number.

    >>> from dagames.functionals import Gini
    >>> finite_slope(Gini(2.0), np.log([0.25, 0.75]), np.array([True, False]), np.inf)
    array([0.5, inf])
    """
    slope = functional.gradient_at_log(log_nu)
    if not reachable.all():
        slope = np.where(reachable, slope, fill)
    if np.isnan(slope).any():
        raise CertificateError(f"{type(functional).__name__}.gradient returned NaN.")
    bad = reachable & ~np.isfinite(slope)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DomainError(
            f"no best target exists: {type(functional).__name__} has slope {slope[place]} at answer {place[-1]}, whose "
            f"mass is {np.exp(log_nu[place]):g}. The supremum over targets is approached, not attained (claim I.3); "
            "give every reachable answer positive mass."
        )
    return np.asarray(slope)
