"""I.23: the generalised Hellinger distance lies between two multiples of the Jensen-Shannon divergence."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from dagames.orbits import hellinger_bounds
from proofs_check.attack import attack_distributions
from proofs_check.claim import Claim, Evidence, Formula, Line, Plot, Reading

Array = NDArray[np.float64]


class Multiples(NamedTuple):
    """c and C with c JS <= H^2 <= C JS, in nats."""

    lower: float
    upper: float


@lru_cache
def stated(K: int) -> Multiples:
    """The library's constants."""
    return Multiples(*hellinger_bounds(K))


def sabotage(K: int) -> Multiples:
    """The lower constant of views without a common answer: H^2 = 1 at JS = log K."""
    return Multiples(1 / float(np.log(K)), stated(K).upper)


def near_miss(K: int) -> Multiples:
    """A lower constant a thousandth too large."""
    return Multiples(1.001 * stated(K).lower, stated(K).upper)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Attack both bounds, answer by answer, and evaluate the extreme orbits at 50 digits.

    Args:
        formula: The constants for K views.
        rng: Source of randomness.

    Yields:
        For K = 2 to 8 the least and largest ratio found over points x of mean 1 with any number of different values,
        each realised as views nu_k(z) = x_(k + z) / K; and orbits where the ratio is known.
    """
    for K in range(2, 9):
        bounds = formula(K)
        for sign in (1.0, -1.0):
            found = attack_distributions(
                partial(_score, sign=sign), (K,), rng, least=1e-40, climbers=8, trials=24, rounds=120
            )
            x = [mp.mpf(float(v)) * K for v in found.place]
            ratio = float(_ratio(_rolled(x)))
            instance = {"K": K, "x": ", ".join(mp.nstr(v, 8) for v in x), "found": "attack"}
            here = instance | {"compared": "H^2 / JS, c"}
            yield Evidence(bounds.lower, ratio, "at least", 1e-10, here, K, ratio=bounds.lower / ratio)
            here = instance | {"compared": "H^2 / JS, C"}
            yield Evidence(bounds.upper, ratio, "at most", 1e-10, here, K, ratio=ratio / bounds.upper)
        missing = [mp.mpf(0), *[mp.mpf(K) / (K - 1)] * (K - 1)]
        instance = {"K": K, "views": "view k uniform except on answer k", "compared": "H^2 / JS, C"}
        yield Evidence(bounds.upper, float(_ratio(_rolled(missing))), "equal", 1e-13, instance, K)
    root = mp.sqrt(3)
    known = _ratio(_rolled([1 + root, 1 - root / 2, 1 - root / 2]))
    instance = {"K": 3, "x": "1 + sqrt 3, 1 - sqrt 3 / 2 twice", "compared": "H^2 / JS, c"}
    yield Evidence(formula(3).lower, float(known), "equal", 1e-9, instance, 3)


def _rolled(x: Sequence[Any]) -> list[list[Any]]:
    """Make K views of K answers out of one point, by cyclic shifts."""
    total = mp.fsum(x)
    return [[x[(k + z) % len(x)] / total for z in range(len(x))] for k in range(len(x))]


def _ratio(views: Sequence[Sequence[Any]]) -> Any:
    """Compute H^2 / JS of views from the definitions."""
    K = len(views)
    mean = [mp.fsum(column) / K for column in zip(*views, strict=True)]
    distance = 1 - mp.fsum(mp.root(mp.fprod(column), K) for column in zip(*views, strict=True))
    terms = (p * mp.log(p / m) for nu in views for p, m in zip(nu, mean, strict=True) if p > 0)
    return distance * K / mp.fsum(terms)


def _score(p: Array, sign: float) -> Array:
    """Compute the ratio at x = K p, negative for sign 1; -inf near (1, .., 1), where rounding dominates."""
    x = p * p.shape[1]
    spread, product = (x * np.log(x)).mean(axis=1), np.exp(np.log(x).mean(axis=1))
    return np.asarray(np.where(spread > 1e-5, -sign * (1 - product) / np.maximum(spread, 1e-5), -np.inf))


def plot() -> Plot:
    """Draw the lower constant and the ratio of views without a common answer."""
    sizes = list(range(2, 17))
    lines = [
        Line("c log K", sizes, [stated(K).lower * float(np.log(K)) for K in sizes], "points"),
        Line("views without a common answer", [2, 16], [1.0, 1.0], "bound"),
    ]
    caption = "Views without a common answer (H^2 = 1 at JS = log K) are not the extreme: c stays below 1 / log K."
    return Plot("views K", "H^2 / JS, times log K", lines, caption)


I23 = Claim(
    id="I.23",
    title="Hellinger against Jensen-Shannon",
    whose="paper",
    place="appendix F.4, below Definition F.1, which states that there is a bound; the constants are ours",
    plain="Two measures of the disagreement of views are within constant factors of each other.",
    statement=(
        "H^2 can be bounded in terms of the Jensen-Shannon divergence of the views. (With K equal shares and in nats: "
        "c_K JS <= H^2 <= JS / log(K / (K - 1)), where c_K is the least ratio over points with two different values: "
        "c_2 = 1, c_3 = .86167, c_4 = .71597 and so on.)"
    ),
    printed="c_K JS(nu_1, .., nu_K) <= H^2(nu_1, .., nu_K) <= C_K JS(nu_1, .., nu_K)",
    kind="existence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "Both are sums over answers of functions of the ratios nu_k / mean, so that the extremes are those of one "
        "point x of mean 1, which cyclically shifted views realise. The upper constant is attained if view k is "
        "uniform on all answers except k. For the lower constant two values suffice: if the ratio is stationary "
        "inside, G / x_k + c log x_k is the same number for all k, where G is the product of the x_k^(1/K), and this "
        "function of x_k decreases and then increases; on the edge the ratio is at least 1 / log K, which the values "
        "K and 0 attain; near x = 1 it tends to 1."
    ),
    plot=plot,
)

CLAIMS = (I23,)
