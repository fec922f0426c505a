"""A table of rewards by the count of an answer in its group, with certified bounds on its bias and variance."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from flint import fmpq, fmpq_poly
from numpy.typing import NDArray

from dagames._choices import as_choice
from dagames._errors import DomainError, ShapeError
from dagames._files import check_new_file, write_text
from dagames._types import Numbers
from dagames.estimators.bernstein import as_rationals, to_monomials
from dagames.estimators.best_polynomial import best_polynomial
from dagames.estimators.checksummed import as_path, to_checksummed
from dagames.estimators.estimand import Estimand, certified_bias
from dagames.estimators.loaded_table import read_table
from dagames.estimators.log_polynomial import LogPolynomial
from dagames.estimators.look_up import look_up
from dagames.estimators.rewards import LOG, AnyReward
from dagames.estimators.supremum import Interval, supremum
from dagames.estimators.table_file import FORMAT, check_claim
from dagames.numerics.arrays import read, read_real

CountsKind = Literal["self-inclusive", "centred", "independent"]
Precision = Literal["float64", "float32", "bfloat16"]
_COUNTS: tuple[CountsKind, ...] = get_args(CountsKind)
_PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True, eq=False)
class RewardTable:
    """The estimate c_X of a reward g(p), for an answer of probability p that was given X times by a group of K traces.

    All bounds hold for K independent traces of one prompt, with P(p) = E c_X. An independent count is
    X ~ Binomial(K, p). A self-inclusive count is X ~ 1 + Binomial(K - 1, p), given that the rewarded trace has the
    answer. A centred count is X ~ 1 + Binomial(K - 2, p), given also that one other trace, with which the rewarded one
    is compared, does not.

    Attributes:
        group_size: Number of traces K.
        coefficients: Estimates c_0..c_K, [K + 1], in the units of g. Unless counts are independent c_0 has no effect
            and equals c_1.
        counts: "self-inclusive" if the count includes the trace that is rewarded; "centred" if, in addition, the mean
            of the group's rewards is subtracted (as GRPO does), so that c_K has no effect; "independent" if it counts
            K other traces.
        estimand: The reward g.
        method: Name of the method that made the table.
        precision: The type that the coefficients are rounded to.
        optimum: Enclosure of the least bias of all tables with this K, g and kind of counts; None if unknown.

    >>> table = RewardTable(1, np.array([0.0, 0.0]), "independent")
    >>> round(table.bias.upper, 12), table.second_moment.upper < 1e-300
    (0.367879441171, True)
    """

    group_size: int
    coefficients: NDArray[np.float64]
    counts: CountsKind
    estimand: Estimand = LOG
    method: str = "custom"
    precision: Precision = "float64"
    optimum: Interval | None = None

    def __post_init__(self) -> None:
        """Validate the table.

        Raises:
            ShapeError: If there are not K + 1 coefficients.
            DomainError: If a coefficient is not a finite number, or the kind of counts is unknown.
        """
        object.__setattr__(self, "group_size", as_group_size(self.group_size))
        object.__setattr__(self, "counts", as_counts(self.counts))
        coefficients = read_real(self.coefficients, "coefficients").array.copy()
        if not isinstance(self.estimand, Estimand):
            raise DomainError(f"`estimand` must be a reward, as `as_reward` returns, not {self.estimand!r}.")
        if coefficients.shape != (self.group_size + 1,):
            raise ShapeError(f"`coefficients` has shape {coefficients.shape}, not ({self.group_size + 1},).")
        if not np.isfinite(coefficients).all():
            raise DomainError("`coefficients` must be finite numbers.")
        if self.counts != "independent":
            coefficients[0] = coefficients[1]
        coefficients.flags.writeable = False
        object.__setattr__(self, "coefficients", coefficients)

    @classmethod
    def from_inner(
        cls,
        K: int,
        inner: NDArray[np.float64],
        counts: CountsKind,
        estimand: Estimand,
        method: str,
        optimum: Interval | None = None,
    ) -> "RewardTable":
        """Make a table from the coefficients of P.

        Args:
            K: Number of traces.
            inner: Coefficients in the Bernstein basis, [inner_degree + 1].
            counts: The kind of counts.
            estimand: The reward g.
            method: Name of the method that made the table.
            optimum: Enclosure of the least bias; None if unknown.

        Returns:
            The table.
        """
        coefficients = inner if counts == "independent" else np.append(inner[0], inner)
        if coefficients.size == K:
            # Centred counts: if all K traces agree, every advantage is 0, so c_K has no effect.
            coefficients = np.append(coefficients, estimand(np.ones(1)))
        return cls(K, coefficients, counts, estimand, method, optimum=optimum)

    @property
    def inner(self) -> list[fmpq]:
        """The coefficients of P in the Bernstein basis, as exact rationals: from c_0 or c_1 on, [inner_degree + 1]."""
        first = 0 if self.counts == "independent" else 1
        return as_rationals(self.coefficients[first : first + inner_degree(self.group_size, self.counts) + 1])

    @cached_property
    def bias(self) -> Interval:
        """Enclosure of sup over p of |p (P(p) - g(p))|, the worst weighted bias of the stored coefficients."""
        return certified_bias(self.inner, self.estimand)

    @cached_property
    def second_moment(self) -> Interval:
        """Enclosure of sup over p of E c_X^2."""
        return supremum(LogPolynomial(to_monomials([c * c for c in self.inner])))

    @cached_property
    def variance(self) -> Interval:
        """Enclosure of sup over p of p^2 Var c_X, the worst variance of the weighted reward."""
        mean, square = to_monomials(self.inner), to_monomials([c * c for c in self.inner])
        return supremum(LogPolynomial(_SQUARE * (square - mean * mean)))

    @cached_property
    def excess(self) -> Interval:
        """Enclosure of sup over p of p^2 (E c_X^2 - g(p)^2), which is convex in the coefficients; claim II.8."""
        return self.estimand.excess_of(to_monomials([c * c for c in self.inner]))

    @cached_property
    def pooling(self) -> float:
        """Bound on the bias that pooling counts over the views of an orbit adds, per unit of the variance s^2.

        The other bounds are for K traces of one prompt. If the traces have different probabilities of the answer, of
        mean p and variance s^2, the mean of w_X differs from that of a single prompt with probability p by at most
        K s^2 / 2 max_k |w_{k+2} - 2 w_{k+1} + w_k|, where w_k = c_k for independent counts of K other traces, and
        w_k = (k / K) c_k, the weighted reward of the group, for other counts. Rounded up; claim B.6a.

        >>> from dagames.estimators import minimax_table, plugin_table
        >>> [round(table(16).pooling, 1) for table in (plugin_table, minimax_table)]
        [0.7, 2003.7]
        """
        K, c = self.group_size, as_rationals(self.coefficients)
        w = c if self.counts == "independent" else [fmpq(k, K) * c[k] for k in range(K + 1)]
        bends = [abs(a - 2 * b + d) for a, b, d in zip(w, w[1:], w[2:], strict=False)]
        largest = fmpq(K, 2) * max(bends, default=fmpq(0))
        return math.nextafter(int(largest.p) / int(largest.q), math.inf) if largest else 0.0

    def reward(self, counts: Numbers) -> NDArray[np.float64]:
        """Return the reward of each count.

        Args:
            counts: Counts of answers, integers from 1 (0 if independent) to K, any shape.

        Returns:
            Estimates of g(p), of the same shape.

        Raises:
            DomainError: If a count is out of range.

        >>> from dagames.estimators import plugin_table
        >>> plugin_table(4).reward([1, 4]).round(4)
        array([-1.3863,  0.    ])
        """
        array, least = read(counts, "counts").array, 0 if self.counts == "independent" else 1
        if np.issubdtype(array.dtype, np.integer):
            rewards = look_up(self.coefficients, array, least)
            if rewards is not None:
                return rewards
        raise DomainError(
            f"`counts` must be integers from {least} to {self.group_size} ({self.counts} counts of a group of "
            f"{self.group_size}), not {array}."
        )

    def rounded(self, precision: Precision) -> "RewardTable":
        """Round the coefficients to a smaller type.

        Args:
            precision: "float64", "float32" or "bfloat16".

        Returns:
            The table of the rounded coefficients, whose bounds are recomputed.

        Raises:
            DomainError: If a coefficient overflows the type.

        >>> RewardTable(1, np.array([0.1, 0.1]), "independent").rounded("bfloat16").coefficients
        array([0.10009766, 0.10009766])
        """
        coefficients, precision = self.coefficients, as_precision(precision)
        if precision != "float64":
            with np.errstate(over="ignore"):
                single = coefficients.astype(np.float32)
            if precision == "bfloat16":
                single = _to_bfloat16(single)
            coefficients = single.astype(np.float64)
        if not np.isfinite(coefficients).all():
            raise DomainError(f"coefficients of {np.abs(self.coefficients).max():.1e} overflow {precision}.")
        return replace(self, coefficients=coefficients, precision=precision)

    def save(self, path: "str | Path", *, overwrite: bool = False) -> None:
        """Write the table as JSON, with its certificate and a checksum.

        Args:
            path: The file.
            overwrite: Whether an existing file is replaced.
        """
        check_new_file(as_path(path), overwrite=overwrite)
        write_text(as_path(path), self.to_json())

    def to_json(self) -> str:
        """Write the table as JSON, with its certificate and a checksum.

        Returns:
            The text that `save` writes.
        """
        return to_checksummed({
            "format": FORMAT,
            "group_size": self.group_size,
            "counts": self.counts,
            "estimates": self.estimand.to_dict(),
            "method": self.method,
            "precision": self.precision,
            "coefficients": self.coefficients.tolist(),
            "bias": list(self.bias),
            "second_moment": list(self.second_moment),
            "variance": list(self.variance),
            "optimum": None if self.optimum is None else list(self.optimum),
        })

    @classmethod
    def load(cls, path: "str | Path", *, reward: AnyReward | None = None) -> "RewardTable":
        """Read a table from a file, and recompute the bounds that the file states.

        Bias, second moment and variance are recomputed at once: 0.03 s for K = 16, 0.7 s for 64. The optimum, which
        takes longer, is recomputed at its first use. The name of the method is not checked.

        Args:
            path: A file written by `save`.
            reward: The reward g; required if g is a Python function, of which the file holds the name only.

        Returns:
            The table.

        Raises:
            DomainError: If the file is not a table or was changed, if it states bounds that its coefficients do not
                have, or if `reward` is missing or is not the reward of the file.
        """
        content, estimand = read_table(as_path(path), reward)
        table = _Loaded(
            group_size=content["group_size"],
            coefficients=np.array(content["coefficients"], dtype=np.float64),
            counts=content["counts"],
            estimand=estimand,
            method=content["method"],
            precision=as_precision(content["precision"]),
        )
        if table.coefficients.tolist() != content["coefficients"]:
            raise DomainError(
                f"{path}: `coefficients` has a c_0 other than c_1; with {table.counts} counts the two must be equal."
            )
        if table.rounded(table.precision).coefficients.tolist() != table.coefficients.tolist():
            raise DomainError(f"{path}: the `coefficients` are not {table.precision} numbers.")
        for name in ("bias", "second_moment", "variance"):
            check_claim(str(path), name, content[name], getattr(table, name))
        if content["optimum"] is not None:
            table.claim_optimum(str(path), Interval(*content["optimum"]))
        return table


class _Loaded(RewardTable):
    """A table from a file, whose `optimum` is recomputed at its first use."""

    def claim_optimum(self, path: str, claimed: Interval) -> None:
        """Store the optimum that a file states; the first use of `optimum` compares it with the computed one."""
        self.__dict__["_claimed"] = path, claimed
        # Without the instance attribute, `optimum` is the cached property of the class.
        del self.__dict__["optimum"]

    def _optimum(self) -> Interval:
        path, claimed = self.__dict__["_claimed"]
        _, found = best_polynomial(inner_degree(self.group_size, self.counts), self.estimand)
        slack = _SAME * found.upper
        if max(claimed.lower, found.lower) > min(claimed.upper, found.upper) + slack:
            raise DomainError(
                f"{path} claims a least bias in {tuple(claimed)}; it is in {tuple(found)}. Make the file anew."
            )
        return found


_Loaded.optimum = cached_property(_Loaded._optimum)  # type: ignore[assignment]
_Loaded.optimum.__set_name__(_Loaded, "optimum")  # type: ignore[union-attr]

_SAME = 1e-6
"""Relative distance of two enclosures up to which they may be of one optimum: their points depend on rounding."""

_LARGEST_GROUP = 10**7
_SQUARE = fmpq_poly([0, 0, 1])


def _to_bfloat16(single: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to the nearest number whose lower 16 bits are 0, ties to even."""
    bits = single.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) & np.uint64(0xFFFF0000)
    return rounded.astype(np.uint32).view(np.float32)


