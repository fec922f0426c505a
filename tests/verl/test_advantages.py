"""verl's own `compute_advantage` with the estimator `dagames`, against the targets by hand."""

import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from verl.trainer.ppo.core_algos import get_adv_estimator_fn
from verl.trainer.ppo.ray_trainer import compute_advantage

from dagames.targets import (
    Centrality,
    ConsensusVote,
    CrossedVote,
    GiniDiversity,
    InverseFrequency,
    MajorityVote,
    PriorMatching,
)
from dagames_llm import verl as glue
from dagames_llm._errors import GroupError, RecipeError
from dagames_llm.distances import TokenF1
from dagames_llm.engines import trace
from tests.verl.batches import TOKENS, algorithm, batch, expected

CODED = {
    "majority_vote": MajorityVote(),
    "inverse_frequency": InverseFrequency(),
    "gini_diversity": GiniDiversity(),
    "consensus_vote": ConsensusVote(),
    "crossed_vote": CrossedVote(),
}


def per_row(data):
    """Return the advantage of each row, after a look that its tokens agree and the masked ones are 0."""
    found, mask = data.batch["advantages"], data.batch["response_mask"].bool()
    assert torch.equal(data.batch["returns"], found)
    assert not found[~mask].any()
    largest = torch.where(mask, found, -torch.inf).amax(dim=1)
    smallest = torch.where(mask, found, torch.inf).amin(dim=1)
    assert torch.equal(largest[mask.any(dim=1)], smallest[mask.any(dim=1)])
    return torch.where(mask.any(dim=1), largest, 0.0).numpy()


@st.composite
def steps(draw):
    """Draw the rows of a step: groups of unequal sizes, shuffled, some answers unread."""
    sizes = draw(st.lists(st.integers(2, 9), min_size=1, max_size=4))
    uids = draw(st.permutations([f"q{g}" for g, size in enumerate(sizes) for _ in range(size)]))
    answers = draw(st.lists(st.sampled_from(["7", "-1/2", "42", "A", None]), min_size=len(uids), max_size=len(uids)))
    views = draw(st.lists(st.integers(0, 2), min_size=len(uids), max_size=len(uids)))
    return list(uids), answers, views


@pytest.mark.parametrize("name", CODED)
@settings(max_examples=40, deadline=None)
@given(steps())
def test_verl_computes_the_target_minus_the_mean(name, step):
    uids, answers, views = step
    data = compute_advantage(batch(answers, uids, views), "dagames", config=algorithm(target=name))
    assert per_row(data) == pytest.approx(expected(CODED[name], answers, uids, views), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(steps())
def test_answers_handed_over_give_what_their_codes_give(step):
    uids, answers, views = step
    traces = [trace("any", a, v) for a, v in zip(answers, views, strict=True)]
    coded = compute_advantage(batch(answers, uids, views), "dagames", config=algorithm(target="consensus_vote"))
    zero = batch(answers, uids, views)
    zero.batch["token_level_rewards"] *= 0
    with glue.traces_passed(traces):
        given_ = compute_advantage(zero, "dagames", config=algorithm(target="consensus_vote"))
    assert torch.equal(coded.batch["advantages"], given_.batch["advantages"])


def test_distances_between_the_texts_of_a_group():
    texts = ["The Nile", "nile river", "Amazon", "the amazon", "Nile", "Congo"]
    uids = ["a", "b", "a", "b", "b", "a"]
    answers = [t.lower() for t in texts]
    config = algorithm(target="centrality", distance="token_f1")
    with glue.traces_passed([trace("any", a, 0, t) for a, t in zip(answers, texts, strict=True)]):
        data = compute_advantage(batch(answers, uids), "dagames", config=config)
    wanted = expected(Centrality(), answers, uids, distances=TokenF1()(texts, answers))
    assert np.ptp(wanted) > 0.1
    assert per_row(data) == pytest.approx(wanted, abs=1e-6)


def test_a_prior_is_over_the_answers_themselves():
    answers, uids = ["7", "7", "8", None], ["q"] * 4
    with glue.traces_passed([trace("any", a) for a in answers]):
        data = compute_advantage(
            batch(answers, uids),
            "dagames",
            config=algorithm(target="prior_matching", target_options={"prior": {"7": 0.1, "8": 0.9}}),
        )
    wanted = expected(PriorMatching({"7": 0.1, "8": 0.9}), answers, uids)
    assert per_row(data) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("baseline", "over"), [("leave_one_out", "orbit"), ("decoupled", "orbit"), ("group", "view")])
def test_other_baselines_are_not_centred_again(baseline, over):
    from dagames.targets import AnswerGroup
    from dagames_llm.baselines import baseline_rewards

    answers, views = ["7", "7", "8", None, "8", "8", "9"], [0, 1, 0, 1, 0, 1, 0]
    config = algorithm(target="inverse_frequency", baseline=baseline, over=over)
    data = compute_advantage(batch(answers, ["q"] * 7, views), "dagames", config=config)
    group = AnswerGroup(answers, views)
    wanted = baseline_rewards(InverseFrequency(), group, InverseFrequency().rewards(group), baseline, over)
    assert per_row(data) == pytest.approx(wanted, abs=1e-6)


def test_padding_rows_neither_vote_nor_stop_the_step():
    answers, uids = [None, "7", "7", None, "8"], ["pad1", "q", "q", "pad1", "q"]
    data = batch(answers, uids, lengths=[0, 2, 3, 0, 1])
    data.batch["token_level_rewards"][[0, 3]] = 0.0
    found = per_row(compute_advantage(data, "dagames", config=algorithm(target="majority_vote")))
    assert found == pytest.approx([0, 1 / 3, 1 / 3, 0, -2 / 3], abs=1e-6)


