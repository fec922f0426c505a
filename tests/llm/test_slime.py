"""The reward for slime's `--group-rm`, on a stand-in with the public fields of slime's `Sample`."""

import asyncio
import logging
import sys
from dataclasses import dataclass, field
from enum import Enum
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames.targets import AnswerGroup, Centrality, InverseFrequency, MajorityVote
from dagames_llm import slime
from dagames_llm._errors import DataError, ExtractError, GroupError, RecipeError
from dagames_llm.baselines import baseline_rewards
from dagames_llm.distances import TokenF1
from dagames_llm.rewards import TargetReward

OWN = TargetReward(MajorityVote() + 0.5 * InverseFrequency())


class Status(Enum):
    COMPLETED = "completed"
    TRUNCATED = "truncated"
    ABORTED = "aborted"
    FAILED = "failed"


@dataclass
class Sample:
    """The fields that slime's own class has, of those that a reward function reads (slime/utils/types.py)."""

    response: str = ""
    group_index: int | None = 0
    index: int | None = 0
    prompt: str = "1 + 6?"
    label: str | None = None
    status: Status = Status.COMPLETED
    metadata: dict = field(default_factory=dict)
    reward: float | None = None


def arguments(normalised=True, **stated):
    return SimpleNamespace(
        dagames=stated, rewards_normalization=normalised, grpo_std_normalization=False, n_samples_per_prompt=4
    )


def rewards(samples, args):
    return asyncio.run(slime.reward(args, samples))


def as_slime_normalises(values):
    """Subtract the mean of the group, as slime does after its reward function (slime/ray/rollout.py)."""
    return np.array(values) - np.mean(values)


@pytest.mark.parametrize("target", [MajorityVote(), InverseFrequency()])
@given(answers=st.lists(st.sampled_from(["7", "8", "no number", "-3"]), min_size=2, max_size=12))
def test_a_group_gets_the_target_minus_the_mean(target, answers):
    name = {"MajorityVote": "majority_vote", "InverseFrequency": "inverse_frequency"}[type(target).__name__]
    samples = [Sample(f"It is {answer}.") for answer in answers]
    found = rewards(samples, arguments(target=name))
    paid = target.rewards(AnswerGroup([None if a == "no number" else a for a in answers]))
    assert found == pytest.approx(paid - paid.mean(), abs=1e-12)
    assert as_slime_normalises(found) == pytest.approx(found, abs=1e-12)
    assert [sample.metadata["raw_reward"] for sample in samples] == pytest.approx(paid)


def test_distances_between_texts():
    texts = ["The Nile", "nile river", "Amazon"]
    found = rewards([Sample(t) for t in texts], arguments(target="centrality", distance="token_f1", extract="text"))
    answers = ["nile", "nile river", "amazon"]
    paid = Centrality().rewards(AnswerGroup(answers, distances=TokenF1()(texts, answers)))
    assert found == pytest.approx(paid - paid.mean())


def test_a_reward_made_in_python_by_its_place():
    found = rewards([Sample(t) for t in "778"], arguments(reward="tests.llm.test_slime:OWN"))
    paid = OWN.target.rewards(AnswerGroup(list("778")))
    assert found == pytest.approx(paid - paid.mean())
    with pytest.raises(RecipeError, match="without other keys"):
        rewards([Sample("7"), Sample("8")], arguments(reward="tests.llm.test_slime:OWN", over="view"))


def test_aborted_samples_have_no_vote_and_truncated_ones_as_stated():
    samples = [Sample("7"), Sample("7", status=Status.ABORTED), Sample("8", status=Status.TRUNCATED), Sample("8")]
    rewards(samples, arguments(target="majority_vote"))
    assert [s.metadata["raw_reward"] for s in samples] == [0.0, 0.0, 1.0, 1.0]
    samples.append(Sample("7"))
    rewards(samples, arguments(target="majority_vote", truncated="abstain"))
    assert [s.metadata["raw_reward"] for s in samples] == [1.0, 0.0, 0.0, 0.0, 1.0]


def test_failed_samples_have_no_vote_and_metadata_stays():
    samples = [Sample("7", status=Status.FAILED), Sample("7"), Sample("8", metadata={"source": "a"}), Sample("8")]
    rewards(samples, arguments(target="majority_vote"))
    assert [s.metadata["raw_reward"] for s in samples] == [0.0, 0.0, 1.0, 1.0]
    assert samples[2].metadata["source"] == "a"


