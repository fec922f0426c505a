"""A user's functional put through the claims about every functional: its games, and what its values alone tell."""

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
"""Slack of a value, relative to its scale: the search leaves 1e-12, a conjugate found numerically its gap 1e-10."""

PLACE = 1e-6
"""Slack of what is measured from where a value is least: known to the root of rounding only, about 1e-8 a mass."""

_MOST_ANSWERS = 64
_GRID = np.linspace(0.0, 1.0, 13)
_PASSES = 16
"""Each pass leaves a sixth of the interval: 6^-16 is 4e-13."""


class Unsaid(Exception):  # noqa: N818 - it is no error of anybody
    """A claim says nothing of a functional; the message says why."""


@dataclass(frozen=True)
class FunctionalGame:
    """A game with one trace per answer, whose reference leaves at most three answers.

    The library's objects are asked about all answers; the search needs the reachable ones only.

    Attributes:
        R: The functional.
        n_answers: Number of answers |Z|.
        face: The answers with reference mass.
        nu_0: Their masses, [face].
        beta: Weight of the divergence.
    """

    R: Functional
    n_answers: int
    face: tuple[int, ...]
    nu_0: list[Fraction]
    beta: Fraction

    @cached_property
    def library(self) -> AlignmentGame:
        """The game as the library states it."""
        return AlignmentGame(self.spread(self.floats), list(range(self.n_answers)), self.R, float(self.beta))

    @property
    def floats(self) -> Array:
        """nu_0 on the face, in float64."""
        return np.array([float(p) for p in self.nu_0])

    @property
    def instance(self) -> dict[str, Any]:
        """The numbers to repeat a comparison."""
        shown: dict[str, Any] = {"R": named(self.R), "nu_0": oracles.as_text(self.nu_0), "beta": str(self.beta)}
        return shown if len(self.face) == self.n_answers else shown | {"answers": f"{self.face} of {self.n_answers}"}

    def spread(self, values: Any, fill: float = 0.0) -> Array:
        """Put values of the face, [.., face], in their places among all answers."""
        values = np.asarray(values, dtype=np.float64)
        full = np.full((*values.shape[:-1], self.n_answers), fill)
        full[..., list(self.face)] = values
        return full

    def cost(self, nu: Any) -> Array:
        """Ask R for its values on the face, [.., face]."""
        with np.errstate(all="ignore"):
            return np.asarray(self.R.value(self.spread(nu)), dtype=np.float64)

    def conjugate(self, u: Any) -> Array:
        """Ask the library for R*(u), [..], every other answer being forbidden."""
        return np.asarray(self.R.conjugate(self.spread(u, -np.inf)), dtype=np.float64)

    def searched_conjugate(self, u: Any) -> float:
        """Search the supremum of <nu, u> - R(nu) over the face."""
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
        """Search min J, and nu*."""
        return least(self.searched_objective, len(self.face))

    # What claim I.5 asks of a game, with policies and targets on the face.

    def objective(self, pi: Any) -> float:
        """J(pi), the library's."""
        return float(self.library.objective(self.spread(pi)))

    def payoff(self, pi: Any, q: Any) -> float:
        """G(pi, q), the library's."""
        return float(self.library.payoff(self.spread(pi), self.spread(q)))

    def value(self) -> float:
        """Min J, searched."""
        return self.star[0]

    def lower_bound(self, q: Any) -> float:
        """Min over policies of G(., q), the library's."""
        answer = self.library.best_policy(self.spread(q))
        return float(self.library.payoff(answer, self.spread(q)))


def named(R: Functional) -> str:
    """Say which functional it is: the name of a user's own, else its type."""
    return str(getattr(R, "name", "") or type(R).__name__)


def scale(*values: float) -> float:
    """Size that a relative slack is of: the largest of 1 and the values."""
    return max(1.0, *(abs(value) for value in values))


