"""The orbit trainers in the place of TRL's: they take what a script may pass, and score each view as it was shown."""

from __future__ import annotations

import inspect
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trl
import trl.trainer.utils
from datasets import Dataset, IterableDataset
from transformers import AutoTokenizer

from dagames.targets import MajorityVote
from dagames_llm import OrbitGRPOTrainer, OrbitRLOOTrainer, TargetReward

TRAINERS = [OrbitGRPOTrainer, OrbitRLOOTrainer]
ORBITS = [
    {"prompt": f"a{i}=", "orbit": [f"a{i}=", f"now b{i}?", f"c{i}?"][: 1 + i % 3], "kind": f"k{i}"} for i in range(6)
]
OTHERS = [{"prompt": f"d{i}=", "orbit": [f"d{i}=", f"e{i}?"], "kind": f"o{i}"} for i in range(3)]
both = pytest.mark.parametrize("trainer", TRAINERS)


def configuration(trainer: Any, folder: Path, **more: Any) -> Any:
    config = trl.RLOOConfig if trainer is OrbitRLOOTrainer else trl.GRPOConfig
    checkpointing = {"activation_checkpointing", "gradient_checkpointing"} & set(config.__dataclass_fields__)
    settings = {
        "output_dir": str(folder),
        "use_cpu": True,
        "bf16": False,
        min(checkpointing): False,
        "max_completion_length": 3,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "num_generations": 4,
        "per_device_train_batch_size": 12,
        "per_device_eval_batch_size": 6,
        "max_steps": 1,
    }
    return config(**{**settings, **more})


class Recorder:
    """A plain reward function that keeps what TRL passes to it."""

    def __init__(self) -> None:
        self.__name__ = "recorder"
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **columns: Any) -> list[float]:
        self.calls.append({name: list(value) for name, value in columns.items() if isinstance(value, list)})
        return [float(len(str(text))) for text in columns["completions"]]

    def check(self, call: int, group_size: int) -> list[list[Any]]:
        """Check that each group is of one orbit, shown evenly, each slot its own view; return the orbits."""
        columns = self.calls[call]
        orbits = []
        for start in range(0, len(columns["prompts"]), group_size):
            group = range(start, start + group_size)
            views = columns["orbit"][start]
            assert all(columns["orbit"][i] == views for i in group)
            assert all(columns["prompts"][i] == views[columns["view"][i]] for i in group)
            shares = Counter(columns["view"][i] for i in group)
            assert len(shares) == min(len(views), group_size)
            assert max(shares.values()) - min(shares.values()) <= 1
            orbits.append(views)
        return orbits


@both
def test_the_signature_is_that_of_trl(trainer: Any) -> None:
    assert inspect.signature(trainer.__init__) == inspect.signature(trainer.__mro__[2].__init__)


@both
def test_positional_arguments_and_extra_columns(trainer: Any, tiny: Path, tmp_path: Path) -> None:
    recorder = Recorder()
    rewards = [TargetReward(MajorityVote()), recorder]
    trainer(str(tiny), rewards, configuration(trainer, tmp_path), Dataset.from_list(ORBITS)).train()
    orbits = recorder.check(0, 4)
    kinds = {str(row["orbit"]): row["kind"] for row in ORBITS}
    assert recorder.calls[0]["kind"] == [kinds[str(views)] for views in orbits for _ in range(4)]


