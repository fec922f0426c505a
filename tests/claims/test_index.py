"""The index of the sources is complete, names only claims that exist, and is what the pages show."""

import re
from pathlib import Path

import pytest

from proofs_check.index import BEGIN, END, expected_verdicts, index_markdown, load_index, uncovered, with_counts
from proofs_check.known import load_claims
from proofs_check.show import tally

ROOT = Path(__file__).parents[2]
CLAIMS = load_claims()
PAPER, SLIDES = load_index("paper"), load_index("slides")
each_source = pytest.mark.parametrize(("source", "items"), [("paper", PAPER), ("slides", SLIDES)])

NUMBERED = (
    *(f"equation ({number})" for number in range(1, 18)),
    *(f"Table {number}" for number in range(1, 6)),
    *(f"Figure {number}" for number in (1, 2)),
    *(f"Algorithm {number}" for number in range(1, 5)),
    *("Theorem 2.1", "Proposition 2.2", "Proposition 3.1", "Theorem 4.1", "Proposition B.1"),
    *("Definition F.1", "Theorem F.2"),
)
"""Everything that has a number in the paper."""


@each_source
def test_every_entry_has_a_claim_or_a_reason(source, items):
    assert uncovered(items) == []
    assert all(item.place and item.gist for item in items)
    assert {item.kind for item in items} <= {"statement", "equation", "table", "figure", "prose"}


@each_source
def test_the_index_names_claims_that_exist(source, items):
    assert {name for item in items for name in item.claims} <= set(CLAIMS)


@each_source
def test_every_claim_of_a_source_stands_in_its_index(source, items):
    indexed = {name for item in items for name in item.claims}
    assert {claim.id for claim in CLAIMS.values() if claim.whose == source} <= indexed


def test_nothing_with_a_number_is_left_out():
    places = "; ".join(item.place for item in PAPER)
    missing = [name for name in NUMBERED if not re.search(re.escape(name) + r"(?![\d.])", places)]
    assert missing == []


@each_source
def test_a_reason_stands_by_itself(source, items):
    """No line numbers of a text that readers do not have, and nothing that is still to be done."""
    for item in items:
        for text in (item.place, item.gist, item.reason):
            assert not re.search(r"\blines? \d|\bl\.\s?\d|MISSING|issue", text), text


def test_the_pages_show_the_index_and_the_counts():
    assert (ROOT / "docs" / "claims-index.md").read_text() == index_markdown(CLAIMS)
    readme = (ROOT / "README.md").read_text()
    assert readme == with_counts(readme, CLAIMS)
    shown = readme[readme.index(BEGIN) : readme.index(END)]
    counts = tally(expected_verdicts(CLAIMS))
    assert sum(map(int, re.findall(r"\| (\d+)(?= \|)", shown))) == len(CLAIMS)
    assert all(str(n) in shown for row in counts.values() for n in row.values())
