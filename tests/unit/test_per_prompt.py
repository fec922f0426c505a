"""Functionals declare their parameters: shapes are checked, and a batch is the functional of each prompt."""

import inspect
from copy import copy

import numpy as np
import pytest

import dagames.functionals as exported
from dagames import AlignmentGame, ShapeError, solve
from dagames.functionals import (
    EntropyMinimisation,
    Functional,
    Gini,
    KLToPrior,
    Linear,
    Nonconvex,
    PairwiseIncoherence,
    Polytope,
    Quadratic,
    from_convex,
)
from dagames.functionals.convexified import Convexified
from dagames.functionals.parameters import Parametric, axes_of
from dagames.games.nonconvex import convex_game
from dagames.solvers import blocks
from tests.cases import FUNCTIONALS, random_distances, within

N, PROMPTS = 4, 3

ROWS = FUNCTIONALS | {
    "PairwiseIncoherence": lambda rng, n: PairwiseIncoherence(random_distances(rng, n)),
    "EntropyMinimisation": lambda _rng, _n: EntropyMinimisation(0.5),
}
every = pytest.mark.parametrize("make", ROWS.values(), ids=ROWS.keys())
convex = pytest.mark.parametrize("make", FUNCTIONALS.values(), ids=FUNCTIONALS.keys())


def batch_of(functions: list[Parametric]) -> Parametric:
    """Make the function of a batch from those of its prompts, which are of one kind."""
    first = functions[0]
    if isinstance(first, Convexified):
        return Convexified(batch_of([function.function for function in functions]))
    batch = copy(first)
    for name, value in vars(first).items():
        values = [vars(function)[name] for function in functions]
        if isinstance(value, np.ndarray) and name != "equal":
            object.__setattr__(batch, name, np.stack(values))
        elif isinstance(value, Parametric):
            object.__setattr__(batch, name, batch_of(values))
        elif isinstance(value, tuple):
            object.__setattr__(batch, name, tuple(batch_of(list(parts)) for parts in zip(*values, strict=True)))
    return batch


def shapes_of(function: Parametric) -> list[tuple[int, ...]]:
    parts = [part for value in vars(function).values() for part in (value if isinstance(value, tuple) else (value,))]
    return [
        shape for part in parts for shape in (shapes_of(part) if isinstance(part, Parametric) else [np.shape(part)])
    ]


def drawn(make, seed: int) -> list[Parametric]:
    """Draw functions of several prompts, with equal numbers of constraints."""
    rng = np.random.default_rng(seed)
    functions = [make(rng, N) for _ in range(100)]
    return [R for R in functions if shapes_of(R) == shapes_of(functions[0])][:PROMPTS]


def contains_functions(R):
    """Whether a function of a user, in which arrays can be hidden, is among the parameters."""
    values = list(vars(R).values())
    parts = [part for value in values for part in (value if isinstance(value, tuple) else (value,))]
    return any(
        contains_functions(part) if isinstance(part, Functional | Nonconvex) else callable(part) for part in parts
    )


@every
def test_every_array_is_declared(make):
    R = make(np.random.default_rng(0), N)
    assert R.is_divisible != contains_functions(R)
    assert all(hasattr(R, name) for name in axes_of(R))


def test_every_exported_class_is_in_a_row():
    classes = {value for name in exported.__all__ if inspect.isclass(value := getattr(exported, name))}
    concrete = {c for c in classes if issubclass(c, Functional | Nonconvex) and not inspect.isabstract(c)}
    assert {type(make(np.random.default_rng(0), N)) for make in ROWS.values()} >= concrete


@convex
def test_a_batch_is_the_functional_of_each_prompt(make):
    rng = np.random.default_rng(0)
    R = batch_of(drawn(make, 0))
    R.check_fits((PROMPTS,), N)
    nu, u = within(R, rng.dirichlet(np.ones(N), size=PROMPTS)), rng.normal(size=(PROMPTS, N))
    for x in range(PROMPTS):
        for prompts, alone in ((slice(x, x + 1), R.at_prompts(slice(x, x + 1))), ((x,), R.at_prompts((x,)))):
            alone.check_fits((1,) if isinstance(prompts, slice) else (), N)
            np.testing.assert_allclose(alone.value(nu[prompts]), R.value(nu)[prompts], rtol=1e-13)
            np.testing.assert_allclose(alone.gradient(nu[prompts]), R.gradient(nu)[prompts], rtol=1e-13)
            np.testing.assert_allclose(alone.conjugate(u[prompts]), R.conjugate(u)[prompts], rtol=1e-9, atol=1e-9)


@every
def test_shared_parameters_are_those_of_each_prompt(make):
    R = make(np.random.default_rng(1), N)
    assert shapes_of(R.at_prompts(slice(0, 2))) == shapes_of(R) == shapes_of(R.at_prompts(()))


