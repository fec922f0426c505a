"""The reference over traces, its push-forward to answers, and the lift of answer marginals to policies."""

from collections.abc import Iterator, Mapping, Sequence, Set, Sized
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

from dagames import _tolerances, simplex
from dagames._errors import CertificateError, ShapeError
from dagames._types import Extraction, Numbers, OverAnswers, OverTraces, PerPrompt, RaggedTraces
from dagames.numerics.arrays import owned
from dagames.numerics.integers import check_cells, compact

Vector = NDArray[np.float64]

_LOG_LEAST = -700.0
"""Least logarithm whose exponential has float64's full precision."""


class Reference:
    """pi_0 and E of one prompt, of a batch of equal sizes, or of prompts with unequal numbers of traces.

    The traces of all prompts are stored in one flat array, as probabilities or as logarithms, as the user passed them.
    Arrays are copied once, so that later changes of the user's array do not affect the game; answers are stored in the
    smallest integer type that holds them. Arrays of read-only memory (`array.flags.writeable = False`, or
    `numpy.load(mmap_mode="r")`) are not copied. Temporary arrays have at most `simplex.BLOCK` entries.

    Attributes:
        values: Probabilities or log-probabilities of traces, [N].
        in_logs: Whether `values` are logarithms.
        E: Answer of each trace, [N], or [Y] if all prompts share it; a signed integer type of any size.
        starts: Index of each prompt's first trace, and the number of traces, [X + 1].
        shape: Shape (*x, Y) of a policy, or None if prompts differ in size.
        n_answers: Number of answers |Z|.
        log_nu_0: Log of the answer marginal, normalised, [*x, Z]; -inf for an answer without a trace of positive mass.
        log_total: Log of the sum of each prompt's `values`, [X], which is 0 up to the tolerance of the reference.
    """

    def __init__(self, values: Numbers, E: Numbers, n_answers: SupportsIndex | None, *, in_logs: bool) -> None:
        """Validate probabilities or logarithms of traces, [*x, Y], and their answers, [*x, Y] or [Y]."""
        array = simplex.as_log_distribution(values, "log_pi_0") if in_logs else simplex.as_distribution(values, "pi_0")
        indices, self.n_answers = simplex.as_extraction(E, array.shape, n_answers)
        self.in_logs = in_logs
        self.shape: tuple[int, ...] | None = array.shape
        self.values: Vector = array.reshape(-1)
        self.E: Extraction = indices.reshape(-1)
        n_traces = array.shape[-1]
        self.starts = np.arange(array.size // n_traces + 1) * n_traces
        self.log_nu_0: OverAnswers = self._push_forward()

    @classmethod
    def ragged(cls, values: Sequence[Numbers], E: Sequence[Numbers], n_answers: SupportsIndex | None) -> "Reference":
        """Validate prompts with unequal numbers of traces: X arrays [Y_x] of probabilities and X of answers."""
        for name, rows_of in (("pi_0", values), ("E", E)):
            if not hasattr(rows_of, "__len__") or isinstance(rows_of, str | bytes | Mapping | Set):
                raise ShapeError(f"`{name}` is a {type(rows_of).__name__}; it must be a list of one array per prompt.")
        if len(values) == 0 or len(values) != len(E):
            raise ShapeError(f"`pi_0` has {len(values)} prompts and `E` has {len(E)}; both need one array per prompt.")
        rows = [simplex.as_distribution(row, f"pi_0[{x}]", kept=False) for x, row in enumerate(values)]
        for x, row in enumerate(rows):
            if row.ndim != 1:
                raise ShapeError(f"`pi_0[{x}]` has shape {row.shape}; it must be one list of traces, (Y,).")
        answers = [
            simplex.as_extraction(e, row.shape, n_answers, kept=False, name=f"E[{x}]")
            for x, (e, row) in enumerate(zip(E, rows, strict=True))
        ]
        self = cls.__new__(cls)
        self.in_logs = False
        self.shape = None
        self.n_answers = max(n for _, n in answers)
        check_cells(len(rows), self.n_answers, "E" if n_answers is None else "n_answers")
        self.values = owned(np.concatenate(rows), fresh=True)
        self.E = compact(np.concatenate([indices for indices, _ in answers]), self.n_answers, fresh=True)
        self.starts = np.concatenate([[0], np.cumsum([row.size for row in rows])])
        self.log_nu_0 = self._push_forward()
        return self

    @classmethod
    def of_answers(cls, log_nu_0: OverAnswers) -> "Reference":
        """Return the reference with one trace per answer, from the log nu_0, [*x, Z], of another one; unchecked."""
        self = cls.__new__(cls)
        self.in_logs, self.shape, self.n_answers = True, log_nu_0.shape, log_nu_0.shape[-1]
        self.values, self.E = log_nu_0.reshape(-1), np.arange(self.n_answers)
        self.starts = np.arange(log_nu_0.size // self.n_answers + 1) * self.n_answers
        self.log_nu_0, self.log_total = log_nu_0, np.zeros(self.starts.size - 1)
        return self

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the prompts, (*x,)."""
        return (self.starts.size - 1,) if self.shape is None else self.shape[:-1]

    @property
    def log_pi_0(self) -> OverTraces:
        """Log-probabilities of traces, [*x, Y]; prompts with fewer traces are padded with -inf."""
        if self.in_logs:
            logs = self.values
        else:
            with np.errstate(divide="ignore"):
                logs = np.log(self.values)
        return logs.reshape(self.shape) if self.shape is not None else self._pad_rows(logs, -np.inf)

    @property
    def answers(self) -> Extraction:
        """Answer of each trace, [*x, Y] or [Y]; prompts with fewer traces are padded with answer 0."""
        if self.shape is None:
            return self._pad_rows(self.E.astype(np.int64, copy=False), 0.0)
        answers = self.E.astype(np.int64, copy=False)
        return answers if answers.size == self.shape[-1] else answers.reshape(self.shape)

    def as_log_policy(self, pi: Numbers) -> OverTraces:
        """Validate a policy, [*x, Y] (X arrays [Y_x] for a ragged reference); return its log, padded with -inf."""
        shape = self.shape
        if shape is None:
            lengths = np.diff(self.starts)
            shape = (lengths.size, int(lengths.max()))
            if isinstance(pi, (list, tuple)) and [_length(row) for row in pi] == lengths.tolist():
                rows = [simplex.as_distribution(row, f"pi[{x}]", kept=False) for x, row in enumerate(pi)]
                pi = self._pad_rows(np.concatenate([row.reshape(-1) for row in rows]), 0.0)
        array = simplex.as_distribution(pi, "pi", kept=False)
        if array.shape != shape:
            raise ShapeError(f"`pi` has shape {array.shape}; the reference has {shape}.")
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(array))

    def _push_forward(self) -> OverAnswers:
        """Compute log nu_0, [*x, Z], in blocks of traces, and set `log_total`."""
        n_prompts = self.starts.size - 1
        mass = np.zeros((n_prompts, self.n_answers))
        cells = mass.reshape(-1)
        if not self.in_logs:
            for span, place in self._chunks():
                np.add.at(cells, place, self.values[span])
            shift = np.zeros(())
        else:
            shift = self._shift(cells.size)
            for span, place in self._chunks():
                shifts = shift[place] if shift.size > 1 else shift
                np.add.at(cells, place, np.exp(self.values[span] - shifts))
            shift = shift.reshape(mass.shape) if shift.size > 1 else shift
        total = (mass * np.exp(shift) if shift.ndim > 1 else mass).sum(axis=1)
        self._check_conserved(total)
        self.log_total: PerPrompt = np.log(total)
        with np.errstate(divide="ignore"):
            np.log(mass, out=mass)
        mass += shift - self.log_total[:, None]
        return mass.reshape(*self.batch, self.n_answers)

    def _check_conserved(self, total: PerPrompt) -> None:
        """Raise unless the answer masses of each prompt sum to 1, `total` [X]."""
        off = ~(np.abs(total - 1) <= _tolerances.CONSERVATION)
        if off.any():
            prompt = int(np.argmax(off))
            raise CertificateError(
                f"the push-forward of the reference does not conserve mass: the answers of prompt {prompt} sum to "
                f"{total[prompt]:.12g}, not 1 (tolerance {_tolerances.CONSERVATION:g}). This is a bug in dagames; "
                "please report it with the shapes and types of the reference and of `E`."
            )

    def _shift(self, n_cells: int) -> Vector:
        """Return the shift of the logs of each cell before exp: the largest log, or 0 for all if no mass underflows."""
        logs = (self.values[span] for span, _ in self._chunks())
        if min(part.min(where=part > -np.inf, initial=0.0) for part in logs) > _LOG_LEAST:
            return np.zeros(1)
        # The largest trace of each answer is factored out, so that traces of mass 1e-400 do not underflow.
        top = np.full(n_cells, -np.inf)
        for span, place in self._chunks():
            np.maximum.at(top, place, self.values[span])
        top[np.isneginf(top)] = 0.0
        return top

    def log_ratio(self, log_nu: OverAnswers) -> OverAnswers:
        """Compute the log of nu / (nu_0 sum of `values`), the factor of `lift`, [*x, Z]; -inf where `log_nu` is."""
        ratio = np.subtract(log_nu, self.log_nu_0, out=np.full_like(log_nu, -np.inf), where=log_nu > -np.inf)
        ratio -= self.log_total.reshape(*self.batch, 1)
        return np.asarray(ratio)

    def lift(self, log_nu: OverAnswers, *, in_logs: bool) -> OverTraces | RaggedTraces:
        """Compute pi_0(y) nu(E(y)) / nu_0(E(y)) or its logarithm, [*x, Y]; X arrays [Y_x] for a ragged reference.

        Args:
            log_nu: Log of an answer marginal, [*x, Z]; -inf for 0, and for answers without a trace of positive mass.
            in_logs: Whether to return logarithms.

        Returns:
            The policy.
        """
        lifted = np.empty(self.values.size)
        # A table of one factor per answer is faster, unless the table itself is large.
        table = self.log_ratio(log_nu).reshape(-1) if log_nu.size <= simplex.BLOCK else None
        # A factor above float64's range times a denormal mass is an ordinary number, and must be computed in logs.
        if table is not None and not (self.in_logs or in_logs) and table.max() < np.log(np.finfo(np.float64).max):
            total = self._multiply(lifted, np.exp(table))
        else:
            total = self._add(lifted, log_nu.reshape(-1), table, in_logs=in_logs)
        if not in_logs:
            self._check_lifted(total, log_nu.reshape(-1))
        return lifted.reshape(self.shape) if self.shape is not None else np.split(lifted, self.starts[1:-1])

    def _check_lifted(self, total: float, log_nu: Vector) -> None:
        """Raise unless a lifted policy has the mass of its marginal on the answers that some trace gives."""
        expected, log_nu_0 = 0.0, self.log_nu_0.reshape(-1)
        for low in range(0, log_nu.size, simplex.BLOCK):
            part = slice(low, low + simplex.BLOCK)
            expected += float(np.exp(log_nu[part][log_nu_0[part] > -np.inf]).sum())
        if not abs(total - expected) <= _tolerances.CONSERVATION * expected:
            raise CertificateError(
                f"the lifted policies do not conserve mass: they sum to {total:.12g}, and their marginals to "
                f"{expected:.12g} (relative tolerance {_tolerances.CONSERVATION:g}). If a solver returned `log_nu`, "
                "this is a bug in dagames; please report it with the shapes and types of the reference and of `E`."
            )

    def _multiply(self, lifted: Vector, factors: Vector) -> float:
        """Write pi_0 times the factor of each answer into `lifted`, and return its sum."""
        total = 0.0
        for span, place in self._chunks():
            part = lifted[span]
            np.take(factors, place, out=part, mode="clip")
            part *= self.values[span]
            total += float(part.sum())
        return total

    def _add(self, lifted: Vector, log_nu: Vector, table: Vector | None, *, in_logs: bool) -> float:
        """Write the policy or its log, computed in logs, into `lifted`; return its sum unless `in_logs`."""
        log_nu_0, total = self.log_nu_0.reshape(-1), 0.0
        for span, place in self._chunks():
            part = lifted[span]
            np.take(log_nu if table is None else table, place, out=part, mode="clip")
            if table is None:
                np.subtract(part, log_nu_0[place], out=part, where=part > -np.inf)
                part -= self.log_total[place // self.n_answers]
            with np.errstate(divide="ignore"):
                part += self.values[span] if self.in_logs else np.log(self.values[span])
            if not in_logs:
                np.exp(part, out=part)
                total += float(part.sum())
        return total

    def _chunks(self) -> Iterator[tuple[slice, NDArray[np.integer]]]:
        """Yield slices of traces, and for each trace of the slice the index of its answer in a flat [X * Z] table."""
        row, n_prompts = 0, self.starts.size - 1
        while row < n_prompts:
            last = int(np.searchsorted(self.starts, self.starts[row] + simplex.BLOCK, side="right")) - 1
            stop = max(row + 1, min(last, n_prompts))
            for low in range(int(self.starts[row]), int(self.starts[stop]), simplex.BLOCK):
                span = slice(low, min(low + simplex.BLOCK, int(self.starts[stop])))
                yield span, self._cells(span, row, stop)
            row = stop

    def _cells(self, span: slice, row: int, stop: int) -> NDArray[np.integer]:
        first = int(self.starts[row])
        shared = self.E.size < self.values.size
        # Indices of cells are intp: the integer type of E may be too small for them.
        if stop == row + 1:
            traces = slice(span.start - first, span.stop - first) if shared else span
            place = self.E[traces].astype(np.intp, copy=False)
            return place if row == 0 else place + row * self.n_answers
        offset = np.arange(row, stop, dtype=np.intp) * self.n_answers
        if self.shape is not None:
            rows = self.E if shared else self.E[span].reshape(stop - row, -1)
            return np.asarray((rows + offset[:, None]).reshape(-1))
        return np.asarray(self.E[span] + np.repeat(offset, np.diff(self.starts[row : stop + 1])))

    def _pad_rows(self, flat: np.ndarray, fill: float) -> np.ndarray:
        lengths = np.diff(self.starts)
        table = np.full((lengths.size, int(lengths.max())), fill, dtype=flat.dtype)
        table[np.arange(table.shape[1]) < lengths[:, None]] = flat
        return table


def _length(row: object) -> int:
    return len(row) if isinstance(row, Sized) else -1
