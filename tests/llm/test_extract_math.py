"""Expressions: equal ones share a key, a key reads as itself, and nothing hostile is evaluated or waited for."""

from __future__ import annotations

import sys
import threading
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagames._errors import DagamesError
from dagames_llm.extract import as_extractor, extractor_named, last_number, math_expression
from dagames_llm.extract.expressions import PARSER, check_installed


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("The answer is $2\\sqrt{3}$.", "2*sqrt(3)"), ("\\boxed{\\sqrt{12}}", "2*sqrt(3)"),
        ("\\boxed{9\\pi \\text{ cm}^2}", "9*pi"),
        ("\\boxed{(x+1)^2}", "x**2 + 2*x + 1"), ("\\boxed{1 + 2x + x^2}", "x**2 + 2*x + 1"), ("\\boxed{y = 2x + 1}",
        "2*x + 1"),
        ("\\boxed{\\frac{1}{\\sqrt{2}}}", "sqrt(2)/2"), ("So $x = \\frac{\\sqrt{2}}{2}$.", "sqrt(2)/2"),
        ("\\boxed{0.5x}", "x/2"),
        ("\\boxed{\\{2, 1\\}}", "{1, 2}"), ("\\boxed{1, 2}", "{1, 2}"), ("\\boxed{\\left(\\frac{1}{2}, 3\\right)}",
        "(1/2, 3)"), ("\\boxed{[0, \\infty)}", "[0, oo)"),
        ("\\boxed{1,000}", "1000"), ("\\boxed{3\\frac{1}{2}}", "7/2"), ("\\boxed{2^{10}}", "1024"),
        ("She has 5 apples.", "5"), ("Answer: 3/4 + 1/4", "1"),
        ("\\boxed{100000!}", None), ("\\boxed{9^{9^{9}}}", None), ("\\boxed{9**9**9}", None), ("\\boxed{2^{1000}}",
        None), ("\\boxed{\\sin 30^\\circ}", None),
        ("\\boxed{\\pm 3}", None), ("\\boxed{x > 3}", None), ("\\boxed{x = 2, y = 3}", None),
        ("\\boxed{2 \\text{ or } 3}", None), ("\\boxed{\\text{odd}}", None),
        ("\\boxed{\\frac{1}{0}}", None), ("\\boxed{0.333\\ldots}", None), ("I do not know.", None), ("", None),
        ("<think>$\\sqrt{2}$", None),
        ("\\boxed{" + "(" * 400 + "x" + ")" * 400 + "}", None), ("\\boxed{" + "x+" * 400 + "1}", None),
        ("\\boxed{__import__('os').system('true')}", None),
    ],
    ids=lambda text: str(text)[:30],
)  # fmt: skip
def test_known_expressions(text: str, key: str | None) -> None:
    assert math_expression(text) == key
    if key is not None:
        assert math_expression(key) == math_expression(f"\\boxed{{{key}}}") == key


@given(
    st.fractions(max_denominator=10**4), st.sampled_from(["{x}", "\\boxed{{{x}}}", "The answer is ${x}$.", "#### {x}"])
)
def test_numbers_have_the_form_that_last_number_gives(value: Fraction, template: str) -> None:
    for written in (str(value), f"\\frac{{{value.numerator}}}{{{value.denominator}}}"):
        text = template.format(x=written)
        assert math_expression(text) == last_number(text) == str(value)


@settings(max_examples=10)
@given(st.integers(2, 9), st.integers(2, 30), st.integers(2, 9))
def test_writing_an_expression_in_another_order_changes_nothing(a: int, b: int, c: int) -> None:
    forms = (f"{a}x^2 + {b}x + \\sqrt{{{c}}}", f"\\sqrt{{{c}}} + {b}x + {a}x^2", f"x({a}x + {b}) + \\sqrt{{{c}}}")
    keys = {math_expression(f"\\boxed{{{form}}}") for form in forms}
    assert len(keys) == 1
    assert keys != {None}
    assert keys != {math_expression(f"\\boxed{{{a}x^2 + {b + 1}x + \\sqrt{{{c}}}}}")}


@settings(max_examples=15)
@given(st.one_of(st.text(max_size=80), st.text(alphabet="0123456789xy+-*/^(){}[],\\!= ", max_size=80)))
def test_any_text_has_a_key_that_reads_as_itself_or_none(text: str) -> None:
    for completion in (text, f"\\boxed{{{text}}}"):
        key = math_expression(completion)
        assert key is None or math_expression(key) == key != ""


def test_it_works_outside_the_main_thread() -> None:
    keys: list[str | None] = []
    threads = [threading.Thread(target=lambda: keys.append(math_expression("\\boxed{\\sqrt{27}}"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys == ["3*sqrt(3)"] * 3


def test_a_parser_that_takes_too_long_is_killed_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PARSER.key("\\sqrt{8}") == "2*sqrt(2)"
    with monkeypatch.context() as patch:
        patch.setattr(PARSER, "seconds", 0.5)
        start = time.perf_counter()
        assert PARSER.key("(((x+y+z+1)^{60})^{60})^{60}") is None
        assert time.perf_counter() - start < 10
    assert PARSER.key("\\sqrt{8}") == "2*sqrt(2)"


def test_without_math_verify_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extractor_named("math") is as_extractor("math") is math_expression
    monkeypatch.setitem(sys.modules, "math_verify", None)
    for refused in (
        check_installed,
        lambda: extractor_named("math"),
        lambda: as_extractor("math"),
        lambda: math_expression("7"),
    ):
        with pytest.raises(DagamesError, match=r"dagames\[math\]"):
            refused()