@every
def test_parameters_of_another_batch_are_refused(make):
    R = batch_of(drawn(make, 0))
    if shapes_of(R) != shapes_of(make(np.random.default_rng(0), N)):
        with pytest.raises(ShapeError, match=r"has shape \(3,.*; the game needs .* or \(2,"):
            R.check_fits((2,), N)


@pytest.mark.parametrize(
    ("R", "batch", "message"),
    [
        (Gini([1.0, 2.0]), (), r"`weight` has shape \(2,\); the game needs \(\)\.$"),
        (Gini([1.0, 2.0]), (3,), r"`weight` has shape \(2,\); the game needs \(\) or \(3,\)\.$"),
        (Linear([1.0]), (3,), r"needs \(4,\) or \(3, 4\)\. If some answers have no trace, pass `n_answers`"),
        (Gini() + 2.0 * KLToPrior([1.0]), (), r"`prior` has shape \(1,\); the game needs \(4,\)\."),
        (from_convex(np.sum, np.ones_like, smoothness=[1.0, 2.0]), (3,), r"`smoothness` has shape \(2,\)"),
    ],
)
def test_the_message_names_parameter_shape_and_condition(R, batch, message):
    with pytest.raises(ShapeError, match=message):
        R.check_fits(batch, N)


class Undeclared(Gini):
    """A functional of a user's own, with an array that it does not declare."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "scales", np.ones((PROMPTS, N)))


def test_a_functional_with_an_array_that_it_does_not_declare_is_not_divisible():
    assert not Undeclared().is_divisible
    assert not (Undeclared() + Quadratic(np.eye(N))).is_divisible
    assert not (2.0 * Undeclared()).is_divisible


def test_blocks_of_a_nonconvex_goal_keep_the_distances_of_their_prompts(monkeypatch):
    rng = np.random.default_rng(0)
    distances = np.stack([random_distances(rng, N) for _ in range(PROMPTS)])
    pi_0 = rng.dirichlet(np.ones(N), size=PROMPTS)
    game = convex_game(pi_0, range(N), PairwiseIncoherence(distances), 1.0)
    whole = solve(game)
    monkeypatch.setattr(blocks, "CELLS", N)
    np.testing.assert_allclose(solve(game).nu, whole.nu, atol=1e-12)
    alone = convex_game(pi_0[1], range(N), PairwiseIncoherence(distances[1]), 1.0)
    np.testing.assert_allclose(whole.nu[1], solve(alone).nu, atol=1e-9)


def test_a_game_of_an_undeclared_functional_is_solved_as_a_whole(monkeypatch):
    monkeypatch.setattr(blocks, "CELLS", N)
    nu_0 = np.random.default_rng(0).dirichlet(np.ones(N), size=PROMPTS)
    found = [solve(AlignmentGame(nu_0, range(N), R, beta=0.5)).nu for R in (Undeclared(), Gini())]
    np.testing.assert_allclose(*found, atol=1e-12)


@pytest.mark.parametrize("hide", [lambda W: {"weights": W}, lambda W: [W], lambda W: lambda: W])
def test_arrays_in_containers_and_functions_keep_a_batch_whole(hide):
    class Hidden(Gini):
        per_prompt = ()

        def __init__(self, weights):
            super().__init__(1.0)
            object.__setattr__(self, "hidden", hide(weights))

    assert Gini(1.0).is_divisible
    assert not Hidden(np.ones(3)).is_divisible


def test_a_large_batch_of_a_functional_with_arrays_in_its_functions_is_solved(monkeypatch):
    monkeypatch.setattr(blocks, "CELLS", 12)
    rng = np.random.default_rng(0)
    W, pi_0 = rng.uniform(0.5, 3, 5), rng.dirichlet(np.ones(6), size=5)
    R = from_convex(lambda nu: 0.5 * W * (nu**2).sum(-1), lambda nu: W[:, None] * nu, smoothness=3.0)
    solution = solve(AlignmentGame(pi_0, range(6), R, 0.3), "mirror_descent")
    np.testing.assert_allclose(solution.nu, solve(AlignmentGame(pi_0, range(6), Gini(W), 0.3)).nu, atol=1e-4)


class Undefined(Gini):
    """A functional of a user that declares nothing."""

    per_prompt = None

    def __init__(self, part: Functional) -> None:
        object.__setattr__(self, "part", part)


def test_a_functional_that_declares_nothing_is_not_divisible_and_its_parts_are_not_checked():
    R = Undefined(Linear([1.0]))
    assert not R.is_divisible
    R.check_fits((), N)


def test_a_cache_is_no_parameter():
    R = Polytope([0.0, 1.0, 0.0, 0.0], 0.0)
    R.allowed(np.ones(N, dtype=bool))
    assert R.is_divisible
