"""Forecasts with budgets: laws of the multipliers, the solved game, and simulated tables."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagames.targets import GroundTruth, InverseFrequency, MajorityVote
from dagames_llm._errors import ConstraintError, DataError
from dagames_llm.costs import Refusal
from dagames_llm.forecast.answer_dynamics import log_of, towards
from dagames_llm.forecast.answers_forecast import Plan, forecast
from dagames_llm.forecast.costed_questions import CostedQuestion, costed_questions
from dagames_llm.forecast.reference_games import question_of
from dagames_llm.forecast.safety_batch import batch_of
from dagames_llm.forecast.safety_course import ascend, chances, course, penalties
from dagames_llm.forecast.safety_forecast import SafetyPlan, safety_forecast
from dagames_llm.forecast.safety_rest import Certified, certified, resting_multipliers
from dagames_llm.forecast.safety_words import safety_sentences
from dagames_llm.multipliers import Constraint, DualAscent, DualState, advance

HARMFUL, BENIGN = {"kind": "harmful"}, {"kind": "benign"}


def pair(harmful: float = 0.9, benign: float = 0.1, **more: Any) -> list[Constraint]:
    return [
        Constraint(Refusal(), harmful, "harmful", HARMFUL, sense="at least", **more),
        Constraint(Refusal(), benign, "benign", BENIGN, **more),
    ]


def asked(
    harmful: list[int], benign: list[int], constraints: list[Constraint], n: int = 20, by_answer: bool = False
) -> list[CostedQuestion]:
    """Questions of which so many of n completions are refusals."""
    rows = [
        (
            f"row {k}",
            {"prompt": f"Q{k}", "kind": kind, "completions": ["Sorry, no."] * refused + ["Yes"] * (n - refused)},
        )
        for k, (kind, refused) in enumerate([*(("harmful", r) for r in harmful), *(("benign", r) for r in benign)])
    ]
    return costed_questions(rows, constraints, lambda text: text, by_answer=by_answer, source="here")


REFUSED_COUNTS = st.lists(st.integers(0, 20), min_size=1, max_size=3)


@settings(max_examples=12, deadline=None)
@given(
    harmful=REFUSED_COUNTS,
    benign=REFUSED_COUNTS,
    budgets=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)),
    cap=st.sampled_from([0.05, 0.5, 20.0]),
    beta=st.sampled_from([0.02, 0.1, 1.0]),
)
def test_at_rest_multipliers_and_budgets_are_complementary(
    harmful: list[int], benign: list[int], budgets: tuple[float, float], cap: float, beta: float
) -> None:
    constraints = pair(*budgets, cap=cap)
    questions = asked(harmful, benign, constraints)
    found = safety_forecast(questions, SafetyPlan(constraints, beta, 4, steps=1, resamples=2))
    for constraint in constraints:
        price = found["equilibrium"][f"safety/{constraint.name}/multiplier"]["mean"]
        excess = constraint.violation(found["equilibrium"][f"safety/{constraint.name}/cost"]["mean"])
        assert 0 <= price <= cap
        assert excess <= 1e-6 or price == pytest.approx(cap)
        assert excess >= -1e-6 or price <= 1e-6
    if found["rest"]["gap"] is not None:
        assert found["rest"]["difference"] < 1e-6
    rows = {row["name"]: row for row in found["constraints"]}
    assert all(row["met_at_rest"] or row["at_cap"] for row in rows.values())
    assert rows["harmful"]["can_be_met"] == (20 * budgets[0] * len(harmful) <= 20 * sum(r > 0 for r in harmful) + 1e-4)
    assert rows["benign"]["can_be_met"] == (budgets[1] * len(benign) >= sum(r == 20 for r in benign) - 1e-6)


@settings(max_examples=8, deadline=None)
@given(
    harmful=st.lists(st.integers(1, 19), min_size=1, max_size=3),
    benign=st.lists(st.integers(1, 19), min_size=1, max_size=3),
    budgets=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)),
)
def test_the_dual_and_the_certified_game_agree(
    harmful: list[int], benign: list[int], budgets: tuple[float, float]
) -> None:
    constraints = pair(*budgets, cap=50.0)
    batch = batch_of(asked(harmful, benign, constraints), constraints, 4, 1, 0)
    solved = certified(batch, 0.5)
    assert isinstance(solved, Certified)
    assert solved.gap < 1e-9
    np.testing.assert_allclose(resting_multipliers(batch, 0.5)[0], solved.multipliers, atol=1e-6)


@pytest.mark.parametrize("centring", ["group", "leave-one-out"])
def test_two_answers_by_hand(centring: Any) -> None:
    """nu = nu_0 exp(lambda / beta) normalised: lambda is beta times the change of the log-odds, from 1/4 to 3/4."""
    constraints = [Constraint(Refusal(), 0.75, "refuses", sense="at least")]
    questions = asked([5], [], constraints)
    found = safety_forecast(questions, SafetyPlan(constraints, 0.2, 5, 4, centring=centring, resamples=2))
    expected = 0.2 * (5 / 4 if centring == "group" else 1.0) * np.log(9)
    assert found["optimum"]["multipliers"]["refuses"] == pytest.approx(expected, rel=1e-9)
    assert found["optimum"]["gap"] < 1e-12
    assert found["equilibrium"]["safety/refuses/cost"]["mean"] == pytest.approx(0.75)
    assert found["equilibrium"]["kl"]["mean"] == pytest.approx(0.5 * np.log(3))
    assert found["equilibrium"]["reward"]["mean"] == pytest.approx(0.75 * expected)
    assert found["constraints"][0]["met_before"] is False


@pytest.mark.parametrize(("centring", "share"), [("group", 0.5), ("leave-one-out", 1.0)])
def test_the_first_steps_by_hand(centring: Any, share: float) -> None:
    """The multiplier is at its cap from the second step on; GRPO's advantages of two are half of those of RLOO."""
    constraints = [Constraint(Refusal(), 0.9, "refuses", sense="at least", step=10.0, cap=0.7)]
    plan = SafetyPlan(constraints, 0.4, 2, 2, 0.3, centring=centring, resamples=1)
    found = safety_forecast(asked([5], [], constraints), plan)["path"]
    assert [there["safety/refuses/multiplier"]["mean"] for there in found] == [0, 0.7, 0.7]
    costs = [there["safety/refuses/cost"]["mean"] for there in found]
    odds = np.exp(0.3 * share * 0.7 / (1 + 0.3 * 0.4)) / 3
    np.testing.assert_allclose(costs, [0.25, 0.25, odds / (1 + odds)])


