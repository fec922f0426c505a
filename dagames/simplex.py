"""Probability distributions over traces and answers: validation, log space, entropy, KL, push-forward and lift.

Every array may carry leading batch dimensions; the distribution is the last one. Natural logarithm, 0 log 0 = 0.
scipy is imported where it is called, because `dagames.targets` loads this module and needs numpy alone.
"""

import math
from typing import SupportsIndex

import numpy as np

from dagames import _tolerances
from dagames._errors import DomainError, ShapeError
from dagames._types import Extraction, Numbers, OverAnswers, OverTraces, PerPrompt, Reachable
from dagames.numerics import arrays, integers

_NEARLY = 1e-3
"""Distance of a sum from 1 below which rounding in float32 is the likely cause."""

_LEAST_MASS = 1e-300
"""Above it, exp(log p) has the full precision of float64."""

_NEAR_ONE = 0.5
"""Distance of a mean from 1 up to which its logarithm is computed from the distance."""

BLOCK = 2**19
"""Entries of a temporary array: 4 MB in float64."""


def as_real(values: Numbers, name: str, *, scalar: bool = False) -> OverAnswers:
    """Validate `values`, [..., n] or a number if `scalar`, as finite, and return a read-only float64 copy."""
    array, _, fresh = arrays.read_real(values, name, scalar=scalar)
    check_finite(array, name)
    return arrays.owned(np.atleast_1d(array), fresh=fresh)


def as_distribution(values: Numbers, name: str, *, kept: bool = True) -> OverAnswers:
    """Validate `values`, [..., n], as probabilities over the last axis, and return them in float64.

    In a type coarser than float64 (float32, float16, bfloat16) they may sum to 1 up to the rounding of that type
    (`_tolerances.normalisation`), and are divided by their sum in float64.

    Args:
        values: Probabilities, [..., n], in any form that `dagames.numerics.arrays` reads.
        name: The argument's name in error messages.
        kept: Whether the caller stores the array: it is then a read-only copy, else possibly the user's own array.

    Returns:
        Non-negative numbers that sum to 1 over the last axis.

    Raises:
        DomainError: If an entry is masked, missing, infinite, negative or not real, or if a row does not sum to 1.
        ShapeError: If `values` is ragged, scalar or empty.
    """
    array, rounding, fresh = arrays.read_real(values, name)
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.asarray(array.sum(axis=-1))
    # A sum is finite only if every term is, so the usual case needs no temporary array.
    if not np.isfinite(total).all():
        check_finite(array, name)
    if not array.min() >= 0:
        place = _first(array < 0)
        raise DomainError(f"`{name}[{_index(place)}]` is negative: {array[place]:g}.")
    tolerance = _tolerances.normalisation(rounding, array.shape[-1])
    _check_sum(total, tolerance, name, "divide them by their sum in float64")
    if tolerance > _tolerances.NORMALISATION:
        array, fresh = np.asarray(array / total[..., None]), True
    return arrays.owned(array, fresh=fresh) if kept else array


def as_log_distribution(values: Numbers, name: str, *, kept: bool = True) -> OverAnswers:
    """Validate `values`, [..., n], as natural log-probabilities over the last axis; -inf stands for probability 0.

    In a type coarser than float64 their exponentials may sum to 1 up to the rounding of that type
    (`_tolerances.normalisation`), and the log of that sum is subtracted. `kept` has the meaning of `as_distribution`.

    Returns:
        A float64 array of the same shape whose exponentials sum to 1 over the last axis, to rounding.

    Raises:
        DomainError: If an entry is masked, missing, NaN, +inf or not real, or if a row's exponentials do not sum to 1.
    """
    array, rounding, fresh = arrays.read_real(values, name)
    if not array.max() < np.inf:
        place = _first(np.isnan(array) | (array == np.inf))
        raise DomainError(f"`{name}[{_index(place)}]` is {array[place]}; a log-probability is a number or -inf.")
    tolerance, total = _tolerances.normalisation(rounding, array.shape[-1], in_logs=True), _sum_of_exp(array)
    _check_sum(total, tolerance, name, "subtract its logsumexp in float64", of="the exponentials of ")
    if tolerance > _tolerances.NORMALISATION:
        array, fresh = np.asarray(array - np.log(total)[..., None]), True
    return arrays.owned(array, fresh=fresh) if kept else array


