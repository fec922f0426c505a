"""Arrays of every type, stride and container give the same numbers as native ones, or one error; none is shared."""

import importlib
import inspect

import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.special import log_softmax, softmax

import dagames
from dagames import (
    AlignmentGame,
    CertificateError,
    DagamesError,
    DomainError,
    ShapeError,
    _tolerances,
    solve,
)
from dagames.functionals import Gini, KLToPrior, Linear
from dagames.games import reference
from dagames.games.streaming import MarginalAccumulator
from tests.array_forms import CONTAINERS, TYPES, Tensor
from tests.border_cases import ENTRIES, Entry

ARGUMENTS = [(name, argument) for name, entry in ENTRIES.items() for argument in entry.arrays]

NOT_ARRAYS = {
    ("from_convex", "value"): "a function",
    ("from_convex", "gradient"): "a function",
    ("AnswerGroup.__init__", "costs"): "arrays by name; tests/unit/test_answer_groups.py",
    ("SafetyPenalty.__init__", "answer_costs"): "arrays by name",
    ("Score.__init__", "answer_costs"): "arrays by name",
}


@pytest.fixture(autouse=True)
def _as_a_user():
    """Switch the run-time type checker off, which users do not have."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_every_public_argument_that_takes_an_array_is_listed():
    """At run time `Numbers` is object: an argument annotated with it may be given any array."""
    names = ["functionals", "targets", "grpo", "orbits", "solvers", "estimators", "bregman"]
    names += [f"games.{name}" for name in ("bregman", "couplings", "nonconvex", "streaming")]
    modules = [dagames, *(importlib.import_module(f"dagames.{name}") for name in names)]
    found = set()
    for module in modules:
        own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__]
        for name in getattr(module, "__all__", [name for name in own if name[0] != "_"]):
            found |= _arrays_of(getattr(module, name))
    assert found - set(ARGUMENTS) == set(NOT_ARRAYS)


def _arrays_of(thing):
    functions = [thing] if inspect.isfunction(thing) else []
    if inspect.isclass(thing):
        functions = [f for name, f in inspect.getmembers(thing, callable) if name == "__init__" or name[0] != "_"]
    found = set()
    for function in functions:
        if getattr(function, "__module__", "").startswith("dagames"):
            for parameter in inspect.signature(function).parameters.values():
                if "object" in str(parameter.annotation):
                    found.add((function.__qualname__, parameter.name))
    return found


def _given(entry: Entry, **changed):
    """Return the arrays of an entry in numpy's own types, some of them changed."""
    return {name: np.array(values) for name, values in entry.arrays.items()} | changed


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
@settings(max_examples=8)
@given(st.sampled_from(TYPES), st.sampled_from(sorted(CONTAINERS)))
def test_an_array_in_any_form_gives_the_same_numbers(name, argument, kind, container):
    entry = ENTRIES[name]
    native = np.array(entry.arrays[argument])
    with np.errstate(all="ignore"):
        other = native.astype(kind)
    if not np.array_equal(native, other.astype(np.float64)) or (argument in entry.labels and native.dtype != kind):
        kind = native.dtype
        other = native
    expected = entry.call(**_given(entry))()
    changed = _given(entry, **{argument: CONTAINERS[container](other)})
    if name == "RewardTable.reward" and (other.dtype.kind == "f" or container in {"fractions", "decimals"}):
        # Counts are integers; they are not labels, which may be whole floats.
        with pytest.raises(DomainError, match="`counts` must be integers from 1 to 4"):
            entry.call(**changed)
        return
    found = entry.call(**changed)()
    assert str(found) == str(expected), (kind, container)


WRONG = {
    "masked": lambda a: np.ma.MaskedArray(a, mask=np.arange(a.size).reshape(a.shape) == 0),
    "a list that holds a mask": lambda a: [np.ma.MaskedArray(a, mask=True)],
    "complex": lambda a: a * (1 + 0j),
    "text": lambda a: a.astype(str),
    "bytes": lambda a: a.astype("S"),
    "dates": lambda a: np.zeros(a.shape, dtype="M8[s]"),
    "objects": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 0, None, a),
    "missing": lambda a: np.full(a.shape, np.nan),
    "a set": lambda _: {0.5},
    "a mapping": lambda _: {"a": 0.5},
    "a generator": lambda _: (i for i in range(2)),
    "sparse": lambda a: csr_array(np.atleast_2d(a)),
    "records": lambda a: np.zeros(a.shape, dtype=[("a", float)]),
    "ragged": lambda _: [[0.5], [0.5, 0.5]],
    "empty": lambda _: np.empty((0,)),
}


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_what_holds_no_numbers_is_refused(name, argument):
    entry = ENTRIES[name]
    array = np.nan_to_num(np.array(entry.arrays[argument], dtype=float), neginf=-1.0)
    kept = {"complex", "text", "bytes", "dates", "records"} if argument in entry.labels else set()
    for wrong in WRONG.keys() - kept:
        with pytest.raises(DagamesError) as caught:
            entry.call(**_given(entry, **{argument: WRONG[wrong](array)}))()
        named = f"`{argument}" in str(caught.value) or wrong in {"ragged", "empty", "missing"}
        assert named, (wrong, str(caught.value))


