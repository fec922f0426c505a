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

BLOCK = 2**19
"""Entries held at once beside input and output: 4 MB for each array of float64."""


def as_real(values: Numbers, name: str, *, scalar: bool = False) -> OverAnswers:
    """Validate `values` as finite numbers, and take a copy.

    Args:
        values: Numbers, [..., n], in any form that `dagames.numerics.arrays` reads.
        name: The argument's name in error messages.
        scalar: Whether a single number will do, which becomes an array of one.

    Returns:
        A float64 array of the same shape, which is read-only and nobody else's.

    Raises:
        DomainError: If an entry is masked, missing, infinite or no real number.
        ShapeError: If `values` is ragged, scalar or empty.
    """
    array, _, fresh = arrays.read_real(values, name, scalar=scalar)
    check_finite(array, name)
    return arrays.owned(np.atleast_1d(array), fresh=fresh)


def as_distribution(values: Numbers, name: str, *, kept: bool = True) -> OverAnswers:
    """Validate `values` as probabilities over the last axis.

    In a type coarser than float64 (float32, float16, bfloat16) they may sum to 1 up to what rounding in that type
    explains (`_tolerances.normalisation`), and are divided by their sum in float64.

    Args:
        values: Probabilities, [..., n], in any form that `dagames.numerics.arrays` reads.
        name: The argument's name in error messages.
        kept: Whether the array is kept, and so must be nobody else's; it is then read-only.

    Returns:
        A float64 array of the same shape, non-negative, summing to 1 over the last axis.

    Raises:
        DomainError: If an entry is masked, missing, infinite, negative or no real number, or if a row does not sum to
            1.
        ShapeError: If `values` is ragged, scalar or empty.

    >>> as_distribution([0.25, 0.75], "nu")
    array([0.25, 0.75])
    >>> float(as_distribution(np.full(10, 0.1, dtype=np.float32), "nu").sum())
    1.0
    """
    array, rounding, fresh = arrays.read_real(values, name)
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.asarray(array.sum(axis=-1))
    # Two passes without a temporary array settle the usual case: a sum is finite only if every term is.
    if not np.isfinite(total).all():
        check_finite(array, name)
    if not array.min() >= 0:
        place = _first(array < 0)
        raise DomainError(f"`{name}[{_index(place)}]` is negative: {array[place]:g}.")
    tolerance = _tolerances.normalisation(rounding, array.shape[-1])
    _check_sum(total, tolerance, name, "divide by its sum in float64")
    if tolerance > _tolerances.NORMALISATION:
        array, fresh = np.asarray(array / total[..., None]), True
    return arrays.owned(array, fresh=fresh) if kept else array


