"""A user's mistake is answered by one error that names the argument, the place and the value."""

from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, CoupledGame, DomainError, ShapeError, SolveError, solve, solve_coupled
from dagames.bregman import Polynomial
from dagames.estimators import RewardTable, as_reward, plugin_table
from dagames.functionals import EntropyMinimisation, Gini, KLFromPrior, Linear, LogScore, NegativeEntropy
from dagames.games.couplings import Coherence
from dagames.grpo import Grpo, ManyToOne, effective_reward, group_advantages, simulate
from dagames.solvers import Iterate, solve_no_regret, solve_restricted
from dagames.solvers.best_response import solve_best_response
from dagames.solvers.closed_form import solve_closed_form
from dagames.solvers.path import solve_along
from dagames.targets import AnswerGroup, GiniDiversity, InverseFrequency, MajorityVote

R = NegativeEntropy(1.0)


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.6, 0.5, -0.1], [0, 1, 1], R, 1.0), r"`pi_0\[2\]` is negative: -0\.1"),
        (([0.6, 0.6], [0, 1], R, 1.0), r"`pi_0` sum to 1\.2, not 1"),
        (([[0.5, 0.5], [0.5, 0.4]], [0, 1], R, 1.0), r"`pi_0\[1\]` sum to 0\.9"),
        (([0.5, float("nan")], [0, 1], R, 1.0), r"`pi_0\[1\]` is nan"),
        (([0.5, float("inf")], [0, 1], R, 1.0), r"`pi_0\[1\]` is inf"),
        (([], [], R, 1.0), r"`pi_0` has shape \(0,\)"),
        (([[0.5, 0.5], [1.0]], [0, 1], R, 1.0), r"`pi_0` is not a rectangular array"),
        ((["a", "b"], [0, 1], R, 1.0), r"`pi_0` must be real numbers, not text"),
        (([0.5, 0.5], [0, -1], R, 1.0), r"`E\[1\]` is -1; an answer is an index"),
        (([0.5, 0.5], [0, 0.5], R, 1.0), r"`E\[1\]` is 0\.5"),
        (([0.5, 0.5], [0, float("nan")], R, 1.0), r"`E\[1\]` is nan"),
        (([0.5, 0.5], [0, 1, 2], R, 1.0), r"`E` has shape \(3,\)"),
        (([0.5, 0.5], [0, 1], R, 0.0), r"`beta` must be a finite number above 0, not 0"),
        (([0.5, 0.5], [0, 1], R, -1.0), r"`beta` must be a finite number above 0, not -1"),
        (([0.5, 0.5], [0, 1], R, float("nan")), r"`beta` must be a finite number above 0, not nan"),
        (([0.5, 0.5], [0, 1], R, None), r"`beta` must be a number above 0, not None"),
        (([0.5, 0.5], [0, 1], "gini", 1.0), r"`functional` must be a Functional, not str"),
        (([0.5, 0.5], [0, 1], Linear([1.0, 2.0, 3.0]), 1.0), r"`rewards` has shape \(3,\)"),
        (([0.5, 0.5], [0, 1], Gini([1.0, 2.0]), 1.0), r"`weight` has shape \(2,\)"),
    ],
)
def test_a_wrong_game_is_refused(arguments, message):
    with pytest.raises((DomainError, ShapeError), match=message):
        AlignmentGame(*arguments)


def test_an_answer_beyond_n_answers_is_refused():
    with pytest.raises(DomainError, match=r"`E\[1\]` is 2, out of range for 2 answers"):
        AlignmentGame([0.5, 0.5], [0, 2], R, 1.0, n_answers=2)


def test_a_log_reference_must_be_normalised():
    with pytest.raises(DomainError, match="the exponentials of `log_pi_0` sum to 2"):
        AlignmentGame.from_log([0.0, 0.0], [0, 1], R, 1.0)
    with pytest.raises(DomainError, match=r"`log_pi_0\[0\]` is inf"):
        AlignmentGame.from_log([np.inf, 0.0], [0, 1], R, 1.0)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf"), "x"])
