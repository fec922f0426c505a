"""Orbits: which view a slot answers, folding rows, and what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from datasets import Dataset, IterableDataset
from hypothesis import given
from hypothesis import strategies as st

from dagames_llm import prompts_to_orbits
from dagames_llm._errors import DataError
from dagames_llm.orbits import check_orbits, rows_of_views, view_of_slot

SIZES = st.integers(1, 9)


@given(SIZES, SIZES, st.integers(0, 1000))
def test_views_share_the_slots_evenly_and_are_neighbours(n_views: int, group_size: int, turn: int) -> None:
    views = [view_of_slot(slot, n_views, group_size, turn) for slot in range(group_size)]
    shares = Counter(views)
    assert len(shares) == min(n_views, group_size)
    assert set(shares.values()) <= {group_size // n_views, group_size // n_views + 1}
    assert len([i for i in range(1, group_size) if views[i] != views[i - 1]]) == len(shares) - 1


@given(SIZES, SIZES, st.integers(0, 1000))
def test_over_as_many_turns_as_views_each_has_had_as_many_slots(n_views: int, group_size: int, first: int) -> None:
    turns = range(first, first + n_views)
    shares = Counter(view_of_slot(slot, n_views, group_size, turn) for turn in turns for slot in range(group_size))
    assert set(shares.values()) == {group_size}


def row(*views: str, **more: Any) -> dict[str, Any]:
    return {"prompt": views[0], "orbit": list(views), **more}


@given(st.integers(0, 5), st.data())
def test_processes_show_what_one_would(epoch: int, data: st.DataObject) -> None:
    orbits = [row("a"), row("b", "c"), row("d", "e", "f"), {"prompt": "g", "orbit": None}]
    rows = [orbit for orbit in orbits for _ in range(4)]
    cut = data.draw(st.integers(0, len(rows)))
    parts = rows_of_views(rows[:cut], 0, 4, epoch) if any(r["orbit"] for r in rows[:cut]) else None
    whole = rows_of_views(rows, 0, 4, epoch)
    if parts is not None:
        assert whole[:cut] == parts
    for shown, original in zip(whole, rows, strict=True):
        views = original["orbit"] or [original["prompt"]]
        assert shown["orbit"] == views
        assert shown["prompt"] == views[shown["view"]]


@given(SIZES, SIZES, st.integers(0, 5), st.integers(0, 3))
def test_a_group_shows_the_same_views_wherever_it_stands(
    n_views: int, group_size: int, epoch: int, groups_before: int
) -> None:
    group = [row(*"abcdefghi"[:n_views])] * group_size
    shown = rows_of_views(group, groups_before * group_size, group_size, epoch)
    assert shown == rows_of_views(group, 0, group_size, epoch)


def test_the_larger_share_of_an_orbit_is_the_same_in_every_run() -> None:
    """Python salts the hashes of texts anew in each process: by them, two processes would show one group apart."""
    shown = [[r["view"] for r in rows_of_views([row(f"a{i}", "b", "c")] * 4, 0, 4, 0)] for i in range(6)]
    assert [max(views, key=views.count) for views in shown] == [0, 0, 0, 1, 1, 0]


def test_the_remainder_rotates_with_the_epoch_and_differs_between_orbits() -> None:
    rows = [row(f"a{i}", f"b{i}") for i in range(8)]
    first = [[r["view"] for r in rows_of_views([orbit] * 3, 0, 3, 0)] for orbit in rows]
    second = [[r["view"] for r in rows_of_views([orbit] * 3, 0, 3, 1)] for orbit in rows]
    assert all(sorted(a + b) == [0, 0, 0, 1, 1, 1] for a, b in zip(first, second, strict=True))
    assert len({tuple(views) for views in first}) > 1


def test_rows_without_orbits_stay_as_they_are() -> None:
    assert rows_of_views([{"prompt": "a", "kind": 1}], 0, 1, 0) == [{"prompt": "a", "kind": 1}]
    assert rows_of_views([{"prompt": "a", "orbit": None}], 0, 1, 0) == [{"prompt": "a"}]


@pytest.mark.parametrize(
    ("orbit", "message"),
    [
        ("two plus two", "is one text, 'two plus two'; .* `prompts_to_orbits`"),
        ([], "at least one prompt"),
        ({"a": 1}, "at least one prompt"),
        (["a", 3], "view 1, is 3"),
        (["a", [{"role": "user", "content": "b"}]], "mixes texts and conversations"),
        ([[{"content": "no role"}]], "view 0"),
    ],
)
def test_what_is_no_orbit_is_refused(orbit: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_orbits([["a"], orbit])
    with pytest.raises(DataError, match=message):
        rows_of_views([{"prompt": "p", "orbit": orbit}], 0, 1, 0)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_folding_keeps_every_prompt_once_and_in_order(ids: list[int]) -> None:
    rows = [{"prompt": f"p{i}", "kind": f"k{key}", "orbit_id": key} for i, key in enumerate(ids)]
    folded = list(prompts_to_orbits(Dataset.from_list(rows)))
    assert [r["orbit_id"] for r in folded] == list(dict.fromkeys(ids))
    for r in folded:
        assert r["orbit"] == [f"p{i}" for i, key in enumerate(ids) if key == r["orbit_id"]]
        assert r["prompt"] == r["orbit"][0]
        assert r["kind"] == f"k{r['orbit_id']}"


def test_what_cannot_be_folded_is_refused_by_row() -> None:
    rows = Dataset.from_list([{"prompt": "a", "id": 1, "gold": "x"}, {"prompt": "b", "id": 1, "gold": "y"}])
    with pytest.raises(DataError, match="row 1: `gold` is 'y', but 'x'"):
        prompts_to_orbits(rows, by="id")
    with pytest.raises(DataError, match="no column 'orbit_id'; it has prompt, id, gold"):
        prompts_to_orbits(rows)
    with pytest.raises(DataError, match="row 0: `kind` is None"):
        prompts_to_orbits(Dataset.from_list([{"prompt": "a", "kind": None}]), by="kind")
    with pytest.raises(DataError, match=r"`dataset` is of type IterableDataset; it must be .*cannot be grouped"):
        prompts_to_orbits(IterableDataset.from_generator(lambda: iter([{"prompt": "a"}])))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            [{"prompt": "a"}, {"prompt": "b"}],
            r"is a list of 2 items \(dict\); .* datasets\.Dataset\. Pass `Dataset\.from_list",
        ),
        (["a"], r"is a list of 1 item \(str\); .*from_list\(rows\)`, with rows such as"),
        ([], r"is a list of 0 items; .*with rows such as"),
        ({"prompt": ["a"]}, r"is of type dict; .*Pass one split, such as `dataset\['train'\]`, or `Dataset\.from_dict"),
    ],
)
def test_rows_that_are_no_data_set_are_described(dataset: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        prompts_to_orbits(dataset)
