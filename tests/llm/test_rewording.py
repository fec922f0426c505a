# ruff: noqa: S311, wordings and no secrets
"""Wordings made by rules: the answer stays, by an evaluation that shares no code with them; options map back."""

from __future__ import annotations

import ast
import json
import operator
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from dagames_llm._errors import DataError, RecipeError
from dagames_llm.data import Orbit, canonical_letter, load_orbits, training_rows
from dagames_llm.data.options import letters_of, orders
from dagames_llm.evaluation.evaluate import answers_of
from dagames_llm.extract import choice, last_number, normalised_text
from dagames_llm.extract.number_words import WORDS, worded_number
from dagames_llm.rewording import RULES, check_rules, reword
from dagames_llm.rewording.expressions import swap_operands
from dagames_llm.rewording.names import other_names
from dagames_llm.rewording.numerals import in_words, numbers_of, same_numbers, words_for_numbers
from dagames_llm.rewording.sentences import other_order

OPERATIONS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def value(expression: str) -> Fraction:
    """Evaluate arithmetic exactly, by Python's own parser."""

    def of(node: ast.expr) -> Fraction:
        if isinstance(node, ast.BinOp):
            return OPERATIONS[type(node.op)](of(node.left), of(node.right))
        if isinstance(node, ast.UnaryOp):
            return -of(node.operand)
        assert isinstance(node, ast.Constant)
        return Fraction(str(node.value))

    return of(ast.parse(expression.strip().translate(str.maketrans("×÷−", "*/-")), mode="eval").body)


numbers = st.integers(1, 99).map(str)
expressions = st.recursive(
    numbers,
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from("+-*/×÷"), parts).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        parts.map(lambda inner: f"({inner})"),
        parts.map(lambda inner: f"-({inner})"),
        numbers.map(lambda n: f"-{n}"),
    ),
    max_leaves=8,
)


@example("(1 + 2) * (3 - 4)", 0)
@example("9 - (2 + 3) * 4 + 5", 1)
@example("8 / (2 * 3) * 5 / (7 / 4)", 2)
@example("5 - (2 - 3) + -4 * -(6 + 7)", 3)
@settings(max_examples=60)
@given(expressions, st.integers(0, 99))
def test_moved_operands_keep_the_value(expression: str, seed: int) -> None:
    try:
        wanted = value(expression)
    except ZeroDivisionError:
        assume(False)
    text = f"Calculate {expression}."
    changed = swap_operands(text, Random(seed))
    if changed is not None:
        assert changed != text
        inner = changed.removeprefix("Calculate ").removesuffix(".")
        assert value(inner) == wanted
        assert sorted(re.findall(r"\d+", inner)) == sorted(re.findall(r"\d+", expression))


def test_what_is_no_question_of_arithmetic_stays() -> None:
    for text in (
        "5 + 6 = 11", "7 - 2", "On 2020-05-06 he left.", "3-4 apples", "2^3 + 4x", "12/5/2020", "10 / 5", "none", "1+",
    ):  # fmt: skip
        assert swap_operands(text, Random(1)) is None
    assert swap_operands("5 + 6 = 11\n1 + 2 =", Random(1)) == "5 + 6 = 11\n2 + 1 ="


@given(st.integers(0, 999_999))
def test_numbers_in_words_are_read_back(number: int) -> None:
    match = WORDS.fullmatch(in_words(number))
    assert match is not None
    assert worded_number(match) == number


things = st.sampled_from(["pens", "red caps", "of them"])


@given(st.lists(st.tuples(st.integers(2, 950), things), min_size=1, max_size=5), st.integers(0, 99))
def test_number_words_keep_all_numbers(items: list[tuple[int, str]], seed: int) -> None:
    text = "Ann has " + ", and ".join(f"{n} {thing}" for n, thing in items) + "."
    changed = words_for_numbers(text, Random(seed))
    assert changed is not None
    assert changed != text
    found = Counter(int(n) for n in re.findall(r"\d+", changed))
    for match in WORDS.finditer(changed):
        found[int(worded_number(match) or -1)] += 1
    assert found == Counter(n for n, _ in items)
    assert same_numbers(text, changed)


@pytest.mark.parametrize(
    "text",
    ["In 1984 he left.", "Room 12 is shut.", "It costs $5.", "At 3:30 it rang.", "It is 5% off.", "It is 7 cm.",
     "4 + 3 =", "It took 3 million.", "She has 4 quarters.", "It is minus 4.", "A 3-day trip.", "It is 2.5."],
)  # fmt: skip
def test_numbers_that_are_part_of_something_stay(text: str) -> None:
    assert words_for_numbers(text, Random(0)) is None


def test_names_change_everywhere_and_only_where_they_are_nobodys() -> None:
    text = "Ann gave Tom 3 pens. How many of Ellen's pens has Tom? Tom's mother knows."
    changed = other_names(text, Random(3))
    assert changed is not None
    new = dict(zip(re.findall(r"\w+", text), re.findall(r"\w+", changed), strict=True))
    assert new["Tom"] != "Tom"
    assert changed.count(new["Tom"]) == 3
    assert "3 pens" in changed
    known = ("Who was John Adams?", "Dr. Paul came.", "King Henry has 3.", "Victoria's Secret", "")
    for kept in known:
        assert other_names(kept, Random(0)) is None


def test_names_stay_where_an_answer_may_be_a_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps({"question": "Tom is older than Mary. Who is older?"}))
    data = {"path": tmp_path / "q.jsonl", "reword": ["names"], "views": 2}
    assert all("Tom" in str(view) for view in load_orbits(data, normalised_text)[0].views)
    assert "`names` is omitted" in caplog.text
    assert "Tom" not in load_orbits(data, last_number)[0].views[1]


