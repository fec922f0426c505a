"""Dual ascent: the laws of its pure core, what is refused, and the file it leaves in a checkpoint."""

from __future__ import annotations

import json
import math
import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import AlignmentGame, solve
from dagames.functionals import Polytope
from dagames_llm._errors import ConstraintError
from dagames_llm.costs import Length, Refusal
from dagames_llm.multipliers import MULTIPLIERS, PATIENCE, Constraint, DualAscent, DualState, advance

WORDS = Length("words")
numbers = st.floats(-5, 5)
constraints = st.builds(
    Constraint,
    cost=st.just(WORDS),
    budget=numbers,
    step=st.floats(0.01, 3),
    cap=st.floats(0.1, 4),
    warm_up=st.integers(0, 3),
    window=st.integers(1, 4),
    sense=st.sampled_from(["at most", "at least"]),
)
histories = st.lists(st.lists(st.tuples(numbers, st.integers(0, 5)), min_size=2, max_size=2), max_size=12)


def play(pair: list[Constraint], history: list[list[tuple[float, int]]]) -> list[DualState]:
    states = [DualState.start(2)]
    for generation in history:
        sums, counts = [mean * n for mean, n in generation], [n for _, n in generation]
        states.append(advance(pair, states[-1], sums, counts))
    return states


@given(st.lists(constraints, min_size=2, max_size=2), histories)
def test_every_update_is_algorithm_4_with_cap_warm_up_and_window(
    pair: list[Constraint], history: list[list[tuple[float, int]]]
) -> None:
    states = play(pair, history)
    for i, constraint in enumerate(pair):
        expected, seen = 0.0, []
        for generation, state in zip(history, states[1:], strict=True):
            mean, n = generation[i]
            if n:
                seen.append((mean * n, n))
                window = seen[-constraint.window :]
                average = sum(total for total, _ in window) / sum(n for _, n in window)
                if len(seen) > constraint.warm_up:
                    excess = (
                        average - constraint.budget if constraint.sense == "at most" else constraint.budget - average
                    )
                    expected = min(max(expected + constraint.step * excess, 0.0), constraint.cap)
            assert state.multipliers[i] == pytest.approx(expected, abs=1e-12)
            assert 0.0 <= state.multipliers[i] <= constraint.cap
            assert len(state.windows[i]) <= constraint.window


@given(st.lists(constraints, min_size=2, max_size=2), histories)
def test_no_row_no_change(pair: list[Constraint], history: list[list[tuple[float, int]]]) -> None:
    state = play(pair, history)[-1]
    assert advance(pair, state, [0.0, 0.0], [0, 0]) == state


@given(st.lists(constraints, min_size=2, max_size=2), histories, numbers, st.floats(0, 3), st.integers(1, 5))
def test_more_cost_never_less_multiplier(
    pair: list[Constraint], history: list[list[tuple[float, int]]], mean: float, more: float, n: int
) -> None:
    state = play(pair, history)[-1]
    less = advance(pair, state, [mean * n, 0.0], [n, 0])
    greater = advance(pair, state, [(mean + more) * n, 0.0], [n, 0])
    assert pair[0].sign * (greater.multipliers[0] - less.multipliers[0]) >= -1e-12
    assert greater.multipliers[1] == less.multipliers[1] == state.multipliers[1]


@given(st.lists(constraints, min_size=2, max_size=2), histories)
def test_the_state_survives_json_to_the_last_bit(
    pair: list[Constraint], history: list[list[tuple[float, int]]]
) -> None:
    # Of different rows, so that no two budgets contradict.
    pair = [replace(c, name=name, applies_to={"kind": name}) for name, c in zip("ba", pair, strict=True)]
    before, after = DualAscent(pair), DualAscent(pair)
    before.state = play(pair, history)[-1]
    after.load_state_dict(json.loads(json.dumps(before.state_dict(), sort_keys=True)))
    assert after.state == before.state
    assert [m.hex() for m in after.state.multipliers] == [m.hex() for m in before.state.multipliers]


