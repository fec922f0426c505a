"""A target scores whole orbits, whatever its rows are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames._errors import DagamesError
from dagames.targets import AnswerGroup, GiniDiversity, InverseFrequency, MajorityVote
from dagames_llm.extract import first_number
from dagames_llm.monitors import Monitor
from dagames_llm.rewards import TargetReward, Trace, groups_of, target_named

TARGETS = [MajorityVote(), MajorityVote(ties="none"), InverseFrequency(weight=0.5), GiniDiversity(weight=2.0)]
numbers = st.lists(st.one_of(st.just("none"), st.sampled_from(["1", "2", "3"])), min_size=4, max_size=4)


def call(reward: TargetReward, groups: list[list[str]], **more: object) -> list[float]:
    size = len(groups[0])
    return reward(
        prompts=["shown"] * size * len(groups),
        completions=[text for group in groups for text in group],
        orbit=[[f"q{i}", f"r{i}"] for i, group in enumerate(groups) for _ in group],
        view=[slot * 2 // size for _ in groups for slot in range(size)],
        slot=[slot for _ in groups for slot in range(size)],
        **more,
    )


@pytest.mark.parametrize("target", TARGETS, ids=repr)
@given(st.lists(numbers, min_size=1, max_size=4))
def test_each_group_gets_the_target_s_own_rewards(target: object, groups: list[list[str]]) -> None:
    expected = [
        target.rewards(AnswerGroup(tuple(None if t == "none" else t for t in group), (0, 0, 1, 1))) for group in groups
    ]
    assert call(TargetReward(target, first_number), groups) == pytest.approx(np.concatenate(expected).tolist())


def test_the_vote_is_pooled_over_views() -> None:
    # By view 7 wins in the first and 9 in the second; pooled, 9 has three of four.
    assert call(TargetReward(MajorityVote(), first_number), [["7", "9", "9", "9"]]) == [0, 1, 1, 1]


def test_the_monitor_is_told_and_cannot_pay() -> None:
    told: dict[str, float] = {}
    groups = [["1", "1", "2", "2"], ["3", "3", "3", "no"]]
    watched = TargetReward(MajorityVote(), first_number, Monitor({"q1": "3"}))
    assert call(watched, groups, log_metric=told.__setitem__) == call(
        TargetReward(MajorityVote(), first_number), groups
    )
    assert told["accuracy"] == 0.75
    assert told["majority_ratio"] == pytest.approx((0.5 + 0.75) / 2)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_slots_out_of_order_never_pass_for_groups(slots: list[int]) -> None:
    traces = [Trace("q", slot, 0, "1") for slot in slots]
    whole = slots == list(range(len(slots))) or (
        slots[0] == 0 and len({tuple(part) for part in split_at_zero(slots)}) == 1
        and split_at_zero(slots)[0] == list(range(len(split_at_zero(slots)[0])))
    )  # fmt: skip
    if whole:
        assert [len(group) for group in groups_of(traces)] == [len(part) for part in split_at_zero(slots)]
    else:
        with pytest.raises(RuntimeError):
            groups_of(traces)


def split_at_zero(slots: list[int]) -> list[list[int]]:
    parts: list[list[int]] = []
    for slot in slots:
        if slot == 0 or not parts:
            parts.append([])
        parts[-1].append(slot)
    return parts


def test_two_questions_are_never_one_group() -> None:
    with pytest.raises(RuntimeError):
        groups_of([Trace("q", 0, 0, "1"), Trace("r", 1, 0, "1")])


def test_targets_by_name() -> None:
    assert target_named("gini_diversity", weight=2.0) == GiniDiversity(weight=2.0)
    assert target_named("majority_vote", ties="none") == MajorityVote(ties="none")
    with pytest.raises(DagamesError, match="majority_vote"):
        target_named("majority")
    with pytest.raises(DagamesError):
        target_named("majority_vote", ties="coin")