@pytest.mark.parametrize("functional", [Gini, NegativeEntropy])
def test_a_weight_must_be_positive(functional, weight):
    with pytest.raises(DomainError, match="`weight` must be"):
        functional(weight)


def test_rewards_must_be_finite():
    with pytest.raises(DomainError, match=r"`rewards\[1\]` is nan"):
        Linear([0.0, float("nan")])


def test_wrong_policies_and_targets_are_refused():
    game = AlignmentGame([0.5, 0.5], [0, 1], R, 1.0)
    with pytest.raises(ShapeError, match=r"`pi` has shape \(3,\)"):
        game.objective([0.2, 0.3, 0.5])
    with pytest.raises(ShapeError, match=r"`q` has shape \(1,\)"):
        game.best_policy([1.0])
    with pytest.raises(DomainError, match=r"`q\[1\]` is 0 at a reachable answer"):
        game.payoff([0.5, 0.5], [1.0, 0.0])
    with pytest.raises(DomainError, match="no best target exists: NegativeEntropy has slope -inf at answer 1"):
        game.best_target([1.0, 0.0])


def test_solvers_say_why_they_stop():
    cycling = AlignmentGame([0.8, 0.2], [0, 1], NegativeEntropy(1.0), beta=1.0)
    with pytest.raises(SolveError, match=r"alternates between two points .*0\.5 and 0\.8.* smoothness \(1\)") as caught:
        solve_best_response(cycling, max_iterations=50)
    assert caught.value.diagnosis == "cycle"
    with pytest.raises(SolveError, match="best_response stopped after 3 steps with gap") as caught:
        solve_best_response(cycling, max_iterations=3)
    assert caught.value.diagnosis == "steps"
    diverging = AlignmentGame([0.8, 0.2], [0, 1], NegativeEntropy(2.0), beta=1.0)
    with pytest.raises(SolveError, match="alternates between two vertices") as caught:
        solve_best_response(diverging)
    assert caught.value.diagnosis == "cycle"
    with pytest.raises(SolveError, match="reached a vertex") as caught:
        solve_best_response(AlignmentGame([0.6, 0.3, 0.1], range(3), KLFromPrior([0.2, 0.3, 0.5], 50.0), beta=0.01))
    assert caught.value.diagnosis == "vertex"
    with pytest.raises(SolveError, match="stuck at a kink of the dual: the conjugate of LogScore") as caught:
        solve(AlignmentGame([0.4, 0.3, 0.2, 0.1], range(4), LogScore(1, 0.2), beta=0.5), "accelerated_ascent")
    assert caught.value.diagnosis == "unsuited"
    with pytest.raises(SolveError, match="Gini has no closed form"):
        solve_closed_form(AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), 1.0))
    with pytest.raises(SolveError, match="mirror_descent stopped after 1 step with"):
        solve(AlignmentGame([0.9, 0.1], [0, 1], Gini(1.0), 0.1), "mirror_descent", max_iterations=1)


def test_a_path_whose_target_runs_away_is_said_to_have_an_unbounded_dual():
    game = AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), beta=1.0)
    away = (Iterate(np.log([0.4, 0.6]), np.array([0.0, -(10.0**k)])) for k in range(20))
    with pytest.raises(SolveError, match=r"dual variable in each of 12 steps\. Try less") as caught:
        solve_along(game, away, "runaway", 1e-10, 100, "Try less.")
    assert caught.value.diagnosis == "unbounded dual"


def test_learners_and_dampings_are_checked():
    game = AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), beta=1.0)
    with pytest.raises(DomainError, match="`policy` must be one of best_response, mw"):
        solve_no_regret(game, "hedge")
    with pytest.raises(DomainError, match="one player must learn"):
        solve_no_regret(game, "best_response", "best_response")
    for damping in (0.0, 1.5, "never"):
        with pytest.raises(DomainError, match="`damping` must be"):
            solve_best_response(game, damping=damping)


