"""The page's JavaScript computes what the core computes, for every functional and every iteration."""

import json
from contextlib import suppress
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_mini_racer import MiniRacer

from dagames import AlignmentGame, DomainError, functionals, solve
from dagames.functionals import Nonconvex
from dagames.games.nonconvex import convex_game
from dagames.grpo import ByCount, mean_field_path
from dagames.pictures.simplex import GROUP_SIZES, model_script, reward_tables
from dagames.solvers import best_response_path, mirror_descent_path, no_regret_path
from dagames.targets import Target

LINE = np.array([[0.0, 0.5, 1.0], [0.5, 0.0, 0.5], [1.0, 0.5, 0.0]])


def by_rank(top, answer):
    """Return `top` for an answer, half of it for the next one, and 0 for the third."""
    row = np.zeros(3)
    row[answer], row[(answer + 1) % 3] = top, top / 2
    return row


MADE = {
    "Linear": lambda p: functionals.Linear(by_rank(p["weight"], p["answer"])),
    "Gini": lambda p: functionals.Gini(p["weight"]),
    "NegativeEntropy": lambda p: functionals.NegativeEntropy(p["weight"]),
    "Tsallis": lambda p: functionals.Tsallis(p["order"], p["weight"]),
    "KLToPrior": lambda p: functionals.KLToPrior(p["prior"], p["weight"]),
    "KLFromPrior": lambda p: functionals.KLFromPrior(p["prior"], p["weight"]),
    "ChiSquare": lambda p: functionals.ChiSquare(p["prior"], p["weight"]),
    "Hellinger": lambda p: functionals.Hellinger(p["prior"], p["weight"]),
    "SquaredDistance": lambda p: functionals.SquaredDistance(p["prior"], p["weight"]),
    "LogScore": lambda p: functionals.LogScore(p["answer"], p["weight"]),
    "Quadratic": lambda p: functionals.Quadratic(p["weight"] * (1 - LINE)),
    "EntropyMinimisation": lambda p: functionals.EntropyMinimisation(p["weight"]),
    "PairwiseIncoherence": lambda p: functionals.PairwiseIncoherence(LINE, p["weight"]),
    "Polytope": lambda p: functionals.Polytope([by_rank(1.0, p["answer"])], [p["budget"]]),
    "Point": lambda p: functionals.Point(p["answer"]),
}
WITH_STEPS = [name for name in MADE if name not in {"Polytope", "Point", "EntropyMinimisation", "PairwiseIncoherence"}]


@pytest.fixture(scope="module")
def engine():
    engine = MiniRacer()
    engine.eval(model_script())
    return engine


def call(engine, text):
    """Evaluate JavaScript and return its value; MiniRacer itself would keep only simple ones."""
    return json.loads(engine.eval(f"JSON.stringify((() => {{ {text} }})())"))


def course_text(step, steps):
    return f"return course({step}, game.logNu0, {steps});"


def game_text(name, parameters, beta, nu_0):
    return f"const game = makeGame({json.dumps(name)}, {json.dumps(parameters)}, {beta!r}, {json.dumps(nu_0)});"


@st.composite
def distributions(draw):
    masses = np.array(draw(st.lists(st.floats(0.02, 1.0), min_size=3, max_size=3)))
    return (masses / masses.sum()).tolist()


@st.composite
def settings(draw):
    parameters = {
        "weight": draw(st.floats(0.05, 5.0)),
        "order": draw(st.sampled_from([0.25, 0.5, 1.5, 2.0, 4.0])),
        "prior": draw(distributions()),
        "answer": draw(st.integers(0, 2)),
        "budget": draw(st.floats(0.02, 1.0)),
    }
    return parameters, draw(st.floats(0.05, 5.0)), draw(distributions())


def test_the_page_has_every_functional(engine):
    exported = set(functionals.__all__) - {"Functional", "Separable", "Smooth", "Nonconvex"}
    assert set(call(engine, "return Object.keys(FUNCTIONALS);")) == {name for name in exported if name[0].isupper()}
    assert set(MADE) == set(call(engine, "return Object.keys(FUNCTIONALS);"))


@pytest.mark.parametrize("name", MADE)
@given(drawn=settings())
def test_the_equilibrium_is_that_of_the_core(engine, name, drawn):
    parameters, beta, nu_0 = drawn
    R = MADE[name](parameters)
    answer = (
        "const e = equilibrium(game);"
        "return e && {nu: e.logNu.map(Math.exp), q: e.logQ.map(Math.exp), value: e.value, gap: e.gap};"
    )
    found = call(engine, game_text(name, parameters, beta, nu_0) + answer)
    if isinstance(R, Nonconvex):
        if beta <= R.threshold:
            assert found is None
            return
        game, tolerance = convex_game(nu_0, [0, 1, 2], R, beta), 1e-6
    else:
        game, tolerance = AlignmentGame(nu_0, [0, 1, 2], R, beta), 1e-6
    solution = solve(game)
    np.testing.assert_allclose(found["nu"], solution.nu, rtol=0, atol=tolerance)
    assert found["gap"] < 1e-8
    if not isinstance(R, Nonconvex):
        np.testing.assert_allclose(found["q"], solution.q, rtol=0, atol=tolerance)
        assert found["value"] == pytest.approx(float(solution.value), abs=1e-9, rel=1e-9)