def as_log_target(q: Numbers, reachable: Reachable) -> OverAnswers:
    """Validate `q`, [*x, Z], as a distribution that is positive on every reachable answer, and return its log."""
    array = as_distribution(q, "q", kept=False)
    if array.shape != reachable.shape:
        raise ShapeError(
            f"`q` has shape {array.shape}; it must have the shape of the game's answers, {reachable.shape}."
        )
    zero = reachable & (array == 0)
    if zero.any():
        raise DomainError(
            f"`q[{_index(_first(zero))}]` is 0 at a reachable answer, where G is not defined (-beta log q is "
            "infinite). Use a small positive probability, or pass log q to `log_best_policy`."
        )
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(array))


def as_positive(value: float, name: str) -> float:
    """Validate `value` as a finite number above 0, and return it as a float."""
    number = arrays.as_number(value, name, "a number above 0")
    if not 0 < number < np.inf:
        raise DomainError(f"`{name}` must be a finite number above 0, not {number:g}.")
    return number


def as_extraction(
    E: Numbers, shape: tuple[int, ...], n_answers: SupportsIndex | None, *, kept: bool = True, name: str = "E"
) -> tuple[Extraction, int]:
    """Validate `E` as the answer of each trace.

    Args:
        E: Answer indices, [Y] (shared by every prompt) or [*x, Y]: integers, or floats without a fractional part.
        shape: Shape of the reference, (*x, Y).
        n_answers: Number of answers |Z|, or None for the largest index plus one.
        kept: Whether the caller stores the array: it is then read-only, and a copy in the smallest integer type that
            holds the indices unless the user's array is read-only.
        name: The argument's name in error messages.

    Returns:
        `E` in a signed integer type, and the number of answers.

    Raises:
        DomainError: If an index is negative, not an integer, or not below `n_answers`, if that is not a count, or if
            prompts times answers are more than `_tolerances.CELLS`.
        ShapeError: If `E` fits neither [Y] nor [*x, Y].
    """
    given = None if n_answers is None else integers.as_count(n_answers, "n_answers")
    array, _, fresh = integers.as_indices(E, name)
    if array.shape not in {shape, shape[-1:]}:
        raise ShapeError(f"`{name}` has shape {array.shape}; it must be {shape}, as the reference, or {shape[-1:]}.")
    largest = int(array.max())
    number = largest + 1 if given is None else given
    if largest >= number:
        place = _first(array >= number)
        raise DomainError(f"`{name}[{_index(place)}]` is {array[place]}, out of range for {number} answers.")
    integers.check_cells(math.prod(shape[:-1]), number, name if given is None else "n_answers")
    return integers.compact(array, number, fresh=fresh) if kept else array, number


def check_finite(array: np.ndarray, name: str) -> None:
    """Raise a DomainError that names the first entry of `array` that is not a finite number."""
    if not np.isfinite(array).all():
        place = _first(~np.isfinite(array))
        where = f"{name}[{_index(place)}]" if place else name
        raise DomainError(f"`{where}` is {array[place]}; every entry must be a finite number.")


def log_sum(log_weights: OverAnswers) -> PerPrompt:
    """Compute log sum exp over the last axis, from [*x, n] to [*x]; -inf where every weight is 0."""
    top = log_weights.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(log_weights - top).sum(axis=-1)) + top[..., 0])


def log_normalize(log_weights: OverAnswers) -> OverAnswers:
    """Normalise log-weights, [*x, n], so that their exponentials sum to 1 over the last axis.

    Args:
        log_weights: Unnormalised; -inf stands for weight 0, but not for every entry of a row.

    Returns:
        Log-probabilities of the same shape.

    >>> np.exp(log_normalize(np.array([-1000.0, -1000.0])))
    array([0.5, 0.5])
    """
    top = log_weights.max(axis=-1, keepdims=True)
    shifted = log_weights - np.where(np.isfinite(top), top, 0.0)
    # The shifted weights sum to at least 1, so the rounding of the logarithm is not of the size of the weights.
    return np.asarray(shifted - log_sum(shifted)[..., None])


def entropy(p: OverAnswers) -> PerPrompt:
    """Compute the Shannon entropy -sum_z p(z) log p(z) in nats, with 0 log 0 = 0, from [*x, n] to [*x]."""
    from scipy.special import xlogy

    return np.asarray(-xlogy(p, p).sum(axis=-1))


def kl(p: OverAnswers, q: OverAnswers) -> PerPrompt:
    """Compute KL(p || q) = sum_z p(z) log(p(z) / q(z)) in nats, from [*x, n] to [*x]; +inf where p > 0 = q."""
    return np.asarray(kl_terms(p, q).sum(axis=-1))


