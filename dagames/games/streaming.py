"""References larger than memory: the push-forward and the lift, one chunk of traces at a time."""

from typing import SupportsIndex

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, ShapeError
from dagames._tolerances import Rounding
from dagames._types import Extraction, Numbers, OverAnswers, OverTraces
from dagames.numerics.arrays import read_real
from dagames.numerics.float_errors import with_default_errors, with_default_errors_in
from dagames.numerics.integers import as_count, check_cells


@with_default_errors_in
class MarginalAccumulator:
    """The answer marginal of one prompt's reference, accumulated from chunks of its traces.

    The game with this marginal as its reference is solved, and the policy is lifted one chunk at a time.

    >>> from dagames import AlignmentGame, solve
    >>> from dagames.functionals import Gini
    >>> chunks = [(np.log([0.5, 0.2]), np.array([0, 1])), (np.log([0.3]), np.array([1]))]
    >>> marginal = MarginalAccumulator(n_answers=2)
    >>> for log_pi_0, E in chunks:
    ...     marginal.add(log_pi_0, E)
    >>> game = AlignmentGame.from_log(marginal.log_nu_0, [0, 1], Gini(1.0), beta=1.0)
    >>> log_ratio = game.log_ratio(solve(game).log_nu)
    >>> [np.exp(lift_chunk(log_pi_0, E, log_ratio)).round(4).tolist() for log_pi_0, E in chunks]
    [[0.5, 0.2], [0.3]]
    """

    def __init__(self, n_answers: SupportsIndex) -> None:
        """Start with no traces.

        Args:
            n_answers: Number of answers |Z|, at least 1.

        Raises:
            DomainError: If it is not an integer of at least 1, or is larger than `_tolerances.CELLS`.
        """
        n_answers = as_count(n_answers, "n_answers")
        check_cells(1, n_answers, "n_answers")
        self._rounding, self._n_traces = Rounding(0.0, 0.0), 0
        self._log_mass: OverAnswers = np.full(n_answers, -np.inf)

    def add(self, log_pi_0: Numbers, E: Numbers) -> None:
        """Add the traces of a chunk, with temporary arrays of the chunk's size.

        Args:
            log_pi_0: Log-probabilities of the chunk's traces, [Y]; -inf for probability 0.
            E: Answer of each trace, [Y].

        Raises:
            DomainError: If a log-probability is NaN or above 0, or an answer is out of range.
            ShapeError: If the two differ in shape.
        """
        logs, indices, rounding = _as_chunk(log_pi_0, E, self._log_mass.size)
        self._rounding, self._n_traces = max(self._rounding, rounding), self._n_traces + logs.size
        added = simplex.pushforward(logs, indices, self._log_mass.size)
        np.logaddexp(self._log_mass, added, out=self._log_mass, where=added > -np.inf)

    @property
    def log_nu_0(self) -> OverAnswers:
        """Log of the answer marginal, [Z].

        If chunks were of a type coarser than float64, the masses may sum to 1 up to the rounding of that type, and are
        divided by their sum.

        Raises:
            DomainError: If the masses of all chunks do not sum to 1.
        """
        total = float(np.exp(simplex.log_sum(self._log_mass)))
        tolerance = _tolerances.normalisation(self._rounding, max(self._n_traces, 1), in_logs=True)
        if not abs(total - 1) <= tolerance:
            raise DomainError(
                f"the chunks' masses sum to {total:.12g}, not 1 (tolerance {tolerance:.2g}); a chunk is missing or was "
                "added twice."
            )
        exact = tolerance <= _tolerances.NORMALISATION
        return self._log_mass.copy() if exact else simplex.log_normalize(self._log_mass)


@with_default_errors
def lift_chunk(log_pi_0: Numbers, E: Numbers, log_ratio: Numbers) -> OverTraces:
    """Compute the policy of an answer marginal on the traces of one chunk.

    Math:
        log pi(y) = log pi_0(y) + log(nu / nu_0)(E(y)).

    Args:
        log_pi_0: Log-probabilities of the chunk's traces, [Y].
        E: Answer of each trace, [Y].
        log_ratio: Log of nu / nu_0, [Z], from `game.log_ratio(solution.log_nu)`.

    Returns:
        Log-probabilities of the policy, [Y]. If the chunks are of a type coarser than float64, the policy sums to 1 up
        to the rounding of that type.

    Raises:
        DomainError: If an entry is not a number, or an answer is out of range.
        ShapeError: If the arguments differ in shape.
    """
    ratio = read_real(log_ratio, "log_ratio").array
    if ratio.ndim != 1:
        raise ShapeError(f"`log_ratio` has shape {ratio.shape}; it must have one number per answer, (Z,).")
    if not ratio.max() < np.inf:
        raise DomainError("`log_ratio` must be numbers below inf; pass `game.log_ratio(solution.log_nu)`.")
    logs, indices, _ = _as_chunk(log_pi_0, E, ratio.size)
    return simplex.lift(logs, indices, ratio)


def _as_chunk(log_pi_0: Numbers, E: Numbers, n_answers: int) -> tuple[OverTraces, Extraction, Rounding]:
    logs, rounding, _ = read_real(log_pi_0, "log_pi_0")
    if logs.ndim != 1:
        raise ShapeError(f"`log_pi_0` has shape {logs.shape}; it must be a list of at least one trace, (Y,).")
    tolerance = _tolerances.normalisation(rounding, logs.size, in_logs=True)
    if not logs.max() <= tolerance:
        place = int(np.argmax(~(logs <= tolerance)))
        raise DomainError(f"`log_pi_0[{place}]` is {logs[place]}; a log-probability is at most 0, or -inf.")
    return logs, simplex.as_extraction(E, logs.shape, n_answers, kept=False)[0], rounding
