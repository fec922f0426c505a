"""Safety-GRPO in TRL's own trainers: rewards, multipliers and checkpoints against an independent computation."""

from __future__ import annotations

import json
import shutil
import warnings
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from dagames_llm._errors import ConstraintError, CostError
from dagames_llm.costs import Length
from dagames_llm.multipliers import MULTIPLIERS, PATIENCE, Constraint
from dagames_llm.safety import RECORD, SafetyReward
from tests.llm.safety_worker import Recorded, build, two_constraints


def replay(calls: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Check every call's rewards and multipliers, in exact sums; return the multipliers before each generation.

    Constraints as `two_constraints` has them: digits above 4, by 3, at most .05 on harmful rows, step .3, cap .9,
    window 2; characters / 4 at least .9 on all rows, step 1, no update at the first generation.
    """
    large, long = 0.0, 0.0
    window: list[tuple[Fraction, int]] = []
    generations, before = 0, []
    for call in calls:
        harmful = [kind == "harmful" for kind in call["kind"]]
        counted = [
            sum(c in "56789" for c in text) / 3 if h else None for text, h in zip(call["texts"], harmful, strict=True)
        ]
        shares = [min(len(text) / 4, 1.0) for text in call["texts"]]
        expected = [0.0 - large * (c or 0.0) + long * s for c, s in zip(counted, shares, strict=True)]
        assert call["rewards"] == pytest.approx(expected, abs=1e-15)
        if not call["prompts"][0].startswith("e"):
            before.append({"large": large, "long": long})
            generations += 1
            costs = [Fraction(c) for c in counted if c is not None]
            if costs:
                window = [*window, (Fraction(float(sum(costs))), len(costs))][-2:]
                mean = float(sum(total for total, _ in window)) / sum(n for _, n in window)
                large = min(max(0.0, large + 0.3 * (mean - 0.05)), 0.9)
            if generations > 1:
                mean = float(sum(Fraction(s) for s in shares)) / len(shares)
                long = min(max(0.0, long + 1.0 * -(mean - 0.9)), 10.0)
        assert call["multipliers"] == {"large": large, "long": long}, "to the last bit"
    return before


@pytest.mark.parametrize("rloo", [False, True], ids=["GRPO", "RLOO"])
def test_stock_trainers_train_on_the_penalty_and_evaluation_moves_nothing(
    rloo: bool, tiny: Path, tmp_path: Path
) -> None:
    safety = Recorded(two_constraints())
    trainer = build(tiny, tmp_path, safety, rloo=rloo, eval_strategy="steps", eval_steps=1, eval_on_start=True)
    trainer.evaluate()
    trainer.train()
    before = replay(safety.calls)
    assert len(before) == 4
    assert len([c for c in safety.calls if c["prompts"][0].startswith("e")]) == 2 * 6, "batches of evaluation"
    for name in ("large", "long"):
        assert max(b[name] for b in before) > 0, "both multipliers moved: the test shows something"
    logged = [entry for entry in trainer.state.log_history if "loss" in entry]
    for name in ("large", "long"):
        trajectory = [entry[f"safety/{name}/multiplier"] for entry in logged]
        assert trajectory == pytest.approx([b[name] for b in before], rel=1e-6), "those that the rewards were paid by"
    first = safety.calls[4]
    assert logged[0]["safety/long/cost"] == pytest.approx(sum(min(len(t) / 4, 1) for t in first["texts"]) / 8)
    evaluated = [entry for entry in trainer.state.log_history if "eval_safety/long/cost" in entry]
    assert len(evaluated) == 5, "TRL starts its history anew when training begins"
    assert not any("multiplier" in key for entry in evaluated for key in entry)


class KilledError(Exception):
    pass


class Kill(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise KilledError


class Begun(TrainerCallback):
    def __init__(self, safety: SafetyReward) -> None:
        self.safety, self.multipliers = safety, {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.multipliers = self.safety.dual.multipliers


def test_a_run_killed_in_its_second_epoch_resumes_bit_for_bit_from_another_folder(tiny: Path, tmp_path: Path) -> None:
    # 6 rows, 2 a step: the second epoch is steps 4 to 6.
    settings = {"max_steps": 7, "save_strategy": "steps", "save_steps": 2}
    whole = Recorded(two_constraints())
    build(tiny, tmp_path / "whole", whole, **settings).train()
    killed = Recorded(two_constraints())
    with pytest.raises(KilledError):
        build(tiny, tmp_path / "killed", killed, callbacks=[Kill(5)], **settings).train()
    assert killed.calls == whole.calls[:5]
    moved = tmp_path / "moved" / "somewhere"
    shutil.move(tmp_path / "killed" / "checkpoint-4", moved)
    beside = json.loads((moved / MULTIPLIERS).read_text())
    assert beside == json.loads((moved / "trainer_state.json").read_text())["stateful_callbacks"][RECORD]
    # What a kill between transformers' state and the file beside it leaves: the run needs only the former.
    (moved / MULTIPLIERS).unlink()
    resumed = Recorded(two_constraints())
    begun = Begun(resumed)
    trainer = build(tiny, tmp_path / "resumed", resumed, callbacks=[begun], **settings)
    trainer.train(resume_from_checkpoint=str(moved))
    assert begun.multipliers == whole.calls[3]["multipliers"]
    assert begun.multipliers["large"] > 0
    assert resumed.calls == whole.calls[4:]
    assert resumed.dual.state == whole.dual.state
    again = SafetyReward(two_constraints())
    again.dual.load(tmp_path / "resumed" / "checkpoint-6")
    assert again.dual.multipliers == whole.calls[5]["multipliers"]


def test_callbacks_restored_from_a_checkpoint_keep_the_multipliers(tiny: Path, tmp_path: Path) -> None:
    first = Recorded(two_constraints())
    build(tiny, tmp_path, first, max_steps=2, save_strategy="steps", save_steps=2).train()
    second = Recorded(two_constraints())
    trainer = build(tiny, tmp_path, second, max_steps=3, save_steps=2, restore_callback_states_from_checkpoint=True)
    trainer.train(resume_from_checkpoint=True)
    replay([*first.calls, *second.calls])
    assert len(second.calls) == 1


def test_a_checkpoint_without_multipliers_is_noticed(tiny: Path, tmp_path: Path) -> None:
    safety = Recorded(two_constraints())
    trainer = build(tiny, tmp_path, safety, max_steps=1, save_strategy="steps", save_steps=1)
    trainer.remove_callback(safety.callback)
    with pytest.raises(ConstraintError, match=r"callbacks=\[safety\.callback\]"):
        SafetyReward(two_constraints())(["p"], ["7"], kind=["harmful"])
    state = SimpleNamespace(stateful_callbacks={}, global_step=3)
    with pytest.warns(UserWarning, match="step 3 holds no multipliers"):
        safety.callback.on_train_begin(SimpleNamespace(), state, None, model=None)
    assert RECORD in state.stateful_callbacks


def test_two_processes_agree_with_one_computation(two_processes: Path) -> None:
    ranks = [json.loads((two_processes / "safety" / f"rank{r}.json").read_text()) for r in range(2)]
    assert [rank["world_size"] for rank in ranks] == [2, 2]
    calls = []
    for one, other in zip(ranks[0]["calls"], ranks[1]["calls"], strict=True):
        assert one["multipliers"] == other["multipliers"]
        lists = {key: one[key] + other[key] for key in ("prompts", "texts", "kind", "rewards")}
        calls.append({**lists, "multipliers": one["multipliers"]})
    before = replay(calls)
    # 6 steps, each generation serving 2 accumulated batches and 2 iterations.
    assert len(before) == 3
    assert max(b["large"] for b in before) > 0, "the multiplier moved: the test shows something"
    assert len(calls) > 3, "evaluations in between"
    assert any(len(set(call["kind"])) == 2 for call in calls)
    assert ranks[1]["refused"] == "cost 'mine' raised"
    assert "process 1 could not score" in ranks[0]["refused"]


class Attached(SafetyReward):
    """A reward outside a trainer, with a model in training mode."""

    def __init__(self, constraints: Any) -> None:
        super().__init__(constraints)
        self.model = torch.nn.Identity()
        self.callback.on_step_begin(None, None, None, model=self.model)


def test_costs_that_fail_are_named_and_move_nothing() -> None:
    def broken(texts: list[str]) -> list[float]:
        return [float("nan")] * len(texts)

    safety = Attached(Constraint(broken, 0.0, applies_to={"kind": "x"}))
    with pytest.raises(CostError, match="'broken' is nan for row 1, 'bad'"):
        safety(["p", "p"], ["good", "bad"], kind=["y", "x"])
    with pytest.raises(ConstraintError, match="lacks; it has completion, other, prompt"):
        safety(["p"], ["good"], other=["y"], trainer_state=object())
    assert safety.dual.state.generations == (0,)
    assert safety(["p"], ["good"], kind=["y"]) == [0.0]
    assert safety.dual.state.generations == (0,)


def test_a_constraint_without_rows_is_noticed() -> None:
    rare = [Constraint(Length("words"), 0.0, applies_to={"kind": "bening"}, name="rare"), Constraint(len_of, 1.0)]
    callable_ = Constraint(Length("words"), 0.0, applies_to=lambda row: "kind" not in row, name="called")
    safety = Attached([*rare, callable_])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(PATIENCE - 1):
            safety(["p", "p"], ["a", "b"], kind=["benign", "harmful"])
    with pytest.warns(UserWarning, match="applied to no row in the first") as caught:
        safety(["p", "p"], ["a", "b"], kind=["benign", "harmful"])
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert "'rare'" in messages[0]
    assert "'benign', 'harmful'. Did you mean 'benign'?" in messages[0]
    assert "'called'" in messages[1]
    assert "False for every row" in messages[1]
    safety(["p"], ["a"], kind=["benign"])


def len_of(texts: list[str]) -> list[float]:
    return [0.0] * len(texts)


def test_no_constraints_and_texts_as_costs_are_refused() -> None:
    with pytest.raises(ConstraintError, match=r"'refusal'; it must be .*SafetyReward\(\[Constraint\(Refusal\(\)"):
        SafetyReward("refusal")
    safety = Attached(Constraint(lambda texts: ["0.5"] * len(texts), 0.0, name="words"))
    with pytest.raises(CostError, match=r"returned texts, \['0.5'\].*must return numbers"):
        safety(["p"], ["good"])


def test_chats_are_scored_by_their_text() -> None:
    safety = Attached(Constraint(Length("words"), 1.0, step=1.0))
    safety(["p"], [[{"role": "assistant", "content": "two words"}]])
    assert safety(["p"], [[{"role": "assistant", "content": "three more words"}]]) == [-3.0]


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"scale_rewards": "group"}, 'scale_rewards="group"'),
        ({"scale_rewards": "none", "normalize_advantages": True}, "normalize_advantages=True"),
        ({"scale_rewards": "none", "multi_objective_aggregation": "normalize_then_sum"}, "normalize_then_sum"),
        ({"scale_rewards": "none", "multi_objective_aggregation": "sum_then_normalize"}, None),
        ({}, None),
    ],
)
def test_scaling_that_undoes_multipliers_is_warned_of(args: dict[str, Any], named: str | None) -> None:
    state = SimpleNamespace(stateful_callbacks={}, global_step=0)
    callback = SafetyReward(two_constraints()).callback
    if named is None:
        callback.on_train_begin(SimpleNamespace(**args), state, None)
        return
    with pytest.warns(UserWarning, match=named):
        callback.on_train_begin(SimpleNamespace(**args), state, None)