def as_log_distribution(values: Numbers, name: str, *, kept: bool = True) -> OverAnswers:
    """Validate `values` as log-probabilities over the last axis; -inf stands for probability 0.

    In a type coarser than float64 (float32, float16, bfloat16) their exponentials may sum to 1 up to what rounding in
    that type explains (`_tolerances.normalisation`), and the log of that sum is subtracted in float64.

    Args:
        values: Natural log-probabilities, [..., n], in any form that `dagames.numerics.arrays` reads.
        name: The argument's name in error messages.
        kept: Whether the array is kept, and so must be nobody else's; it is then read-only.

    Returns:
        A float64 array of the same shape whose exponentials sum to 1 over the last axis, to rounding.

    Raises:
        DomainError: If an entry is masked, missing, NaN, +inf or no real number, or if a row's exponentials do not sum
            to 1.
        ShapeError: If `values` is ragged, scalar or empty.
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
    """Validate `q` as a target: a distribution over answers, positive wherever a policy can have mass.

    Args:
        q: Probabilities of answers, [*x, Z].
        reachable: Which answers a policy of finite objective can use, [*x, Z].

    Returns:
        Log-probabilities of the same shape.

    Raises:
        ShapeError: If it has another shape than `reachable`.
        DomainError: If it is 0 at a reachable answer.
    """
    array = as_distribution(q, "q", kept=False)
    if array.shape != reachable.shape:
        raise ShapeError(f"`q` has shape {array.shape}; the game's answers ask for {reachable.shape}.")
    zero = reachable & (array == 0)
    if zero.any():
        raise DomainError(
            f"`q[{_index(_first(zero))}]` is 0 at a reachable answer, where G is not defined (-beta log q is "
            "infinite). Use a small positive probability, or `log_best_policy` with its logarithm."
        )
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(array))


def as_positive(value: float, name: str) -> float:
    """Validate `value` as a finite number above 0.

    Args:
        value: The number.
        name: The argument's name in error messages.

    Returns:
        The number as a float.

    Raises:
        DomainError: If it is not a finite number above 0; also if it is true, false or text.
    """
    number = arrays.as_number(value, name, "a number above 0")
    if not 0 < number < np.inf:
        raise DomainError(f"`{name}` must be a finite number above 0, not {number:g}.")
    return number


def as_extraction(
    E: Numbers, shape: tuple[int, ...], n_answers: SupportsIndex | None, *, kept: bool = True, name: str = "E"
) -> tuple[Extraction, int]:
    """Validate `E` as the answer of each trace.

    Args:
        E: Answer indices, [Y] (shared by every prompt) or the reference's own shape [*x, Y]: whole numbers of any type.
        shape: The reference's shape, (*x, Y).
        n_answers: Number of answers |Z|, or None for the largest index plus one.
        kept: Whether the array is kept, and so must be nobody else's; it is then read-only, and in the least type that
            holds the indices, unless the user's own is read-only.
        name: The argument's name in error messages.

    Returns:
        `E` in a signed integer type, and the number of answers.

    Raises:
        DomainError: If an index is negative, not an integer, or not below `n_answers`, if that is not a count, or if
            prompts times answers are more than `_tolerances.CELLS`.
        ShapeError: If `E` fits neither [Y] nor [*x, Y].
    """
    known = None if n_answers is None else integers.as_count(n_answers, "n_answers")
    array, _, fresh = integers.as_indices(E, name)
    if array.shape not in {shape, shape[-1:]}:
        raise ShapeError(f"`{name}` has shape {array.shape}; the reference asks for {shape} or {shape[-1:]}.")
    largest = int(array.max())
    number = largest + 1 if known is None else known
    if largest >= number:
        place = _first(array >= number)
        raise DomainError(f"`{name}[{_index(place)}]` is {array[place]}, out of range for {number} answers.")
    integers.check_cells(math.prod(shape[:-1]), number, name if known is None else "n_answers")
    return integers.compact(array, number, fresh=fresh) if kept else array, number


def check_finite(array: np.ndarray, name: str) -> None:
    """Raise unless every entry of `array` is a finite number.

    Args:
        array: Numbers of any shape.
        name: The argument's name in error messages.

    Raises:
        DomainError: Naming the first entry that is not.
    """
    if not np.isfinite(array).all():
        place = _first(~np.isfinite(array))
        where = f"{name}[{_index(place)}]" if place else name
        raise DomainError(f"`{where}` is {array[place]}; every entry must be a finite number.")


def log_sum(log_weights: OverAnswers) -> PerPrompt:
    """Compute the log of the sum of exp(log_weights) over the last axis.

    Args:
        log_weights: Log-weights, [*x, n]; -inf stands for weight 0.

    Returns:
        Logarithms, [*x]; -inf where every weight is 0.

    >>> float(log_sum(np.array([-1000.0, -1000.0])))
    -999.3068528194401
    """
    top = log_weights.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(log_weights - top).sum(axis=-1)) + top[..., 0])


def log_normalize(log_weights: OverAnswers) -> OverAnswers:
    """Normalise `log_weights` so that the exponentials over the last axis sum to 1.

    Args:
        log_weights: Unnormalised log-weights, [*x, n]; -inf stands for weight 0, not everywhere in a row.

    Returns:
        Log-probabilities of the same shape.

    >>> np.exp(log_normalize(np.array([-1000.0, -1000.0])))
    array([0.5, 0.5])
    """
    top = log_weights.max(axis=-1, keepdims=True)
    shifted = log_weights - np.where(np.isfinite(top), top, 0.0)
    # The sum of the shifted weights is at least 1, so that its logarithm has no rounding of the size of the weights.
    return np.asarray(shifted - log_sum(shifted)[..., None])


def entropy(p: OverAnswers) -> PerPrompt:
    """Compute the Shannon entropy H(p) in nats.

    Math:
        H(p) = -sum_z p(z) log p(z), with 0 log 0 = 0.

    Args:
        p: Probabilities, [*x, n].

    Returns:
        Entropies, [*x].
    """
    from scipy.special import xlogy

    return np.asarray(-xlogy(p, p).sum(axis=-1))


def kl(p: OverAnswers, q: OverAnswers) -> PerPrompt:
    """Compute the Kullback-Leibler divergence KL(p || q) in nats.

    Math:
        KL(p || q) = sum_z p(z) log(p(z) / q(z)), +inf where p > 0 = q.

    Args:
        p: Probabilities, [*x, n].
        q: Probabilities, [*x, n].

    Returns:
        Divergences, [*x].

    >>> float(kl(np.array([1.0, 0.0]), np.array([0.5, 0.5])))
    0.6931471805599453
    """
    from scipy.special import rel_entr

    return np.asarray(rel_entr(p, q).sum(axis=-1))


def kl_from_logs(log_p: OverTraces, log_q: OverTraces) -> PerPrompt:
    """Compute KL(p || q) in nats from log-probabilities, where either may lie below float64's least number.

    Args:
        log_p: Log-probabilities, [*x, n].
        log_q: Log-probabilities, [*x, n].

    Returns:
        Divergences, [*x]; +inf where p > 0 = q.
    """
    p = np.exp(log_p)
    ratio = np.subtract(log_p, log_q, out=np.zeros_like(log_p), where=p > 0)
    return np.asarray((p * ratio).sum(axis=-1))


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
    batch = log_pi.shape[:-1]
    n_prompts = math.prod(batch)
    # In int64, whatever the type of E: a small one does not hold the place of a cell.
    offset = np.arange(n_prompts, dtype=np.int64).reshape(*batch, 1) * n_answers
    flat = (np.broadcast_to(E, log_pi.shape) + offset).ravel()
    size = n_prompts * n_answers
    # The largest trace of each answer is factored out, so that an answer whose traces all have mass 1e-300 keeps it.
    top = np.full(size, -np.inf)
    np.maximum.at(top, flat, log_pi.ravel())
    shift = np.where(np.isfinite(top), top, 0.0)
    total = np.bincount(flat, weights=np.exp(log_pi.ravel() - shift[flat]), minlength=size)
    with np.errstate(divide="ignore"):
        return np.asarray((np.log(total) + shift).reshape(*batch, n_answers))


def lift(log_pi_0: OverTraces, E: Extraction, log_weight: OverAnswers) -> OverTraces:
    """Reweight the reference by a weight per answer: log pi(y) = log pi_0(y) + log_weight(E(y)), not normalised.

    Args:
        log_pi_0: Log-probabilities of traces, [*x, Y].
        E: Answer of each trace, [*x, Y] or [Y].
        log_weight: Log-weights of answers, [*x, Z].

    Returns:
        Log-weights of traces, [*x, Y].
    """
    return np.asarray(log_pi_0 + np.take_along_axis(log_weight, np.broadcast_to(E, log_pi_0.shape), axis=-1))


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
    # tau rises exactly while the next coordinate stays positive, so the largest tau is the one that counts.
    return np.asarray(np.maximum(shifted - tau.max(axis=-1, keepdims=True), 0.0))


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


def _check_sum(total: PerPrompt, tolerance: float, name: str, remedy: str, of: str = "") -> None:
    off = np.asarray(~(np.abs(total - 1) <= tolerance))
    if off.any():
        place = _first(off)
        row = f"{name}[{_index(place)}]" if place else name
        # So small a miss is rounding in a type whose name was lost on the way, to a list for example.
        lost = abs(total[place] - 1) < _NEARLY and tolerance == _tolerances.NORMALISATION
        hint = " An array in float32 may be off by more: pass it as it is, and not as a list or in float64."
        raise DomainError(
            f"{of}`{row}` sum to {total[place]:.12g}, not 1 (tolerance {tolerance:.2g}). If these are weights, "
            f"{remedy} first.{hint if lost else ''}"
        )


def _first(bad: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])


def _index(place: tuple[int, ...]) -> str:
    return ", ".join(map(str, place))