@pytest.mark.parametrize("name", ENTRIES)
def test_what_becomes_of_an_array_afterwards_changes_nothing(name):
    entry = ENTRIES[name]
    expected = str(entry.call(**_given(entry))())
    arrays = _given(entry)
    result = entry.call(**arrays)
    for array in arrays.values():
        array[...] = 0
    assert str(result()) == expected


@pytest.mark.parametrize("name", ["AlignmentGame.__init__", "Linear.__init__", "GroupTask.__init__"])
def test_what_is_wrapped_is_copied_too(name):
    entry = ENTRIES[name]
    expected = str(entry.call(**_given(entry))())
    arrays = _given(entry)
    result = entry.call(**{argument: CONTAINERS["__array__"](array) for argument, array in arrays.items()})
    for array in arrays.values():
        array[...] = 0
    assert str(result()) == expected


@pytest.mark.parametrize("width", ["f2", "f4", ">f4", "bfloat16"])
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 60, 1000]), st.sampled_from([0.3, 3.0, 10.0]))
def test_probabilities_of_a_model_are_taken_in_its_own_type(width, seed, n, spread):
    """What is rounded, renormalised in float64, is what the core sees: up to rounding, whatever the type."""
    logits = np.random.default_rng(seed).normal(size=(2, n)) * spread
    for function, make in ((softmax, AlignmentGame), (log_softmax, AlignmentGame.from_log)):
        if width == "bfloat16":
            values = Tensor(_to_bfloat16(function(logits, axis=-1)), "bfloat16")
            exact = values.array.astype(np.float64)
        else:
            values = function(logits.astype(width), axis=-1).astype(width)
            exact = values.astype(np.float64)
        game = make(values, np.arange(n), Gini(1.0), beta=1.0)
        p = exact if function is softmax else np.exp(exact)
        np.testing.assert_allclose(game.nu_0, p / p.sum(axis=-1, keepdims=True), rtol=1e-12)
        np.testing.assert_allclose(game.nu_0.sum(axis=-1), 1.0, rtol=1e-14)


