"""The page: every verdict, whatever it says, nothing from a network, and words of others as words."""

import re
from html.parser import HTMLParser

import pytest

from dagames._page import render

EVIDENCE = {
    "claimed": 1.0,
    "measured": 2.0,
    "relation": "at most",
    "tolerance": 0.0,
    "instance": {"nu": '(1/2, 1/2) "quoted" <script>'},
    "size": 3,
    "ratio": 0.5,
    "noted": False,
}


def a_claim(**changes):
    words = ("id", "title", "statement", "source", "kind", "measured_by", "remark", "error")
    claim = {word: f"{word} <script>alert(1)</script>" for word in words} | {"id": "X.1", "error": ""}
    claim |= {"as_written": "false", "expected": "false", "amendment": "X.1a", "comparisons": 2, "failures": 1}
    return claim | {"evidence": EVIDENCE, "attack": None, "tight": False, "noted": []} | changes


def page(*claims, captions=None):
    figures = [{"name": "one", "title": "A <b>", "caption": "See."}]
    return render({"claims": list(claims), "seed": 4}, figures, captions or {})


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
    claims = [a_claim(id=f"X.{i}", as_written=v) for i, v in enumerate(["holds", "false", "false", "error", "open"])]
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
        ({"evidence": None, "as_written": "error", "error": "ValueError: by design"}, "ValueError: by design"),
        ({"attack": EVIDENCE, "tight": False}, "where the attack ended: ratio 0.5"),
        ({"attack": EVIDENCE | {"ratio": "inf"}}, "ratio inf"),
        ({"attack": EVIDENCE, "tight": True}, "the bound is touched"),
        ({"noted": [EVIDENCE]}, "1 noted"),
        ({"amendment": None}, "seed 4"),
    ],
)
def test_every_kind_of_result_has_its_place(changes, words):
    assert words in page(a_claim(**changes))


def test_plots_are_shown_where_there_are_any():
    assert '<img src="claims/X.1.svg"' in page(a_claim(), captions={"X.1": "See."})
    assert "claims/X.1.svg" not in page(a_claim())