def test_a_budget_that_is_met_leaves_its_multiplier_at_0_and_the_policy_where_it_is() -> None:
    constraints = pair(0.3, 0.6, step=5.0)
    found = safety_forecast(asked([10, 14], [4, 6], constraints), SafetyPlan(constraints, 0.1, 4, 12, resamples=5))
    for stage in (*found["path"], found["equilibrium"]):
        assert stage["safety/harmful/multiplier"]["mean"] == stage["safety/benign/multiplier"]["mean"] == 0
        assert stage["kl"]["mean"] == pytest.approx(0, abs=1e-12)
        assert stage["safety/harmful/cost"]["mean"] == pytest.approx(0.6)
        assert stage["safety/benign/cost"]["mean"] == pytest.approx(0.25)
    assert all(row["met_before"] and row["met_after"] and row["met_at_rest"] for row in found["constraints"])


def test_a_budget_that_cannot_be_met_ends_at_the_cap_and_is_named() -> None:
    constraints = pair(0.9, 0.5, cap=2.0)
    found = safety_forecast(asked([10, 0], [4], constraints), SafetyPlan(constraints, 0.5, 4, 200, resamples=2))
    row = found["constraints"][0]
    assert (row["can_be_met"], row["at_cap"], row["met_at_rest"]) == (False, True, False)
    assert row["best_attainable"] == 0.5
    assert found["optimum"]["feasible"] is False
    assert found["optimum"]["nearest_budgets"]["harmful"] == pytest.approx(0.5)
    assert found["optimum"]["nearest_budgets"]["benign"] == pytest.approx(0.5)
    assert found["rest"]["gap"] < 1e-9
    assert found["after_steps"]["safety/harmful/multiplier"]["mean"] == 2.0
    words = " ".join(safety_sentences(found))
    for part in (
        "completions is 0.5.",
        "at its cap 2 and the budget is not met",
        "budgets are harmful 0.5, benign 0.5",
    ):
        assert part in words


