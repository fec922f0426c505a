"""Reward tables by example: look-ups, rounding, files, and the messages."""

import importlib
import inspect
import json
from collections.abc import Iterator
from fractions import Fraction
from operator import attrgetter

import jaxtyping
import numpy as np
import pytest

import dagames.estimators
from dagames import DomainError, ShapeError
from dagames.estimators import (
    LOG,
    METHODS,
    Reward,
    RewardTable,
    as_reward,
    elevated_table,
    harmonic_table,
    minimax_table,
    pareto_frontier,
    plugin_table,
    polynomial_table,
    power,
    split_table,
    taylor_table,
    ustatistic_table,
)
from dagames.estimators.checksummed import from_checksummed, to_checksummed
from dagames.estimators.ustatistics import falling_factorials


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_states_the_options_of_its_function(name):
    make = attrgetter(METHODS[name].function)(dagames.estimators)
    defaults = {p.name: p.default for p in inspect.signature(make).parameters.values() if p.name not in {"K", "c_0"}}
    assert set(defaults) == {"counts", *METHODS[name].options}
    assert defaults["counts"] == ("centred" if name == "recommended" else "self-inclusive")
    table = make(5)
    assert isinstance(table, RewardTable)
    assert table.group_size == 5
    assert table.method == {"recommended": "taylor", "elevated": "elevated minimax"}.get(name, name)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_every_kind_of_integer_is_looked_up_in_any_shape(dtype):
    table = minimax_table(16)
    counts = np.array([[1, 16], [7, 1]], dtype=dtype)
    np.testing.assert_array_equal(table.reward(counts), table.coefficients[counts])
    assert table.reward(np.array(3, dtype=dtype)).shape == ()
    assert table.reward(np.zeros((0, 4), dtype=dtype)).shape == (0, 4)


@pytest.mark.parametrize("wrong", [-1, -5, -9, -10, -100, 5, 6, 9, 10, 1000])
@pytest.mark.parametrize("counts", ["independent", "self-inclusive", "centred"])
def test_counts_out_of_range_are_refused_wherever_they_stand(wrong, counts):
    table = plugin_table(4, counts=counts)
    with pytest.raises(DomainError, match=f"integers from {int(counts != 'independent')} to 4"):
        table.reward(np.array([1, 2, wrong, 4]))


@pytest.mark.parametrize("counts", ["independent", "self-inclusive"])
@pytest.mark.parametrize("wrong", [-(2**63), -17, -1, 0, 17, 18, 2**31, 2**63 - 1])
def test_a_wrong_count_is_found_in_every_part(monkeypatch, counts, wrong):
    monkeypatch.setattr(importlib.import_module("dagames.estimators.look_up"), "PART", 4)
    table, right = minimax_table(16, counts=counts), np.arange(10) + 1
    np.testing.assert_array_equal(table.reward(right), table.coefficients[right])
    np.testing.assert_array_equal(table.reward(right[::-2]), table.coefficients[right[::-2]])
    for place in range(10):
        asked = right.copy()
        asked[place] = wrong
        if wrong == 0 and counts == "independent":
            assert table.reward(asked)[place] == table.coefficients[0]
            continue
        with pytest.raises(DomainError, match="`counts` must be integers from"):
            table.reward(asked)


@pytest.mark.parametrize("counts", ["independent", "self-inclusive"])
def test_unsigned_counts_beyond_every_signed_one_are_refused(counts):
    with pytest.raises(DomainError, match="`counts` must be integers from"):
        minimax_table(4, counts=counts).reward(np.array([1, 2**64 - 1], dtype=np.uint64))


def test_a_self_inclusive_table_never_reads_c_0_and_says_so():
    table = RewardTable(2, np.array([99.0, -1.0, 0.0]), "self-inclusive")
    assert table.coefficients.tolist() == [-1.0, -1.0, 0.0]
    with pytest.raises(DomainError, match="from 1 to 2"):
        table.reward([0])
    with pytest.raises(ValueError, match="read-only"):
        table.coefficients[1] = 0.0


def test_one_trace_is_a_table_too():
    independent, own = minimax_table(1, counts="independent"), minimax_table(1)
    assert independent.bias.upper == pytest.approx(0.0772019925, abs=1e-10)
    assert own.coefficients[0] == own.coefficients[1]
    assert own.bias.upper == pytest.approx(0.2784645427, abs=1e-10)
    assert own.variance == (0.0, 0.0) or own.variance.upper < 1e-300
    assert split_table(2).group_size == 1


