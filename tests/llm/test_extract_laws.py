"""Laws of reading: the same value in any style and template is one answer, different values never agree."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames_llm.extract import EXTRACTORS, choice, first_number, last_number, normalise, normalised_text
from dagames_llm.extract.number_words import WORDS, worded_number

TEMPLATES = (
    "{x}", "{x}.", "**{x}**", "$ {x} $", "\\boxed{{{x}}}", "$$\\boxed{{{x}}}$$", "\\[\n\\boxed{{{x}}}\n\\]",
    "#### {x}", "#### **{x}**",
    "The answer is {x}.", "The answer is **{x}**.", "The final answer is: $\\boxed{{{x}}}$. I hope it is correct.",
    "Answer: {x}", "**Answer:** {x}", "**Answer**: {x}", "**Final Answer: {x}**", "### Final Answer\n\n{x}",
    "Answer:\n\n{x}",
    "<answer>{x}</answer>", "<think>It is 3 or 4.</think>\n\n<answer>\n{x}\n</answer>",
    "<think>\nFirst 7, then 8.\n</think>\n\n{x}",
    "We have 12 * 3 = 36.\n\nSo the answer is {x}.", "2 + 2 = 4, which helps.\n#### {x}", "__{x}__", "`{x}`",
    "x = {x}", "\\(x = {x}\\)",
    "The answer is {x}.\n\nQuestion: What is 2 + 2?\nAnswer: 4", "Answer: {x}\n\nNote that 5 of the 6 were given.",
    "\\text{{{x}}}",
    "{{\"answer\": {x}}}", "Thus, the total is {x}.", "\\boxed{{x = {x}}}", "The answer is {x}, not 17.",
    "The answer is {x} because 1 + 1 = 2.",
    "The answer is \\({x}\\).", "The answer is <b>{x}</b>.",
)  # fmt: skip
templates = st.sampled_from(TEMPLATES)


def grouped(digits: str, mark: str) -> str:
    """Write digits in groups of three."""
    head = len(digits) % 3 or 3
    return mark.join([digits[:head], *(digits[i : i + 3] for i in range(head, len(digits), 3))])


def decimals(whole: int, cents: int, style: str) -> str:
    """Write whole.cents in a convention for thousands and decimals."""
    mark, point = {
        "plain": ("", "."),
        "english": (",", "."),
        "german": (".", ","),
        "thin": ("\u202f", ","),
        "blank": (" ", ","),
    }[style]
    return f"{grouped(str(whole), mark)}{point}{cents:02d}"


FRACTION_STYLES = (
    "{n}/{d}",
    "\\frac{{{n}}}{{{d}}}",
    "\\dfrac{{{n}}}{{{d}}}",
    "\\tfrac{{{n}}}{{{d}}}",
    "{n} / {d}",
    "\\frac {{{n}}} {{{d}}}",
)


@given(st.integers(-(10**9), 10**9), st.integers(2, 10**6), st.sampled_from(FRACTION_STYLES), templates)
def test_a_fraction_is_read_back_from_any_style_and_template(n: int, d: int, style: str, template: str) -> None:
    assert last_number(template.format(x=style.format(n=n, d=d))) == str(Fraction(n, d))


@given(st.integers(0, 10**9), st.integers(1, 8), st.integers(1, 9), templates)
def test_a_mixed_number_is_read_back(whole: int, part: int, more: int, template: str) -> None:
    value = str(whole + Fraction(part, part + more))
    for style in ("{w} {n}/{d}", "{w}\\frac{{{n}}}{{{d}}}", "{w} \\dfrac{{{n}}}{{{d}}}"):
        assert last_number(template.format(x=style.format(w=whole, n=part, d=part + more))) == value


@given(
    st.integers(0, 10**12),
    st.integers(0, 99),
    st.sampled_from(["plain", "english", "german", "thin", "blank"]),
    templates,
)
def test_thousands_marks_do_not_matter(whole: int, cents: int, style: str, template: str) -> None:
    if style != "plain" and whole < 1000 and style != "english":
        whole += 1000
    assert last_number(template.format(x=decimals(whole, cents, style))) == str(whole + Fraction(cents, 100))


@given(st.integers(-(10**15), 10**15), templates)
def test_a_whole_number_is_read_back_with_and_without_marks(value: int, template: str) -> None:
    for written in (
        str(value),
        f"{value:,}",
        f"{value:,}".replace(",", "{,}"),
        f"{value:,}".replace(",", "\\,"),
        f"{value}.0",
    ):
        assert last_number(template.format(x=written)) == str(value)
    assert last_number(template.format(x=str(value).replace("-", "\u2212"))) == str(value)


@given(st.integers(1, 999), st.integers(-12, 12), templates)
def test_scientific_notation_is_read_back(mantissa: int, power: int, template: str) -> None:
    value = str(Fraction(mantissa, 100) * Fraction(10) ** power)
    for style in ("{m} \\times 10^{{{p}}}", "{m}e{p}", "{m} × 10^{p}", "{m}*10^{p}", "{m} \\cdot 10^{{{p}}}"):
        assert last_number(template.format(x=style.format(m=f"{mantissa / 100:.2f}", p=power))) == value


@given(st.integers(0, 10**6), templates, st.sampled_from(["${x}", "\\${x}", "€{x}", "{x}%", "{x}\\%", "{x} %",
    "{x} kg", "{x}kg", "{x}°", "{x} \\text{{ cm}}^2", "{x} m/s"]))  # fmt: skip
def test_units_percent_and_currency_are_dropped(value: int, template: str, unit: str) -> None:
    assert last_number(template.format(x=unit.format(x=value))) == str(value)


@given(st.fractions(max_denominator=10**6), st.fractions(max_denominator=10**6), templates, templates)
def test_two_different_fractions_never_agree(a: Fraction, b: Fraction, first: str, second: str) -> None:
    read = last_number(first.format(x=a)), last_number(second.format(x=b))
    assert (read[0] == read[1]) == (a == b)


@given(st.integers(0, 10**6 - 1))
def test_number_words_are_read(value: int) -> None:
    match = WORDS.fullmatch(in_words(value))
    assert match is not None
    assert worded_number(match) == value
    assert last_number(f"The answer is {in_words(value)}.") == str(value)


def in_words(value: int) -> str:
    """Write a number below a million in words, as an English speaker does."""
    ones = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
    tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    if value >= 1000:
        rest = f" {in_words(value % 1000)}" if value % 1000 else ""
        return f"{in_words(value // 1000)} thousand{rest}"
    if value >= 100:
        rest = f" and {in_words(value % 100)}" if value % 100 else ""
        return f"{ones[value // 100]} hundred{rest}"
    if value < 20:
        return ones[value]
    return tens[value // 10] + (f"-{ones[value % 10]}" if value % 10 else "")


@pytest.mark.parametrize("written", [
    "{x}^2", "{x}**2", "2^{{{x}}}", "\\sqrt{{{x}}}", "{x}\\sqrt{{2}}", "{x}x + 1", "x^2 + {x}", "{x} + 1", "({x}, 1)",
    "[{x}, 1)", "\\pm {x}", "x > {x}",
    "x \\leq {x}", "{x} or 1", "{x}, 1", "\\frac{{{x}}}{{x}}", "\\frac{{x + {x}}}{{2}}", "\\log {x}", "{x}!",
    "{x} \\times 3", "{x} feet 6 inches",
    "{x}/05/2023", "1.2.{x}", "{x}i", "\\{{{x}, 1\\}}", "x = {x}, y = 1", "0x{x}", "{x}_2", "{x} + 2i",
])  # fmt: skip
@given(x=st.integers(2, 10**6))
def test_a_piece_of_an_expression_is_no_answer(written: str, x: int) -> None:
    assert last_number(f"\\boxed{{{written.format(x=x)}}}") is None
    assert last_number(f"Answer: {written.format(x=x)}") in ({None, str(x)} if written == "{x}!" else {None})


CHOICE_TEMPLATES = (
    "{x}", "{x}.", "({x})", "{x})", "**{x}**", "**({x})**", "{x}. Paris", "({x}) Paris", "{x}) Paris", "Option {x}",
    "The answer is {x}.", "The answer is ({x}).",
    "The answer is **{x}**.", "The answer is {x}", "Answer: {x}", "**Answer:** {x}", "**Answer: {x}**",
    "\\boxed{{{x}}}", "$\\boxed{{\\text{{{x}}}}}$",
    "\\boxed{{\\textbf{{({x})}}}}", "So the correct choice is ({x}).", "The correct option is {x}.",
    "The correct answer is **{x}) Paris**.", "#### {x}",
    "<answer>{x}</answer>", "<think>B or C?</think>\n{x}", "It is large.\n\n{x}", "Therefore, option {x} is correct.",
    "I choose {x}.",
    "The answer is {x}, not K.", "The answer is {x} because it is large.", "Answer: {x}) Paris", "Final answer: {x}",
    "{{\"answer\": \"{x}\"}}", "The answer is $\\text{{{x}}}$.",
    "{x}\n\nQuestion: What?\nAnswer: K",
)  # fmt: skip


@given(st.sampled_from("ABCDEFGHIJ"), st.sampled_from(CHOICE_TEMPLATES))
def test_a_letter_survives_any_template(letter: str, template: str) -> None:
    assert choice(template.format(x=letter)) == letter


@given(st.sampled_from("abcdefghij"), st.sampled_from(["{x}", "({x})", "{x})", "{x}.", "answer: {x}",
    "The answer is ({x}).", "\\boxed{{{x}}}", "**{x}**", "The answer is {x}."]))  # fmt: skip
def test_a_small_letter_is_the_capital(letter: str, template: str) -> None:
    assert choice(template.format(x=letter)) == letter.upper()


@given(st.sampled_from("ABCDEFGHIJ"), st.sampled_from("ABCDEFGHIJ"))
def test_two_letters_are_no_answer(a: str, b: str) -> None:
    for text in (
        f"Neither {a} nor {b}.",
        f"The answer is {a} or {b}.",
        f"Both {a} and {b} are correct.",
        f"{a} and {b}",
        f"The answer is neither {a} nor {b}",
    ):
        assert choice(text) is None


words = st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEÉüñ ", min_size=1, max_size=40)


@given(words, st.sampled_from(["{x}", "**{x}**", "\"{x}\"", "\\boxed{{{x}}}", "\\boxed{{\\text{{{x}}}}}",
    "<answer>{x}</answer>", "{x}.", "  {x} \n", "_{x}_"]))  # fmt: skip
def test_emphasis_and_quotes_do_not_matter_to_a_text(text: str, template: str) -> None:
    assert normalised_text(template.format(x=text.strip())) == normalised_text(text)


@given(st.text(max_size=60))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(st.text(max_size=200))
def test_case_articles_and_punctuation_do_not_matter(text: str) -> None:
    assert normalise(f"The {text}!") == normalise(text)


pieces = st.sampled_from(
    ["1", "9", "1,", "1.5", "1/2", "-3", "x", "A", "B", "(A)", "(", ")", "[", "]", "{", "}", "\\boxed{", "\\boxed",
        "\\frac", "\\frac{1}", "\\text{", "\\(", "\\)", "$", "$$", "**", "*", "__", "#", "####", "answer", "is",
        "Answer:", "<answer>", "</answer>", "<think>", "</think>", "```", "=", "-", "–", "/", ":", "10:30", "^", "×",
        "π", "pi", "2*pi", "e5", "half", "twenty", "one", "and", "or", "not", "is", "so", "because", ",", ";", "?",
        "!", ".", "…", '"', "Question:", "Sure!", "Rome", "of", "The", "ﷺ", "é", "٣", "½", "²", "\x00", "\u202f", "a",
        "St.", "%", "°", "min", "per", "day", "not,", "but", "option", "it", "is", "no", "i", "am"]
)  # fmt: skip
hostile = st.lists(st.one_of(pieces, st.sampled_from([" ", "\n", "  "]), st.characters()), max_size=40).map("".join)


@pytest.mark.parametrize("name", [name for name in EXTRACTORS if name != "math"])
@given(text=st.one_of(st.text(), hostile))
def test_any_text_has_a_canonical_answer_or_none(name: str, text: str) -> None:
    extractor = EXTRACTORS[name]
    answer = extractor(text)
    assert answer is None or (isinstance(answer, str) and answer)
    if answer is not None:
        assert extractor(answer) == answer, "an answer reads as itself"


@given(st.one_of(st.integers(0, 10**9).map(str), st.fractions(max_denominator=99).map(str)), templates)
def test_first_and_last_number_agree_on_one_statement(written: str, template: str) -> None:
    if "\n" not in template and "12 * 3" not in template:
        assert first_number(template.format(x=written)) in {last_number(template.format(x=written))}