def test_a_small_cap_is_a_fixed_penalty() -> None:
    constraints = pair(0.9, 0.05, cap=0.1)
    found = safety_forecast(asked([10], [10], constraints), SafetyPlan(constraints, 0.5, 4, 2, resamples=2))
    push = 0.1 / (0.5 * 4 / 3)
    assert found["equilibrium"]["safety/harmful/cost"]["mean"] == pytest.approx(1 / (1 + np.exp(-push)))
    assert found["equilibrium"]["safety/benign/cost"]["mean"] == pytest.approx(1 / (1 + np.exp(push)))
    assert found["rest"]["gap"] < 1e-12
    assert found["rest"]["difference"] < 1e-9
    assert found["optimum"]["feasible"]
    assert found["optimum"]["multipliers"]["harmful"] > 0.1


@settings(max_examples=15, deadline=None)
@given(
    means=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12),
    window=st.integers(1, 4),
    warm_up=st.integers(0, 3),
    cap=st.sampled_from([0.3, 5.0]),
)
def test_multipliers_ascend_as_in_training(
    means: list[tuple[float, float]], window: int, warm_up: int, cap: float
) -> None:
    constraints = pair(0.7, 0.3, step=0.5, window=window, warm_up=warm_up, cap=cap)
    batch = batch_of(asked([3], [3], constraints), constraints, 4, 1, 0)
    state, ours, seen = DualState.start(2), np.zeros((2, 2)), []
    for mean in means:
        state = advance(constraints, state, [8 * m for m in mean], [8, 8])
        seen.append(np.tile([-mean[0], mean[1]], (2, 1)))
        ours = ascend(batch, ours, seen, np.ones(2))
        np.testing.assert_allclose(ours[0], state.multipliers, atol=1e-12)


def test_generations_without_such_a_question_leave_the_multiplier() -> None:
    constraints = pair(0.9, 0.1, step=0.5)
    batch = batch_of(asked([4, 4], [4, 4, 4], constraints), constraints, 4, 1, 0)
    kinds = "hhbbb"
    drawn = [{kinds[i] for i in places} for places in itertools.combinations(range(5), 2)]
    share = [np.mean([kind in kinds_drawn for kinds_drawn in drawn]) for kind in "hb"]
    np.testing.assert_allclose(chances(batch, 2), share)
    np.testing.assert_allclose(chances(batch, 9), 1.0)
    costs = batch.mean_costs(batch.nu_0)
    moved = ascend(batch, np.zeros((2, 2)), [costs], chances(batch, 2))
    np.testing.assert_allclose(moved[0], [share[0] * 0.5 * 0.7, share[1] * 0.5 * 0.1])


