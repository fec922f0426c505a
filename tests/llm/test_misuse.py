"""Misuse as a script of TRL's can have it: refused with a message of ours, or harmless, and never a wrong reward."""

from __future__ import annotations

import copy
import functools
import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from trl import GRPOConfig, RLOOConfig

from dagames._errors import DagamesError
from dagames.estimators import plugin_table
from dagames.functionals import Gini, Linear
from dagames.targets import (
    Centrality,
    GiniDiversity,
    InverseFrequency,
    MajorityVote,
    PriorMatching,
    SafetyPenalty,
    Schedule,
    Score,
    Target,
)
from dagames_llm import (
    Constraint,
    OrbitGRPOTrainer,
    OrbitRLOOTrainer,
    PairwiseReward,
    SafetyReward,
    TargetReward,
    prompts_to_orbits,
)
from dagames_llm._errors import ConstraintError, DataError, ExtractError, GroupError, RecipeError
from dagames_llm.costs import Length, Refusal
from dagames_llm.grouping import together
from dagames_llm.orbits import rows_of_views
from dagames_llm.settings import check_arguments
from dagames_llm.trainer import check_advantages, check_checkpoints, check_rows
from tests.llm.test_rewards import Trainer

QUESTION, TEXTS = ["q"] * 4, ["1", "1", "2", "3"]


def vote(**more: Any) -> TargetReward:
    return TargetReward(MajorityVote(), extract="first_number", **more)


def paid(reward: TargetReward, trainer: Trainer | None = None, **columns: Any) -> list[float]:
    given = {"prompts": QUESTION, "completions": TEXTS, **columns}
    return reward(**given, log_metric=None if trainer is None else trainer.log_metric)


def test_a_decoupled_baseline_is_checked_in_every_trainer_that_the_reward_serves() -> None:
    reward = vote(baseline="decoupled")
    assert paid(reward, Trainer(keeps_baselines=True, reward_funcs=[reward]))
    with pytest.raises(RecipeError, match="undoes it"):
        paid(reward, Trainer(reward_funcs=[reward]))


def test_a_decoupled_baseline_that_the_trainer_cannot_see_is_refused() -> None:
    reward = vote(baseline="decoupled")
    with pytest.raises(RecipeError, match="within another function"):
        paid(reward, Trainer(keeps_baselines=True, reward_funcs=[functools.partial(reward)]))
    trainer = SimpleNamespace(
        scale_rewards="none", multi_objective_aggregation="normalize_then_sum", reward_funcs=[reward]
    )
    with pytest.raises(RecipeError, match="sum_then_normalize"):
        check_advantages(trainer)


def test_columns_of_a_stock_trainer_are_the_user_s_own(caplog: pytest.LogCaptureFixture) -> None:
    expected = paid(vote(), Trainer())
    for orbit, view in ((3, "x"), ("o", 1), ("o", None)):
        assert paid(vote(), Trainer(), orbit=[orbit] * 4, view=[view] * 4) == expected
    for name in ("self", "environments", "columns", "target"):
        assert paid(vote(), Trainer(), **{name: ["v"] * 4}) == expected
    assert not caplog.records
    paid(vote(), Trainer(), orbit=[["q", "r"]] * 4)
    assert "samples the column `prompt` alone" in caplog.text


def test_a_column_named_environments_does_not_let_prompts_mix() -> None:
    with pytest.raises(GroupError, match="different prompts"):
        paid(vote(), Trainer(environments=None), prompts=["q", "q", "q", "r"], environments=["v"] * 4)
    assert paid(vote(), Trainer(environments=[object()]), prompts=["q", "q", "q", "r"], environments=["v"] * 4)


def test_an_orbit_id_that_the_trainer_drops_is_missed() -> None:
    trainer = Trainer(train_dataset=Dataset.from_dict({"prompt": ["q"], "orbit_id": [0]}))
    with pytest.raises(RecipeError, match="remove_unused_columns=False"):
        paid(vote(), trainer)
    assert paid(vote(), trainer, orbit_id=[0] * 4) == [1, 1, 0, 0]


@pytest.mark.parametrize("name", ["prompts", "orbit_id"])
def test_a_column_of_another_length_is_refused(name: str) -> None:
    with pytest.raises(GroupError, match=f"1 `{name}` for 4 completions"):
        paid(vote(group_size=4), **{name: ["q"]})


class Address:
    """An answer whose hash is its address."""


@pytest.mark.parametrize("answer", [lambda: torch.tensor(1), Address], ids=["tensor", "object"])
def test_answers_that_no_two_completions_could_share_are_refused(answer: Any) -> None:
    with pytest.raises(ExtractError, match="different hashes"):
        paid(TargetReward(MajorityVote(), extract=lambda _: answer(), group_size=4))


