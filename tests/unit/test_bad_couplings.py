"""Mistakes in coupled games and orbits: each is answered by a message that names it."""

from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest

from dagames import (
    AlignmentGame,
    CoupledGame,
    DomainError,
    InfeasibleError,
    ShapeError,
    SolveError,
    solve_coupled,
)
from dagames.functionals import Gini, Linear, Polytope
from dagames.games.coupled import Coupling
from dagames.games.couplings import AllOf, Budgets, Coherence, Equalities, EqualRates, SoftCoherence
from dagames.orbits import (
    arithmetic_mean,
    direct_projection,
    generalised_hellinger,
    geometric_mean,
    hellinger_bounds,
    hybrid_bound,
    hybrid_loss,
    improvement,
    majority,
    project_onto_marginal,
    smoothed,
    two_step_projection,
)
from dagames.solvers import solve_dual_ascent
from dagames.solvers.budgets import solve_budgets
from dagames.solvers.coherent import solve_coherent, solve_soft_coherent
from dagames.solvers.constrained import solve_polytope
from dagames.solvers.dual_ascent import dual_ascent_path
from tests.coupled_cases import batch, scalar_game


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_views_without_a_common_answer_are_named():
    apart = AlignmentGame([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]], range(2), Linear(np.zeros(2)), beta=1.0)
    with pytest.raises(InfeasibleError, match="views 0 and 2 have no answer in common"):
        CoupledGame(apart, Coherence())
    rounds = 0.5 * (1 - np.eye(3))
    with pytest.raises(InfeasibleError, match="views 0, 1, 2 have no answer in common, though every two"):
        geometric_mean(rounds)
    with pytest.raises(InfeasibleError, match="views 0 and 1 have no answer in common"):
        direct_projection([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    with pytest.raises(InfeasibleError, match="views 0 and 1 have no answer in common"):
        direct_projection([[0.5, 0.5], [0.5, 0.5]], [[0, 0], [1, 1]], divergence="euclidean")
    with pytest.raises(InfeasibleError, match=r"view 1 has no trace of answer 0, but `q\[0\]` is 0\.5"):
        project_onto_marginal([[0.5, 0.5], [0.5, 0.5]], [[0, 1], [1, 1]], [0.5, 0.5])
    assert generalised_hellinger([[1.0, 0.0], [0.0, 1.0]]) == 1
    np.testing.assert_array_equal(project_onto_marginal([[0.0, 1.0]], [0, 1], [0.5, 0.5], "euclidean"), [[0.5, 0.5]])


def test_contradictory_constraints_are_named():
    prompts = batch()
    with pytest.raises(InfeasibleError, match=r"contradict each other: each of costs\[0\] <= 0.1, costs\[0\] = 0.2"):
        CoupledGame(prompts, AllOf(Budgets([1.0, 1.0, 0.0], 0.1), Equalities([1.0, 0.0, 0.0], 0.2)))
    with pytest.raises(InfeasibleError, match=r"costs\[0\] = 2; the largest reachable value is 1\. .* are \[1\.\]"):
        CoupledGame(prompts, Equalities([1.0, 0.0, 0.5], 2.0))
    with pytest.raises(
        InfeasibleError, match=r"no policy satisfies costs\[0\] <= 0.05; the least reachable value is 0.12 "
    ):
        AlignmentGame([0.5, 0.5, 0.0], range(3), Polytope([0.5, 0.12, 0.0], 0.05), beta=1.0)
    with pytest.raises(
        InfeasibleError, match=r"value is 0.12 \(answer 1\)\. The nearest feasible budgets are \[0.12\]"
    ):
        AlignmentGame([0.5, 0.5, 0.0], range(3), Polytope([0.5, 0.12, 0.0], 0.05), beta=1.0)
    with pytest.raises(InfeasibleError, match=r"prompt 1: no policy satisfies costs\[0\] <= 0.2"):
        AlignmentGame([[0.5, 0.5], [0.0, 1.0]], range(2), Polytope([0.0, 1.0], 0.2), beta=1.0)
    with pytest.raises(InfeasibleError, match=r"equalities\[0\] = 2"):
        AlignmentGame([0.5, 0.5], range(2), Polytope(equalities=[0.0, 1.0], values=2.0), beta=1.0)
    with pytest.raises(InfeasibleError, match=r"rate of costs\[0\] in group 'b' minus that in 'a' = 0"):
        CoupledGame(
            AlignmentGame([[1.0, 0.0], [0.0, 1.0]], range(2), Linear([0.0, 0.0]), beta=1.0),
            EqualRates([0.0, 1.0], ["a", "b"]),
        )


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: CoupledGame(AlignmentGame([0.5, 0.5], [0, 1], Linear([0, 0]), 1.0), Coherence()), ShapeError, "batch"),
        (
            lambda: CoupledGame(AlignmentGame([[0.5, 0.5]], [0, 1], Gini(1.0), 1.0), Coherence()),
            DomainError,
            "not Gini",
        ),
        (lambda: CoupledGame(batch(), "coherent"), DomainError, "`coupling` must be a Coupling, not str"),
        (lambda: CoupledGame(batch(), Coherence(), [0.5, 0.25, 0.25]), ShapeError, "there are 2 prompts"),
        (lambda: CoupledGame(batch(), Coherence(), [1.0, 0.0]), DomainError, "`shares` has a 0"),
        (lambda: CoupledGame(batch(), Coherence(), [0.5, 0.6]), DomainError, "`shares` sum to 1.1"),
        (lambda: CoupledGame(batch(), Budgets([0.0, 1.0], 0.5)), ShapeError, "2 prompts and 2 answers; the game has 2"),
        (lambda: CoupledGame(batch(), EqualRates([0.0, 1.0, 0.0], [0, 1, 1])), ShapeError, "`groups` has 3 labels"),
        (lambda: EqualRates([0.0, 1.0], [1, 1]), DomainError, "one label only"),
        (lambda: EqualRates([0.0, 1.0], [[1], [2]]), ShapeError, "one label per prompt"),
        (lambda: Budgets([0.0, float("nan")], 0.5), DomainError, r"`costs\[1\]` is nan"),
        (lambda: Budgets([0.0, 1.0], float("inf")), DomainError, "`budgets` is inf"),
        (lambda: Budgets([[0.0, 1.0]], [0.5, 0.5]), ShapeError, "`budgets` has shape"),
        (lambda: Budgets([[0.0, 1.0]], None), DomainError, "`costs` and `budgets` belong together"),
        (lambda: Budgets([[[0.0, 1.0]]], [[0.5]]), ShapeError, "use Polytope for limits per prompt"),
        (lambda: Equalities([0.0, "x"], 0.5), DomainError, "`costs` must be real numbers, not text"),
        (AllOf, DomainError, "at least one, not nothing"),
        (lambda: AllOf(Coherence()), DomainError, "not Coherence"),
        (lambda: SoftCoherence(-1.0), DomainError, "`weight` must be a finite number above 0"),
        (Polytope, DomainError, "a Polytope needs `costs` and `budgets`"),
        (lambda: Polytope([0.0, 1.0]), DomainError, "`costs` and `budgets` belong together"),
        (lambda: Polytope([0.0, 1.0], "x"), DomainError, "`budgets` must be real numbers, not 'x'"),
        (
            lambda: Polytope([0.0, 1.0], 1.0, equalities=[1.0, 0.0, 0.0], values=1.0),
            ShapeError,
            "same prompts and answ",
        ),
        (lambda: AlignmentGame([0.5, 0.5], [0, 1], Polytope([1.0], 2.0), 1.0), ShapeError, r"needs \(1, 2\)"),
        (lambda: solve_coupled(CoupledGame(batch(), Coherence()), "newton"), DomainError, "`method` must be one of"),
        (lambda: solve_coupled(CoupledGame(batch(), Coherence()), tolerance=0.0), DomainError, "above 0"),
        (lambda: solve_budgets(CoupledGame(batch(), Coherence())), SolveError, "Coherence is not a linear coupling"),
        (lambda: solve_coherent(CoupledGame(batch(), SoftCoherence())), SolveError, "is SoftCoherence, not Coherence"),
        (lambda: solve_soft_coherent(CoupledGame(batch(), Coherence())), SolveError, "not SoftCoherence"),
        (lambda: solve_polytope(AlignmentGame([1.0], [0], Gini(1.0), 1.0)), SolveError, "Gini is not a Polytope"),
        (lambda: solve_dual_ascent(scalar_game()[0], max_iterations=0), DomainError, "at least 1"),
        (lambda: solve_dual_ascent(scalar_game()[0], max_iterations=3), SolveError, "Allow more"),
        (
            lambda: solve_dual_ascent(scalar_game()[0], step=100.0, max_iterations=2),
            SolveError,
            "beyond the admissible",
        ),
        (lambda: next(dual_ascent_path(scalar_game()[0], -1.0)), DomainError, "`step` must be a finite number above 0"),
        (lambda: next(dual_ascent_path(scalar_game()[0], None, [1.0, 1.0])), DomainError, "there are 1 constraints"),
        (lambda: geometric_mean([0.5, 0.5]), ShapeError, r"`nu` has shape \(2,\); it must be \[X, Z\]"),
        (lambda: geometric_mean([[0.5, 0.6]]), DomainError, r"`nu\[0\]` sum to 1.1"),
        (lambda: arithmetic_mean([[0.5, 0.5]], [0.5, 0.5]), ShapeError, "there are 1 views"),
        (lambda: majority([[0.5, 0.5], [1.0, 0.0]], [0.0, 1.0]), DomainError, "`shares` has a 0"),
        (lambda: smoothed([[1.0, 0.0]], 0.0), DomainError, r"`share` must be in \(0, 1\]"),
        (lambda: hellinger_bounds(1), DomainError, "at least 2, not 1"),
        (
            lambda: direct_projection([[0.5, 0.5]], [0, 1], divergence="l1"),
            DomainError,
            "`divergence` must be one of kl",
        ),
        (lambda: direct_projection([0.5, 0.5], [0, 1]), ShapeError, r"`pi_0` has shape \(2,\)"),
        (lambda: two_step_projection([[0.5, 0.5]], [0, 1], [0.5, 0.5]), ShapeError, "there are 1 views"),
        (lambda: two_step_projection([[0.5, 0.5]] * 2, [0, 1], [1.0, 0.0]), DomainError, "`shares` has a 0"),
        (lambda: project_onto_marginal([[0.5, 0.5]], [0, 1], [[0.5, 0.5]]), ShapeError, "`q` has shape"),
        (lambda: hybrid_bound([[0.5, 0.5]], [1.0]), ShapeError, "the views have 2 answers"),
        (lambda: hybrid_bound([[0.5, 0.5]], [0.5, 0.5], models=[[1.0]]), ShapeError, "`models` has 1 answers"),
        (
            lambda: hybrid_loss([[1.0, 0.0]], [0.5, 0.5]),
            DomainError,
            "some answer of `nu_star` has mass 0 in every view",
        ),
        (lambda: improvement([[0.5, 0.5]], [0.5, 0.5], [1.0, 0.0]), DomainError, "`q` is 0 at an answer of `nu_star`"),
    ],
)
def test_mistakes_are_answered_by_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


class Unsolved(Coupling):
    def value(self, nu, shares):
        return 0.0

    def conjugate(self, u, shares):
        return float(shares @ u.max(axis=-1)) - 1.0

    def check_fits(self, reachable, shares):
        pass


def test_a_coupling_of_ones_own_is_judged_and_a_broken_one_named():
    game = CoupledGame(batch(), Unsolved())
    with pytest.raises(SolveError, match="no method solves games with a Unsolved"):
        solve_coupled(game)
    from dagames import CertificateError

    log_nu = np.log(game.prompts.nu_0)
    with pytest.raises(CertificateError, match="Unsolved breaks the Fenchel-Young inequality"):
        game.certify_marginal(log_nu, np.zeros_like(log_nu))