@pytest.mark.parametrize("name", [name for name in MADE if name not in {"EntropyMinimisation", "PairwiseIncoherence"}])
@given(drawn=settings(), other=distributions())
def test_the_dual_bound_holds_at_any_target(engine, name, drawn, other):
    """The page's conjugate is at least the core's, so that its gap never understates the error."""
    parameters, beta, nu_0 = drawn
    u = (-beta * np.log(other)).tolist()
    found = call(
        engine, game_text(name, parameters, beta, nu_0) + f"return game.functional.conjugate({json.dumps(u)});"
    )
    exact = float(MADE[name](parameters).conjugate(np.array(u)))
    scale = max(1.0, abs(exact), float(np.abs(u).max()))
    assert exact - 1e-9 * scale <= found <= exact + 1e-6 * scale


def log_marginals(path, steps):
    """Return the first log-marginals of a path of the core, up to where it has no best target."""
    taken = []
    with suppress(DomainError):
        taken.extend(iterate.log_nu for iterate in islice(path, steps + 1))
    return np.array(taken)


@pytest.mark.parametrize("name", WITH_STEPS)
@given(drawn=settings(), damping=st.sampled_from([0.3, 1.0]))
def test_a_best_response_is_that_of_the_core(engine, name, drawn, damping):
    """Each step starts from the core's marginal: where the iteration diverges, it multiplies rounding errors."""
    parameters, beta, nu_0 = drawn
    game = AlignmentGame(nu_0, [0, 1, 2], MADE[name](parameters), beta)
    known = log_marginals(best_response_path(game, damping=damping), 6)
    moves = f"{known[:-1].tolist()}.map((logNu) => bestResponse(game, {{damping: {damping}}})({{logNu}}).logNu)"
    found = call(engine, game_text(name, parameters, beta, nu_0) + f"return {moves};")
    assert len(found) == len(known) - 1
    if found:
        np.testing.assert_allclose(np.exp(np.array(found)), np.exp(known[1:]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", WITH_STEPS)
@given(drawn=settings())
def test_descent_and_no_regret_are_those_of_the_core(engine, name, drawn):
    parameters, beta, nu_0 = drawn
    game = AlignmentGame(nu_0, [0, 1, 2], MADE[name](parameters), beta)
    for step, path in {"mirrorDescent": mirror_descent_path(game), "noRegret": no_regret_path(game)}.items():
        found = call(engine, game_text(name, parameters, beta, nu_0) + course_text(f"{step}(game)", 8))
        known = log_marginals(path, 8)
        assert len(known) > 0
        np.testing.assert_allclose(np.exp(np.array(found[: len(known)])), np.exp(known), rtol=0, atol=1e-6)


@pytest.mark.parametrize("normalise", ["center", "standardise", "leave-one-out"])
@pytest.mark.parametrize("name", ["Gini", "ChiSquare", "SquaredDistance", "Linear", "Quadratic"])
@given(drawn=settings(), K=st.integers(2, 6))
def test_the_expected_steps_are_those_of_the_core(engine, name, normalise, drawn, K):
    parameters, beta, nu_0 = drawn
    target = Target.from_functional(MADE[name](parameters), answers=(0, 1, 2))
    known = np.array(
        list(islice(mean_field_path(nu_0, target, group_size=K, learning_rate=0.7, beta=beta, normalise=normalise), 5))
    )
    # Each step starts from the core's marginal: divided by a deviation near 0, rounding errors grow 10^4-fold.
    step = f"meanField(game, {{K: {K}, rate: 0.7, normalise: '{normalise}', rewards: frequencyRewards(game, {K})}})"
    moves = f"{known[:-1].tolist()}.map((logNu) => {step}({{logNu}}).logNu)"
    found = call(engine, game_text(name, parameters, beta, nu_0) + f"return {moves};")
    np.testing.assert_allclose(np.exp(found), np.exp(known[1:]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("K", GROUP_SIZES)
@pytest.mark.parametrize("table", ["plug-in", "Taylor", "recommended"])
def test_the_steps_with_tables_are_those_of_the_core(engine, K, table):
    coefficients = np.array(reward_tables()[K][table])
    path = mean_field_path([0.7, 0.2, 0.1], ByCount(-1.3 * coefficients), group_size=K, learning_rate=1.0, beta=0.4)
    step = (
        f"meanField(game, {{K: {K}, rate: 1, normalise: 'center', "
        f"rewards: tableRewards(game, {json.dumps(coefficients.tolist())}, 1.3, null)}})"
    )
    text = game_text("NegativeEntropy", {"weight": 1.3}, 0.4, [0.7, 0.2, 0.1])
    found = call(engine, text + course_text(step, 20))
    np.testing.assert_allclose(np.exp(found), np.exp(list(islice(path, 21))), rtol=0, atol=1e-6)
