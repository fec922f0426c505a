"""Which groups a process scores, and by what key prompts are told apart."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from dagames_llm.grouping import Step, digest, prompt_text


@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_a_process_scores_every_group_of_which_it_has_a_trace_and_no_other(
    group_size: int, n_groups: int, data: st.DataObject
) -> None:
    places = st.integers(0, n_groups * group_size)
    start, stop = sorted((data.draw(places), data.draw(places)))
    groups = [range(i * group_size, (i + 1) * group_size) for i in range(n_groups)]
    expected = [group for group in groups if set(group) & set(range(start, stop))]
    assert Step([], groups, start, stop).of_this_process() == expected


def test_digests_of_different_prompts_differ_however_their_texts_join() -> None:
    texts = ("", "a", "text", "atexta")
    prompts = [list(drawn) for size in range(4) for drawn in product(texts, repeat=size)]
    assert len({digest(drawn) for drawn in prompts}) == len(prompts)
    assert len({digest([[{"role": "user", "content": text}]]) for text in texts} | {digest([t]) for t in texts}) == 8


def test_a_conversation_is_known_by_its_last_message() -> None:
    system = {"role": "system", "content": "Be brief."}
    assert prompt_text([system, {"role": "user", "content": [{"type": "text", "text": "1 + 1 ="}]}]) == "1 + 1 ="
    assert prompt_text("1 + 1 =") == "1 + 1 ="
    assert prompt_text([]) == ""
