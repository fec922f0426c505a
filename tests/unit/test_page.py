"""The page: every verdict, whatever it says, nothing from a network, and words of others as words."""

import re
from html.parser import HTMLParser

import pytest

from dagames.cli.page import render
from proofs_check.show import MEANING, REFERENCES, SOURCES

EVIDENCE = {
    "claimed": 1.0,
    "measured": 2.0,
    "relation": "at most",
    "tolerance": 0.0,
    "instance": {"nu": '(1/2, 1/2) "quoted" <script>'},
    "size": 3,
    "ratio": 0.5,
    "noted": False,
    "sentence": "",
}
COUNTS = {"paper": {"holds": 3, "false": 1, "depends": 0, "open": 0}}


def a_reading(**changes):
    words = {word: f"{word} <script>alert(1)</script>" for word in ("measured_by", "in_words")}
    numbers = {"outcome": "false", "expected": "false", "comparisons": 2, "failures": 1, "tight": False}
    rest = {"supposes": "", "evidence": EVIDENCE, "attack": None, "attack_in_words": "", "noted": [], "error": ""}
    return words | numbers | rest | changes


def a_claim(readings=None, **changes):
    words = ("title", "statement", "place", "kind", "remark", "plain", "printed", "in_words")
    claim = {word: f"{word} <script>alert(1)</script>" for word in words} | {"id": "X.1", "whose": "paper"}
    claim |= {"verdict": "false", "expected": "false", "as_expected": True, "amendment": "X.1a", "missing": ""}
    return claim | {"readings": readings or [a_reading()]} | changes


def page(*claims, captions=None):
    figures = [{"name": "one", "title": "A <b>", "caption": "See.", "command": "dagames figures one"}]
    data = {
        "claims": list(claims),
        "seed": 4,
        "sources": REFERENCES,
        "names": SOURCES,
        "meaning": MEANING,
        "counts": COUNTS,
    }
    return render(data, figures, captions or {}, {"numpy": "2 <script>"})


class Collector(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_words_of_others_are_words():
    tags = Collector(page(a_claim())).tags
    assert [tag for tag, _ in tags].count("script") == 1
    copies = [attrs["data-copy"] for _, attrs in tags if "data-copy" in attrs]
    assert copies == ['{"nu": "(1/2, 1/2) \\"quoted\\" \\u003cscript\\u003e"}', "dagames verify X.1 --seed 4"]


def test_nothing_is_asked_of_a_network():
    text = page(a_claim(), captions={"X.1": "See the corner."})
    for _, attrs in Collector(text).tags:
        for name in ("src", "href"):
            assert not re.match(r"[a-z]+:|//", attrs.get(name) or "")
    assert "default-src 'none'" in text
    assert "http:" not in text
    assert "https:" not in text
    assert "import " not in text
    assert "fetch(" not in text


def test_the_filter_counts_verdicts_and_names_surprises():
    claims = [
        a_claim(id=f"X.{i}", verdict=v, as_expected=v == "false")
        for i, v in enumerate(["holds", "false", "false", "error", "open"])
    ]
    tags = Collector(page(*claims)).tags
    shown = [attrs["data-show"] for _, attrs in tags if "data-show" in attrs]
    assert shown == ["all", "holds", "false", "open", "error", "surprise"]
    assert len([1 for tag, attrs in tags if tag == "section" and "data-surprise" in attrs]) == 3
    text = page(*claims)
    assert "all 5" in text
    assert "false 2" in text
    assert "not as expected 3" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"evidence": None, "in_words": "ValueError: by design"}, "ValueError: by design"),
        ({"attack": EVIDENCE, "attack_in_words": "uses 0.5 of the bound"}, "uses 0.5 of the bound"),
        ({"evidence": EVIDENCE | {"sentence": "Take."}, "in_words": "Take one half."}, "<p>Take one half.</p>"),
        ({"noted": [EVIDENCE]}, "additional example"),
    ],
)
def test_every_kind_of_result_has_its_place(changes, words):
    assert words in page(a_claim([a_reading(**changes)]))


def test_the_page_opens_with_who_states_what_and_what_a_verdict_means():
    text = page(a_claim(amendment=None))
    opening = text[: text.index("X.1")]
    for words in (*REFERENCES.values(), *MEANING.values(), '<th scope="row">the paper</th><td>3</td><td>1</td>'):
        assert words in opening
    assert "Stated by the paper" in text


def test_each_of_several_readings_is_named():
    text = page(a_claim([a_reading(supposes="Pi is convex", outcome="holds"), a_reading(supposes="Pi is any set")]))
    assert 'Under the reading that Pi is convex: <span class="verdict holds">holds</span>' in text
    assert 'Under the reading that Pi is any set: <span class="verdict false">false</span>' in text
    assert "Under the reading that" not in page(a_claim())


def test_plots_are_shown_where_there_are_any():
    assert '<img src="claims/X.1.svg"' in page(a_claim(), captions={"X.1": "See."})
    assert "claims/X.1.svg" not in page(a_claim())


def test_claims_that_a_text_names_are_linked_and_appendices_are_not():
    text = page(a_claim(id="B.1", remark="See X.1 and appendix B.1, claim B.1 & (I.5), not I.5.2."), a_claim(id="I.5"))
    assert 'appendix B.1, claim <a href="#B.1">B.1</a> &amp; (<a href="#I.5">I.5</a>), not I.5.2.' in text


def test_counts_have_totals_and_claims_can_be_shown_by_source():
    text = page(a_claim())
    assert '<th scope="row">the paper</th><td>3</td><td>1</td><td>0</td><td>0</td><td>4</td>' in text
    assert '<th scope="row">total</th><td>0</td><td>1</td><td>0</td><td>0</td><td>1</td>' in text
    assert 'data-by="paper" aria-pressed="false">the paper 4<' in text


def test_what_is_open_is_not_called_repaired():
    text = page(a_claim(verdict="open"))
    assert "Repaired by" not in text
    assert 'See also <a href="#X.1a">' in text


def test_numbers_of_an_instance_are_readable():
    assert "nu = (0.1, a)" in page(a_claim([a_reading(evidence=EVIDENCE | {"instance": {"nu": [0.1, "a"]}})]))
