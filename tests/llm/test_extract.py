"""Extraction: known readings, and laws that hold for any text, however hostile."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames._errors import DagamesError
from dagames_llm.extract import (
    EXTRACTORS,
    canonical_number,
    choice,
    completion_text,
    extractor_named,
    first_number,
    last_number,
    normalised_text,
)

READERS = {name: extractor for name, extractor in EXTRACTORS.items() if name != "math"}
any_text = st.text(max_size=300)
hostile = st.text(alphabet="0123456789.,-+/eE*^!# \n()$ABab", max_size=300)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        (" 11\n", "11", "11"),
        (" 11 + 5 = 16", "11", "16"),
        ("so 1,234.50 dollars", "2469/2", "2469/2"),
        ("half is 3/6", "1/2", "1/2"),
        ("it is -7.", "-7", "-7"),
        ("it is \u22127.", "-7", "-7"),
        ("10-5=5", "10", "5"),
        ("no number", None, None),
        ("", None, None),
        ("1/0", None, None),
        ("9**9**9", None, None),
        ("9^9", None, None),
        ("1e999999999", None, None),
        ("7 " + "9" * 5000, "7", None),
        ("2e3", "2000", "2000"),
        ("0012", "12", "12"),
        ("x2", None, None),
        ("You are right!\n#### 18", None, "18"),
        ("#### $1,080 in all, not 7", "1080", "1080"),
        ("18 it is\n#### nothing", "18", None),
    ],
)
def test_known_numbers(text: str, first: str | None, last: str | None) -> None:
    assert first_number(text) == first
    assert last_number(text) == last


@pytest.mark.parametrize(
    ("text", "letter"),
    [("B", "B"), ("(C)", "C"), ("D. because", "D"), ("The answer is (A).", "A"), ("answer: B, no, answer: C", "C"),
     ("A dog", None), ("", None), ("because", None)],
)  # fmt: skip
def test_known_choices(text: str, letter: str | None) -> None:
    assert choice(text) == letter


def test_normalised_text() -> None:
    assert normalised_text("  The  \uff26ox.\nmore") == normalised_text("the fox") == "fox"
    assert normalised_text(" .. ") is None


@given(st.one_of(any_text, hostile))
def test_every_extractor_answers_any_text_with_a_key_or_none(text: str) -> None:
    for name, extractor in READERS.items():
        answer = extractor(text)
        assert answer is None or (isinstance(answer, str) and answer != ""), name
        assert extractor(text) == answer


@given(st.integers(-(10**30), 10**30), any_text)
def test_a_stated_number_is_read_whatever_came_before(value: int, before: str) -> None:
    assert last_number(f"{before}\n#### {value}") == str(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4))
def test_numbers_are_equal_exactly_when_their_answers_are(value: Decimal) -> None:
    answer = canonical_number(str(value)) if "E" not in str(value) else str(Fraction(value))
    assert answer is not None
    assert Fraction(answer) == Fraction(value)
    assert canonical_number(f"{value:f}000" if "." in f"{value:f}" else f"{value:f}.0") == answer


@given(st.integers(0, 10**12))
def test_thousands_commas_change_nothing(value: int) -> None:
    assert first_number(f"{value:,}") == first_number(str(value)) == str(value)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9", "9" * 1_000_000, "1," * 500_000, "1," + "111," * 250_000, "1/" * 500_000, "-" * 1_000_000,
        "#" * 1_000_000, "answer " * 200_000, "answer is " + " " * 1_000_000, "\n" * 1_000_000, "1e" * 500_000,
        "\ufdfa" * 300_000, "(" * 1_000_000, "#### " * 200_000, "1 " * 500_000, "9**" * 300_000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_text_is_read_in_no_time(text: str) -> None:
    start = time.perf_counter()
    for extractor in READERS.values():
        extractor(text)
    assert time.perf_counter() - start < 1.0


def test_completions_are_text_or_messages() -> None:
    assert completion_text("7") == completion_text([{"role": "assistant", "content": "7"}]) == "7"
    assert completion_text([]) == ""


def test_an_unknown_extractor_is_named() -> None:
    with pytest.raises(DagamesError, match="'eval'"):
        extractor_named("eval")