def least(f: Callable[[Array], Array], n: int) -> tuple[float, Array]:
    """Minimise a convex function over the distributions of up to three answers, by nested searches on grids.

    A convex function of one number is least next to the least point of a grid, and the least over the second number
    is a convex function of the first, so that neither a kink nor an edge misleads the search.

    Args:
        f: From distributions [.., n] to numbers [..]; NaN counts as infinite.
        n: Number of answers, 1 to 3.

    Returns:
        The least value and where; infinite if no finite one was met.

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
    """Minimise convex functions of one number in [0, 1] on grids that shrink.

    Args:
        f: From numbers [*shape, grid] to values of that shape; NaN counts as infinite.
        shape: How many functions there are.

    Returns:
        The least values and where, [*shape].
    """
    low, high = np.zeros(shape), np.ones(shape)
    best, place = np.full(shape, np.inf), np.zeros(shape)
    for _ in range(_PASSES):
        grid = low[..., None] + (high - low)[..., None] * _GRID
        values = f(grid)
        values = np.where(np.isnan(values), np.inf, values)
        i = values.argmin(axis=-1)[..., None]
        found, at = (np.take_along_axis(array, i, axis=-1)[..., 0] for array in (values, grid))
        place, best = np.where(found < best, at, place), np.minimum(found, best)
        low = np.take_along_axis(grid, np.maximum(i - 1, 0), axis=-1)[..., 0]
        high = np.take_along_axis(grid, np.minimum(i + 1, _GRID.size - 1), axis=-1)[..., 0]
    return best, place


def games(R: Functional, rng: np.random.Generator, repeats: int = 2) -> Iterator[FunctionalGame]:
    """State games of a functional: of 2, 3 and 4 answers if it takes any number, with 2 and 3 of them reachable.

    Args:
        R: The functional.
        rng: Source of randomness.
        repeats: Games for each number of answers and of reachable ones.

    Yields:
        Games.

    Raises:
        Unsaid: If no two answers leave R finite.
    """
    found = False
    for n in sizes_of(R):
        for k in (2, 3):
            face = _face(R, n, k, rng)
            if face is None:
                continue
            found = True
            for _ in range(repeats):
                beta = Fraction(int(rng.integers(1, 12)), 4)
                yield FunctionalGame(R, n, face, oracles.random_distribution(rng, k, 9), beta)
    if not found:
        raise Unsaid(f"{named(R)} is infinite wherever just two or three answers have mass, and no search goes further")


def convexity(game: FunctionalGame, rng: np.random.Generator) -> Evidence:
    """Compare R in the middle of two distributions with its mean over them: what every claim supposes.

    Args:
        game: A game of the functional.
        rng: Source of randomness.

    Returns:
        The comparison that is nearest to failing, of 40.
    """
    ends = rng.dirichlet(np.ones(len(game.face)), size=(2, 40))
    middle, mean = game.cost(ends.mean(axis=0)), game.cost(ends).mean(axis=0)
    rise = np.where(np.isinf(mean), -np.inf, middle - np.where(np.isinf(mean), 0.0, mean))
    i = int(np.argmax(np.where(np.isnan(rise), np.inf, rise)))
    shown = {name: str(tuple(nu[i].round(6).tolist())) for name, nu in zip(("nu", "nu'"), ends, strict=True)}
    instance = {"R": named(game.R)} | shown | {"compared": "R in the middle, mean of R at both"}
    claimed, measured = (0.0, 0.0) if np.isinf(mean[i]) else (float(mean[i]), float(middle[i]))
    return Evidence(claimed, measured, "at most", 1e-11 * scale(claimed), instance, size=0)


def sizes_of(R: Functional) -> list[int]:
    """Find the first three numbers of answers, from 2 on, that a functional takes.

    Args:
        R: The functional.

    Returns:
        Numbers of answers.

    Raises:
        DomainError: If there is none up to 64.

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
            f"{named(R)} takes no number of answers from 2 to {_MOST_ANSWERS}; of 2 answers it says: {refusal}. "
            "`value` is given distributions [*x, Z] and must return numbers [*x]."
        )
    return fitting


def _face(R: Functional, n: int, k: int, rng: np.random.Generator) -> tuple[int, ...] | None:
    """Choose k answers on which R is finite somewhere, if there are."""
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
    """Settle, for one functional, every claim that is about all of them.

    Args:
        R: The functional; its parameters must be those of one prompt.
        seed: Seed of the games.
        ids: Only these claims; all that are about every functional by default.

    Returns:
        A result per claim. "open" where the claim says nothing of R, with the reason as its error; "error" where the
        library refuses R, with what it says.

    Raises:
        DomainError: If R is no functional, or a claim says nothing of functionals.

    >>> from dagames.functionals import Gini
    >>> {result.claim.id: result.verdict for result in check_claims_of(Gini())}
    {'I.2': 'holds', 'I.3': 'holds', 'I.5': 'false', 'I.5a': 'holds', 'I.6': 'holds', 'I.8': 'holds'}
    """
    if not isinstance(R, Functional):
        raise DomainError(f"`R` must be a Functional, not {R!r}; `dagames.functionals.from_convex` makes one.")
    known = {
        name: claim for name, claim in load_claims().items() if any(reading.of_functional for reading in claim.readings)
    }
    if strange := [name for name in ids if name not in known]:
        raise DomainError(f"claim {strange[0]} is not about every functional; these are: {', '.join(known)}.")
    return [_settled(claim, R, seed) for name, claim in known.items() if not ids or name in ids]


def load_functional(path: Path) -> Functional:
    """Import a Python file and take its functional.

    Args:
        path: A file that defines FUNCTIONAL.

    Returns:
        The functional.

    Raises:
        DomainError: If there is no such file, it fails, it does not define FUNCTIONAL, or that is no functional.
    """
    R = defined_in(path, "FUNCTIONAL", "FUNCTIONAL = from_convex(value, gradient), or any other Functional")
    if not isinstance(R, Functional):
        raise DomainError(
            f"FUNCTIONAL of {path} is {R!r}, not a Functional. `dagames.functionals.from_convex(value, gradient)` "
            "makes one from two functions; an instance is needed, not a class."
        )
    return R


def _settled(claim: Claim, R: Functional, seed: int) -> Result:
    asked = tuple(reading for reading in claim.readings if reading.of_functional is not None)
    claim = replace(claim, readings=asked, expected=verdict_of([reading.expected for reading in asked], claim.missing))
    notes: dict[int, str] = {}

    def reading_of(number: int, reading: Reading) -> Reading:
        def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
            try:
                yield from reading.of_functional(R, formula, rng) if reading.of_functional else ()
            except Unsaid as reason:
                notes[number] = str(reason)

        return replace(reading, evidence=evidence)

    result = settle(replace(claim, readings=tuple(map(reading_of, range(len(asked)), asked))), seed)
    found = tuple(replace(one, error=one.error or notes.get(number, "")) for number, one in enumerate(result.readings))
    return replace(result, claim=claim, readings=found)
