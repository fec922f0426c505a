"""Statistics of one question agree with their definitions, by enumeration of subsets and by SQuAD's own words."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames_llm._errors import DataError
from dagames_llm.evaluation.scores import (
    Answered,
    answer_entropy,
    default_ks,
    exact_match,
    majority_at,
    majority_hit,
    majority_ratio,
    pass_at,
    question_scores,
    share_right,
    token_f1,
    view_scores,
)

answers = st.lists(st.one_of(st.none(), st.sampled_from("abcd")), min_size=1, max_size=9)
golds = st.sets(st.sampled_from("abcd"), max_size=3)
texts = st.lists(st.sampled_from(["the", "a", "nile", "river", "Nile.", "-5", "5", "!"]), max_size=5).map(" ".join)


@given(answers)
def test_group_statistics(group: list[str | None]) -> None:
    ratio, entropy = majority_ratio(group), answer_entropy(group)
    assert 0 <= ratio <= 1
    assert 0 <= entropy <= math.log(len(group)) + 1e-12
    assert (entropy == 0) == (len(set(group)) == 1)
    assert majority_ratio(group[::-1]) == ratio
    assert sum(majority_hit(group, {letter}) for letter in "abcd") == pytest.approx(1.0 if any(group) else 0.0)


def test_an_alias_is_right_and_is_counted_apart_in_the_vote() -> None:
    group = ["usa", "united states", "canada", "canada", None]
    assert share_right(group, {"usa", "united states"}) == pytest.approx(2 / 5)
    assert majority_hit(group, {"usa", "united states"}) == 0
    assert majority_hit(group[:2], {"usa", "united states"}) == 1


@given(answers, golds)
def test_maj_and_pass_at_k_are_means_over_all_subsets(group: list[str | None], gold: set[str]) -> None:
    for k in range(1, len(group) + 1):
        subsets = list(combinations(group, k))
        assert majority_at(group, gold, k) == pytest.approx(fmean(majority_hit(s, gold) for s in subsets), abs=1e-12)
        solved = fmean(any(answer in gold for answer in subset if answer is not None) for subset in subsets)
        assert pass_at(group, gold, k) == pytest.approx(solved, abs=1e-12)


@given(answers, golds)
def test_pass_at_k_grows_with_k_and_is_at_least_maj_at_k(group: list[str | None], gold: set[str]) -> None:
    passed = [pass_at(group, gold, k) for k in range(1, len(group) + 1)]
    assert passed == sorted(passed)
    assert all(majority_at(group, gold, k) <= value + 1e-12 for k, value in enumerate(passed, start=1))
    assert passed[0] == pytest.approx(share_right(group, gold))
    assert majority_at(group, gold, len(group)) == pytest.approx(majority_hit(group, gold))


def test_maj_at_k_of_many_completions() -> None:
    # Counts of subsets of so many are beyond float64.
    group = ["7"] * 840 + ["8"] * 560
    drawn = (math.comb(840, 3) + math.comb(840, 2) * 560) / math.comb(1400, 3)
    assert majority_at(group, {"7"}, 3) == pytest.approx(drawn)
    # Of an even number a tie is won half the time, so the last vote decides nothing: maj@20 equals maj@19.
    assert majority_at(group, {"7"}, 20) == pytest.approx(majority_at(group, {"7"}, 19))
    assert majority_at(group, {"7"}, 20) == pytest.approx(1 - majority_at(group, {"8"}, 20))


@pytest.mark.parametrize("k", [0, 4, -1])
def test_k_is_at_most_the_number_of_completions(k: int) -> None:
    for statistic in (pass_at, majority_at):
        with pytest.raises(DataError, match="between 1 and 3"):
            statistic(["1", "2", None], {"1"}, k)


def squad_tokens(text: str) -> list[str]:
    """The published evaluation: lower case, without punctuation, without articles, split at blanks."""
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def squad_f1(prediction: str, truth: str) -> float:
    given_tokens, wanted = squad_tokens(prediction), squad_tokens(truth)
    same = sum((Counter(given_tokens) & Counter(wanted)).values())
    if not given_tokens or not wanted:
        return float(given_tokens == wanted)
    if same == 0:
        return 0
    precision, recall = same / len(given_tokens), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


@given(texts, texts)
def test_f1_and_em_are_squads(one: str, other: str) -> None:
    assert token_f1(one, other) == pytest.approx(squad_f1(one, other))
    assert token_f1(one, other) == token_f1(other, one)
    assert exact_match(one, other) == float(squad_tokens(one) == squad_tokens(other)) == exact_match(other, one)
    assert exact_match(one, other) <= token_f1(one, other) <= 1
    assert exact_match(None, other) == token_f1(None, other) == 0


def test_scores_of_a_question_by_hand() -> None:
    question = Answered(
        "where?", ("nile", "river nile"), ("the nile", None), (("nile", "nile delta"), ("nile", None)), {"cost": 0.25}
    )
    found = question_scores(question, [2], words=True)
    assert found["greedy"] == 0, "greedy accuracy is by equality of what was read"
    assert found["exact_match"] == 0.5
    assert found["sampled"] == 0.5
    assert found["majority"] == 1
    assert found["maj@2"] == pytest.approx((0.5 + 1.0) / 2)
    assert found["pass@2"] == 1
    assert found["f1"] == 0.5
    assert found["f1_sampled"] == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)
    assert found["coherence"] == 0, "an unread answer agrees with none"
    assert found["coherence_sampled"] == 0.25
    assert found["distinct_answers"] == 2
    assert found["unparsed"] == 0.25
    assert found["cost"] == 0.25
    assert view_scores(question, 1, [1]) == {"greedy": 0, "sampled": 0.5, "maj@1": 0.5, "pass@1": 0.5}
    assert "f1" not in question_scores(question, [2], words=False)


def test_scores_without_gold_and_with_one_view() -> None:
    found = question_scores(Answered("?", (), ("1",), (("1", "2"),)), [2], words=False)
    assert set(found) == {"majority_ratio", "answer_entropy", "distinct_answers", "unparsed"}


@given(st.integers(1, 40))
def test_default_ks_are_powers_of_two_and_all_samples(samples: int) -> None:
    ks = default_ks(samples)
    assert ks == sorted(set(ks))
    assert all(1 < k <= samples for k in ks)
    assert samples == 1 or ks[-1] == samples


def test_wordings_whose_answers_are_unread_do_not_agree() -> None:
    scores = question_scores(Answered("q", (), (None, None), (("1", None), ("1", None))), (), words=False)
    assert scores["coherence"] == 0
    assert scores["coherence_sampled"] == 0.25, "of the four pairs one has two answers that were read, and equal"