@pytest.mark.parametrize(("precision", "least"), [("float32", 1.0), ("bfloat16", 2.0)])
def test_a_rounded_table_has_a_bias_of_its_own(precision, least):
    table = minimax_table(16)
    rounded = table.rounded(precision)
    assert rounded.precision == precision
    assert rounded.bias.lower > least * table.bias.upper
    assert rounded.rounded(precision).coefficients.tolist() == rounded.coefficients.tolist()
    assert table.rounded("float64").coefficients.tolist() == table.coefficients.tolist()
    error = np.abs(rounded.coefficients - table.coefficients) / np.abs(table.coefficients)
    assert error.max() <= {"float32": 2.0**-24, "bfloat16": 2.0**-8}[precision]


def test_bfloat16_rounds_to_the_nearest_and_ties_to_even():
    values = np.array([1.0, 1.0 + 2.0**-8, 1.0 + 3 * 2.0**-8, 1.0 + 2.0**-8 + 2.0**-20, -(1.0 + 2.0**-8)])
    table = RewardTable(4, values, "independent").rounded("bfloat16")
    assert table.coefficients.tolist() == [1.0, 1.0, 1.0 + 2.0**-6, 1.0 + 2.0**-7, -1.0]


def test_a_precision_that_cannot_hold_the_entries_is_refused():
    with pytest.raises(DomainError, match=r"coefficients of .* overflow float32"):
        minimax_table(200).rounded("float32")


def test_float64_loses_the_minimax_table_from_fifty_traces_on():
    small, large = minimax_table(40, counts="independent"), minimax_table(56, counts="independent")
    assert small.bias.upper <= small.optimum.upper * 1.1
    assert large.bias.lower > large.optimum.upper * 1.1


def test_files_come_back_as_they_were_and_notice_changes(tmp_path):
    path = tmp_path / "table.json"
    table = minimax_table(8, reward="entropy:1.5", counts="independent")
    table.save(path)
    again = RewardTable.load(path)
    for name in (
        "group_size",
        "counts",
        "method",
        "precision",
        "optimum",
        "bias",
        "second_moment",
        "variance",
        "estimand",
    ):
        assert getattr(again, name) == getattr(table, name)
    np.testing.assert_array_equal(again.coefficients, table.coefficients)
    with pytest.raises(DomainError, match="exists already"):
        table.save(path)
    table.save(path, overwrite=True)
    content = json.loads(path.read_text())
    changed = path.read_text().replace('"group_size": 8', '"group_size": 9')
    path.write_text(changed)
    with pytest.raises(DomainError, match="was changed after it was written"):
        RewardTable.load(path)
    assert len(content["sha256"]) == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coefficients": [0.0] * 9}, "claims a bias in"),
        ({"bias": [0.0, 0.0]}, "claims a bias in"),
        ({"format": "another"}, "is not a reward table"),
        ({"counts": "both"}, "`counts` must be one of"),
        ({"coefficients": [0.0]}, "`coefficients` has shape"),
        ({"estimates": {"name": "x", "terms": [["1/0", 0, "1"]]}}, "the field 'estimates' has the terms"),
        ({"group_size": None}, "the field 'group_size' must be an integer from 1 to 10000, not None"),
        ({"estimates": {"name": "sqrt", "terms": [["0", 1, "1"]]}}, "names its reward 'sqrt'"),
        ({"estimates": {"name": "x", "terms": [["0", 10**9, "1"]]}}, "powers above -1 and up to"),
        ({"estimates": {"name": "x", "terms": [["1e999999999", 0, "1"]]}}, "has the terms"),
        ({"precision": "float32"}, "the `coefficients` are not float32 numbers"),
        ({"precision": "float8"}, "`precision` must be one of"),
        ({"second_moment": [0.0, 1.0]}, "claims a second moment in"),
        ({"variance": [0.0, 1.0]}, "claims a variance in"),
        ({"more": 1}, "a reward table has no field 'more'"),
    ],
)
def test_a_file_with_a_right_checksum_is_proved_again(tmp_path, change, message):
    path = tmp_path / "table.json"
    minimax_table(8, counts="independent").save(path)
    path.write_text(to_checksummed(from_checksummed(path.read_text(), "it") | change))
    with pytest.raises((DomainError, ShapeError), match=message):
        RewardTable.load(path)


