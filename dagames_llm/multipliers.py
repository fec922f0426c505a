"""Constraints of Safety-GRPO and their multipliers: projected dual ascent on the mean costs of a policy's completions.

The rewards are -sum_i lambda_i c_i (eq. 14 of the paper), and after each generation

    lambda_i <- min(cap, max(0, lambda_i + step (mean cost_i - budget_i)))

(Algorithm 4, with a cap, a warm-up and a moving window for each constraint). `dagames.CoupledGame` with `Budgets`
solves the same constraints exactly on finite sets, and decides which budgets are feasible.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dagames._files import write_text
from dagames_llm._errors import ConstraintError
from dagames_llm.costs import Cost, Length, Refusal, cost_name

MULTIPLIERS = "multipliers.json"
"""The file of the multipliers in a checkpoint."""

PATIENCE = 10
"""Number of successive generations with a violated constraint at its cap after which a warning is given."""

Selector = Mapping[str, Any] | Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Constraint:
    """A bound on the mean cost of the completions of some rows.

    If the policy is optimal for the multipliers at every step, the ascent converges without oscillation for a step
    below 2 beta / Var(cost) (claim I.28); for a cost in [0, 1] every step below 8 beta satisfies this. With a window
    above 1 use a smaller step.

    Attributes:
        cost: A callable from a list of texts to one finite number for each.
        budget: The bound, in the unit of the cost; 0 is allowed.
        name: Name in logs and messages; that of the cost by default.
        applies_to: The rows whose completions count and are penalised: None for all rows; a mapping from columns to the
            value (or list of values) that a row must have, such as {"kind": "harmful"}; or a callable from a row to a
            bool.
        step: Increase of the multiplier per unit of violation and generation, above 0.
        cap: Largest multiplier, above 0. At the cap the constraint is a fixed penalty, and may stay violated.
        warm_up: Number of generations that only fill the window, before the first update of the multiplier.
        window: Number of generations in the mean cost, each weighted by its number of rows.
        sense: Whether the mean must be "at most" or "at least" the budget.

    >>> from dagames_llm.costs import Refusal
    >>> Constraint(Refusal(), budget=0.1, applies_to={"kind": "benign"}).applies({"kind": "harmful"})
    False
    """

    cost: Cost
    budget: float
    name: str = ""
    applies_to: Selector | None = None
    step: float = 0.1
    cap: float = 10.0
    warm_up: int = 0
    window: int = 1
    sense: Literal["at most", "at least"] = "at most"

    def __post_init__(self) -> None:
        """Validate the fields; raise a ConstraintError otherwise."""
        if not callable(self.cost) or isinstance(self.cost, type):
            raise ConstraintError(
                f"`cost` is {self.cost!r}; it must be a callable from texts to numbers; of a class pass an instance."
            )
        if not isinstance(self.name, str):
            raise ConstraintError(f"`name` is {self.name!r}; it must be a text.")
        object.__setattr__(self, "name", self.name or cost_name(self.cost))
        if not _is_number(self.budget) or not math.isfinite(self.budget):
            raise ConstraintError(f"constraint {self.name!r}: `budget` is {self.budget!r}; it must be a finite number.")
        self._check_course()
        if self.sense not in ("at most", "at least"):
            raise ConstraintError(
                f'constraint {self.name!r}: `sense` is {self.sense!r}; it must be "at most" or "at least".'
            )
        if self.applies_to is not None and not callable(self.applies_to) and not isinstance(self.applies_to, Mapping):
            raise ConstraintError(
                f"constraint {self.name!r}: `applies_to` is {self.applies_to!r}; it must be a mapping from columns to "
                'values, such as {"kind": "harmful"}, a callable from a row to a bool, or None for all rows.'
            )

    def _check_course(self) -> None:
        for what in ("step", "cap"):
            value = getattr(self, what)
            if not _is_number(value) or not 0 < value < math.inf:
                raise ConstraintError(
                    f"constraint {self.name!r}: `{what}` is {value!r}; it must be positive and finite."
                )
        for what, least in (("warm_up", 0), ("window", 1)):
            value = getattr(self, what)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConstraintError(
                    f"constraint {self.name!r}: `{what}` is {value!r}; it must be a number of generations, at least "
                    f"{least}."
                )

    @property
    def sign(self) -> float:
        """1 for "at most", -1 for "at least"."""
        return 1.0 if self.sense == "at most" else -1.0

    def violation(self, mean: float) -> float:
        """Return the mean cost minus the budget, or for "at least" the budget minus the mean cost."""
        return self.sign * (mean - self.budget)

    def applies(self, row: Mapping[str, Any]) -> bool:
        """Return whether the constraint applies to a row.

        Args:
            row: The row's columns, with `prompt` and `completion`.

        Returns:
            Whether the constraint applies.

        Raises:
            ConstraintError: If the row lacks a column of `applies_to`, or the callable raised an exception.
        """
        if self.applies_to is None:
            return True
        if callable(self.applies_to):
            try:
                return bool(self.applies_to(row))
            except Exception as error:
                raise ConstraintError(
                    f"`applies_to` of constraint {self.name!r} raised {type(error).__name__}: {error}, for a row "
                    f"with the columns {', '.join(sorted(row))}."
                ) from error
        return all(self._matches(row, column, allowed) for column, allowed in self.applies_to.items())

    def _matches(self, row: Mapping[str, Any], column: str, allowed: Any) -> bool:
        if column not in row:
            raise ConstraintError(
                f"constraint {self.name!r} applies by the column {column!r}, which a row lacks; it has "
                f"{', '.join(sorted(row))}. Add the column to the data set (training and evaluation); "
                "with `remove_unused_columns=True` the trainer drops it."
            )
        several = isinstance(allowed, Collection) and not isinstance(allowed, str | bytes | Mapping)
        # Compared one by one, because a value that is a list is not hashable.
        return any(bool(row[column] == value) for value in (allowed if several else [allowed]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class DualState:
    """The state of the dual ascent, with one entry for each of the d constraints.

    Attributes:
        multipliers: lambda >= 0, [d].
        generations: Number of generations in which the constraint applied to some row, [d].
        windows: Sum of costs and number of rows of each generation in the window, [d].
        at_cap: Number of generations, up to the last one, with the multiplier at its cap and a violation, [d].
        nearest: The mean costs of one generation with the least total excess over the budgets, [d]; None until every
            constraint has applied.
        reported: Number of constraints in the last warning of infeasible budgets.
    """

    multipliers: tuple[float, ...]
    generations: tuple[int, ...]
    windows: tuple[tuple[tuple[float, int], ...], ...]
    at_cap: tuple[int, ...]
    nearest: tuple[float, ...] | None = None
    reported: int = 0

    @classmethod
    def start(cls, n_constraints: int) -> DualState:
        """Return the initial state, with all multipliers 0."""
        zeros = (0,) * n_constraints
        return cls((0.0,) * n_constraints, zeros, ((),) * n_constraints, zeros)

    @property
    def means(self) -> tuple[float | None, ...]:
        """Mean cost over the window, [d]; None for a constraint that has applied to no row yet."""
        return tuple(
            math.fsum(total for total, _ in window) / sum(n for _, n in window) if window else None
            for window in self.windows
        )


def advance(
    constraints: Sequence[Constraint], state: DualState, sums: Sequence[float], counts: Sequence[int]
) -> DualState:
    """Return the state after one generation.

    A constraint that applied to no row keeps its multiplier and its window.

    Args:
        constraints: [d].
        state: The state before the generation.
        sums: Sum of costs of the rows to which each constraint applied, [d].
        counts: Number of these rows, [d].

    Returns:
        The state after the generation; multipliers in [0, cap], nondecreasing in the violation.
    """
    multipliers, windows, at_cap = list(state.multipliers), list(state.windows), list(state.at_cap)
    generations = [g + (n > 0) for g, n in zip(state.generations, counts, strict=True)]
    for i, constraint in enumerate(constraints):
        if counts[i] > 0:
            windows[i] = (*windows[i], (float(sums[i]), int(counts[i])))[-constraint.window :]
    after = DualState(tuple(multipliers), tuple(generations), tuple(windows), tuple(at_cap))
    means = after.means
    for i, (constraint, mean) in enumerate(zip(constraints, means, strict=True)):
        if counts[i] > 0 and mean is not None and generations[i] > constraint.warm_up:
            violation = constraint.violation(mean)
            multipliers[i] = min(max(0.0, multipliers[i] + constraint.step * violation), float(constraint.cap))
            at_cap[i] = at_cap[i] + 1 if violation > 0 and multipliers[i] == constraint.cap else 0
    nearest = nearer(constraints, state.nearest, means)
    return DualState(tuple(multipliers), after.generations, after.windows, tuple(at_cap), nearest, state.reported)


def nearer(
    constraints: Sequence[Constraint], best: tuple[float, ...] | None, means: Sequence[float | None]
) -> tuple[float, ...] | None:
    """Return the mean costs, `best` or `means`, with the smaller total excess over the budgets."""
    seen = tuple(mean for mean in means if mean is not None)
    if len(seen) < len(constraints) or not seen:
        return best
    return seen if best is None or _excess(constraints, seen) < _excess(constraints, best) else best


def _excess(constraints: Sequence[Constraint], means: Sequence[float]) -> float:
    return math.fsum(max(0.0, c.violation(m)) for c, m in zip(constraints, means, strict=True))


def _check_pair(least: Constraint, most: Constraint) -> None:
    """Raise for contradictory bounds on one cost of the same rows."""
    shipped = isinstance(least.cost, Length | Refusal) and type(least.cost) is type(most.cost)
    same = least.cost is most.cost or (shipped and vars(least.cost) == vars(most.cost))
    both = same and least.applies_to == most.applies_to and {least.sense, most.sense} == {"at least", "at most"}
    if both and least.budget > most.budget:
        raise ConstraintError(
            f"{least.name!r} must be at least {least.budget:.6g} and {most.name!r} at most {most.budget:.6g}, but they "
            "bound the same cost of the same rows: no completions satisfy both. The nearest feasible budgets are "
            f"equal, such as {(least.budget + most.budget) / 2:.6g} for both."
        )


@dataclass
class DualAscent:
    """Multipliers of constraints, updated after each generation.

    Attributes:
        constraints: One or more, with different names.
        state: The multipliers and their windows.

    >>> from dagames_llm.costs import Length
    >>> dual = DualAscent([Constraint(Length("words"), budget=2.0, step=0.5)])
    >>> dual.update(sums=[12.0], counts=[4])
    >>> dual.multipliers
    {'length': 0.5}
    """

    constraints: Sequence[Constraint]
    state: DualState = field(init=False)

    def __post_init__(self) -> None:
        """Validate the constraints, and start with multipliers of 0."""
        self.constraints = tuple(self.constraints)
        if not self.constraints or not all(isinstance(c, Constraint) for c in self.constraints):
            raise ConstraintError(
                f"`constraints` is {self.constraints!r}; it must be a list of at least one `Constraint`."
            )
        names = [c.name for c in self.constraints]
        for name in names:
            if names.count(name) > 1:
                raise ConstraintError(f'two constraints are called {name!r}; give them different names, `name="..."`.')
        for i, first in enumerate(self.constraints):
            for second in self.constraints[:i]:
                _check_pair(*sorted((first, second), key=lambda c: c.sense))
        self.state = DualState.start(len(names))

    @property
    def multipliers(self) -> dict[str, float]:
        """Each constraint's multiplier."""
        return {c.name: m for c, m in zip(self.constraints, self.state.multipliers, strict=True)}

    def update(self, sums: Sequence[float], counts: Sequence[int], *, report: bool = True) -> None:
        """Advance by one generation.

        Args:
            sums: Sum of costs of the rows to which each constraint applied, [d].
            counts: Number of these rows, [d].
            report: Whether to warn of budgets that cannot be met together.
        """
        state = advance(self.constraints, self.state, sums, counts)
        stuck = [i for i, n in enumerate(state.at_cap) if n >= PATIENCE]
        # The warning waits for constraints that are about to reach `PATIENCE`, so that it names them all.
        coming = [i for i, n in enumerate(state.at_cap) if 0 < n < PATIENCE]
        if len(stuck) > state.reported and not coming:
            if report:
                warnings.warn(self._infeasible(state, stuck), UserWarning, stacklevel=2)
            state = DualState(
                state.multipliers, state.generations, state.windows, state.at_cap, state.nearest, len(stuck)
            )
        self.state = state

    def _infeasible(self, state: DualState, stuck: Sequence[int]) -> str:
        lines = [
            f"{c.name!r} ({c.sense} {c.budget:.6g}, attained {state.means[i]:.6g}, multiplier at its cap {c.cap:.6g})"
            for i, c in enumerate(self.constraints)
            if i in stuck
        ]
        near = ""
        if state.nearest is not None:
            pairs = zip(self.constraints, state.nearest, strict=True)
            bounds = [f"{c.name!r} {(max if c.sign > 0 else min)(float(c.budget), m):.6g}" for c, m in pairs]
            near = f" The nearest budgets attained together so far: {', '.join(bounds)}."
        together = "cannot be met together" if len(stuck) > 1 else "cannot be met"
        return (
            f"these budgets stay violated for {PATIENCE} generations: {'; '.join(lines)}. At these caps they "
            f"{together}.{near} Relax a budget, or raise a cap if the penalty is still small against the other rewards."
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain data; a JSON round trip keeps the floats exactly."""
        state = self.state
        nearest = state.nearest or (None,) * len(self.constraints)
        parts = zip(state.multipliers, state.generations, state.windows, state.at_cap, nearest, strict=True)
        names = ("multiplier", "generations", "window", "at_cap", "nearest")
        entries = {c.name: dict(zip(names, p, strict=True)) for c, p in zip(self.constraints, parts, strict=True)}
        return {"constraints": entries, "reported": state.reported}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Set the state.

        Args:
            saved: A value of `state_dict`.

        Raises:
            ConstraintError: If `saved` is not such a state, or is that of other constraints.
        """
        names = [c.name for c in self.constraints]
        saved_names = list(saved["constraints"]) if isinstance(saved.get("constraints"), Mapping) else []
        if sorted(saved_names) != sorted(names):
            raise ConstraintError(
                f"the saved multipliers are those of {', '.join(saved_names) or 'no constraint'}, but this run has "
                f"{', '.join(names)}. Resume with constraints of the same names, or start a new run."
            )
        try:
            self.state = _read_state(saved, [saved["constraints"][name] for name in names])
        except (KeyError, TypeError, ValueError) as error:
            raise ConstraintError(
                f"the saved multipliers cannot be read ({type(error).__name__}: {error}). The checkpoint is damaged, "
                "or of another version: resume from another one."
            ) from error

    def save(self, folder: str | Path) -> None:
        """Write the state into a checkpoint's folder, atomically."""
        write_text(Path(folder) / MULTIPLIERS, json.dumps(self.state_dict(), indent=2) + "\n")

    def load(self, folder: str | Path) -> None:
        """Read the state from a checkpoint's folder.

        Args:
            folder: The checkpoint.

        Raises:
            ConstraintError: If the folder holds no multipliers, or those of other constraints.
        """
        path = Path(folder) / MULTIPLIERS
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConstraintError(
                f"{path} cannot be read: {error}. Resume from a checkpoint that was written with the safety callback."
            ) from None
        self.load_state_dict(saved)


def _read_state(saved: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> DualState:
    nearest = [part["nearest"] for part in parts]
    state = DualState(
        multipliers=tuple(float(part["multiplier"]) for part in parts),
        generations=tuple(int(part["generations"]) for part in parts),
        windows=tuple(tuple((float(total), int(count)) for total, count in part["window"]) for part in parts),
        at_cap=tuple(int(part["at_cap"]) for part in parts),
        nearest=None if any(mean is None for mean in nearest) else tuple(map(float, nearest)),
        reported=int(saved["reported"]),
    )
    entries = [entry for window in state.windows for entry in window]
    if not all(0 <= m < math.inf for m in state.multipliers):
        raise ValueError(f"multipliers must be finite and at least 0, not {state.multipliers}")
    if not all(math.isfinite(total) and count > 0 for total, count in entries):
        raise ValueError(f"a window must hold finite sums of one or more costs, not {entries}")
    return state
