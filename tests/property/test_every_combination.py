"""No hole: every functional under every method in every game is solved, or refused by a message whose remedy works."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import jaxtyping
import pytest

from dagames import DomainError
from dagames.functionals import EntropyMinimisation, PairwiseIncoherence
from dagames.games.alignment import AlignmentGame
from dagames.games.nonconvex import convex_game
from dagames.solvers import METHODS, solve
from dagames.solvers.suited import obstacle
from tests.cases import FUNCTIONALS
from tests.combinations import (
    ALL,
    KINDS,
    Cell,
    N,
    alignment_cells,
    alignment_game,
    bregman_cells,
    coupled_cells,
    restricted_cells,
    table,
)

PAGE = Path(__file__).parents[2] / "docs" / "solvers.md"


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and the walk is long."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def counted(cells: Iterable[Cell]) -> Counter[str]:
    """Count the outcomes, and fail at once for a hole."""
    outcomes = Counter[str]()
    for cell in cells:
        assert cell.remedied, cell
        outcomes[cell.outcome] += 1
    print(dict(outcomes))
    return outcomes


def test_one_prompt():
    outcomes = counted(alignment_cells("one prompt", ALL))
    assert outcomes["solved"] > outcomes["refused"] > outcomes["stopped"] > 0


@pytest.mark.parametrize("form", ["batch", "ragged"])
def test_several_prompts(form):
    outcomes = counted(alignment_cells(form, {name: make for name, make in ALL.items() if name in OF_BATCHES}))
    assert outcomes["solved"] > outcomes["stopped"]


OF_BATCHES = {*KINDS, "Linear + Polytope", "Gini + Polytope", "Polytope + with kinks by from_convex"}
"""One functional of each kind of capabilities, and constraints beside some."""


def test_beta_below_the_smoothness():
    below = {name: make for name, make in FUNCTIONALS.items() if name in {"Gini", "NegativeEntropy", "Linear"}}
    assert counted(alignment_cells("one prompt", below, ratio=0.3))["stopped"] == 2


@pytest.mark.parametrize("make", [EntropyMinimisation, lambda: PairwiseIncoherence([[0.0, 1.0], [1.0, 0.0]])])
def test_beta_on_both_sides_of_a_threshold(make):
    R = make() if make is not EntropyMinimisation else EntropyMinimisation(0.5)
    for method in ("auto", "mirror_descent", "damped_response"):
        game = convex_game([0.8, 0.2], [0, 1], R, 1.5 * R.threshold)
        assert solve(game, method).certificate.worst <= 1e-10
    with pytest.raises(DomainError, match="raise `beta`"):
        convex_game([0.8, 0.2], [0, 1], R, 0.9 * R.threshold)
    with pytest.raises(DomainError, match="raise `beta`"):
        AlignmentGame([0.8, 0.2], [0, 1], R, 0.9 * R.threshold)
    with pytest.raises(DomainError, match="convex_game"):
        AlignmentGame([0.8, 0.2], [0, 1], R, 1.5 * R.threshold)


@pytest.mark.parametrize("walk", [coupled_cells, bregman_cells, restricted_cells])
def test_other_kinds_of_games(walk):
    outcomes = counted(walk())
    assert outcomes["solved"] > 0
    assert outcomes["refused"] > 0


@pytest.mark.long
@pytest.mark.parametrize("form", ["one prompt", "batch"])
def test_methods_that_evaluate_numerical_conjugates(form):
    assert counted(alignment_cells(form, ALL, slow=True))["solved"] > 0


@pytest.mark.long
def test_generalised_games_of_numerical_conjugates():
    assert counted(bregman_cells(slow=True))["solved"] > 0


def test_refusals_come_before_any_step(monkeypatch):
    """What `obstacle` names is refused, without one best response."""
    for name, make in ALL.items():
        game = alignment_game(make, "one prompt")
        for method in METHODS:
            if (fault := obstacle(game.functional, method)) is None:
                continue
            monkeypatch.setattr(AlignmentGame, "log_best_target", None)
            with pytest.raises(Exception, match="Use ") as caught:
                solve(game, method)
            monkeypatch.undo()
            assert fault in str(caught.value), (name, method)


def test_the_page_shows_the_table():
    assert table() in PAGE.read_text()
    assert N == 4