def test_an_answer_that_is_a_nan_is_refused_with_its_extractor() -> None:
    def read_nothing(text: str) -> float:
        return float("nan")

    with pytest.raises(ExtractError, match=r"extractor read_nothing failed on completion 0, which begins '1'.* nan is"):
        paid(TargetReward(MajorityVote(), extract=read_nothing, group_size=4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TargetReward("majority_vote"), r"not 'majority_vote'; pass MajorityVote\(\)\.$"),
        (lambda: TargetReward("PriorMatching"), r"pass PriorMatching\(\.\.\.\)"),
        (lambda: TargetReward("majorty_vote"), "Did you mean MajorityVote"),
        (lambda: TargetReward(3), r"pass one, such as MajorityVote\(\)"),
        (lambda: TargetReward(Gini(2.0)), r"pass Target\.from_functional\(Gini\(2\.0\)\)"),
        (lambda: TargetReward(Linear([1.0, 2.0])), r"pass Target\.from_functional\(Linear\(\.\.\.\)\)"),
        (
            lambda: TargetReward(MajorityVote() * Score("qualty"), costs={"quality": Length("words")}),
            "Score of the target needs the cost 'qualty', but `costs` has 'quality'. Did you mean quality",
        ),
        (
            lambda: TargetReward(0.5 * SafetyPenalty({"lenth": 1.0}), costs={"length": Length("words")}),
            "SafetyPenalty of the target needs the cost 'lenth'.*Did you mean length",
        ),
        (lambda: TargetReward(MajorityVote(), extract="last_numbr"), "`extract` is 'last_numbr'.*mean last_number"),
        (
            lambda: TargetReward(MajorityVote() + InverseFrequency(table=plugin_table(8)), group_size=4),
            r"InverseFrequency is for groups of 8 traces, but `group_size` is 4.*recommended_table\(4\)",
        ),
        (
            lambda: TargetReward(Schedule({0: PriorMatching({"1": 1.0}, table=plugin_table(8))}), group_size=4),
            "`table` of PriorMatching is for groups of 8.*`num_generations`",
        ),
    ],
)
def test_targets_that_cannot_be_meant_are_refused_when_the_reward_is_made(make: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make()


def test_a_table_for_another_group_size_names_the_setting_at_the_first_reward() -> None:
    reward = TargetReward(InverseFrequency(table=plugin_table(8)), extract="first_number")
    with pytest.raises(DagamesError, match=r"`recommended_table\(4\)`.*`num_generations` to 8"):
        paid(reward, Trainer())


class Broken(Target):
    """A target of a user's, with what its rewards are."""

    def __init__(self, rewards: Any) -> None:
        self.found = rewards

    def exact_rewards(self, nu: Any) -> Any:
        raise NotImplementedError

    def rewards(self, group: Any) -> Any:
        return self.found


@pytest.mark.parametrize("rewards", [[0, 1, float("nan"), 2], 1.0, [1.0, 2.0]])
def test_a_target_s_rewards_are_one_finite_number_a_trace(rewards: Any) -> None:
    with pytest.raises(RecipeError, match="one finite number for each trace"):
        paid(TargetReward(Broken(rewards), group_size=4))


def test_any_failure_is_told_to_the_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr("dagames_llm.grouping.PartialState", lambda: SimpleNamespace(num_processes=2))
    monkeypatch.setattr("dagames_llm.grouping.gather_object", lambda found: told.append(found) or found)
    with pytest.raises(ZeroDivisionError):
        together(lambda: 1 // 0)
    assert "ZeroDivisionError" in told[0][0]


def test_costs_that_the_target_does_not_need_are_not_computed() -> None:
    costs = {"inverse": lambda texts: [1 / len(text) for text in texts]}
    assert paid(vote(group_size=4, costs=costs)) == [1, 1, 0, 0]
    assert paid(TargetReward(SafetyPenalty({"inverse": 1.0}), costs=costs, group_size=4)) == [-1] * 4


def test_a_distance_may_be_a_tensor_that_records_its_gradient() -> None:
    def recorded(texts: Any, answers: Any) -> Any:
        return (1 - torch.eye(len(texts))).requires_grad_()

    assert paid(TargetReward(Centrality(), distance=recorded, group_size=4)) == [-1.0] * 4


@pytest.mark.parametrize("more", [{"monitor": "x"}, {"name": 3}, {"gold": ["a"]}, {"distance": 3}])
def test_arguments_of_another_kind_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=f"`{next(iter(more))}` is"):
        vote(**more)


@pytest.mark.parametrize("distance", [3, ["exact"]])
def test_a_distance_of_another_kind_is_refused(distance: Any) -> None:
    with pytest.raises(RecipeError, match="`distance` is"):
        PairwiseReward(distance)


WORDS = Length("words")


@pytest.mark.parametrize(
    "more", [{"budget": True}, {"step": True}, {"name": 5}, {"sense": ["at most"]}, {"cost": Length}]
)
def test_constraints_of_another_kind_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ConstraintError, match=f"`{next(iter(more))}` is"):
        Constraint(**{"cost": WORDS, "budget": 1.0, **more})


@pytest.mark.parametrize("constraints", [None, 3, Constraint])
def test_what_is_no_list_of_constraints_is_refused(constraints: Any) -> None:
    with pytest.raises(ConstraintError, match="`constraints` is"):
        SafetyReward(constraints)