NUMBERS = ("group_size", "coefficients", "bias", "second_moment", "variance", "optimum")
WRONG = (
    None,
    True,
    0,
    -1,
    7,
    1e-9,
    10**400,
    "x",
    "x" * 10**4,
    [],
    [[[[]]]],
    [0.0, 1e-9],
    [1, 2, 3],
    ["a", 1],
    {},
    {"a": 1},
)


@pytest.mark.parametrize("field", [*json.loads(minimax_table(4).to_json()), "optimum"])
def test_no_forged_field_is_reported(tmp_path, field):
    """Each field in turn is replaced, and the checksum made anew: a file is refused by name, or tells the truth."""
    path, table = tmp_path / "table.json", minimax_table(8)
    true = json.loads(table.to_json())
    true.pop("sha256")
    for wrong in WRONG:
        path.write_text(
            to_checksummed(true | {field: wrong}) if field != "sha256" else json.dumps(true | {field: wrong})
        )
        message, loaded, numbers = _read(
            path, [n for n in NUMBERS if (field, wrong, n) != ("optimum", None, "optimum")]
        )
        if loaded is None:
            assert str(path) in message or "must be one of" in message
            continue
        assert field in {"method", "optimum", "estimates"}
        for name, number in numbers.items():
            np.testing.assert_array_equal(number, getattr(table, name), err_msg=f"{field} = {wrong!r:.40}")


def _read(path, names):
    try:
        loaded = RewardTable.load(path)
        return "", loaded, {name: getattr(loaded, name) for name in names}
    except (DomainError, ShapeError) as error:
        return str(error), None, {}


@pytest.mark.parametrize("share", [0.5, 0.999, 1.001, 2.0])
def test_a_forged_optimum_is_refused_when_it_is_read(tmp_path, share):
    path, table = tmp_path / "table.json", minimax_table(8)
    claimed = [share * end for end in table.optimum]
    path.write_text(to_checksummed(from_checksummed(table.to_json(), "it") | {"optimum": claimed}))
    loaded = RewardTable.load(path)
    with pytest.raises(DomainError, match=r"table.json claims a least bias in .*; it is in"):
        _ = loaded.optimum
    with pytest.raises(DomainError, match="claims a least bias"):
        loaded.rounded("float32")
    assert loaded.bias == table.bias