def test_a_file_beside_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dual = DualAscent([Constraint(WORDS, budget=0.1, step=1 / 3)])
    dual.update([0.7], [1])
    dual.save(tmp_path)
    other = DualAscent([Constraint(WORDS, budget=0.1)])
    other.load(tmp_path)
    assert other.state == dual.state
    before = (tmp_path / MULTIPLIERS).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    dual.update([0.7], [1])
    with pytest.raises(ValueError, match="No space left"):
        dual.save(tmp_path)
    assert (tmp_path / MULTIPLIERS).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [MULTIPLIERS]
    with pytest.raises(ConstraintError, match="written with the safety callback"):
        dual.load(tmp_path / "elsewhere")


def damaged(**changes: Any) -> dict[str, Any]:
    part = {"multiplier": 1.0, "generations": 1, "window": [[1.0, 2]], "at_cap": 0, "nearest": None}
    return {"constraints": {"length": {**part, **changes}}, "reported": 0}


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ({}, "those of no constraint, but this run has length"),
        ({"constraints": {"refusal": {}}}, "those of refusal.*constraints of the same names"),
        ({"constraints": {"length": {}}}, "cannot be read .KeyError"),
        (damaged(multiplier=float("nan")), "finite and at least 0"),
        (damaged(multiplier=-1.0), "finite and at least 0"),
        (damaged(window=[[1.0, 0]]), "one or more costs"),
        (damaged(window=[1.0]), "cannot be read .TypeError"),
    ],
)
def test_saved_multipliers_that_cannot_be_used(saved: dict[str, Any], message: str) -> None:
    dual = DualAscent([Constraint(WORDS, budget=1.0)])
    state = dual.state
    with pytest.raises(ConstraintError, match=message):
        dual.load_state_dict(saved)
    assert dual.state == state


def test_an_infeasible_pair_is_one_warning_with_the_nearest_budgets() -> None:
    short = Constraint(WORDS, budget=2.0, name="short", step=1.0, cap=3.0)
    some = {"kind": "essay"}
    long = Constraint(WORDS, budget=5.0, name="long", applies_to=some, step=0.2, cap=1.0, sense="at least")
    dual = DualAscent([short, long])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for t in range(60):
            mean = 3.5 if t == 20 else 4.0
            dual.update([4 * mean, 4 * mean], [4, 4])
    assert [type(w.message) for w in caught] == [UserWarning]
    message = str(caught[0].message)
    for part in (
        "'short' (at most 2, attained 4, multiplier at its cap 3)",
        "'long' (at least 5, attained 4, multiplier at its cap 1)",
        "cannot be met together",
        "attained together so far: 'short' 4, 'long' 4",
    ):
        assert part in message, message
    assert dual.state.nearest == (4.0, 4.0), (
        "all means between the budgets exceed them by 3 in total; the first is kept"
    )
    assert dual.multipliers == {"short": 3.0, "long": 1.0}


def test_two_bounds_that_contradict_each_other_are_refused_at_once() -> None:
    def bounds(most: float, least: float, second: Any = None, rows: Any = None) -> None:
        cost = Length("words")
        above = Constraint(cost, budget=most, name="short")
        below = Constraint(second or cost, budget=least, name="long", applies_to=rows, sense="at least")
        DualAscent([above, below])
        DualAscent([below, above])

    for second in (None, Length("words")):
        with pytest.raises(ConstraintError, match=r"'long' .* at least 5 and 'short' at most 2.* such as 3.5 for both"):
            bounds(2.0, 5.0, second)
    bounds(5.0, 5.0)
    bounds(5.0, 2.0)
    bounds(2.0, 5.0, Length("characters"))
    bounds(2.0, 5.0, lambda texts: [0.0] * len(texts))
    bounds(2.0, 5.0, rows={"kind": "essay"})


def test_nearest_budgets_are_those_of_least_total_excess() -> None:
    pair = [Constraint(WORDS, 1.0, name="a"), Constraint(Refusal(), 0.1, name="b")]
    means = [(4.0, 0.3), (2.0, 0.9), (2.5, 0.0), (3.0, 0.1), (9.0, None), (0.5, None)]
    states = play(pair, [[(m, 1) if m is not None else (0.0, 0) for m in both] for both in means])
    assert [s.nearest for s in states[1:4]] == [(4.0, 0.3), (2.0, 0.9), (2.5, 0.0)]
    assert states[5].nearest == (2.5, 0.0)
    assert states[6].nearest == (0.5, 0.1), "a constraint that applied to no row keeps its mean"


