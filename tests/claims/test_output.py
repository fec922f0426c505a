"""What a run writes: data that comes back as it was, Markdown, plots; and what an interrupted one keeps."""

import io
import json
import math
from dataclasses import asdict, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dagames import DomainError
from dagames.pictures.claim import draw_claim
from proofs_check.claim import Evidence, Result, Settled, worst_attack
from proofs_check.known import load_claims
from proofs_check.record import as_json, as_record, from_record
from proofs_check.run import Checkpoint, settle
from proofs_check.show import as_markdown, as_table, attack_text, print_results, tally, verdicts_of

CLAIMS = load_claims()
PLOTTED = {name: claim for name, claim in CLAIMS.items() if claim.plot is not None}
CLAIM = replace(CLAIMS["I.5"], readings=CLAIMS["I.5"].readings[:1])

numbers = st.floats(allow_nan=False)
plain = st.one_of(st.text(max_size=9), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
instances = st.dictionaries(st.text(max_size=9), plain | st.lists(plain, max_size=3), max_size=3)
evidences = st.builds(
    Evidence,
    numbers,
    numbers,
    st.sampled_from(["equal", "at most", "at least"]),
    numbers,
    instances,
    st.integers(0, 99),
    st.none() | numbers,
    st.booleans(),
    st.text(max_size=9),
)
settled = st.builds(
    Settled,
    st.sampled_from(["holds", "false", "open", "error"]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.none() | evidences,
    st.none() | evidences,
    st.lists(evidences, max_size=2).map(tuple),
    st.text(max_size=9),
)
results = st.builds(Result, st.just(CLAIM), st.tuples(settled), numbers)


def a_result(**changes):
    evidence = Evidence(1.0, 2.0, "at most", 0.0, {"nu": "(1/2, 1/2)"}, 3)
    return Result(changes.pop("claim", CLAIM), (replace(Settled("false", 1, 1, evidence), **changes),), 0.1)


@given(results)
def test_a_result_comes_back_from_json_as_it_was(result):
    assert from_record(CLAIM, json.loads(json.dumps(as_record(result), allow_nan=False))) == result


def test_numbers_of_every_kind_can_be_written_down():
    instance = {"a": np.float64(0.5), "b": np.int64(2), "c": (Fraction(1, 3), math.inf), "d": np.array([True]), 5: None}
    record = as_record(a_result(shown=Evidence(0.0, -math.inf, "equal", 0.0, instance)))
    assert record["readings"][0]["evidence"]["instance"] == {
        "a": 0.5,
        "b": 2,
        "c": ["1/3", "inf"],
        "d": [True],
        "5": None,
    }
    assert record["readings"][0]["evidence"]["measured"] == "-inf"
    with pytest.raises(TypeError, match="an instance contains <object"):
        as_record(a_result(shown=Evidence(0.0, 0.0, "equal", 0.0, {"x": object()})))


def test_the_json_form_is_the_documented_one():
    written = as_json([a_result()], 7, 2)
    assert (written["schema"], written["seed"], written["rounds"]) == (3, 7, 2)
    assert written["counts"] == {"paper": {"holds": 0, "false": 1, "depends": 0, "open": 0}}
    claim = written["claims"][0]
    assert set(claim) == {
        *("id", "title", "whose", "place", "plain", "statement", "printed", "kind", "missing", "amendment", "remark"),
        *("verdict", "in_words", "expected", "as_expected", "readings"),
    }
    assert set(claim["readings"][0]) == {
        *("supposes", "outcome", "expected", "measured_by", "comparisons", "failures", "evidence", "attack", "tight"),
        *("noted", "in_words", "attack_in_words", "error"),
    }
    evidence = {"claimed", "measured", "relation", "tolerance", "instance", "size", "ratio", "noted", "sentence"}
    assert set(claim["readings"][0]["evidence"]) == evidence


def test_every_claim_says_how_it_is_measured():
    for claim in CLAIMS.values():
        for reading in claim.readings:
            assert reading.measured_by.endswith("."), claim.id
            assert "Args:" not in reading.measured_by


@pytest.mark.parametrize(
    ("ratios", "worst", "tight"),
    [
        ([0.5, 0.9], 0.9, False),
        ([1 - 1e-8, None, 0.2], 1 - 1e-8, True),
        ([1.5, 0.1], 1.5, False),
        ([None], None, False),
    ],
)
def test_an_attack_is_tight_where_it_touches_the_bound_and_does_not_break_it(ratios, worst, tight):
    ends = [Evidence(1.0, ratio or 0.0, "at most", 0.0, {}, ratio=ratio) for ratio in ratios]
    result = a_result(attacked=worst_attack(ends))
    found = result.readings[0]
    assert found.is_tight is tight
    assert ("reached equality" in attack_text(found)) is tight
    assert (attack_text(found) == "") is (worst is None)
    assert (None if result.attacked is None else result.attacked.ratio) == worst


def test_markdown_shows_verdicts_and_evidence_and_breaks_no_table():
    piped = replace(CLAIM, title="a | b")
    text = as_markdown([a_result(claim=piped, attacked=Evidence(1.0, 0.5, "at most", 0.0, {"x": "`"}, ratio=0.5))], 3)
    assert "| I.5 | a \\| b | the paper | false | I.5a |" in text
    assert "A search" not in text
    assert "uses 0.5 of the bound" in text
    assert "counterexample: measured 2, claimed at most 1" in text
    assert "nu = (1/2, 1/2)" in text
    assert "`dagames verify I.5 --seed 3`" in text
    assert text.count("```") % 2 == 0
    surprising = as_markdown([a_result(outcome="error", shown=None, error="ZeroDivisionError: by design")], 0, 4)
    assert "error (expected false)" in surprising
    assert "ZeroDivisionError" in surprising
    assert "seeds 0 to 3" in surprising


@pytest.mark.parametrize("claim", PLOTTED.values(), ids=PLOTTED)
def test_plots_have_labels_and_finite_numbers(claim):
    plot = claim.plot()
    assert plot.x
    assert plot.y
    assert plot.caption.endswith(".")
    for line in plot.lines:
        assert len(line.x) == len(line.y) > 1
        assert np.isfinite([line.x, line.y]).all()
        assert not plot.log_y or min(line.y) > 0
    assert len({line.name for line in plot.lines}) == len(plot.lines)
    drawn = draw_claim(asdict(plot), claim.title)
    assert drawn == draw_claim(asdict(plot), claim.title)
    assert all(line.name.encode() in drawn for line in plot.lines if "<" not in line.name)


def test_what_was_settled_is_kept_until_the_result_is_written(tmp_path):
    result, records = tmp_path / "deep" / "out.json", [as_record(settle(CLAIMS[name])) for name in ("I.5", "I.7")]
    checkpoint = Checkpoint(result, 0)
    assert checkpoint.read() == {}
    checkpoint.begin([])
    for record in records:
        checkpoint.add(record)
    again = Checkpoint(result, 0)
    assert [found["id"] for found in again.read().values()] == ["I.5", "I.7"]
    assert from_record(CLAIMS["I.7"], again.read()["I.7"]).readings == settle(CLAIMS["I.7"]).readings
    assert Checkpoint(result, 1).read() == {}  # another seed
    checkpoint.end()
    assert list(result.parent.iterdir()) == []


def test_half_a_line_and_other_code_are_not_read(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "out.json", 0)
    checkpoint.begin([as_record(settle(CLAIM))])
    with checkpoint.path.open("a") as lines:
        lines.write('{"id": "I.7", "readin')
    assert set(checkpoint.read()) == {"I.5"}
    monkeypatch.setattr("proofs_check.run.fingerprint", lambda: "other")
    assert Checkpoint(tmp_path / "out.json", 0).read() == {}
    checkpoint.path.write_text("no JSON at all\n[1, 2]\n")
    assert checkpoint.read() == {}


def test_what_rested_on_another_text_of_ones_own_file_is_not_read(tmp_path):
    own, out = tmp_path / "mine.py", tmp_path / "out.json"
    own.write_text("x = 1\n")
    Checkpoint(out, 0, [own]).begin([as_record(a_result())])
    assert set(Checkpoint(out, 0, [own]).read()) == {"I.5"}
    own.write_text("x = 2\n")
    assert Checkpoint(out, 0, [own]).read() == Checkpoint(out, 0).read() == {}


def test_a_place_that_cannot_be_written_is_named_before_anything_is_computed(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DomainError, match=r"cannot write .*out\.json"):
        Checkpoint(tmp_path / "file" / "out.json", 0).begin([])
    assert Checkpoint(None, 0).read() == {}


def printed(results):
    console = Console(width=80, record=True, file=io.StringIO())
    print_results(results, console)
    return console.export_text()


def test_the_table_fits_80_columns_and_every_title_two_lines():
    results = [Result(claim, (Settled("holds"),) * len(claim.readings), 0.0) for claim in CLAIMS.values()]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(as_table(results))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert all(claim.id in " ".join(lines) for claim in CLAIMS.values())
    assert len(lines) <= 2 * len(results) + 6


def test_a_few_claims_are_shown_in_full_and_many_as_a_table():
    full = " ".join(printed([a_result()]).split())
    for words in (CLAIM.title, "Stated by the paper", "False.", "Repaired by I.5a."):
        assert words in full
    many = printed([a_result()] * 6)
    assert "stated by" in many
    assert "Stated by the paper" not in many


def test_a_sentence_takes_the_place_of_bare_numbers():
    evidence = Evidence(1.0, 2.0, "at most", 0.0, {"nu": "(1/2, 1/2)"}, sentence="Take one half: 2 is more than 1.")
    assert "Take one half: 2 is more than 1." in printed([a_result(shown=evidence)])
    assert "Counterexample" not in printed([a_result(shown=evidence)])


def test_verdicts_are_counted_by_who_states_them():
    other = replace(CLAIM, whose="ours")
    results = [a_result(), a_result(outcome="holds"), a_result(claim=other, outcome="error")]
    assert tally(verdicts_of(results)) == {
        "paper": {"holds": 1, "false": 1, "depends": 0, "open": 0},
        "ours": {"holds": 0, "false": 0, "depends": 0, "open": 0, "error": 1},
    }
