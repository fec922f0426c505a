"""I.50b: the range of the rest points of training with standardised advantages, for groups of any size."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from proofs_check.attack import attack
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i50_standardised_rest import Verified, population, push

Array = NDArray[np.float64]


def gain(K: int) -> tuple[Any, Any]:
    """The range 2 (K - 1) / K to sqrt(K - 1) of beta times the log-odds gained at a rest point."""
    return mp.mpf(2 * (K - 1)) / K, mp.sqrt(K - 1)


def narrower(K: int) -> tuple[Any, Any]:
    """The range with its upper end times .99."""
    low, high = gain(K)
    return low, high * mp.mpf("0.99")


def equilibria(K: int) -> tuple[Any, Any]:  # noqa: ARG001
    """The gain 1 of the equilibrium for the reward 1."""
    return mp.mpf(1), mp.mpf(1)


def range_evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack both bounds on the push over the right answer's log-odds, in groups of 2 to 64.

    Args:
        formula: The range of the push.
        rng: Source of randomness.

    Yields:
        The push at the end of each attack, at 50 digits by enumeration of the groups.
    """
    for K in (2, 3, 4, 8, 16, 32, 64):
        low, high = formula(K)
        case = Verified(K, Fraction(1, 2), Fraction(1), Fraction(1))
        for name, sign, bound in (("largest", 1, high), ("least", -1, low)):
            starts = rng.uniform(-12, 12, size=(60, 1))
            found = attack(_pushes(K, sign), starts, rng, climbers=2, trials=6, rounds=25)
            x = mp.mpf(float(found.place[0]))
            measured = case.push(population, 1 / (1 + mp.exp(-x)))
            ratio = measured / bound if sign == 1 else bound / measured
            instance = {
                "K": K,
                "log-odds": f"{float(x):.4g}",
                "compared": (f"{name} expected step in the logit over p (1 - p)"),
            }
            relation: Any = "at most" if sign == 1 else "at least"
            yield Evidence(float(bound), float(measured), relation, 1e-14, instance, K, float(ratio))


def _pushes(K: int, sign: int) -> Callable[[Array], Array]:
    def ratio(points: Array) -> Array:
        inside = np.clip(points[:, 0], -30, 30)
        return np.asarray([push(float(x), K) ** sign for x in inside])

    return ratio


I50B = Claim(
    id="I.50b",
    title="Range of rest points with standardised rewards",
    whose="ours",
    place="repair of claim I.50, for groups of any size",
    plain=(
        "The rest point of training with standardised rewards depends on the size of the group, not on that of the "
        "reward."
    ),
    statement=(
        "For a right answer, whatever its reward, standardised by the deviation with K in its denominator, beta times "
        "the log-odds gained at any rest point is between 2 (K - 1) / K and sqrt(K - 1). The equilibrium gains r / "
        "beta in log-odds. With K - 1 in the denominator both bounds are multiplied by sqrt((K - 1) / K)."
    ),
    printed="2 (K - 1) / K <= beta (log-odds - those of nu_0) <= sqrt(K - 1)",
    kind="upper bound",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=gain,
            sabotage=equilibria,
            near_miss=narrower,
            evidence=range_evidence,
        ),
    ),
    remark=(
        "For 1 <= m <= K - 1 right traces, v = m (K - m) is between K - 1 and K^2 / 4, so sqrt v is between 2 v / K "
        "and v / sqrt(K - 1), and E v = K (K - 1) p (1 - p). The upper bound is attained in the limit p -> 0 or 1. At "
        "K = 2 both bounds are 1, so that for the reward 1 the rest point is the equilibrium, and for no other reward."
    ),
)

CLAIMS = (I50B,)