def test_what_is_not_convex_states_its_threshold():
    with pytest.raises(DomainError, match=r"EntropyMinimisation is not convex, and `beta` = 0.5 is not above .* 1\."):
        AlignmentGame([0.5, 0.5], [0, 1], EntropyMinimisation(1.0), beta=0.5)
    with pytest.raises(DomainError, match=r"above its threshold 1, so `dagames\.games\.nonconvex\.convex_game`"):
        AlignmentGame([0.5, 0.5], [0, 1], EntropyMinimisation(1.0), beta=2.0)
    with pytest.raises(DomainError, match="`functional` must be a Functional, not str"):
        AlignmentGame([0.5, 0.5], [0, 1], "Gini", beta=2.0)


def test_a_set_of_policies_is_a_polytope():
    with pytest.raises(DomainError, match="`policies` must be a Polytope"):
        solve_restricted(AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), beta=1.0), Gini(1.0))


def test_wrong_solver_options_are_refused():
    game = AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), 1.0)
    with pytest.raises(DomainError, match="`method` must be one of auto, "):
        solve(game, "simplex")
    with pytest.raises(DomainError, match="`tolerance` must be a finite number above 0"):
        solve(game, tolerance=0.0)
    with pytest.raises(DomainError, match="`max_iterations` must be an integer of at least 0, not -1"):
        solve(game, "mirror_descent", max_iterations=-1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": []}, r"`method` must be a name or an object such as .*, not \[\]"),
        ({"max_iterations": 2.5}, "`max_iterations` must be an integer of at least 0, not 2.5"),
        ({"max_iterations": True}, "`max_iterations` must be an integer of at least 0, not True"),
        ({"tolerance": "a"}, "`tolerance` must be a number above 0, not 'a'"),
        ({"tolerance": float("nan")}, "`tolerance` must be a finite number above 0, not nan"),
        ({"tolerance": [1e-6]}, r"`tolerance` must be a number above 0, not \[1e-06\]"),
    ],
)
def test_settings_of_every_wrong_kind_are_refused(options, message):
    with pytest.raises(DomainError, match=message):
        solve(AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), 1.0), **options)
    if "method" not in options:
        coupled = CoupledGame(AlignmentGame([[0.5, 0.5]], [0, 1], Linear([0.0, 0.0]), 1.0), Coherence())
        with pytest.raises(DomainError, match=message):
            solve_coupled(coupled, **options)


def test_what_is_no_game_is_told_from_what_another_function_solves():
    game = AlignmentGame([[0.5, 0.5]], [0, 1], Linear([0.0, 0.0]), 1.0)
    for wrong, kind in (({}, "dict"), (None, "NoneType"), (Gini(1.0), "Gini")):
        with pytest.raises(DomainError, match=f"`game` must be an AlignmentGame, not {kind}. Make one by"):
            solve(wrong)
        with pytest.raises(DomainError, match=f"`game` must be a CoupledGame, not {kind}. Make one by"):
            solve_coupled(wrong)
        with pytest.raises(DomainError, match=f"`prompts` must be an AlignmentGame of several prompts, not {kind}"):
            CoupledGame(wrong, Coherence())
    with pytest.raises(DomainError, match=r"not AlignmentGame. `dagames\.solve` solves an AlignmentGame"):
        solve_coupled(game)


@pytest.mark.parametrize("reward", ["entropy:1e300", "power:1e300"])
def test_a_power_beyond_every_proof_is_refused(reward):
    with pytest.raises(DomainError, match=r"the power of a reward must be above -1 and up to 256 .* not 1e\+300"):
        as_reward(reward)


