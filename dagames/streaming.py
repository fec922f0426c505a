"""A reference larger than memory: its answer marginal accumulated, and a policy lifted, chunk by chunk of traces."""

import numpy as np

from dagames import _tolerances, simplex
from dagames._errors import DomainError, ShapeError
from dagames._types import Extraction, Numbers, OverAnswers, OverTraces


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

    def __init__(self, n_answers: int) -> None:
        """Start with no traces.

        Args:
            n_answers: Number of answers |Z|, at least 1.

        Raises:
            DomainError: If it is not an integer of at least 1.
        """
        if isinstance(n_answers, bool) or not isinstance(n_answers, int) or n_answers < 1:
            raise DomainError(f"`n_answers` must be an integer of at least 1, not {n_answers!r}.")
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
        logs, indices = _as_chunk(log_pi_0, E, self._top.size)
        top = self._top.copy()
        np.maximum.at(top, indices, logs)
        shift = np.where(np.isfinite(top), top, 0.0)
        self._total *= np.exp(self._top - shift)
        np.add.at(self._total, indices, np.exp(logs - shift[indices]))
        self._top = top

    @property
    def log_nu_0(self) -> OverAnswers:
        """Log of the answer marginal, [Z]; a DomainError if the masses of all chunks do not sum to 1."""
        with np.errstate(divide="ignore"):
            log_nu_0 = np.where(np.isfinite(self._top), self._top, 0.0) + np.log(self._total)
        total = float(np.exp(simplex.log_sum(log_nu_0)))
        if not abs(total - 1) <= _tolerances.NORMALISATION:
            raise DomainError(
                f"the chunks' masses sum to {total:.12g}, not 1 (tolerance {_tolerances.NORMALISATION:g}); a chunk is "
                "missing or was added twice."
            )
        return np.asarray(log_nu_0)


def lift_chunk(log_pi_0: Numbers, E: Numbers, log_ratio: OverAnswers) -> OverTraces:
    """Lift an answer marginal to the traces of one chunk.

    Args:
        log_pi_0: Log-probabilities of the chunk's traces, [Y].
        E: Answer of each, [Y].
        log_ratio: Log of nu / nu_0, [Z], from `game.log_ratio(solution.log_nu)`.

    Returns:
        Log-probabilities of the policy, [Y].
    """
    logs, indices = _as_chunk(log_pi_0, E, log_ratio.size)
    return simplex.lift(logs, indices, log_ratio)


def _as_chunk(log_pi_0: Numbers, E: Numbers, n_answers: int) -> tuple[OverTraces, Extraction]:
    logs = np.asarray(log_pi_0, dtype=np.float64)
    if logs.ndim != 1 or logs.size == 0:
        raise ShapeError(f"`log_pi_0` has shape {logs.shape}; a chunk is a list of at least one trace.")
    if not logs.max() <= _tolerances.NORMALISATION:
        place = int(np.argmax(~(logs <= _tolerances.NORMALISATION)))
        raise DomainError(f"`log_pi_0[{place}]` is {logs[place]}; a log-probability is at most 0, or -inf.")
    return logs, simplex.as_extraction(E, logs.shape, n_answers)[0]
