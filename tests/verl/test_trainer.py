"""The path of a completion through verl's own code: reward manager, agent loop, trainer, advantages."""

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_module
from verl import DataProto
from verl.experimental.agent_loop.agent_loop import AgentLoopMetrics, AgentLoopOutput, _agent_loop_registry
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop
from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.trainer.ppo.v1 import get_trainer_cls, trainer_base
from verl.utils.tensordict_utils import list_of_dict_to_tensordict

from dagames.targets import Centrality, MajorityVote
from dagames_llm import verl_trainer as glue
from dagames_llm._errors import DataError, ExtractError, GroupError
from dagames_llm.distances import TokenF1
from tests.verl.batches import expected

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,=+-#?"


class Letters:
    """A tokenizer of single characters."""

    def decode(self, ids, skip_special_tokens=True):
        return "".join(LETTERS[i] for i in ids.tolist())


def output(text):
    ids = [LETTERS.index(c) for c in text]
    return AgentLoopOutput(
        prompt_ids=[1, 2], response_ids=ids, response_mask=[1] * len(ids), metrics=AgentLoopMetrics(), extra_fields={}
    )


def overrides(*more):
    """Return verl's whole configuration with dagames's keys."""
    with initialize_config_module("verl.trainer.config", version_base=None):
        return compose(
            "ppo_trainer",
            overrides=[
                "algorithm.adv_estimator=dagames",
                "reward.custom_reward_function.path=pkg://dagames_llm.verl",
                "reward.custom_reward_function.name=score",
                "trainer.v1.trainer_mode=dagames_sync",
                *more,
            ],
        )


def scored(config, text, extra_info=None, truth=""):
    """Return what verl's reward manager makes of a completion."""
    manager = NaiveRewardManager(config, Letters(), get_custom_reward_fn(config))
    ids = torch.tensor([[LETTERS.index(c) for c in text]])
    data = DataProto.from_dict(
        tensors={"responses": ids, "attention_mask": torch.ones(1, 2 + ids.shape[1], dtype=torch.int64)},
        non_tensors={
            "data_source": np.array(["any"], dtype=object),
            "reward_model": np.array([{"ground_truth": truth}], dtype=object),
            "extra_info": np.array([extra_info or {}], dtype=object),
        },
    )
    return manager.loop.run_until_complete(manager.run_single(data))


class Batch(SimpleNamespace):
    """What verl's replay buffer gives the trainer: the keys of a step's completions."""

    def __len__(self):
        return len(self.keys)


class Queue:
    """A stand-in for TransferQueue's store, with the two functions that the trainer calls."""

    def __init__(self, rows):
        self.rows = rows

    def kv_batch_get(self, keys, partition_id, select_fields):
        assert partition_id == "train"
        kept = [{k: self.rows[key][k] for k in select_fields if k in self.rows[key]} for key in keys]
        return list_of_dict_to_tensordict(kept)

    def kv_batch_put(self, keys, partition_id, fields):
        for i, key in enumerate(keys):
            self.rows[key].update({name: fields[name][i] for name in fields.keys()})  # noqa: SIM118
        return Batch(keys=keys, partition_id=partition_id)


def step(monkeypatch, config, texts, uids, order, views=None):
    """Score completions, put them into the queue, and let verl's trainer compute the advantages in an order."""
    views = [0] * len(texts) if views is None else views
    rows = {}
    for i, (text, uid, view) in enumerate(zip(texts, uids, views, strict=True)):
        done = output(text)
        found = scored(config, text, {"view": view})
        done.reward_score, done.extra_fields["reward_extra_info"] = found["reward_score"], found["reward_extra_info"]
        rows[f"{uid}_{i}_0"] = {**done.as_dict(), "uid": uid}
    queue = Queue(rows)
    monkeypatch.setattr(trainer_base, "tq", queue)
    monkeypatch.setattr(glue, "tq", queue)
    trainer = object.__new__(get_trainer_cls(config.trainer.v1.trainer_mode))
    trainer.config, trainer.global_steps = config, 3
    keys = [list(rows)[i] for i in order]
    trainer._compute_advantage(Batch(keys=keys, partition_id="train"), {})
    return {key: rows[key]["advantages"] for key in rows}


TEXTS = ["It is 7.", "7", "I say #### 8", "no idea", "12", "13", "it is 12", "12"]
UIDS = ["q", "p", "q", "q", "p", "p", "p", "q"]
ANSWERS = ["7", "7", "8", None, "12", "13", "12", "12"]
ORDER = [5, 2, 0, 7, 1, 4, 6, 3]


@pytest.mark.parametrize("mode", ["sync", "dagames_sync", "dagames_colocate_async", "dagames_separate_async"])
def test_a_step_of_verls_trainer(monkeypatch, mode):
    config = overrides("+algorithm.dagames.target=majority_vote", f"trainer.v1.trainer_mode={mode}")
    found = step(monkeypatch, config, TEXTS, UIDS, ORDER)
    wanted = expected(MajorityVote(), ANSWERS, UIDS)
    for i, (key, advantages) in enumerate(found.items()):
        assert len(advantages) == len(TEXTS[i]), key
        assert advantages.tolist() == pytest.approx([wanted[i]] * len(TEXTS[i]), abs=1e-6)