def test_a_row_rejected_by_its_mask_still_votes():
    data = batch(["7", "7", "8"], ["q"] * 3, lengths=[0, 3, 1])
    found = compute_advantage(data, "dagames", config=algorithm(target="majority_vote")).batch["advantages"]
    assert found[:, 0].tolist() == pytest.approx([0, 1 / 3, -2 / 3], abs=1e-6)


def test_a_group_of_one_beside_others_has_no_advantage():
    data = batch(["7", "7", "8", "5"], ["q", "q", "q", "alone"])
    found = per_row(compute_advantage(data, "dagames", config=algorithm(target="majority_vote")))
    assert found == pytest.approx([1 / 3, 1 / 3, -2 / 3, 0], abs=1e-6)


def test_verl_knows_the_estimator_through_its_entry_point():
    assert get_adv_estimator_fn("dagames") is glue.advantages


@settings(deadline=None)
@given(st.one_of(st.none(), st.text(max_size=20)), st.integers(0, glue.MOST_VIEWS - 1))
def test_codes_survive_float32(answer, view):
    number = glue.encode(answer, view)
    assert float(np.float32(number)) == number
    code, found = glue.decode(number, 0)
    assert (found, code is None) == (view, answer is None)


def test_codes_are_those_of_the_answers_only():
    codes = {glue.encode(str(n)) for n in range(1000)} | {glue.encode(None)}
    assert len(codes) == 1001
    assert glue.encode("7") == glue.encode("7")


BAD = {
    "unknown target": (lambda d: d, {"target": "majorty_vote"}, RecipeError, "Did you mean majority_vote"),
    "unknown key": (
        lambda d: d,
        {"target": "majority_vote", "basline": "group"},
        RecipeError,
        "Did you mean baseline",
    ),
    "no settings": (lambda d: d, {}, RecipeError, "needs a `target`"),
    "a target that needs distances": (lambda d: d, {"target": "centrality"}, RecipeError, "distance"),
    "unknown distance": (lambda d: d, {"target": "centrality", "distance": "token"}, RecipeError, "token_f1"),
    "unknown baseline": (lambda d: d, {"target": "majority_vote", "baseline": "mean"}, RecipeError, "leave_one_out"),
    "no module": (lambda d: d, {"reward": "no.such:thing"}, RecipeError, "PYTHONPATH"),
    "no reward": (lambda d: d, {"reward": "math:pi"}, RecipeError, "TargetReward"),
    "more than codes hold": (
        lambda d: d,
        {"target": "prior_matching", "target_options": {"prior": {"7": 1.0}}},
        RecipeError,
        "dagames_sync",
    ),
    "no uid": (lambda d: d.non_tensor_batch.pop("uid"), {"target": "majority_vote"}, GroupError, "uid"),
    "a missing uid": (
        lambda d: d.non_tensor_batch["uid"].__setitem__(1, None),
        {"target": "majority_vote"},
        GroupError,
        "uid",
    ),
    "groups of one": (
        lambda d: d.non_tensor_batch.update(uid=np.array(["a", "b", "c", "d"], dtype=object)),
        {"target": "majority_vote"},
        GroupError,
        "rollout.n",
    ),
    "NaN": (
        lambda d: d.batch["token_level_rewards"].__setitem__((1, 0), float("nan")),
        {"target": "majority_vote"},
        GroupError,
        "score of row 1 is nan",
    ),
    "another reward function": (
        lambda d: d.batch["token_level_rewards"].mul_(0.5),
        {"target": "majority_vote"},
        GroupError,
        "custom_reward_function",
    ),
    "a score of 0": (
        lambda d: d.batch["token_level_rewards"].mul_(0),
        {"target": "majority_vote"},
        GroupError,
        "custom_reward_function",
    ),
    "a negative score": (
        lambda d: d.batch["token_level_rewards"].mul_(-1),
        {"target": "majority_vote"},
        GroupError,
        "custom_reward_function",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message_with_a_remedy(case):
    spoil, stated, error, message = BAD[case]
    data = batch(["7", "7", "8", None], ["q"] * 4)
    spoil(data)
    with pytest.raises(error, match=message):
        compute_advantage(data, "dagames", config=algorithm(**stated))


def test_a_kl_in_the_score_is_refused():
    config = algorithm(target="majority_vote")
    config.use_kl_in_reward = True
    with pytest.raises(RecipeError, match="use_kl_loss=True"):
        compute_advantage(batch(["7", "8"], ["q"] * 2), "dagames", config=config)


def test_traces_of_another_batch_are_refused():
    with glue.traces_passed([trace("any", "7")]), pytest.raises(GroupError, match="1 traces were passed for 2 rows"):
        compute_advantage(batch(["7", "8"], ["q"] * 2), "dagames", config=algorithm(target="majority_vote"))


def test_too_many_views_are_refused():
    with pytest.raises(GroupError, match="at most 64 views"):
        glue.encode("7", 64)


def test_all_unread_is_no_signal():
    data = compute_advantage(
        batch([None] * TOKENS, ["q"] * TOKENS), "dagames", config=algorithm(target="majority_vote")
    )
    assert not data.batch["advantages"].any()


logging.getLogger("verl").setLevel(logging.ERROR)