@pytest.mark.parametrize("field", [*json.loads(minimax_table(4).to_json())])
def test_a_missing_field_is_named(tmp_path, field):
    path = tmp_path / "table.json"
    content = json.loads(minimax_table(4).to_json())
    content.pop("sha256")
    kept = {name: value for name, value in content.items() if name != field}
    path.write_text(to_checksummed(kept) if field != "sha256" else json.dumps(kept))
    with pytest.raises(DomainError, match=f"`{field}`|'{field}'"):
        RewardTable.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[" * 10**5, "is not JSON: too deep"),
        ("{}", "has no `sha256`"),
        ("3", "has no `sha256`"),
        ('{"bias": [NaN, 1], "sha256": ""}', "is not JSON: NaN is not a number"),
        ('{"bias": [-Infinity, 1], "sha256": ""}', "is not JSON: -Infinity is not a number"),
        ('{"group_size": ' + "1" * 10**4 + "}", "is not JSON: Exceeds the limit"),
        ('{"bias": [1e999, 1], "sha256": ""}', "is not JSON: 1e999 is beyond float64"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(DomainError, match=message):
        RewardTable.load(path)
    with pytest.raises(DomainError, match="cannot read"):
        RewardTable.load(tmp_path / "none.json")
    path.write_text(" " * (2**20 + 1))
    with pytest.raises(DomainError, match="is larger than"):
        RewardTable.load(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: minimax_table(0), "`K` must be an integer of at least 1, not 0"),
        (lambda: minimax_table(True), "`K` must be an integer"),
        (lambda: minimax_table(2.5), "`K` must be an integer of at least 1, not 2.5"),
        (lambda: minimax_table(258), "up to 256 traces"),
        (
            lambda: minimax_table(4, counts="both"),
            "`counts` must be one of self-inclusive, centred, independent, not 'both'",
        ),
        (lambda: minimax_table(4, reward="lgo"), "there is no reward 'lgo'. Did you mean log"),
        (lambda: plugin_table(10**12), "tables have at most 10000000 entries"),
        (lambda: split_table(8, size="3"), "`size` must be from 1 to K - 1 = 7, not '3'"),
        (
            lambda: falling_factorials(3.0, 2),
            "`n` must be an integer of at least 0, not 3.0",
        ),
        (lambda: ustatistic_table(10**6, 1), "`n` must be an integer from 0 to 1024"),
        (lambda: elevated_table(plugin_table(4), 10**6), "averaged exactly for up to 1024"),
        (lambda: elevated_table("x", 8), "`table` must be a RewardTable"),
        (lambda: polynomial_table(10**6, [1.0]), "estimated exactly by up to 1024"),
        (lambda: plugin_table(4, c_0="a", counts="independent"), "`c_0` must be a finite number, not 'a'"),
        (lambda: plugin_table(4, c_0=-9.0), "`c_0` has no effect on self-inclusive counts"),
        (lambda: taylor_table(4, c_0="worst"), "`c_0` must be a finite number or 'best', not 'worst'"),
        (lambda: power("a"), "must be a finite number, not 'a'"),
        (lambda: Reward("mine", {1: 2}), "has the term 1: 2; each must be"),
        (lambda: Reward("mine", {(Fraction(0), 0): 0.5}), "of Fractions and an integer"),
        (lambda: minimax_table(4, counts=np.array(["a", "b"])), "`counts` must be one of"),
        (lambda: plugin_table(4).reward([[1], [1, 2]]), "`counts` is not a rectangular array"),
        (lambda: plugin_table(4).reward(np.array([1.0])), "`counts` must be integers from 1 to 4"),
        (lambda: RewardTable(2, "abc", "independent"), "`coefficients` must be real numbers"),
        (lambda: RewardTable(2, [1j, 2, 3], "independent"), "`coefficients` must be real numbers"),
        (lambda: RewardTable(2, [1, 2, 3], "independent", "log"), "`estimand` must be a reward"),
        (lambda: RewardTable.load(3), "`path` must be the path of a file, not 3"),
        (lambda: plugin_table(2).save("a\0b"), "`path` must be the path of a file"),
        (lambda: pareto_frontier(4, points=10**9), "at most 10000 are traced"),
        (lambda: as_reward("power:x"), "must be a number"),
        (lambda: as_reward("power:1e300"), r"must be above -1 and up to 256 .*, not 1e\+300"),
        (lambda: as_reward("entropy:1e300"), r"an order above 0 and up to 257\), not 1e\+300"),
        (lambda: as_reward("entropy:-1"), "it must be above -1"),
        (lambda: as_reward("entropy:nan"), "must be a finite number, not nan"),
        (lambda: Reward("mine", {(Fraction(10**6), 0): Fraction(1)}), r"has the power 1e\+06, .*up to 10000"),
        (lambda: Reward("mine", {(Fraction(0), 0): Fraction(10**5000)}), "numbers of 16610 bits"),
        (lambda: as_reward("power:nan"), "must be a finite number, not nan"),
        (lambda: as_reward("power:inf"), "must be a finite number, not inf"),
        (lambda: as_reward("power:-1"), "it must be above -1"),
        (lambda: as_reward("entropy:0"), "it must be above -1"),
        (lambda: as_reward(3), "there is no reward 3"),
        (lambda: Reward("mine", {}), "has no terms"),
        (
            lambda: Reward("mine", {(LOG.terms.copy().popitem()[1], -1): LOG.terms.copy().popitem()[1]}),
            "infinite at p = 1",
        ),
        (lambda: taylor_table(1), "`K` is 1: with self-inclusive counts no other trace is left"),
        (lambda: taylor_table(2, counts="centred"), "`K` is 2: with centred counts no other trace is left"),
        (lambda: taylor_table(4, c_0=np.nan), "`c_0` must be a finite number or 'best'"),
        (lambda: split_table(1), "`size` must be from 1 to K - 1"),
        (lambda: split_table(4, size=4), "`size` must be from 1 to K - 1 = 3, not 4"),
        (lambda: elevated_table(harmonic_table(8), 4), "the table needs 7"),
        (lambda: falling_factorials(3, 4), "`m` must be an integer from 0 to 3, not 4"),
        (lambda: falling_factorials(3, 1.0), "`m` must be an integer"),
        (lambda: ustatistic_table(3, 3), "`m` must be an integer from 0 to 2"),
        (lambda: polynomial_table(3, [0.0, 0.0, 0.0, 1.0]), "estimate powers up to 2 without bias"),
        (lambda: polynomial_table(3, [np.inf]), r"`coefficients\[0\]` is inf"),
        (lambda: minimax_table(4).rounded("float8"), "`precision` must be one of"),
    ],
)
def test_mistakes_are_answered_by_name(call, message):
    with pytest.raises((DomainError, ShapeError), match=message):
        call()