def test_sentences_change_places_only_where_none_refers_back() -> None:
    text = "Ann has 3 pens. Tom has 4 caps. How many pens does Ann have?"
    results = {other_order(text, Random(seed)) for seed in range(20)}
    assert results == {
        "Tom has 4 caps. Ann has 3 pens. How many pens does Ann have?",
        "How many pens does Ann have? Ann has 3 pens. Tom has 4 caps.",
    }
    for kept in (
        "Ann has 3 pens. She has 4 caps. How many has she?",
        "Ann has 3 pens. She buys 2. How many are left?",
        "How many pens does Ann have?",
        "Ann gave 3 pens. Tom lost 4 caps. How many more?",
        "Ann has 3.5 pens. She has 2 caps. How many does she have now?",
    ):
        assert other_order(kept, Random(0)) is None


def test_rules_are_named_and_rewording_is_the_same_each_time() -> None:
    text = "Ann has 3 pens. Tom has 4 caps. How many pens does Ann have?"
    first = reword(text, list(RULES), 5)
    assert first == reword(text, list(RULES), 5)
    assert len(set(first) | {text}) == 6
    assert all(same_numbers(text, each) for each in first)
    assert reword("Why?", list(RULES), 5) == []
    assert check_rules("all", "reword") == (*RULES, "options")
    assert check_rules(["order", "names"], "reword") == ("names", "order")
    with pytest.raises(RecipeError, match=r"known are operands, .*, and all\. Did you mean names\?"):
        check_rules(["name"], "reword")


@pytest.mark.parametrize(
    ("question", "wording", "same"),
    [
        ("Half of 1,200 and 25", "1200 and twenty-five, half", True),
        ("2 pens and 1 cap", "a cap and two pens", True),
        ("2 pens", "2 pens and 1 cap", False),
        ("2 pens", "20 pens", False),
        ("2 pens and 2 caps", "2 pens and some caps", False),
        ("twice as many as 3", "two times as many as three", True),
        ("$5.50 each", "five dollars each", False),
        ("a dozen", "12", True),
        ("3.50", "3.5", True),
    ],
)  # fmt: skip
def test_numbers_are_compared_however_they_are_written(question: str, wording: str, same: bool) -> None:
    assert same_numbers(question, wording) == same


def test_one_as_a_word_is_no_number() -> None:
    assert numbers_of("one of 2") == Counter({Fraction(2): 1})


@given(st.integers(2, 10), st.integers(1, 6), st.integers(0, 99), st.data())
def test_permuted_options_map_back(number: int, count: int, seed: int, data: st.DataObject) -> None:
    arranged = orders(number, count, str(seed))
    assert arranged[0] == tuple(range(number))
    assert len(set(arranged)) == len(arranged)
    for order in arranged:
        assert sorted(order) == list(range(number))
        place = data.draw(st.integers(0, number - 1))
        # What stands at a place of the view is called by the letter that it has in the given order.
        assert canonical_letter(chr(ord("A") + place), letters_of(order)) == chr(ord("A") + order[place])
    assert canonical_letter(None, "BA") is None


def test_the_answer_follows_its_option(tmp_path: Path) -> None:
    row = {"question": "Capital of France?", "options": ["Rome", "Paris", "Oslo", "Bern"], "answer": "Paris"}
    (tmp_path / "q.jsonl").write_text(json.dumps(row))
    (orbit,) = load_orbits({"path": tmp_path / "q.jsonl", "reword": ["options"], "views": 5}, choice)
    assert orbit.gold == "B"
    assert len(orbit.views) == len(orbit.letters) == 5
    # A completion that names Paris by the letter of its view is right in every view.
    shown = [re.search(r"([A-D])\) Paris", str(view)) for view in orbit.views]
    said = [[f"Answer: {match[1]}"] for match in shown if match]
    assert len({text for (text,) in said}) > 1
    assert answers_of([orbit], [said], choice) == [[["B"]] * 5]
    table = training_rows([orbit])
    assert table[0]["option_letters"] == list(orbit.letters)
    for answer, complaint in (("E", "neither a letter from A to D"), ("Madrid", "nor the text of an option")):
        (tmp_path / "b.jsonl").write_text(json.dumps({**row, "answer": answer}))
        with pytest.raises(DataError, match=complaint):
            load_orbits(tmp_path / "b.jsonl", choice)
    for options in (["x"], ["x", "x"], ["x", ""], 7, "none"):
        (tmp_path / "o.jsonl").write_text(json.dumps({**row, "options": options}))
        with pytest.raises(DataError, match="2 to 26 different texts"):
            load_orbits(tmp_path / "o.jsonl", choice)


def test_a_vote_over_permuted_options_counts_options(tmp_path: Path) -> None:
    from dagames.targets import MajorityVote
    from dagames_llm import TargetReward

    reward = TargetReward(MajorityVote(), extract="choice", group_size=4)
    views = ["Q\nA) x\nB) y", "Q\nA) y\nB) x"]
    rewards = reward(
        prompts=[views[0], views[0], views[1], views[1]],
        completions=["Answer: A", "Answer: B", "Answer: B", "Answer: B"],
        orbit=[views] * 4,
        view=[0, 0, 1, 1],
        option_letters=[["AB", "BA"]] * 4,
    )
    assert rewards == [1.0, 0.0, 1.0, 1.0]


def test_orbits_without_permuted_options_have_no_column() -> None:
    assert "option_letters" not in training_rows([Orbit(("a", "b"), "1")]).column_names
    assert last_number("1") == "1"