def kl_terms(p: np.ndarray, q: np.ndarray) -> OverAnswers:
    """Compute p log(p / q) - p + q, whose sum over the answers is KL(p || q) for two distributions.

    Every term is at least 0, and its rounding error is proportional to |p - q|. The terms p log(p / q) are of order
    |p - q| with both signs; a large weight would multiply the rounding error of their sum.

    Args:
        p: Masses, [*x, Z].
        q: Masses, broadcast with `p`.

    Returns:
        The terms, [*x, Z]; +inf where p > 0 = q.

    >>> kl_terms(np.array([0.5, 0.5]), np.array([0.5, 0.25])).round(6)
    array([0.      , 0.096574])
    """
    from scipy.special import rel_entr

    difference = p - q
    near = np.abs(difference) < 0.5 * q
    step = np.where(near, difference, 0.0) / np.where(near, q, 1.0)
    return np.asarray(np.where(near, p * np.log1p(step), rel_entr(p, q)) - difference)


def kl_from_logs(log_p: OverTraces, log_q: OverTraces) -> PerPrompt:
    """Compute KL(p || q) in nats from the logarithms of two distributions, whose masses may underflow to 0.

    Math:
        KL(p || q) = sum_i p_i (r_i + exp(-r_i) - 1),   r = log p - log q.

    Every term is at least 0, as those of `kl_terms`. If the masses do not sum to 1, the error is of second order in
    the differences of the sums from 1.

    Args:
        log_p: Log-probabilities, [*x, n].
        log_q: Log-probabilities, [*x, n].

    Returns:
        The divergence, [*x]; +inf where p > 0 = q.

    >>> p = log_normalize(np.array([1e-9, 0.0]))
    >>> f"{kl_from_logs(p, np.log([0.5, 0.5])):.6g}"
    '1.25e-19'
    """
    p = np.exp(log_p)
    # Where p underflows, the term is q, unless q is smaller still.
    counted = (p > _LEAST_MASS) | ((p > 0) & (log_q < log_p))
    ratio = np.subtract(log_p, log_q, out=np.zeros_like(log_p), where=counted)
    terms = np.negative(ratio)
    np.expm1(terms, out=terms)
    terms += ratio
    terms *= p
    if not counted.all():
        np.exp(log_q, out=terms, where=~counted)
    return np.asarray(terms.sum(axis=-1))


def log_mean(log_p: OverAnswers, log_w: OverAnswers) -> PerPrompt:
    """Compute log sum_z p(z) w(z), with a rounding error proportional to |w - 1| where w is near 1.

    Args:
        log_p: Log-probabilities of a distribution, [*x, n].
        log_w: Logarithms of weights, [*x, n]; -inf stands for weight 0.

    Returns:
        The logarithm of the mean, [*x].

    >>> f"{log_mean(np.log([0.5, 0.5]), np.array([1e-20, 3e-20])):.6g}"
    '2e-20'
    """
    with np.errstate(over="ignore", invalid="ignore"):
        excess = (np.exp(log_p) * np.expm1(log_w)).sum(axis=-1)
    near = np.abs(excess) < _NEAR_ONE
    if near.all():
        return np.asarray(np.log1p(excess))
    return np.asarray(np.where(near, np.log1p(np.where(near, excess, 0.0)), log_sum(log_p + log_w)))


def pushforward(log_pi: OverTraces, E: Extraction, n_answers: int) -> OverAnswers:
    """Push log-probabilities over traces forward to their answers: log nu(z) = log of the sum of pi over E^-1(z).

    Args:
        log_pi: Log-probabilities of traces, [*x, Y].
        E: Answer of each trace, [*x, Y] or [Y].
        n_answers: Number of answers |Z|.

    Returns:
        Log-probabilities of answers, [*x, Z]; -inf for an answer that no trace of positive mass gives.

    >>> np.exp(pushforward(np.log([0.5, 0.25, 0.25]), np.array([0, 1, 1]), 2))
    array([0.5, 0.5])
    """
    cells, shape = _cells(E, log_pi.shape, n_answers)
    # The largest trace of each answer is factored out, so that an answer whose traces all have mass 1e-300 keeps it.
    top = _max_at(cells, log_pi, shape)
    shift = np.where(np.isfinite(top), top, 0.0)
    total = _sum_at(cells, np.exp(log_pi.ravel() - shift.ravel()[cells]), shape)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total) + shift)


def sum_by_answer(values: OverTraces, E: Extraction, n_answers: int) -> OverAnswers:
    """Sum values [*x, Y] over the traces of each answer, [*x, Z]; 0 where no trace gives the answer."""
    cells, shape = _cells(E, values.shape, n_answers)
    return _sum_at(cells, values, shape)


