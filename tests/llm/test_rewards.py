"""A target as a TRL reward: groups by place, by `orbit_id`, by orbit; never by equal text, never across prompts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames._errors import DagamesError
from dagames.grpo import decoupled_advantages, group_advantages
from dagames.targets import AnswerGroup, CrossedVote, GiniDiversity, GroundTruth, InverseFrequency, MajorityVote
from dagames_llm import TargetReward
from dagames_llm._errors import ExtractError, GroupError, RecipeError
from dagames_llm.monitors import Monitor

TARGETS = [MajorityVote(), MajorityVote(ties="none"), InverseFrequency(weight=0.5), GiniDiversity(weight=2.0)]
NUMBERS = st.sampled_from(["none", "1", "2", "3"])
GROUPS = st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=1, max_size=4)


def expected(target: Any, group: list[str], views: tuple[int, ...] = (0, 0, 0, 0)) -> list[float]:
    return target.rewards(AnswerGroup([None if t == "none" else t for t in group], views)).tolist()


def reward_of(target: Any, **more: Any) -> TargetReward:
    return TargetReward(target, extract="first_number", group_size=4, **more)


def flat(groups: list[list[Any]]) -> list[Any]:
    return [entry for group in groups for entry in group]


@pytest.mark.parametrize("target", TARGETS, ids=repr)
@given(groups=GROUPS)
def test_each_prompt_gets_the_rewards_of_its_own_group(target: Any, groups: list[list[str]]) -> None:
    prompts = flat([[f"q{i}"] * 4 for i in range(len(groups))])
    paid = reward_of(target)(prompts=prompts, completions=flat(groups))
    assert paid == pytest.approx(flat([expected(target, group) for group in groups]))


@pytest.mark.parametrize("target", TARGETS, ids=repr)
@given(groups=GROUPS, data=st.data())
def test_an_orbit_id_groups_rows_wherever_they_are(target: Any, groups: list[list[str]], data: st.DataObject) -> None:
    rows = [(i, f"q{i}, view {j // 2}", text) for i, group in enumerate(groups) for j, text in enumerate(group)]
    order = data.draw(st.permutations(range(len(rows))))
    ids, prompts, texts = zip(*(rows[i] for i in order), strict=True)
    paid = TargetReward(target, extract="first_number")(prompts=prompts, completions=texts, orbit_id=list(ids))
    wanted = flat([expected(target, group) for group in groups])
    assert paid == pytest.approx([wanted[i] for i in order])


@given(first=st.lists(NUMBERS, min_size=4, max_size=4), second=st.lists(NUMBERS, min_size=4, max_size=4))
def test_equal_prompts_in_two_rows_are_two_groups(first: list[str], second: list[str]) -> None:
    paid = reward_of(MajorityVote())(prompts=["q"] * 8, completions=first + second)
    assert paid == expected(MajorityVote(), first) + expected(MajorityVote(), second)


def test_a_group_never_crosses_prompts_in_silence() -> None:
    with pytest.raises(GroupError, match=r"completions 0 and 2 .* in one group of 4 .* `orbit_id`"):
        reward_of(MajorityVote())(prompts=["q", "q", "r", "r"], completions=["1"] * 4)
    with pytest.raises(GroupError, match="6 completions are not a multiple of the group size 4"):
        reward_of(MajorityVote())(prompts=["q"] * 6, completions=["1"] * 6)
    with pytest.raises(GroupError, match="`group_size=`"):
        TargetReward(MajorityVote())(prompts=["q"] * 4, completions=["1"] * 4)
    with pytest.raises(GroupError, match="completion 1 of this step has no `orbit_id`"):
        TargetReward(MajorityVote())(prompts=["q"] * 2, completions=["1"] * 2, orbit_id=[3, None])


def test_an_environment_may_change_the_prompts_of_a_group() -> None:
    prompts = [f"q, seen by {i}" for i in range(4)]
    paid = reward_of(MajorityVote())(prompts=prompts, completions=["1", "1", "2", "3"], environments=[None] * 4)
    assert paid == [1, 1, 0, 0]


def test_conversations_are_told_apart_by_their_texts_and_roles() -> None:
    def ask(text: str, role: str = "user") -> list[dict[str, Any]]:
        return [{"role": role, "content": [{"type": "text", "text": text}, {"type": "image"}]}]

    answers = [[{"role": "assistant", "content": text}] for text in ("1", "1", "2", "3")]
    assert reward_of(MajorityVote())(prompts=[ask("q")] * 4, completions=answers) == [1, 1, 0, 0]
    for other in (ask("r"), ask("q", "system")):
        with pytest.raises(GroupError):
            reward_of(MajorityVote())(prompts=[ask("q")] * 3 + [other], completions=answers)


class Trainer:
    """What `find_settings` reads off a TRL trainer."""

    def __init__(self, **more: Any) -> None:
        self.num_generations, self.num_generations_eval = 4, 2
        self.model = SimpleNamespace(training=True)
        self.mask_truncated_completions = False
        self.eos_token_ids, self._tokenizer = [9], SimpleNamespace(eos_token_id=9, pad_token_id=0)
        self.logged: dict[str, float] = {}
        self.__dict__.update(more)

    def log_metric(self, name: str, value: float) -> None:
        self.logged[name] = value


def test_the_trainer_s_own_group_size_holds_in_training_and_evaluation() -> None:
    trainer, reward = Trainer(), TargetReward(MajorityVote(), extract="first_number")
    texts = ["1", "1", "2", "2"]
    assert reward(prompts=["q"] * 4, completions=texts, log_metric=trainer.log_metric) == [0.5] * 4
    trainer.model.training = False
    prompts = ["q", "q", "r", "r"]
    assert reward(prompts=prompts, completions=texts, log_metric=trainer.log_metric) == [1] * 4
    trainer.model.training = True
    with pytest.raises(GroupError, match="`group_size` is 2, but the trainer's `num_generations` is 4"):
        TargetReward(MajorityVote(), group_size=2)(prompts=prompts, completions=texts, log_metric=trainer.log_metric)


@pytest.mark.parametrize(
    ("truncated", "masks", "paid"),
    [
        ("follow", False, [1, 1, 1, 0]),
        ("follow", True, [0, 0, 0.5, 0.5]),
        ("vote", True, [1, 1, 1, 0]),
        ("abstain", False, [0, 0, 0.5, 0.5]),
    ],
)
def test_whether_truncated_completions_vote(truncated: Any, masks: bool, paid: list[float]) -> None:
    trainer = Trainer(mask_truncated_completions=masks)
    reward = TargetReward(MajorityVote(), extract="first_number", truncated=truncated)
    ids = [[5, 5], [5, 5], [5, 9], [5, 9, 0]]
    texts = ["1", "1", "1", "2"]
    assert reward(prompts=["q"] * 4, completions=texts, completion_ids=ids, log_metric=trainer.log_metric) == paid
    assert trainer.logged["truncated"] == 0.5


def test_truncated_completions_that_cannot_be_told_are_refused_or_vote() -> None:
    reward = reward_of(MajorityVote(), truncated="abstain")
    with pytest.raises(RecipeError, match="truncated='vote'"):
        reward(prompts=["q"] * 4, completions=["1"] * 4)
    assert reward_of(MajorityVote())(prompts=["q"] * 4, completions=["1"] * 4) == [1] * 4


ANSWERS = st.lists(st.integers(0, 3), min_size=4, max_size=4)


@given(answers=ANSWERS)
def test_baselines_over_the_orbit_are_those_of_the_core(answers: list[int]) -> None:
    target, texts = GiniDiversity(), [str(a) for a in answers]
    rewards = target.rewards(AnswerGroup(answers))
    left = reward_of(target, baseline="leave_one_out")(prompts=["q"] * 4, completions=texts)
    assert left == pytest.approx(group_advantages(rewards, "leave-one-out"), abs=1e-12)
    decoupled = reward_of(target, baseline="decoupled")(prompts=["q"] * 4, completions=texts)
    assert decoupled == pytest.approx(decoupled_advantages(answers, target), abs=1e-12)


@given(answers=ANSWERS)
def test_a_baseline_over_the_view_compares_with_the_same_view_alone(answers: list[int]) -> None:
    target, texts = GiniDiversity(), [str(a) for a in answers]
    rewards = target.rewards(AnswerGroup(answers)).reshape(2, 2)
    columns = {"orbit": [["q", "r"]] * 4, "view": [0, 0, 1, 1]}
    for baseline, rule in (("group", "center"), ("leave_one_out", "leave-one-out")):
        paid = reward_of(target, baseline=baseline, over="view")(completions=texts, **columns)
        assert paid == pytest.approx(group_advantages(rewards, rule).ravel(), abs=1e-12)
        assert sum(paid) == pytest.approx(0, abs=1e-12), "TRL's mean over the orbit must find nothing to subtract"
    decoupled = reward_of(target, baseline="decoupled", over="view")(completions=texts, **columns)
    for i, other in enumerate((1, 0, 3, 2)):
        without = AnswerGroup(answers, [0, 0, 1, 1]).without(i)
        assert decoupled[i] == pytest.approx(rewards.ravel()[i] - target.rewards(without)[other], abs=1e-12)


def test_a_trace_alone_in_its_view_gets_nothing_from_a_baseline_of_others() -> None:
    columns = {"orbit": [["q", "r"]] * 4, "view": [0, 1, 1, 1]}
    for baseline in ("leave_one_out", "decoupled"):
        paid = reward_of(GiniDiversity(), baseline=baseline, over="view")(completions=["1", "1", "2", "3"], **columns)
        assert paid[0] == 0
        assert np.isfinite(paid).all()


def test_a_decoupled_baseline_needs_a_trainer_that_keeps_it() -> None:
    reward = TargetReward(GiniDiversity(), extract="first_number", baseline="decoupled")
    with pytest.raises(RecipeError, match="OrbitGRPOTrainer"):
        reward(prompts=["q"] * 4, completions=["1"] * 4, log_metric=Trainer().log_metric)
    assert reward(prompts=["q"] * 4, completions=["1"] * 4, log_metric=Trainer(keeps_baselines=True).log_metric)


@pytest.mark.parametrize(
    ("scale", "words"), [("group", "claims I.17, B.3"), ("batch", "from step to step"), ("none", "")]
)
def test_standardised_advantages_are_warned_of_once(scale: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    trainer, reward = Trainer(scale_rewards=scale), TargetReward(MajorityVote(), extract="first_number")
    for _ in range(2):
        reward(prompts=["q"] * 4, completions=["1"] * 4, log_metric=trainer.log_metric)
    assert [words in record.getMessage() for record in caplog.records] == ([True] if words else [])


def test_a_reward_that_tells_no_traces_apart_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    def warnings_of(target: Any, texts: list[list[str]], training: bool = True) -> int:
        caplog.clear()
        trainer = Trainer(num_generations_eval=4)
        trainer.model.training = training
        reward = TargetReward(target, extract="first_number")
        for completions in texts:
            reward(prompts=["q"] * 4, completions=completions, log_metric=trainer.log_metric)
        return sum("nothing is learned" in record.getMessage() for record in caplog.records)

    split, agreed = ["1", "1", "2", "3"], ["1"] * 4
    assert warnings_of(CrossedVote(), [split] * 25) == 1, "without paraphrases no view labels another"
    assert warnings_of(CrossedVote(), [split] * 9) == 0
    assert warnings_of(CrossedVote(), [split] * 25, training=False) == 0
    assert warnings_of(MajorityVote(), [agreed] * 9 + [split] + [agreed] * 25) == 0, "it has taught something"
    assert warnings_of(MajorityVote(), [agreed] * 10) == 1


def test_the_log_tells_what_was_read() -> None:
    trainer, columns = Trainer(), {}
    reward = TargetReward(MajorityVote(), extract="first_number", monitor=Monitor({"q": "1", "r": "3"}))
    prompts = ["q"] * 4 + ["r"] * 4
    texts = ["1", "1", "2", "2", "3", "3", "3", "no"]
    reward(prompts=prompts, completions=texts, log_metric=trainer.log_metric, log_extra=columns.__setitem__)
    assert columns["answer"] == ["1", "1", "2", "2", "3", "3", "3", ""]
    assert trainer.logged["accuracy"] == pytest.approx((0.5 + 0.75) / 2)
    assert trainer.logged["unparsed"] == 1 / 8
    assert trainer.logged["majority_ratio"] == pytest.approx((0.5 + 0.75) / 2)


def test_two_targets_in_one_trainer_log_under_their_names() -> None:
    vote = TargetReward(MajorityVote(), extract="first_number")
    rare = TargetReward(GiniDiversity(), extract="first_number", name="rare")
    trainer = Trainer(reward_funcs=[vote, rare])
    for reward in (vote, rare):
        reward(prompts=["q"] * 4, completions=["1"] * 4, log_metric=trainer.log_metric)
    assert {"MajorityVote/unparsed", "rare/unparsed"} <= set(trainer.logged)


def test_reference_answers_never_change_a_reward() -> None:
    texts = ["1", "1", "2", "2"]
    watched = reward_of(MajorityVote(), monitor=Monitor({"q": "2"}))
    assert watched(prompts=["q"] * 4, completions=texts) == reward_of(MajorityVote())(
        prompts=["q"] * 4, completions=texts
    )


@pytest.mark.parametrize("text", ["", "\x00\xff", "1" * 1_000_000, "\ud800"])
def test_hostile_completions_are_unread_and_cost_nothing(text: str) -> None:
    assert reward_of(MajorityVote())(prompts=["q"] * 4, completions=["7", "7", text, "8"]) == [1, 1, 0, 0]


def test_an_extractor_of_one_s_own_that_fails_is_named_with_the_completion() -> None:
    def shout(text: str) -> Any:
        return {"no": "hash"} if text == "b" else text

    with pytest.raises(ExtractError, match=r"shout failed on completion 1, which begins 'b': TypeError"):
        TargetReward(MajorityVote(), extract=shout, group_size=4)(prompts=["q"] * 4, completions=list("abcd"))
    words = TargetReward(MajorityVote(), extract=str.lower, group_size=4)
    assert words(prompts=["q"] * 4, completions=["A", "a", "b", "c"]) == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "majority"}, "`target` must be a Target"),
        ({"extract": "last_numbr"}, "last_number"),
        ({"extract": 3}, "`extract` must be a name or a function"),
        ({"target": MajorityVote}, r"an instance, MajorityVote\(...\)"),
        ({"group_size": 0}, "`group_size` is 0"),
        ({"group_size": 2.0}, "`group_size` is 2.0"),
        ({"group_size": "4"}, "`group_size` is '4'"),
        ({"costs": len}, "`costs` must map names"),
        ({"target": GroundTruth()}, "needs gold: pass `gold=`"),
        ({"truncated": "drop"}, "'follow', 'vote', 'abstain'"),
        ({"truncated": "votes"}, "'votes'; known are .*'vote', 'abstain'.* Did you mean vote"),
        ({"baseline": "mean"}, "'leave_one_out'"),
        ({"over": "prompt"}, "'orbit', 'view'"),
    ],
)
def test_bad_arguments_are_refused_when_the_reward_is_made(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DagamesError, match=message):
        TargetReward(**{"target": MajorityVote(), **arguments})


def test_a_reference_answer_that_is_missing_or_unread_is_named_by_its_row() -> None:
    reward = TargetReward(GroundTruth(), gold="answer", group_size=2)
    rows = {"prompts": ["q"] * 2, "completions": ["1", "2"]}
    assert reward(**rows, answer=["so #### 2"] * 2) == [0, 1]
    for answer in (None, "no number"):
        with pytest.raises(ExtractError, match="`answer` of row 1"):
            reward(**rows, answer=["2", answer])
    with pytest.raises(RecipeError, match="no such column; it has prompt, kind"):
        reward(**rows, kind=["a", "b"])
