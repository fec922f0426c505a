"""The claims about every functional, checked for a user's functional on games with at most three reachable answers."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames import AlignmentGame, DomainError, InfeasibleError, ShapeError
from dagames.functionals import Functional
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading, Result, verdict_of
from proofs_check.known import defined_in, load_claims
from proofs_check.run import settle

Array = NDArray[np.float64]

VALUE = 1e-8
"""Tolerance of a value, relative to its scale: the search has errors of 1e-12, a numerical conjugate of 1e-10."""

PLACE = 1e-6
"""Tolerance of quantities computed from a minimiser, whose masses have errors of about 1e-8, the root of rounding."""

_MOST_ANSWERS = 64
_GRID = np.linspace(0.0, 1.0, 13)
_PASSES = 16
"""Each pass reduces the interval to a sixth: 6^-16 is 4e-13."""


class NotApplicable(Exception):  # noqa: N818 - not an error
    """The claim does not apply to the functional; the message is the reason."""


@dataclass(frozen=True)
class FunctionalGame:
    """A game with one trace per answer and at most three reachable answers, the face.

    Methods take arrays over the face. `dagames` computes on all answers, the search on the face only.

    Attributes:
        R: The functional.
        n_answers: Number of answers |Z|.
        face: The answers with reference mass.
        nu_0: Reference masses, [face].
        beta: Weight of the divergence.
    """

    R: Functional
    n_answers: int
    face: tuple[int, ...]
    nu_0: list[Fraction]
    beta: Fraction

    @cached_property
    def library(self) -> AlignmentGame:
        """The game as an `AlignmentGame`."""
        return AlignmentGame(self.spread(self.floats), list(range(self.n_answers)), self.R, float(self.beta))

    @property
    def floats(self) -> Array:
        """nu_0 on the face, in float64."""
        return np.array([float(p) for p in self.nu_0])

    @property
    def instance(self) -> dict[str, Any]:
        """The numbers that suffice to repeat a comparison."""
        values: dict[str, Any] = {"R": named(self.R), "nu_0": oracles.as_text(self.nu_0), "beta": str(self.beta)}
        return values if len(self.face) == self.n_answers else values | {"answers": f"{self.face} of {self.n_answers}"}

    def spread(self, values: Any, fill: float = 0.0) -> Array:
        """Extend values on the face, [.., face], to all answers, [.., Z], with `fill` elsewhere."""
        values = np.asarray(values, dtype=np.float64)
        full = np.full((*values.shape[:-1], self.n_answers), fill)
        full[..., list(self.face)] = values
        return full

    def cost(self, nu: Any) -> Array:
        """Compute R at distributions on the face, [.., face]."""
        with np.errstate(all="ignore"):
            return np.asarray(self.R.value(self.spread(nu)), dtype=np.float64)

    def conjugate(self, u: Any) -> Array:
        """Compute R*(u) by `dagames`, [..], with u = -inf outside the face."""
        return np.asarray(self.R.conjugate(self.spread(u, -np.inf)), dtype=np.float64)

    def searched_conjugate(self, u: Any) -> float:
        """Maximise <nu, u> - R(nu) over the face by search."""
        u = np.asarray(u, dtype=np.float64)
        return -least(lambda nu: self.cost(nu) - nu @ u, len(self.face))[0]

    def divergence(self, nu: Any) -> Array:
        """Compute KL(nu || nu_0) from its definition, [..]."""
        nu = np.asarray(nu, dtype=np.float64)
        return np.asarray((nu * np.log(np.where(nu > 0, nu, 1.0) / self.floats)).sum(axis=-1))

    def searched_objective(self, nu: Any) -> Array:
        """Compute J from R's values and the definition of the divergence, [..]."""
        return np.asarray(self.cost(nu) + float(self.beta) * self.divergence(nu))

    @cached_property
    def star(self) -> tuple[float, Array]:
        """Compute min J and nu* by search."""
        return least(self.searched_objective, len(self.face))

    # The interface of games for claim I.5, with policies and targets on the face.

    def objective(self, pi: Any) -> float:
        """Compute J(pi) by `dagames`."""
        return float(self.library.objective(self.spread(pi)))

    def payoff(self, pi: Any, q: Any) -> float:
        """Compute G(pi, q) by `dagames`."""
        return float(self.library.payoff(self.spread(pi), self.spread(q)))

    def value(self) -> float:
        """Compute min J by search."""
        return self.star[0]

    def lower_bound(self, q: Any) -> float:
        """Compute min over policies of G(., q) by `dagames`."""
        pi = self.library.best_policy(self.spread(q))
        return float(self.library.payoff(pi, self.spread(q)))


def named(R: Functional) -> str:
    """Return the name of a functional: its `name`, or its type without one."""
    return str(getattr(R, "name", "") or type(R).__name__)


def scale(*values: float) -> float:
    """Return the scale of a relative tolerance: the largest of 1 and the absolute values."""
    return max(1.0, *(abs(value) for value in values))