def _to_bfloat16(values):
    return (values.astype(np.float32).view(np.uint32) + 0x8000 & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_what_rounding_does_not_explain_is_refused(kind):
    for off in (0.9, 1.1):
        with pytest.raises(DomainError, match="`nu` sum to"):
            dagames.simplex.as_distribution(np.array([0.5, 0.5]).astype(kind) * kind_of(kind)(off), "nu")
    with pytest.raises(DomainError, match="pass the array itself, not a list"):
        dagames.simplex.as_distribution(np.full(10, 0.1, dtype=np.float32).tolist(), "nu")
    bound = _tolerances.normalisation(_tolerances.Rounding(2.0**-23, 2.0**-149), 10)
    with pytest.raises(DomainError, match="tolerance"):
        dagames.simplex.as_distribution(np.full(10, 0.1 * (1 + 3 * bound), dtype=np.float32), "nu")


def kind_of(kind):
    return np.dtype(kind).type


def test_float32_chunks_add_up():
    rng = np.random.default_rng(0)
    logs = log_softmax(rng.normal(size=300).astype(np.float32) * 5)
    E = rng.integers(0, 7, size=300)
    marginal = MarginalAccumulator(np.int64(7))
    for part in np.split(np.arange(300), 3):
        marginal.add(logs[part], E[part].astype(np.int8))
    whole = AlignmentGame.from_log(logs, E, Gini(1.0), beta=1.0)
    np.testing.assert_allclose(marginal.log_nu_0, whole.log_nu_0, rtol=1e-12)


@pytest.mark.parametrize("kind", TYPES[6:])
@pytest.mark.parametrize("shared", [False, True])
def test_small_labels_of_many_prompts_are_placed_in_wide_integers(kind, shared, monkeypatch):
    """An offset per prompt does not fit into the labels' own type, in blocks of one prompt as in blocks of many."""
    n = 2 if kind == "b1" else 100
    rng = np.random.default_rng(0)
    pi_0, E = rng.dirichlet(np.ones(150), size=400), rng.integers(0, n, size=150 if shared else (400, 150))
    R = Linear(rng.normal(size=n))
    expected = np.stack([np.bincount(e, p, n) for e, p in zip(np.broadcast_to(E, pi_0.shape), pi_0, strict=True)])
    for block in (100, 2**19):
        monkeypatch.setattr(dagames.simplex, "BLOCK", block)
        game = AlignmentGame(pi_0, E.astype(kind), R, beta=1.0, n_answers=n)
        np.testing.assert_allclose(game.nu_0, expected, rtol=1e-12)
        np.testing.assert_allclose(game.marginal(pi_0), expected, rtol=1e-12)
        assert game.E.dtype == np.int64
        np.testing.assert_array_equal(game.E, E)


@pytest.mark.parametrize(
    ("E", "options", "message"),
    [
        (np.array([0, 2**63], dtype=np.uint64), {}, r"`E\[1\]` is 9223372036854775808; an answer is an index .*2\^63"),
        ([0, 2**70], {}, r"`E\[1\]` is 1180591620717411303424; an answer"),
        (
            [0, 2**40],
            {},
            r"`E` gives a table of 1 prompts times 1099511627777 answers.*numpy\.unique\(E, return_inverse=True\)",
        ),
        ([0, 1], {"n_answers": 10**9}, "`n_answers` gives a table of 1 prompts times 1000000000 answers"),
        ([0, 1], {"n_answers": True}, "`n_answers` must be an integer of at least 1, not True"),
        ([0, 1], {"n_answers": 2.0}, "`n_answers` must be an integer of at least 1, not 2.0"),
        (np.array([0, -1], dtype=np.int8), {}, r"`E\[1\]` is -1; .*missing label"),
        (["a", "b"], {}, r"`E` must be real numbers, not text .*number labels by `numpy\.unique"),
    ],
)
def test_labels_out_of_reach_are_refused_before_memory_is_taken(E, options, message):
    with pytest.raises(DomainError, match=message):
        AlignmentGame([0.5, 0.5], E, Gini(1.0), beta=1.0, **options)


def test_a_count_is_any_integer():
    E = np.array([0, 2, 2])
    game = AlignmentGame([0.5, 0.25, 0.25], E, Gini(1.0), beta=1.0, n_answers=E.max() + 1)
    assert game.n_answers == 3
    assert solve(game, "mirror_descent", max_iterations=np.int32(5000)).certificate.worst <= 1e-10


def test_an_offset_that_overflows_is_caught_before_a_game_is_solved(monkeypatch):
    """The certificate sees answers only: a push-forward that loses mass would be certified as another game."""
    pi_0, E = np.full((3, 100), 0.01), np.tile(np.arange(100), (3, 1))
    right = reference.Reference._cells

    def overflowing(self, span, row, stop):
        return right(self, span, row, stop).astype(np.int8).astype(np.uint8).astype(np.intp)

    monkeypatch.setattr(reference.Reference, "_cells", overflowing)
    with pytest.raises(CertificateError, match="does not conserve mass: the answers of prompt 0 sum to"):
        AlignmentGame(pi_0, E, Gini(1.0), beta=1.0)
    with pytest.raises(CertificateError, match="does not conserve mass"):
        AlignmentGame.from_log(np.log(pi_0) - np.log(pi_0.sum(axis=1, keepdims=True)), E, Gini(1.0), beta=1.0)


@pytest.mark.parametrize("in_logs", [False, True])
def test_a_lift_that_overflows_is_caught(in_logs, monkeypatch):
    make, values = (
        (AlignmentGame.from_log, np.log(np.full((3, 100), 0.01)))
        if in_logs
        else (AlignmentGame, np.full((3, 100), 0.01))
    )
    solution = solve(make(values, np.arange(100), KLToPrior(np.arange(1, 101) / 5050), beta=1.0))
    right = reference.Reference._cells
    monkeypatch.setattr(reference.Reference, "_cells", lambda *a: right(*a) % 256 // 2)
    with pytest.raises(CertificateError, match="lifted policies do not conserve mass"):
        _ = solution.pi


def test_the_shape_of_a_ragged_batch_is_told():
    for pi_0, E in ((None, [[0]]), ([[1.0]], None), ({"a": [1.0]}, [[0]]), (iter([[1.0]]), [[0]])):
        with pytest.raises(ShapeError, match="it must be a list of one array per prompt"):
            AlignmentGame.ragged(pi_0, E, Gini(1.0), beta=1.0)


@pytest.mark.parametrize("n", [1, 127, 128, 129, 200, 256, 257, 2**15, 2**15 + 1, 2**16 + 1])
def test_labels_are_kept_in_a_type_that_holds_the_largest(n):
    E = np.array([0, n - 1])
    game = AlignmentGame([0.5, 0.5], E, Gini(1.0), beta=1.0)
    np.testing.assert_array_equal(game.E, E)
    np.testing.assert_array_equal(game.reference.E, E)