@both
@pytest.mark.filterwarnings("ignore:.gradient_checkpointing. is deprecated:FutureWarning")
def test_without_settings(trainer: Any, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # TRL's default is bfloat16, which transformers refuses on a CPU that is not named in the settings.
    monkeypatch.setattr("transformers.training_args.is_torch_bf16_gpu_available", lambda: True)
    monkeypatch.chdir(tmp_path)
    made = trainer(str(tiny), TargetReward(MajorityVote()), train_dataset=Dataset.from_list(ORBITS))
    assert made.num_generations == made.args.num_generations


@both
@pytest.mark.skipif(not hasattr(trl.trainer.utils, "repeat_iterable_dataset"), reason="this TRL takes no streams")
def test_streams(trainer: Any, tiny: Path, tmp_path: Path) -> None:
    recorder = Recorder()
    evaluation = {"eval_strategy": "steps", "eval_steps": 1, "per_device_eval_batch_size": 4}
    settings = configuration(trainer, tmp_path, **evaluation)
    trainer(str(tiny), recorder, settings, stream(ORBITS), stream(OTHERS)).train()
    assert all(views in [row["orbit"] for row in ORBITS] for views in recorder.check(0, 4))
    evaluated = [views for call in range(1, len(recorder.calls)) for views in recorder.check(call, 4)]
    assert sorted(map(str, evaluated)) == sorted(str(row["orbit"]) for row in OTHERS)


def stream(rows: list[dict[str, Any]]) -> IterableDataset:
    return Dataset.from_list(rows).to_iterable_dataset()


@both
def test_evaluation_sets_by_name_with_orbits_and_a_group_size_of_their_own(
    trainer: Any, tiny: Path, tmp_path: Path
) -> None:
    recorder = Recorder()
    settings = configuration(trainer, tmp_path, num_generations_eval=2, eval_strategy="steps", eval_steps=1)
    evaluations = {
        "others": Dataset.from_list(OTHERS),
        "plain": Dataset.from_list([{"prompt": f"f{i}="} for i in range(3)]),
    }
    rewards = [TargetReward(MajorityVote()), recorder]
    made = trainer(str(tiny), rewards, settings, Dataset.from_list(ORBITS), evaluations)
    made.train()
    recorder.check(0, 4)
    assert sorted(map(str, recorder.check(1, 2))) == sorted(str(row["orbit"]) for row in OTHERS)
    assert "orbit" not in recorder.calls[2]
    assert Counter(recorder.calls[2]["prompts"]) == {f"f{i}=": 2 for i in range(3)}
    logged = {name for entry in made.state.log_history for name in entry}
    assert "eval_unparsed" in logged


@both
def test_removing_unused_columns_keeps_the_orbits(trainer: Any, tiny: Path, tmp_path: Path) -> None:
    recorder = Recorder()
    settings = configuration(trainer, tmp_path, remove_unused_columns=True)
    trainer(str(tiny), recorder, settings, Dataset.from_list(ORBITS)).train()
    recorder.check(0, 4)
    assert "kind" not in recorder.calls[0]


@both
def test_conversations(trainer: Any, tiny: Path, tmp_path: Path) -> None:
    recorder = Recorder()
    rows = [{"prompt": talk(row["prompt"]), "orbit": [talk(view) for view in row["orbit"]]} for row in ORBITS]
    rewards = [TargetReward(MajorityVote()), recorder]
    trainer(str(tiny), rewards, configuration(trainer, tmp_path), Dataset.from_list(rows)).train()
    recorder.check(0, 4)
    assert recorder.calls[0]["completions"][0][0]["role"] == "assistant"


def talk(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_a_rollout_function_gets_the_view_of_each_slot(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    shown: list[tuple[list[str], int]] = []

    def rollout(prompts: list[str], trainer: Any) -> dict[str, Any]:
        shown.append((list(prompts), trainer.num_generations))
        tokenizer = trainer.processing_class
        completions = [tokenizer.encode(str(i % 3)) for i in range(len(prompts))]
        return {
            "prompt_ids": [tokenizer.encode(prompt) for prompt in prompts],
            "completion_ids": completions,
            "logprobs": [[-1.0] * len(ids) for ids in completions],
            "place": list(range(len(prompts))),
        }

    recorder = Recorder()
    rewards = [TargetReward(MajorityVote(), extract="first_number"), recorder]
    settings = configuration(OrbitGRPOTrainer, tmp_path)
    made = OrbitGRPOTrainer(str(tiny), rewards, settings, Dataset.from_list(ORBITS), rollout_func=rollout)
    made.train()
    recorder.check(0, 4)
    assert shown == [(recorder.calls[0]["prompts"], 4)]
    assert recorder.calls[0]["place"] == list(range(12))


@both
def test_a_server_of_vllm_is_sent_each_slots_own_view(trainer: Any, tiny: Path, tmp_path: Path) -> None:
    sent: list[tuple[list[Any], int]] = []

    class Server:
        def sync_weights(self) -> None:
            pass

        def generate(self, prompts: list[Any], images: Any, num_generations: int, profiler: Any = None) -> Any:
            sent.append((list(prompts), num_generations))
            completions = [[4, 5, 1] for _ in prompts]
            return prompts, completions, [[[-1.0]] * 3 for _ in prompts], None

    recorder = Recorder()
    made = trainer(str(tiny), recorder, configuration(trainer, tmp_path), Dataset.from_list(ORBITS))
    made.use_vllm, made.vllm_generation, made._last_loaded_step = True, Server(), -1
    made.vllm_importance_sampling_correction = False
    made.train()
    recorder.check(0, 4)
    texts = made.processing_class.batch_decode([ids for prompts, _ in sent for ids in prompts])
    assert texts == recorder.calls[0]["prompts"]
    assert {number for _, number in sent} == {1}


class Room:
    """An environment that ends each prompt by a remark of its own, with a tool that the tiny model never calls."""

    def reset(self, **row: Any) -> str:
        return f" in {row['kind']}"

    def look(self) -> str:
        """Look around.

        Returns:
            What is seen.
        """
        return "nothing"


def test_environments(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trl", minversion="1.16")
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.chat_template = (Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja").read_text()
    rows = [{**row, "prompt": talk(row["prompt"]), "orbit": [talk(view) for view in row["orbit"]]} for row in ORBITS]
    recorder = Recorder()
    made = OrbitGRPOTrainer(
        str(tiny),
        [TargetReward(MajorityVote()), recorder],
        configuration(OrbitGRPOTrainer, tmp_path),
        Dataset.from_list(rows),
        processing_class=tokenizer,
        environment_factory=Room,
    )
    made.train()
    columns = recorder.calls[0]
    for i, prompt in enumerate(columns["prompts"]):
        assert prompt[-1]["content"].startswith(columns["orbit"][i][columns["view"][i]][-1]["content"])
        assert prompt[-1]["content"].endswith(columns["kind"][i])
    assert len(columns["environments"]) == 12