def test_a_step_with_distances_between_texts(monkeypatch):
    texts = ["the Nile", "Nile river", "Amazon", "the Amazon", "Congo", "nile"]
    config = overrides(
        "+algorithm.dagames.target=centrality",
        "+algorithm.dagames.distance=token_f1",
        "+reward.custom_reward_function.reward_kwargs.extract=text",
    )
    found = step(monkeypatch, config, texts, ["q"] * 6, [3, 1, 0, 2, 5, 4])
    answers = [t.lower().removeprefix("the ") for t in texts]
    wanted = expected(Centrality(), answers, ["q"] * 6, distances=TokenF1()(texts, answers))
    assert [a[0].item() for a in found.values()] == pytest.approx(wanted, abs=1e-6)


def test_validation_gets_the_accuracy_and_training_the_code():
    config = overrides()
    found = scored(config, "It is 7.", truth="7.0")
    assert found["reward_extra_info"]["acc"] == 1.0
    assert found["reward_extra_info"]["answer"] == "7"
    assert scored(config, "It is 8.", truth="7")["reward_extra_info"]["acc"] == 0.0
    assert "acc" not in scored(config, "It is 8.")["reward_extra_info"]
    assert found["reward_score"] == scored(config, "7", truth="3")["reward_score"]


def test_an_extractor_of_ones_own_by_its_place():
    config = overrides("+reward.custom_reward_function.reward_kwargs.extract=tests.verl.extractors:first_word")
    assert scored(config, "Paris is it")["reward_extra_info"]["answer"] == "Paris"


@pytest.mark.parametrize("name", ["raising", "returning_a_number"])
def test_a_failing_extractor_is_named(name):
    config = overrides(f"+reward.custom_reward_function.reward_kwargs.extract=tests.verl.extractors:{name}")
    with pytest.raises(ExtractError, match=name):
        scored(config, "Paris")


def test_rows_scored_by_another_function_are_refused():
    with pytest.raises(GroupError, match=r"row 0 \(q_0_0\) has no answer"):
        glue.traces_of([{"reward_extra_info": {"acc": 1.0}}], ["q_0_0"])


def test_a_second_output_of_a_session_is_refused():
    kept = {"reward_extra_info": {"answer": "7", "read": 1.0, "view": 0, "text": "7"}}
    with pytest.raises(GroupError, match=r"q_0_1\) is a further output"):
        glue.traces_of([kept, kept], ["q_0_0", "q_0_1"])


def test_an_orbit_is_shared_out_over_the_group(monkeypatch):
    asked = []

    async def run(self, sampling_params, **kwargs):
        asked.append(kwargs["raw_prompt"][0]["content"])
        return output("7")

    monkeypatch.setattr(SingleTurnAgentLoop, "run", run)
    loop = object.__new__(glue.OrbitAgentLoop)
    loop.rollout_config = SimpleNamespace(n=7)
    views = ["3 + 4?", "4 + 3?"]
    done = [
        asyncio.run(loop.run({}, raw_prompt=[], session_id=i, global_steps=2, extra_info={"orbit": views}))
        for i in range(7)
    ]
    assert [views.index(text) for text in asked] == [o.extra_fields["view"] for o in done]
    assert sorted(asked.count(view) for view in views) == [3, 4]


def test_an_orbit_that_is_no_list_of_prompts_is_refused():
    loop = object.__new__(glue.OrbitAgentLoop)
    loop.rollout_config = SimpleNamespace(n=4)
    with pytest.raises(DataError, match=r"`extra_info.orbit` of a row, view 0, is 7"):
        asyncio.run(loop.run({}, raw_prompt=[], session_id=0, extra_info={"orbit": [7]}))


def test_a_row_without_an_orbit_is_asked_as_it_is(monkeypatch):
    async def run(self, sampling_params, **kwargs):
        assert kwargs["raw_prompt"] == [{"role": "user", "content": "1 + 1?"}]
        return output("2")

    monkeypatch.setattr(SingleTurnAgentLoop, "run", run)
    loop = object.__new__(glue.OrbitAgentLoop)
    done = asyncio.run(loop.run({}, raw_prompt=[{"role": "user", "content": "1 + 1?"}], session_id=3, extra_info={}))
    assert "view" not in done.extra_fields


def test_the_view_reaches_the_score():
    config = overrides()
    manager_sees = scored(config, "7", {"view": 2})
    assert manager_sees["reward_extra_info"]["view"] == 2


ASYNC = (
    "actor_rollout_ref.rollout.nnodes=1",
    "actor_rollout_ref.rollout.checkpoint_engine.backend=nccl",
    "data.train_batch_size=1024",
    "actor_rollout_ref.actor.ppo_mini_batch_size=256",
)


def test_trainers_take_the_settings_of_verls_own_mode(monkeypatch):
    seen = []

    def init(self, config):
        self.config = config
        seen.append(config.trainer.v1.trainer_mode)

    monkeypatch.setattr(trainer_base.PPOTrainer, "__init__", init)
    for mode in ("sync", "colocate_async", "separate_async"):
        get_trainer_cls(f"dagames_{mode}")(overrides(f"trainer.v1.trainer_mode=dagames_{mode}", *ASYNC))
    assert seen == ["sync", "colocate_async", "separate_async"]


def test_verl_finds_both_plugins_by_itself():
    code = (
        "import verl, sys; assert 'dagames_llm.verl' in sys.modules;"
        "from verl.trainer.ppo.core_algos import get_adv_estimator_fn as f; f('dagames');"
        "from verl.trainer.ppo.v1 import get_trainer_cls; get_trainer_cls('dagames_sync');"
        "from verl.experimental.agent_loop.agent_loop import _agent_loop_registry as r; print(r['dagames_orbit'])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd="/")
    assert "dagames_llm.verl_trainer.OrbitAgentLoop" in done.stdout, done.stderr
    assert "dagames_orbit" in _agent_loop_registry