def test_a_column_of_lists_selects_by_its_whole_value() -> None:
    chosen = Constraint(WORDS, 1.0, applies_to={"tags": {"a", "b"}})
    assert not chosen.applies({"tags": ["a"]})
    assert chosen.applies({"tags": "a"})
    assert Constraint(WORDS, 1.0, applies_to={"tags": [["a"], ["b"]]}).applies({"tags": ["a"]})


def trained(safety: SafetyReward, texts: list[str], trainer: Trainer | None = None) -> SafetyReward:
    model = torch.nn.Linear(1, 1)
    safety.callback._store_model(model)
    safety(["q"] * len(texts), texts, None if trainer is None else trainer.log_metric)
    return safety


@pytest.mark.parametrize("copied", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy])  # noqa: S301
def test_a_safety_reward_is_copied_with_its_multipliers(copied: Any) -> None:
    for safety in (SafetyReward(Constraint(WORDS, 1.0)), trained(SafetyReward(Constraint(WORDS, 1.0)), ["a b c"])):
        again = copied(safety)
        assert again.dual.state == safety.dual.state
        assert again.callback.dual is again.dual
        with pytest.raises(ConstraintError, match="without its callback"):
            again(["q"], ["a"])
        trained(again, ["a b c d"])
        assert again.dual.state != safety.dual.state


def test_two_safety_rewards_of_one_trainer_are_refused() -> None:
    first, second = SafetyReward(Constraint(WORDS, 1.0)), SafetyReward(Constraint(Refusal(), 0.1))
    with pytest.raises(ConstraintError, match="several `SafetyReward`s"):
        trained(first, ["a"], Trainer(reward_funcs=[first, second]))
    args, state = SimpleNamespace(), SimpleNamespace(stateful_callbacks={}, global_step=0)
    first.callback.on_train_begin(args, state, None)
    first.callback.on_train_begin(args, state, None)
    with pytest.raises(ConstraintError, match="several `SafetyReward`s"):
        second.callback.on_train_begin(args, state, None)


def test_costs_whose_sum_overflows_and_failures_of_any_kind_are_named() -> None:
    with pytest.raises(DagamesError, match="overflows"):
        trained(SafetyReward(Constraint(lambda texts: [1e308] * len(texts), 1.0, name="huge")), ["a"] * 4)


@pytest.mark.parametrize("name", ["view", "prompts", "completions"])
def test_a_column_whose_name_is_taken_is_refused(name: str) -> None:
    row = {"prompt": "p", "orbit": ["p", "q"], name: "mine"}
    with pytest.raises(DataError, match=f"column `{name}`"):
        rows_of_views([row] * 2, 0, 2, 0)
    with pytest.raises(DataError, match=f"column `{name}`"):
        check_rows(None, Dataset.from_list([row]), None)


def test_rows_without_any_prompt_or_of_two_forms_are_refused() -> None:
    with pytest.raises(DataError, match="neither `orbit` nor `prompt`"):
        rows_of_views([{"orbit": ["p"]}, {"orbit": None}], 0, 1, 0)
    chat = [{"role": "user", "content": "p"}]
    with pytest.raises(DataError, match="some conversations"):
        rows_of_views([{"prompt": chat, "orbit": None}, {"prompt": chat, "orbit": ["p"]}], 0, 1, 0)


def test_a_share_of_all_steps_is_no_number_of_steps(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"steps_per_generation": 2, "num_iterations": 1, "gradient_accumulation_steps": 1}
    check_checkpoints(SimpleNamespace(save_strategy="steps", save_steps=0.5, **settings))
    assert not caplog.records
    check_checkpoints(SimpleNamespace(save_strategy="steps", save_steps=3, **settings))
    assert len(caplog.records) == 1


def test_settings_of_another_trainer_and_bare_targets_are_refused(tmp_path: Path) -> None:
    more = {"output_dir": str(tmp_path), "use_cpu": True, "bf16": False, "activation_checkpointing": False}
    with pytest.raises(RecipeError, match="needs a GRPOConfig"):
        OrbitGRPOTrainer("none", vote(), RLOOConfig(**more), Dataset.from_list([{"prompt": "p"}]))
    with pytest.raises(RecipeError, match="needs a RLOOConfig"):
        OrbitRLOOTrainer("none", vote(), GRPOConfig(**more), Dataset.from_list([{"prompt": "p"}]))
    with pytest.raises(RecipeError, match=r"TargetReward\(GiniDiversity\(...\)"):
        check_arguments(None, GRPOConfig, [vote(), GiniDiversity()])


def test_prompts_are_folded_in_any_format_and_with_missing_numbers() -> None:
    rows = Dataset.from_list([{"prompt": p, "orbit_id": 1, "x": float("nan"), "y": [1, 2]} for p in "ab"])
    for form in (None, "numpy", "torch"):
        folded = prompts_to_orbits(rows.with_format(form))
        assert json.dumps(folded[0]["orbit"]) == '["a", "b"]'
    with pytest.raises(DataError, match="row 1"):
        prompts_to_orbits(Dataset.from_list([{"prompt": p, "orbit_id": 1} for p in ("a", None)]))