def test_a_reference_answer_reaches_the_targets_that_need_it():
    samples = [Sample("7", label="7.0"), Sample("8", label="7.0")]
    assert rewards(samples, arguments(target="ground_truth")) == [0.5, -0.5]


@pytest.mark.parametrize(
    ("stated", "error", "message"),
    [
        ({"target": "majorty_vote"}, RecipeError, "Did you mean majority_vote"),
        ({"target": None}, RecipeError, "nothing is rewarded"),
        ({"target": "majority_vote", "truncated": "votes"}, RecipeError, "'votes'; .* Did you mean vote"),
        ({"target": "majority_vote", "extract": "last_nmber"}, RecipeError, "Did you mean last_number"),
        ({"target": "majority_vote", "extract": "math:sqrt"}, ExtractError, "extractor sqrt failed"),
        ({"target": "majority_vote", "extract": "math:no"}, RecipeError, "cannot be loaded"),
        ({"target": "majority_vote", "baseline": "decoupled"}, RecipeError, "--disable-rewards-normalization"),
        ({"target": "centrality"}, RecipeError, "distance"),
        ({}, RecipeError, "needs a `target`"),
    ],
)
def test_wrong_settings_are_named(stated, error, message):
    with pytest.raises(error, match=message):
        rewards([Sample("7"), Sample("8")], arguments(**stated))


def test_what_slime_passes_wrongly_is_named():
    args = arguments(target="majority_vote")
    with pytest.raises(GroupError, match="--group-rm"):
        rewards(Sample("7"), args)
    with pytest.raises(GroupError, match="vote more than once"):
        rewards([[Sample("7")], [Sample("7")]], args)
    with pytest.raises(GroupError, match="of the groups 0, 1;"):
        rewards([Sample("7"), Sample("7", group_index=1)], args)
    with pytest.raises(GroupError, match="--n-samples-per-prompt"):
        rewards([Sample("7")], args)
    with pytest.raises(RecipeError, match="--custom-config-path"):
        rewards([Sample("7"), Sample("7")], SimpleNamespace())


def test_a_decoupled_baseline_stands_where_slime_subtracts_nothing():
    found = rewards(
        [Sample(t) for t in "778"], arguments(normalised=False, target="inverse_frequency", baseline="decoupled")
    )
    group = AnswerGroup(list("778"))
    target = InverseFrequency()
    assert found == pytest.approx(baseline_rewards(target, group, target.rewards(group), "decoupled", "orbit"))
    assert abs(np.sum(found)) > 0.1


def test_a_standardising_run_is_warned_of_once(caplog, monkeypatch):
    monkeypatch.setattr(slime, "_warned", [])
    args = arguments(target="majority_vote")
    args.grpo_std_normalization = True
    with caplog.at_level(logging.WARNING):
        rewards([Sample("7"), Sample("8")], args)
        rewards([Sample("7"), Sample("8")], args)
    assert [r.message.count("--disable-grpo-std-normalization") for r in caplog.records] == [1]


def test_an_orbit_is_shared_out_over_the_group(monkeypatch):
    async def generate(args, sample, sampling_params):
        sample.response = sample.prompt
        return sample

    for name in ("slime", "slime.rollout", "slime.rollout.sglang_rollout"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["slime.rollout.sglang_rollout"].generate = generate
    args = arguments(target="consensus_vote")
    views = ["1 + 6?", "6 + 1?"]
    samples = [Sample(index=8 + i, group_index=2, metadata={"orbit": views}) for i in range(4)]
    done = [asyncio.run(slime.generate(args, sample, {})) for sample in samples]
    assert [views[s.metadata["view"]] for s in done] == [s.prompt for s in done]
    assert sorted(s.metadata["view"] for s in done) == [0, 0, 1, 1]
    firsts = [Sample(index=0, group_index=i, metadata={"orbit": ["a?", "b?", "c?"]}) for i in range(6)]
    assert len({asyncio.run(slime.generate(args, sample, {})).metadata["view"] for sample in firsts}) > 1
    again = asyncio.run(slime.generate(args, Sample(index=0, prompt="6 + 1?", metadata=dict(done[-1].metadata)), {}))
    assert again.prompt == "6 + 1?"
    assert asyncio.run(slime.generate(args, Sample(prompt="as it is"), {})).prompt == "as it is"
    with pytest.raises(DataError, match=r"metadata.orbit"):
        asyncio.run(slime.generate(args, Sample(metadata={"orbit": "one text"}), {}))