def as_group_size(K: int) -> int:
    """Validate a group size.

    Args:
        K: Number of traces.

    Returns:
        The number as an int.

    Raises:
        DomainError: If it is not an integer of at least 1.

    >>> as_group_size(8)
    8
    """
    if isinstance(K, bool) or not isinstance(K, (int, np.integer)) or K < 1:
        raise DomainError(f"`K` must be an integer of at least 1, not {K!r}.")
    if K > _LARGEST_GROUP:
        raise DomainError(f"`K` is {K}; tables have at most {_LARGEST_GROUP} entries. Ask for a smaller group.")
    return int(K)


def inner_degree(K: int, counts: CountsKind) -> int:
    """Return the degree of P: K for independent counts, K - 1 for self-inclusive, max(K - 2, 0) for centred ones."""
    return max(as_group_size(K) - _KNOWN[as_counts(counts)], 0)


_KNOWN: dict[CountsKind, int] = {"independent": 0, "self-inclusive": 1, "centred": 2}
"""Number of traces whose answer is given: the rewarded trace, and for centred counts the one compared with it."""


def as_counts(counts: str) -> CountsKind:
    """Validate the kind of counts."""
    return as_choice(counts, "counts", _COUNTS)


def as_precision(precision: str) -> Precision:
    """Validate the type that coefficients are rounded to."""
    return as_choice(precision, "precision", _PRECISIONS)