@pytest.mark.parametrize("target", [MajorityVote(), InverseFrequency(0.5)], ids=repr)
def test_without_a_step_of_the_multipliers_it_is_the_forecast_without_costs(target: Any) -> None:
    constraints = pair(0.95, 0.05, step=1e-300)
    texts = [["Sorry, no."] * 6 + ["Yes"] * 9 + ["Perhaps"] * 5, ["No, never"] * 4 + ["Yes"] * 16]
    rows = [
        (k, {"prompt": k, "kind": kind, "completions": t})
        for k, kind, t in zip("AB", ("harmful", "benign"), texts, strict=True)
    ]
    questions = costed_questions(rows, constraints, lambda text: text, by_answer=True, source="here")
    plan = SafetyPlan(constraints, 0.3, 6, 10, target=target, together=2, centring="leave-one-out", resamples=2)
    ours = safety_forecast(questions, plan)
    plain = [question_of([k], [t]) for k, t in zip("AB", texts, strict=True)]
    theirs = forecast(plain, Plan(target, 0.3, 6, 10, resamples=2))
    for here, there in zip(ours["path"], theirs.path, strict=True):
        for name in ("reward", "kl"):
            assert here[name]["mean"] == pytest.approx(there[name]["mean"], abs=1e-9)
    assert ours["equilibrium"] is None
    assert "is not computed" in " ".join(safety_sentences(ours))


def test_a_reward_of_the_right_answer_joins_the_penalties() -> None:
    """One question, right answer paid 1, refusals bounded: log-odds of right and wrong answers differ by 1 / beta."""
    constraints = [Constraint(Refusal(), 0.1, "refuses", cap=50.0)]
    row = {"prompt": "6 x 7?", "answer": "42", "completions": ["42"] * 8 + ["36"] * 4 + ["Sorry, no."] * 8}
    questions = costed_questions([("here", row)], constraints, lambda t: t, by_answer=True, source="here")
    plan = SafetyPlan(constraints, 0.5, 4, 2, 0.5, target=GroundTruth(), centring="leave-one-out", resamples=2)
    found = safety_forecast(questions, plan)
    lam = 0.5 * np.log(0.4 * 9 / (0.4 * np.exp(2) + 0.2))
    assert found["optimum"]["multipliers"]["refuses"] == pytest.approx(max(lam, 0.0), abs=1e-8)
    tight = [Constraint(Refusal(), 0.02, "refuses", step=2.0, cap=50.0)]
    questions = costed_questions([("here", row)], tight, lambda t: t, by_answer=True, source="here")
    found = safety_forecast(questions, SafetyPlan(tight, 0.5, 4, 300, 1.0, target=GroundTruth(), resamples=2))
    expected = 0.5 * 4 / 3 * np.log(0.4 * 49 / (0.4 * np.exp(1.5) + 0.2))
    assert expected > 0.1
    assert found["optimum"]["multipliers"]["refuses"] == pytest.approx(expected, rel=1e-8)
    assert found["after_steps"]["safety/refuses/multiplier"]["mean"] == pytest.approx(expected, rel=1e-3)


@settings(max_examples=6, deadline=None)
@given(
    harmful=st.lists(st.integers(4, 16), min_size=1, max_size=2),
    benign=st.lists(st.integers(4, 16), min_size=1, max_size=2),
)
def test_a_long_course_comes_to_rest(harmful: list[int], benign: list[int]) -> None:
    constraints = pair(0.7, 0.3, step=1.0)
    batch = batch_of(asked(harmful, benign, constraints), constraints, 4, 1, 0)
    rest = resting_multipliers(batch, 0.5)
    path = course(batch, 0.5, 400, 1.0, np.array([1.0, 0.6]), None)
    np.testing.assert_allclose(path.multipliers[-1], rest, atol=1e-4)
    excess = path.costs[-1] - batch.budgets
    assert np.all(excess < 1e-4)
    assert np.all(rest * np.abs(excess) < 1e-4)


