"""A reference larger than memory: its answer marginal accumulated, and a policy lifted, chunk by chunk of traces."""

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
    """The answer marginal of one prompt's reference, from chunks of its traces.

    The game is then played on the answers, and each chunk of the policy is lifted when it is wanted.

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
            DomainError: If it is not an integer of at least 1, or a table of so many answers does not fit into memory.
        """
        n_answers = as_count(n_answers, "n_answers")
        check_cells(1, n_answers, "n_answers")
        self._rounding, self._n_traces = Rounding(0.0, 0.0), 0
        self._top: OverAnswers = np.full(n_answers, -np.inf)
        self._total: OverAnswers = np.zeros(n_answers)

    def add(self, log_pi_0: Numbers, E: Numbers) -> None:
        """Add the traces of a chunk; memory is that of a few arrays of the chunk's size.

        Args:
            log_pi_0: Log-probabilities of the chunk's traces, [Y]; -inf for probability 0.
            E: Answer of each, [Y].

        Raises:
            DomainError: If a log-probability is NaN or above 0, or an answer is out of range.
            ShapeError: If the two differ in shape.
        """
        logs, indices, rounding = _as_chunk(log_pi_0, E, self._top.size)
        self._rounding, self._n_traces = max(self._rounding, rounding), self._n_traces + logs.size
        top = self._top.copy()
        np.maximum.at(top, indices, logs)
        shift = np.where(np.isfinite(top), top, 0.0)
        self._total *= np.exp(self._top - shift)
        np.add.at(self._total, indices, np.exp(logs - shift[indices]))
        self._top = top

    @property
    def log_nu_0(self) -> OverAnswers:
        """Log of the answer marginal, [Z].

        If chunks came in a type coarser than float64, the sum may miss 1 by what rounding in that type explains, and is
        divided out.

        Raises:
            DomainError: If the masses of all chunks do not sum to 1.
        """
        with np.errstate(divide="ignore"):
            log_nu_0 = np.where(np.isfinite(self._top), self._top, 0.0) + np.log(self._total)
        total = float(np.exp(simplex.log_sum(log_nu_0)))
        tolerance = _tolerances.normalisation(self._rounding, max(self._n_traces, 1), in_logs=True)
        if not abs(total - 1) <= tolerance:
            raise DomainError(
                f"the chunks' masses sum to {total:.12g}, not 1 (tolerance {tolerance:.2g}); a chunk is missing or was "
                "added twice."
            )
        exact = tolerance <= _tolerances.NORMALISATION
        return np.asarray(log_nu_0 if exact else simplex.log_normalize(log_nu_0))


@with_default_errors
def lift_chunk(log_pi_0: Numbers, E: Numbers, log_ratio: Numbers) -> OverTraces:
    """Lift an answer marginal to the traces of one chunk.

    Args:
        log_pi_0: Log-probabilities of the chunk's traces, [Y].
        E: Answer of each, [Y].
        log_ratio: Log of nu / nu_0, [Z], from `game.log_ratio(solution.log_nu)`.

    Returns:
        Log-probabilities of the policy, [Y]; of chunks in a coarser type than float64, up to the miss of their sum.

    Raises:
        DomainError: If an argument holds no numbers, or an answer is out of range.
        ShapeError: If the arguments differ in shape.
    """
    ratio = read_real(log_ratio, "log_ratio").array
    if ratio.ndim != 1:
        raise ShapeError(f"`log_ratio` has shape {ratio.shape}; one number per answer, (Z,), is needed.")
    if not ratio.max() < np.inf:
        raise DomainError("`log_ratio` must be numbers, or -inf; it is what `game.log_ratio(solution.log_nu)` returns.")
    logs, indices, _ = _as_chunk(log_pi_0, E, ratio.size)
    return simplex.lift(logs, indices, ratio)


def _as_chunk(log_pi_0: Numbers, E: Numbers, n_answers: int) -> tuple[OverTraces, Extraction, Rounding]:
    logs, rounding, _ = read_real(log_pi_0, "log_pi_0")
    if logs.ndim != 1:
        raise ShapeError(f"`log_pi_0` has shape {logs.shape}; a chunk is a list of at least one trace.")
    tolerance = _tolerances.normalisation(rounding, logs.size, in_logs=True)
    if not logs.max() <= tolerance:
        place = int(np.argmax(~(logs <= tolerance)))
        raise DomainError(f"`log_pi_0[{place}]` is {logs[place]}; a log-probability is at most 0, or -inf.")
    return logs, simplex.as_extraction(E, logs.shape, n_answers, kept=False)[0], rounding