def test_one_that_cannot_be_met_alone_is_reported_too_and_once() -> None:
    dual = DualAscent([Constraint(WORDS, budget=0, step=1.0, cap=1.0), Constraint(Refusal(), budget=1.0)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3 * PATIENCE):
            dual.update([1.0, 0.0], [1, 1])
    assert len(caught) == 1
    assert "'length'" in str(caught[0].message)
    assert "they cannot be met." in str(caught[0].message)
    quiet = DualAscent([Constraint(WORDS, budget=0, step=1.0, cap=1.0)])
    for _ in range(3 * PATIENCE):
        quiet.update([1.0], [1], report=False)


def test_budgets_of_zero_are_budgets() -> None:
    dual = DualAscent([Constraint(Refusal(), budget=0)])
    dual.update([0.0], [4])
    assert dual.multipliers == {"refusal": 0.0}
    dual.update([1.0], [4])
    assert dual.multipliers == {"refusal": 0.1 * 0.25}


@pytest.mark.parametrize("beta", [0.1, 1.0])
def test_exact_means_lead_to_the_equilibrium_of_the_game(beta: float) -> None:
    nu_0 = np.array([0.1, 0.4, 0.3, 0.2])
    costs, budgets = np.array([[0.0, 0.2, 0.5, 1.0], [1.0, 0.3, 0.1, 0.0]]), np.array([0.25, 0.32])
    pair = [Constraint(WORDS, b, name=f"c{i}", step=beta, cap=1e3) for i, b in enumerate(budgets.tolist())]
    dual = DualAscent(pair)
    for _ in range(2000):
        weights = nu_0 * np.exp(-np.array(dual.state.multipliers) @ costs / beta)
        nu = weights / weights.sum()
        dual.update((10 * costs @ nu).tolist(), [10, 10])
    solution = solve(AlignmentGame(nu_0, np.arange(4), Polytope(costs, budgets), beta))
    np.testing.assert_allclose(nu, solution.nu, atol=1e-6)
    np.testing.assert_allclose(costs @ nu, budgets, atol=1e-6)
    assert min(dual.state.multipliers) > 0.0, "both constraints are active"


def test_rows_to_which_a_constraint_applies() -> None:
    harmful = Constraint(WORDS, 1.0, applies_to={"kind": "harmful"})
    either = Constraint(WORDS, 1.0, applies_to={"kind": ["harmful", "odd"], "level": 2})
    called = Constraint(WORDS, 1.0, applies_to=lambda row: row["prompt"].endswith("?"))
    row = {"prompt": "why?", "kind": "harmful", "level": 2}
    assert harmful.applies(row)
    assert not harmful.applies({**row, "kind": "benign"})
    assert either.applies(row)
    assert not either.applies({**row, "level": 3})
    assert called.applies(row)
    assert not called.applies({"prompt": "because"})
    with pytest.raises(ConstraintError, match="column 'kind', which a row lacks; it has level, prompt"):
        harmful.applies({"prompt": "why?", "level": 2})
    with pytest.raises(ConstraintError, match="'length' raised KeyError: 'prompt'"):
        called.applies({"kind": "x"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cost", "refusal"), ("budget", math.inf), ("budget", math.nan), ("budget", "0.1"), ("step", 0),
        ("step", math.nan), ("cap", math.inf), ("cap", -1.0), ("warm_up", -1), ("warm_up", 0.5), ("window", 0),
        ("window", True), ("sense", "<="), ("applies_to", "harmful"),
    ],
)  # fmt: skip
def test_constraints_that_cannot_be_used(field: str, value: Any) -> None:
    with pytest.raises(ConstraintError, match=field):
        Constraint(**{"cost": WORDS, "budget": 1.0, field: value})


def test_lists_of_constraints_that_cannot_be_used() -> None:
    with pytest.raises(ConstraintError, match="two constraints are called 'length'; give them different names"):
        DualAscent([Constraint(WORDS, 1.0), Constraint(WORDS, 2.0)])
    with pytest.raises(ConstraintError, match="at least one"):
        DualAscent([])