def test_a_table_of_no_numbers_is_refused(tmp_path):
    path = tmp_path / "table.json"
    plugin_table(4).save(path)
    path.write_text(path.read_text().replace("0.0", "NaN", 1))
    with pytest.raises(DomainError, match="is not JSON"):
        RewardTable.load(path)


@pytest.mark.parametrize("K", [0, -1, 1.5, True, "4"])
def test_a_group_size_is_a_positive_integer(K):
    with pytest.raises(DomainError, match="`K` must be an integer"):
        plugin_table(K)


def test_tables_refuse_what_they_cannot_look_up():
    table = plugin_table(4)
    for counts in ([0], [5], [-1], [1.5]):
        with pytest.raises(DomainError, match="`counts` must be integers from 1 to 4"):
            table.reward(counts)
    assert plugin_table(4, counts="independent").reward([0]) == -np.log(8)
    with pytest.raises(DomainError, match="`c_0` must be a finite number"):
        plugin_table(4, c_0=-np.inf, counts="independent")
    with pytest.raises(ShapeError, match="`coefficients` has shape"):
        RewardTable(3, np.zeros(3), "self-inclusive")
    with pytest.raises(DomainError, match="`coefficients` must be finite"):
        RewardTable(1, np.array([np.nan, 0.0]), "self-inclusive")


def test_wrong_groups_and_targets_are_refused():
    with pytest.raises(ShapeError, match="`answers` is empty"):
        AnswerGroup(())
    with pytest.raises(ShapeError, match="`views` has 1 entries for 2 answers"):
        AnswerGroup(("a", "b"), (0,))
    with pytest.raises(DomainError, match=r"`answers\[1\]` is nan"):
        AnswerGroup((1.0, float("nan")))
    with pytest.raises(DomainError, match=r"`answers\[0\]` is \[1\]"):
        AnswerGroup(([1],))
    with pytest.raises(DomainError, match="`ties` must be one of split, first, none"):
        MajorityVote(ties="random")
    with pytest.raises(DomainError, match="`weight` must be"):
        InverseFrequency(weight=0.0)
    with pytest.raises(DomainError, match="`weight` must be"):
        GiniDiversity(weight=-1.0)
    with pytest.raises(DomainError, match="for groups of 3 traces, but this group has 2"):
        InverseFrequency(table=plugin_table(3)).rewards(AnswerGroup(("a", "b")))
    with pytest.raises(DomainError, match="independent counts"):
        InverseFrequency(table=plugin_table(3, counts="independent"))
    with pytest.raises(DomainError, match="InverseFrequency has no best response: answer 1 has mass 0"):
        InverseFrequency().log_density([1.0, 0.0], beta=1.0)


def test_advantages_refuse_what_is_no_reward():
    with pytest.raises(DomainError, match="`normalise` must be one of"):
        group_advantages([1.0], "batch")
    with pytest.raises(DomainError, match=r"`rewards\[1\]` is nan"):
        group_advantages([1.0, float("nan")])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AnswerGroup(None), "`answers` must be a list of answers, one per trace, not NoneType"),
        (lambda: AnswerGroup("ab"), "`answers` must be a list of answers, one per trace, not str"),
        (lambda: InverseFrequency(table="a"), "`table` must be a RewardTable, not str"),
        (lambda: effective_reward([0.5], None, 3), "`reward` must be ByCount or ByAnswer, .*, not NoneType"),
        (lambda: simulate(None, Grpo(1.0), steps=1), "`environment` must be an Environment, .*, not NoneType"),
        (lambda: simulate(ManyToOne(4, 2), "grpo", steps=1), "`learner` must be a Learner, .*, not str"),
        (lambda: Polynomial(None), "`coefficients` must be real numbers, not NoneType"),
        (lambda: Polynomial(np.ma.array([0, 0, 1.0], mask=[0, 0, 1])), "`coefficients` has 1 masked of 3"),
    ],
)
def test_arguments_of_another_kind_are_told_by_name(make, message):
    with pytest.raises((DomainError, ShapeError), match=message):
        make()