def max_by_answer(values: OverTraces, E: Extraction, n_answers: int) -> OverAnswers:
    """Take the largest value [*x, Y] over the traces of each answer, [*x, Z]; -inf where no trace gives it."""
    cells, shape = _cells(E, values.shape, n_answers)
    return _max_at(cells, values, shape)


def at_answer(values: OverAnswers, E: Extraction, batch: tuple[int, ...]) -> OverTraces:
    """Give each trace the value of its answer: from [*x, Z] to [*x, Y], where `batch` is (*x,)."""
    return np.take_along_axis(values, np.broadcast_to(E, (*batch, E.shape[-1])), axis=-1)


def lift(log_pi_0: OverTraces, E: Extraction, log_weight: OverAnswers) -> OverTraces:
    """Compute log pi_0(y) + log_weight(E(y)), [*x, Y], not normalised, from [*x, Y] and [*x, Z]."""
    return np.asarray(log_pi_0 + at_answer(log_weight, E, log_pi_0.shape[:-1]))


def project_euclidean(v: OverAnswers) -> OverAnswers:
    """Project `v` onto the simplex in the Euclidean distance, by sorting.

    Math:
        argmin_p |p - v|^2 over the simplex = max(v - tau, 0), with tau fixed by the sum.

    Args:
        v: Points, [*x, n]; -inf forbids a coordinate, not everywhere in a row.

    Returns:
        Probabilities, [*x, n].

    >>> project_euclidean(np.array([1.5, 0.5, -np.inf]))
    array([1., 0., 0.])
    """
    shifted = v - v.max(axis=-1, keepdims=True)
    order = -np.sort(-shifted, axis=-1)
    ranks = np.arange(1, v.shape[-1] + 1)
    tau = (np.cumsum(order, axis=-1) - 1) / ranks
    # tau increases as long as the next coordinate stays positive, so the threshold is the largest tau.
    return np.asarray(np.maximum(shifted - tau.max(axis=-1, keepdims=True), 0.0))


def _cells(E: Extraction, shape: tuple[int, ...], n_answers: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return the place of each trace's answer in a flat table over prompts and answers, and the table's shape."""
    batch = shape[:-1]
    if not batch:
        return E, (n_answers,)
    # In int64, whatever the type of E: a small one does not hold the place of a cell.
    offset = np.arange(math.prod(batch), dtype=np.int64).reshape(*batch, 1) * n_answers
    return (np.broadcast_to(E, shape) + offset).ravel(), (*batch, n_answers)


def _sum_at(cells: np.ndarray, values: np.ndarray, shape: tuple[int, ...]) -> OverAnswers:
    return np.bincount(cells, weights=values.ravel(), minlength=math.prod(shape)).reshape(shape)


def _max_at(cells: np.ndarray, values: np.ndarray, shape: tuple[int, ...]) -> OverAnswers:
    top = np.full(math.prod(shape), -np.inf)
    np.maximum.at(top, cells, values.ravel())
    return top.reshape(shape)


def _sum_of_exp(log_p: OverAnswers) -> PerPrompt:
    """Sum exp(log_p) over the last axis, [*x], a block at a time."""
    rows = log_p.reshape(-1, log_p.shape[-1])
    total = np.zeros(rows.shape[0])
    height = max(1, BLOCK // rows.shape[1])
    with np.errstate(over="ignore"):
        for top in range(0, rows.shape[0], height):
            for left in range(0, rows.shape[1], BLOCK):
                block = rows[top : top + height, left : left + BLOCK]
                total[top : top + height] += np.exp(block).sum(axis=-1)
    return total.reshape(log_p.shape[:-1])


def _check_sum(total: PerPrompt, tolerance: float, name: str, remedy: str, of: str = "the entries of ") -> None:
    off = np.asarray(~(np.abs(total - 1) <= tolerance))
    if off.any():
        place = _first(off)
        row = f"{name}[{_index(place)}]" if place else name
        # So small an excess is probably float32 rounding in values that were converted to a list or to float64.
        converted = abs(total[place] - 1) < _NEARLY and tolerance == _tolerances.NORMALISATION
        hint = " The tolerance for float32 arrays is larger: pass the array itself, not a list or a float64 copy."
        raise DomainError(
            f"{of}`{row}` sum to {total[place]:.12g}, not 1 (tolerance {tolerance:.2g}). If these are weights, "
            f"{remedy} first.{hint if converted else ''}"
        )


def _first(bad: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])


def _index(place: tuple[int, ...]) -> str:
    return ", ".join(map(str, place))