def least(f: Callable[[Array], Array], n: int) -> tuple[float, Array]:
    """Minimise a convex function over the distributions on up to three answers, by nested grid searches.

    A convex function of one variable has its minimum next to the least grid point, and its minimum over the second
    variable is a convex function of the first. Hence the search is correct at kinks and at the boundary.

    Args:
        f: Function from distributions [.., n] to numbers [..]; NaN counts as +inf.
        n: Number of answers, 1 to 3.

    Returns:
        The least value and its distribution; +inf if f is infinite at every grid point.

    >>> least(lambda nu: ((nu - [0.5, 0.3, 0.2]) ** 2).sum(axis=-1), 3)[1].round(6)
    array([0.5, 0.3, 0.2])
    """
    if n == 1:
        return float(f(np.ones(1))), np.ones(1)
    if n == 2:
        value, t = refined(lambda t: f(np.stack([t, 1 - t], axis=-1)), ())
        return float(value), np.array([float(t), 1 - float(t)])

    def point(t: Array, s: Array) -> Array:
        return np.stack([t, (1 - t) * s, (1 - t) * (1 - s)], axis=-1)

    def inner(t: Array) -> tuple[Array, Array]:
        return refined(lambda s: f(point(np.broadcast_to(t[..., None], s.shape), s)), t.shape)

    value, t = refined(lambda t: inner(t)[0], ())
    return float(value), point(t, inner(t)[1])


