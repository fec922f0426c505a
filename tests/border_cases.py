"""Every public argument that takes an array.

Whoever adds a public function that takes an array adds a row to `ENTRIES`; the test walks the packages and asks for it.
The numbers are few binary digits long, so that every type that holds them holds them exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from dagames import AlignmentGame, CoupledGame, functionals, grpo, orbits, solvers
from dagames.estimators import RewardTable, plugin_table, polynomial_table
from dagames.functionals import EntropyMinimisation, Gini, Linear, Polytope
from dagames.functionals.from_convex import FromConvex
from dagames.functionals.scaled import SeparableScaled
from dagames.games.bregman import BregmanGame
from dagames.games.couplings import Budgets, Coherence, Equalities, EqualRates, SoftCoherence
from dagames.games.nonconvex import convex_game
from dagames.games.streaming import MarginalAccumulator, lift_chunk
from dagames.grpo import ByAnswer, ByCount, GroupTask
from dagames.grpo.expected_update import ExpectedUpdate
from dagames.grpo.group_rewards import as_group_reward
from dagames.solvers import solve
from dagames.solvers.dual_ascent import dual_ascent_path
from dagames.targets import AnswerGroup, Centrality, Clustered, GiniDiversity

Result = Callable[[], Any]
"""What an object or a function gives, when it is asked."""

PI, E, Q, NU = [0.5, 0.25, 0.25], [0, 1, 1], [0.75, 0.25], [[0.75, 0.25], [0.5, 0.5]]
LOGS = [0.0, -np.inf]
APART = [[0.0, 0.5], [0.5, 0.0]]
SHARES, COSTS, GRAM = [0.75, 0.25], [0.0, 1.0], [[2.0, 0.0], [0.0, 2.0]]


@dataclass(frozen=True)
class Entry:
    """One public function, or class.

    Attributes:
        call: From its arrays to what it gives.
        arrays: Its arrays.
        labels: Arguments that may be text.
    """

    call: Callable[..., Result]
    arrays: dict[str, Any]
    labels: tuple[str, ...] = ()


def now(function: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[..., Result]:
    """Call a function at once, and keep what it gave."""

    def call(**arrays: Any) -> Result:
        found = function(*arguments, **arrays, **options)
        return lambda: found

    return call


def functional(make: Callable[..., Any], *at: float) -> Callable[..., Result]:
    """Make a functional, and ask it for its conjugate and value."""

    def call(**arrays: Any) -> Result:
        made = make(**arrays)
        nu = np.array(at or Q)
        return lambda: (made.value(nu), made.conjugate(np.array([1.0, 0.5])))

    return call


def group_distances(distances: Any) -> Result:
    """Make a group, and read its distances."""
    group = AnswerGroup(["a", "b"], distances=distances)
    return lambda: group.distances


def targeted(make: Callable[..., Any]) -> Callable[..., Result]:
    """Make a target, and ask it for its exact rewards."""

    def call(**arrays: Any) -> Result:
        made = make(**arrays)
        return lambda: made.exact_rewards(np.array(Q))

    return call


def solved(make: Callable[..., Any]) -> Callable[..., Result]:
    """Make a game, and solve it when asked."""

    def call(**arrays: Any) -> Result:
        game = make(**arrays)
        return lambda: solve(game).pi

    return call


def of_game(game: Any, method: str) -> Callable[..., Result]:
    """Call a method of a game."""
    return now(getattr(game, method))


def batch() -> AlignmentGame:
    """Two prompts, without a reward."""
    return AlignmentGame(NU, [0, 1], Linear([0.0, 0.0]), beta=1.0)


def coupled(**arrays: Any) -> Result:
    """A coupled game of given shares."""
    game = CoupledGame(batch(), SoftCoherence(1.0), **arrays)
    return lambda: (game.objective(NU), game.shares)


def constraint(make: Callable[..., Any], **given: Any) -> Callable[..., Result]:
    """Make linear constraints, and ask for the value on both sides."""

    def call(**arrays: Any) -> Result:
        made, shares = make(**arrays, **given), np.array([0.5, 0.5])
        return lambda: [made.value(np.array(nu), shares) for nu in (NU, [[1.0, 0.0], [0.5, 0.5]])]

    return call


def chunks(log_pi_0: Any, E: Any) -> Result:
    """The marginal of one chunk."""
    marginal = MarginalAccumulator(2)
    marginal.add(log_pi_0, E)
    return lambda: marginal.log_nu_0


def bregman(make: Callable[..., Any]) -> Callable[..., Result]:
    """Make a Bregman game."""

    def call(**arrays: Any) -> Result:
        game = make(**arrays, functional=Gini(1.0), beta=1.0)
        return lambda: (game.log_pi_0, game.marginal(np.exp(game.log_pi_0)))

    return call


def task(**arrays: Any) -> Result:
    """A task of rewards by answer."""
    made = GroupTask(AlignmentGame(Q, [0, 1], Gini(1.0), 0.5), **arrays)
    return lambda: made.rewards(np.array([[0, 0, 1, 0]]), [])


def mean_field(**arrays: Any) -> Result:
    """The first steps of a path, which are taken when asked."""
    path = grpo.mean_field_path(**arrays, group_size=3, learning_rate=1.0)
    found: list[Any] = []
    return lambda: found or (found.extend(islice(path, 3)) or found)


def dual_path(**arrays: Any) -> Result:
    """The first iterates of dual ascent."""
    found = list(islice(dual_ascent_path(CoupledGame(batch(), Budgets([COSTS], [0.25])), **arrays), 2))
    return lambda: found


GAME = AlignmentGame(PI, E, Gini(1.0), beta=1.0)
BREGMAN = BregmanGame(PI, E, Gini(1.0), beta=1.0)
TRACES = {"pi_0": PI, "E": E}
VIEWS = {"nu": NU, "shares": SHARES}
ORBIT = {"pi_0": NU, "E": [0, 1], "shares": SHARES}
FREE = AlignmentGame(PI, E, Linear([0.0, 0.0]), beta=1.0)

ENTRIES: dict[str, Entry] = {
    "AlignmentGame.__init__": Entry(solved(partial(AlignmentGame, functional=Gini(1.0), beta=1.0)), TRACES),
    "AlignmentGame.from_log": Entry(
        solved(partial(AlignmentGame.from_log, functional=Gini(1.0), beta=1.0)), {"log_pi_0": LOGS, "E": [0, 1]}
    ),
    "AlignmentGame.ragged": Entry(
        solved(lambda pi_0, E: AlignmentGame.ragged([[1.0], pi_0], [[0], E], Gini(1.0), 1.0)), TRACES
    ),
    "AlignmentGame.best_policy": Entry(of_game(GAME, "best_policy"), {"q": Q}),
    "AlignmentGame.best_target": Entry(of_game(GAME, "best_target"), {"pi": PI}),
    "AlignmentGame.gap": Entry(of_game(GAME, "gap"), {"pi": PI, "q": Q}),
    "TraceGame.marginal": Entry(of_game(GAME, "marginal"), {"pi": PI}),
    "AlignmentGame.objective": Entry(of_game(GAME, "objective"), {"pi": PI}),
    "AlignmentGame.payoff": Entry(of_game(GAME, "payoff"), {"pi": PI, "q": Q}),
    "AlignmentGame.potential": Entry(of_game(GAME, "potential"), {"q": Q}),
    "CoupledGame.__init__": Entry(coupled, {"shares": SHARES}),
    "CoupledGame.objective": Entry(of_game(CoupledGame(batch(), Coherence()), "objective"), {"pi": NU}),
    "ToPrior.__init__": Entry(functional(functionals.KLToPrior), {"prior": Q, "weight": 2.0}),
    "Gini.__init__": Entry(functional(Gini), {"weight": 2.0}),
    "Linear.__init__": Entry(functional(Linear), {"rewards": COSTS}),
    "LogScore.__init__": Entry(functional(functionals.LogScore), {"answer": 1, "weight": 2.0}),
    "NegativeEntropy.__init__": Entry(functional(functionals.NegativeEntropy), {"weight": 2.0}),
    "PairwiseIncoherence.__init__": Entry(
        lambda distances: partial(functionals.PairwiseIncoherence(distances).value, np.array(Q)),
        {"distances": [[0.0, 1.0], [1.0, 0.0]]},
    ),
    "Point.__init__": Entry(functional(functionals.Point, 0.0, 1.0), {"answer": 1}),
    "Polytope.__init__": Entry(
        functional(Polytope),
        {"costs": COSTS, "budgets": [0.5], "equalities": [[1.0, 0.0]], "values": 0.75},
    ),
    "Quadratic.__init__": Entry(functional(functionals.Quadratic), {"matrix": GRAM, "linear": COSTS}),
    "Scaled.__init__": Entry(functional(partial(SeparableScaled, Gini(1.0))), {"weight": 2.0}),
    "Tsallis.__init__": Entry(functional(partial(functionals.Tsallis, 2.0)), {"weight": 2.0}),
    "from_convex": Entry(
        now(lambda smoothness: functionals.from_convex(*QUARTIC, smoothness=smoothness).relative_smoothness),
        {"smoothness": 6.0},
    ),
    "FromConvex.__init__": Entry(
        now(lambda smoothness: FromConvex(*QUARTIC, smoothness=smoothness).relative_smoothness),
        {"smoothness": 6.0},
    ),
    "mixture": Entry(
        functional(lambda weights: functionals.mixture([Gini(1.0), functionals.NegativeEntropy(1.0)], weights)),
        {"weights": SHARES},
    ),
    "Budgets.__init__": Entry(constraint(Budgets), {"costs": COSTS, "budgets": [0.25]}),
    "EqualRates.__init__": Entry(constraint(EqualRates), {"costs": COSTS, "groups": [0, 1]}, ("groups",)),
    "Equalities.__init__": Entry(constraint(Equalities), {"costs": COSTS, "values": 0.375}),
    "AnswerGroup.__init__": Entry(group_distances, {"distances": APART}),
    "Centrality.__init__": Entry(targeted(Centrality), {"distances": APART}),
    "Clustered.__init__": Entry(targeted(partial(Clustered, GiniDiversity(), 0.25)), {"distances": APART}),
    "Target.log_density": Entry(now(GiniDiversity().log_density, beta=1.0), {"nu": Q}),
    "ExpectedUpdate.__init__": Entry(
        lambda reward: partial(ExpectedUpdate(reward, group_size=3, n_answers=2).at, Q), {"reward": COSTS}
    ),
    "ExpectedUpdate.at": Entry(now(ExpectedUpdate(GiniDiversity(), 3, 2).at), {"nu": Q, "bonus": COSTS}),
    "GroupTask.__init__": Entry(task, {"reward": COSTS}),
    "as_group_reward": Entry(lambda reward: partial(as_group_reward(reward, 2), np.array([1, 1])), {"reward": COSTS}),
    "ByAnswer.__init__": Entry(lambda rewards: partial(ByAnswer(rewards), np.array([1, 1])), {"rewards": COSTS}),
    "ByCount.__init__": Entry(lambda rewards: partial(ByCount(rewards), np.array([1, 0])), {"rewards": COSTS}),
    "bradley_terry": Entry(now(grpo.bradley_terry), {"rewards": COSTS}),
    "decoupled_advantages": Entry(now(grpo.decoupled_advantages), {"answers": [0, 0, 1], "reward": COSTS}),
    "effective_reward": Entry(
        now(grpo.effective_reward, reward=ByCount(np.array([0.0, 1.0, 0.5])), group_size=2), {"p": Q}
    ),
    "expected_update": Entry(now(grpo.expected_update, group_size=3), {"nu": Q, "reward": COSTS}),
    "group_advantages": Entry(now(grpo.group_advantages, normalise="none"), {"rewards": COSTS}),
    "mean_field_path": Entry(mean_field, {"nu_0": Q, "reward": COSTS}),
    "recover_target": Entry(now(grpo.recover_target), {"log_pi": LOGS, "pi_0": Q, "E": [0, 1]}),
    "solve_dpo": Entry(now(lambda **a: grpo.solve_dpo(**a, beta=1.0).scores), {"pi_0": Q, "wins": [[0, 2], [1, 0]]}),
    "true_update": Entry(now(grpo.true_update), {"nu": Q, "reward": COSTS}),
    "update_error": Entry(now(grpo.update_error, table=plugin_table(3), group_size=3), {"nu": Q}),
    "arithmetic_mean": Entry(now(orbits.arithmetic_mean), VIEWS),
    "direct_projection": Entry(now(orbits.direct_projection), ORBIT),
    "distance_of_means": Entry(now(orbits.distance_of_means), VIEWS),
    "generalised_hellinger": Entry(now(orbits.generalised_hellinger), VIEWS),
    "geometric_mean": Entry(now(orbits.geometric_mean), VIEWS),
    "hybrid_bound": Entry(
        now(lambda **a: vars(orbits.hybrid_bound(**a))), {**VIEWS, "nu_star": Q, "models": [[0.5, 0.5]]}
    ),
    "hybrid_loss": Entry(now(orbits.hybrid_loss), {**VIEWS, "nu_star": Q}),
    "improvement": Entry(now(orbits.improvement), {**VIEWS, "nu_star": Q, "q": Q}),
    "jensen_shannon": Entry(now(orbits.jensen_shannon), VIEWS),
    "majority": Entry(now(orbits.majority), VIEWS),
    "project_onto_marginal": Entry(now(orbits.project_onto_marginal), {"pi_0": NU, "E": [0, 1], "q": Q}),
    "smoothed": Entry(now(orbits.smoothed, share=0.5), {"nu": NU}),
    "two_step_projection": Entry(now(orbits.two_step_projection, divergence="euclidean"), ORBIT),
    "best_log_linear_policy": Entry(
        now(lambda **a: solvers.best_log_linear_policy(FREE, **a).log_pi),
        {"q": Q, "features": [[1.0], [0.0], [0.0]], "start": [0.5]},
    ),
    "solve_log_linear": Entry(
        now(lambda **a: solvers.solve_log_linear(GAME, **a).log_pi), {"features": [[1.0], [0.0], [0.0]], "start": [0.5]}
    ),
    "LogLinear.__init__": Entry(
        now(lambda **a: solve(GAME, policies=solvers.LogLinear(**a)).log_pi),
        {"features": [[1.0], [0.0], [0.0]], "start": [0.5]},
    ),
    "best_restricted_policy": Entry(
        now(lambda q: solvers.best_restricted_policy(FREE, q, Polytope([0.0, 0.0, 1.0], 0.125))), {"q": Q}
    ),
    "dual_ascent_path": Entry(dual_path, {"multipliers": [0.5]}),
    "RewardTable.__init__": Entry(
        lambda coefficients: partial(RewardTable(2, coefficients, "independent").reward, [0, 1, 2]),
        {"coefficients": [1.0, 0.5, 0.0]},
    ),
    "RewardTable.reward": Entry(now(plugin_table(4).reward), {"counts": [1, 4]}),
    "polynomial_table": Entry(
        now(lambda coefficients: polynomial_table(4, coefficients).coefficients), {"coefficients": [1.0, -1.0]}
    ),
    "MarginalAccumulator.add": Entry(chunks, {"log_pi_0": LOGS, "E": [0, 1]}),
    "lift_chunk": Entry(now(lift_chunk), {"log_pi_0": LOGS, "E": [0, 1], "log_ratio": [0.5, 0.0]}),
    "BregmanGame.__init__": Entry(bregman(BregmanGame), TRACES),
    "BregmanGame.from_log": Entry(bregman(BregmanGame.from_log), {"log_pi_0": LOGS, "E": [0, 1]}),
    "BregmanGame.best_policy": Entry(of_game(BREGMAN, "best_policy"), {"q": Q}),
    "BregmanGame.best_target": Entry(of_game(BREGMAN, "best_target"), {"pi": PI}),
    "BregmanGame.dual_variable": Entry(of_game(BREGMAN, "dual_variable"), {"q": Q}),
    "BregmanGame.gap": Entry(of_game(BREGMAN, "gap"), {"pi": PI, "q": Q}),
    "BregmanGame.marginal": Entry(of_game(BREGMAN, "marginal"), {"pi": PI}),
    "BregmanGame.objective": Entry(of_game(BREGMAN, "objective"), {"pi": PI}),
    "BregmanGame.payoff": Entry(of_game(BREGMAN, "payoff"), {"pi": PI, "q": Q}),
    "BregmanGame.potential": Entry(of_game(BREGMAN, "potential"), {"q": Q}),
    "convex_game": Entry(solved(partial(convex_game, functional=EntropyMinimisation(0.5), beta=1.0)), TRACES),
}

QUARTIC = (lambda nu: (nu * nu).sum(axis=-1) ** 2, lambda nu: 4 * nu * (nu * nu).sum(axis=-1, keepdims=True))