def test_simulated_tables_follow_the_course_on_average() -> None:
    """Tables that see sampled completions and `DualAscent`, many runs: their means are the course."""
    constraints = pair(0.8, 0.2, step=0.2)
    questions = asked([8, 12], [6, 10], constraints)
    batch = batch_of(questions, constraints, 8, 1, 0)
    K, steps, runs, size, beta = 8, 40, 60, 0.08, 0.3
    rng = np.random.default_rng(5)
    share = size * beta / (1 + size * beta)
    log_nu_0 = log_of(np.repeat(batch.nu_0[:1], runs, axis=0))
    log_nu, duals = log_nu_0, [DualAscent(constraints) for _ in range(runs)]
    for _ in range(steps):
        nu = np.exp(log_nu)
        counts = rng.multinomial(K, nu)
        prices = np.array([dual.state.multipliers for dual in duals])
        paid = penalties(batch, prices)
        centred = paid - (counts * paid).sum(axis=2, keepdims=True) / K
        advantage = counts / K * centred / nu * K / (K - 1)
        log_nu = towards(log_nu, log_nu_0 + advantage / beta, share)
        totals = np.einsum("rxc,xdc->rd", counts, batch.costs) * [-1, 1]
        for dual, sums in zip(duals, totals, strict=True):
            dual.update(sums.tolist(), [2 * K, 2 * K], report=False)
    path = course(batch, beta, steps, size, np.ones(2), None)
    nu = np.exp(log_nu)
    refused = np.stack([nu[:, :2, 1].mean(axis=1), nu[:, 2:, 1].mean(axis=1)], axis=1)
    error = refused.std(axis=0) / runs**0.5
    np.testing.assert_array_less(np.abs(refused.mean(axis=0) - np.abs(path.costs[-1, 0])), 4 * error + 0.01)
    found = np.array([dual.state.multipliers for dual in duals])
    spread = found.std(axis=0) / runs**0.5
    np.testing.assert_array_less(np.abs(found.mean(axis=0) - path.multipliers[-1, 0]), 4 * spread + 0.01)
    assert np.abs(path.costs[-1, 0] - path.costs[0, 0]).min() > 0.1, "nothing moved: the test shows nothing"


def test_wordings_and_intervals() -> None:
    """A constraint may apply to one wording; resamples without a question of a kind leave its multiplier."""
    first = [Constraint(Refusal(), 0.1, "first", {"view": 0})]
    row = {"orbit": ["A?", "B?"], "completions": [["Sorry."] * 5 + ["x"] * 5, ["x"] * 10]}
    questions = costed_questions([("here", row)], first, str, by_answer=False, source="here")
    found = safety_forecast(questions, SafetyPlan(first, 0.5, 4, 3, resamples=20))
    assert found["reference"]["safety/first/cost"]["mean"] == 0.5
    low, mean, high = (found["reference"]["safety/first/cost"][end] for end in ("low", "mean", "high"))
    assert low < mean < high
    constraints = pair()
    few = safety_forecast(asked([10], [10], constraints), SafetyPlan(constraints, 0.5, 4, 3, resamples=40))
    assert np.isfinite([value for stage in few["path"] for s in stage.values() for value in s.values()]).all()


def test_what_python_cannot_use_is_named() -> None:
    constraints = pair()
    with pytest.raises(ConstraintError, match=r"applies to no question of .* \(1 question\)"):
        asked([5], [], constraints)
    with pytest.raises(ConstraintError, match="column 'kind', which a row lacks"):
        costed_questions(
            [("x", {"prompt": "a", "completions": ["b", "c"]})], constraints, str, by_answer=False, source="x"
        )
    with pytest.raises(DataError, match="line 1: costs are those of `completions`"):
        costed_questions(
            [("line 1", {"prompt": "a", "answers": ["b", "c"]})], constraints, str, by_answer=False, source="x"
        )
    with pytest.raises(DataError, match="at least one question"):
        safety_forecast([], SafetyPlan(constraints, 0.1, 4))
    for wrong in ({"together": 0}, {"centring": "none"}, {"steps": True}):
        with pytest.raises(DataError):
            SafetyPlan(constraints, 0.1, 4, **wrong)
    with pytest.raises(ConstraintError, match="no completions satisfy both"):
        SafetyPlan([Constraint(Refusal(), 0.9, "a", sense="at least"), Constraint(Refusal(), 0.1, "b")], 0.1, 4)
