"""A call is remembered by all that its check depends on: a wrong one fails after any number of right ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import beartype
import jaxtyping
import numpy as np
import pytest
from jaxtyping import Float, Int, TypeCheckError

from tests.checked import is_border

Vector, Matrix, Index = Float[np.ndarray, " n"], Float[np.ndarray, "m n"], Int[np.ndarray, ""]
ROW, ROWS = np.zeros(3), np.zeros((2, 3))
calls: list[str] = []


def counting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check as beartype does, and list the calls."""
    checked = beartype.beartype(function)

    def call(*args: Any, **options: Any) -> Any:
        calls.append(function.__name__)
        return checked(*args, **options)

    return call


checked = jaxtyping.jaxtyped(typechecker=counting)


@checked
def product(a: Matrix, b: Vector, *, back: Any = None) -> Float[np.ndarray, " m"]:
    return a @ b if back is None else back


@checked
def of_many(a: Vector | None = None, *more: Vector, kind: Literal["sum", "mean"] = "sum", **named: int) -> float:
    return 0.0


@checked
def of_collections(pair: tuple[Vector, float], rows: list[Vector], names: Mapping[str, int]) -> None:
    return None


def test_a_call_like_an_earlier_one_is_not_checked_again():
    product(np.ones((4, 2)), np.ones(2))
    calls.clear()
    product(np.zeros((4, 2)), np.zeros(2))
    assert calls == []
    product(np.zeros((4, 5)), np.zeros(5))
    assert set(calls) == {"product"}


@pytest.mark.parametrize(
    ("args", "options"),
    [
        ((ROWS, np.zeros(2)), {}),
        ((ROWS, ROW.astype(np.int64)), {}),
        ((ROWS, ROWS), {}),
        ((ROWS, ROW.tolist()), {}),
        ((ROWS, None), {}),
        ((ROWS, ROW), {"back": np.zeros(3)}),
        ((ROWS, ROW), {"back": np.zeros(2, dtype=np.float64).astype(int)}),
        ((ROWS, ROW), {"back": 0.0}),
    ],
)
def test_shapes_and_types_are_told_apart(args, options):
    for _ in range(2):
        product(ROWS, ROW)
        product(ROWS, ROW, back=np.zeros(2))
        with pytest.raises(TypeCheckError):
            product(*args, **options)


def test_words_numbers_and_places_are_told_apart():
    for _ in range(2):
        of_many(ROW, ROW, kind="mean", count=2)
        of_many()
        for args, options in (
            ((ROW, ROWS), {}),
            ((ROW,), {"kind": "median"}),
            ((ROW,), {"count": 2.0}),
            ((ROW, None), {}),
            ((ROW, np.zeros(2)), {}),
        ):
            with pytest.raises(TypeCheckError):
                of_many(*args, **options)
    with pytest.raises(TypeError, match="missing"):
        product(ROWS)


def test_items_of_collections_count():
    good = ((ROW, 1.0), [ROW], {"a": 1})
    for place, wrong in enumerate((((ROW, 1), (ROWS, 1.0), (ROW,)), ([ROWS], [0]), ({"a": 1.0}, {1: 1}))):
        for value in wrong:
            of_collections(*good)
            with pytest.raises(TypeCheckError):
                of_collections(*good[:place], value, *good[place + 1 :])


@pytest.mark.parametrize(
    ("module", "name", "border"),
    [
        ("dagames.simplex", "kl", True),
        ("dagames.functionals.gini", "Gini.conjugate", True),
        ("dagames.functionals.gini", "Gini.__init__", True),
        ("dagames.simplex", "_shifted", False),
        ("dagames.functionals.gini", "Gini._roots", False),
        ("dagames.functionals.gini", "_Helper.value", False),
        ("dagames._types", "as_array", False),
        ("dagames.simplex", "kl.<locals>.term", False),
        ("dagames.simplex", "<lambda>", False),
    ],
)
def test_public_names_in_public_modules_are_the_border(module, name, border):
    assert is_border(module, name) is border


def test_a_private_function_is_returned_as_it_is():
    def inner(a: Vector) -> Vector:
        return a

    assert checked(inner) is inner
    inner.__qualname__ = "outer"
    assert checked(inner) is not inner


@checked
@dataclass
class Pair:
    a: Vector
    b: Index


def test_fields_of_dataclasses_are_checked():
    for _ in range(2):
        Pair(ROW, np.array(1))
        with pytest.raises(TypeCheckError):
            Pair(ROW, np.array(1.0))
        with pytest.raises(TypeCheckError):
            Pair(ROWS, np.array(1))


def test_nothing_is_checked_while_checks_are_off():
    jaxtyping.config.update("jaxtyping_disable", True)
    assert of_many(ROWS, "any") == 0.0
    jaxtyping.config.update("jaxtyping_disable", False)
    with pytest.raises(TypeCheckError):
        of_many(ROWS, "any")