def refined(f: Callable[[Array], Array], shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Minimise convex functions on [0, 1] by grids of decreasing width.

    Args:
        f: Functions from numbers [*shape, grid] to values of the same shape; NaN counts as +inf.
        shape: Shape of the array of functions.

    Returns:
        The least values and their arguments, [*shape].
    """
    low, high = np.zeros(shape), np.ones(shape)
    best, place = np.full(shape, np.inf), np.zeros(shape)
    for _ in range(_PASSES):
        grid = low[..., None] + (high - low)[..., None] * _GRID
        values = f(grid)
        values = np.where(np.isnan(values), np.inf, values)
        i = values.argmin(axis=-1)[..., None]
        value, at = (np.take_along_axis(array, i, axis=-1)[..., 0] for array in (values, grid))
        place, best = np.where(value < best, at, place), np.minimum(value, best)
        low = np.take_along_axis(grid, np.maximum(i - 1, 0), axis=-1)[..., 0]
        high = np.take_along_axis(grid, np.minimum(i + 1, _GRID.size - 1), axis=-1)[..., 0]
    return best, place


def games(R: Functional, rng: np.random.Generator, repeats: int = 2) -> Iterator[FunctionalGame]:
    """Generate games of a functional: with 2, 3 and 4 answers if R allows them, of which 2 or 3 are reachable.

    Args:
        R: The functional.
        rng: Random generator.
        repeats: Number of games for each number of answers and of reachable answers.

    Yields:
        Games.

    Raises:
        NotApplicable: If R is infinite at all distributions on two or three answers.
    """
    has_face = False
    for n in sizes_of(R):
        for k in (2, 3):
            face = _face(R, n, k, rng)
            if face is None:
                continue
            has_face = True
            for _ in range(repeats):
                beta = Fraction(int(rng.integers(1, 12)), 4)
                yield FunctionalGame(R, n, face, oracles.random_distribution(rng, k, 9), beta)
    if not has_face:
        raise NotApplicable(
            f"{named(R)} is infinite at all distributions on two or three answers, and the search takes no more answers"
        )


def convexity(game: FunctionalGame, rng: np.random.Generator) -> Evidence:
    """Test midpoint convexity of R, an assumption of every claim, at 40 pairs of distributions.

    Args:
        game: A game of the functional.
        rng: Random generator.

    Returns:
        The comparison nearest to failure.
    """
    ends = rng.dirichlet(np.ones(len(game.face)), size=(2, 40))
    middle, mean = game.cost(ends.mean(axis=0)), game.cost(ends).mean(axis=0)
    rise = np.where(np.isinf(mean), -np.inf, middle - np.where(np.isinf(mean), 0.0, mean))
    i = int(np.argmax(np.where(np.isnan(rise), np.inf, rise)))
    pair = {name: str(tuple(nu[i].round(6).tolist())) for name, nu in zip(("nu", "nu'"), ends, strict=True)}
    instance = {"R": named(game.R)} | pair | {"compared": "R at the midpoint, mean of R at both"}
    claimed, measured = (0.0, 0.0) if np.isinf(mean[i]) else (float(mean[i]), float(middle[i]))
    return Evidence(claimed, measured, "at most", 1e-11 * scale(claimed), instance, size=0)


def sizes_of(R: Functional) -> list[int]:
    """Find the three smallest numbers of answers, from 2 on, that a functional allows.

    Args:
        R: The functional.

    Returns:
        Numbers of answers.

    Raises:
        DomainError: If it allows no number up to 64.

    >>> from dagames.functionals import Gini, Linear
    >>> sizes_of(Gini()), sizes_of(Linear([0.0, 1.0, 2.0]))
    ([2, 3, 4], [3])
    """
    fitting: list[int] = []
    refusal: Exception | None = None
    for n in range(2, _MOST_ANSWERS + 1):
        try:
            R.check_fits((), n)
            shape = np.shape(R.value(np.full((1, n), 1 / n)))
        except (ShapeError, DomainError, ValueError, IndexError) as error:
            refusal = refusal or error
            continue
        fitting += [n] if shape == (1,) else []
        if len(fitting) == 3:
            break
    if not fitting:
        raise DomainError(
            f"{named(R)} allows no number of answers from 2 to {_MOST_ANSWERS}; the error for 2 answers is: {refusal}. "
            "`value` must return numbers [*x] for distributions [*x, Z]."
        )
    return fitting


def _face(R: Functional, n: int, k: int, rng: np.random.Generator) -> tuple[int, ...] | None:
    """Choose k answers on which R is finite at some distribution; None if there are none."""
    allowed = np.flatnonzero(R.allowed(np.ones(n, dtype=bool))).tolist()
    candidates: list[tuple[int, ...]] = list(combinations(allowed, k))
    for i in rng.permutation(len(candidates))[:20].tolist():
        face: tuple[int, ...] = candidates[i]
        mask = np.isin(np.arange(n), face)
        try:
            R.check_reachable(mask)
        except InfeasibleError:
            continue
        if (R.allowed(mask) != mask).any():
            continue
        game = FunctionalGame(R, n, face, [Fraction(1, k)] * k, Fraction(1))
        if np.isfinite(game.cost(np.full(k, 1 / k))) or np.isfinite(least(game.cost, k)[0]):
            return face
    return None


def check_claims_of(R: Functional, seed: int = 0, ids: Collection[str] = ()) -> list[Result]:
    """Settle the claims about every functional for one functional.

    Args:
        R: The functional; its parameters must be those of one prompt.
        seed: Seed of the games.
        ids: Ids of the claims; by default all claims about every functional.

    Returns:
        A result per claim: "open" if the claim does not apply to R, with the reason as its error; "error" if `dagames`
        raises an error for R, with its message.

    Raises:
        DomainError: If R is not a functional, or a claim is not about every functional.

    >>> from dagames.functionals import Gini
    >>> {result.claim.id: result.verdict for result in check_claims_of(Gini())}
    {'I.2': 'holds', 'I.3': 'holds', 'I.5': 'false', 'I.5a': 'holds', 'I.6': 'holds', 'I.8': 'holds'}
    """
    if not isinstance(R, Functional):
        raise DomainError(f"`R` must be a Functional, not {R!r}; `dagames.functionals.from_convex` makes one.")
    applicable = {
        name: claim for name, claim in load_claims().items() if any(reading.of_functional for reading in claim.readings)
    }
    if others := [name for name in ids if name not in applicable]:
        raise DomainError(
            f"claim {others[0]} is not about every functional; the claims that are: {', '.join(applicable)}."
        )
    return [_settle_for(claim, R, seed) for name, claim in applicable.items() if not ids or name in ids]


def load_functional(path: Path) -> Functional:
    """Import a Python file and return its functional.

    Args:
        path: A file that defines FUNCTIONAL.

    Returns:
        The functional.

    Raises:
        DomainError: If the file does not exist or fails, or if FUNCTIONAL is missing or not a functional.
    """
    R = defined_in(path, "FUNCTIONAL", "FUNCTIONAL = from_convex(value, gradient), or any other Functional")
    if not isinstance(R, Functional):
        raise DomainError(
            f"FUNCTIONAL of {path} is {R!r}, not a Functional. `dagames.functionals.from_convex(value, gradient)` "
            "makes one from two functions. Pass an instance, not a class."
        )
    return R


def _settle_for(claim: Claim, R: Functional, seed: int) -> Result:
    readings = tuple(reading for reading in claim.readings if reading.of_functional is not None)
    expected = verdict_of([reading.expected for reading in readings], claim.missing)
    claim = replace(claim, readings=readings, expected=expected)
    reasons: dict[int, str] = {}

    def reading_of(number: int, reading: Reading) -> Reading:
        def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
            try:
                yield from reading.of_functional(R, formula, rng) if reading.of_functional else ()
            except NotApplicable as reason:
                reasons[number] = str(reason)

        return replace(reading, evidence=evidence)

    result = settle(replace(claim, readings=tuple(map(reading_of, range(len(readings)), readings))), seed)
    outcomes = tuple(
        replace(settled, error=settled.error or reasons.get(number, ""))
        for number, settled in enumerate(result.readings)
    )
    return replace(result, claim=claim, readings=outcomes)
