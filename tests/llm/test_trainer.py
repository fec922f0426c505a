"""The real trainer on tiny models: views, pooled votes and advantages against an oracle, on one and two processes."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from dagames_llm.extract import first_number
from tests.llm.forked import ROOT, Server
from tests.llm.worker import QUESTIONS, record

SETTINGS = {
    "one": {"num_generations": 4, "per_device_train_batch_size": 12, "max_steps": 2},
    "standardised": {"num_generations": 4, "per_device_train_batch_size": 12, "max_steps": 2, "scale_rewards": "group"},
    # Local batches of 3 x 2 and groups of 4: the second of three groups lies on both processes.
    "straddling": {
        "num_generations": 4,
        "per_device_train_batch_size": 3,
        "steps_per_generation": 2,
        "gradient_accumulation_steps": 2,
        "num_iterations": 2,
        "max_steps": 8,
        "save_steps": 2,
        # Of a single character a quarter is a digit; of longer completions of this model fewer are read.
        "max_completion_length": 1,
    },
}


def votes(answers: list[str | None]) -> list[float]:
    counts = Counter(a for a in answers if a is not None)
    modes = [a for a, n in counts.items() if n == max(counts.values())]
    return [1 / len(modes) if a in modes else 0.0 for a in answers]


def advantages(rewards: list[float], scale: str) -> list[float]:
    mean = sum(rewards) / len(rewards)
    deviation = (sum((r - mean) ** 2 for r in rewards) / (len(rewards) - 1)) ** 0.5
    return [(r - mean) / (deviation + 1e-4 if scale == "group" else 1.0) for r in rewards]


def generations(folder: Path, world_size: int) -> list[list[dict[str, Any]]]:
    ranks = [json.loads((folder / f"rank{r}.json").read_text()) for r in range(world_size)]
    assert [rank["world_size"] for rank in ranks] == [world_size] * world_size
    assert all(rank["weights"] == pytest.approx(ranks[0]["weights"], rel=1e-6) for rank in ranks)
    return [list(chain(*parts)) for parts in zip(*(rank["generations"] for rank in ranks), strict=True)]


def check(rows: list[dict[str, Any]], group_size: int, scale: str) -> list[bool]:
    """Check one generation; return for each group whether its pooled vote differs from votes by view."""
    views = {first: (first, second) for first, second, _ in QUESTIONS}
    telling = []
    for start in range(0, len(rows), group_size):
        group = rows[start : start + group_size]
        half = group_size // 2
        expected = views[group[0]["row"]]
        assert [row["prompt"] for row in group] == [expected[0]] * half + [expected[1]] * half
        answers = [row["answer"] or None for row in group]
        pooled = advantages(votes(answers), scale)
        assert [row["advantage"] for row in group] == pytest.approx(pooled, abs=1e-5)
        telling.append(advantages(votes(answers[:half]) + votes(answers[half:]), scale) != pooled)
    return telling


@pytest.mark.parametrize("name", ["one", "standardised"])
def test_advantages_of_the_orbit_on_one_process(name: str, tiny: Path, tmp_path: Path) -> None:
    settings = SETTINGS[name]
    record(tiny, tmp_path, settings)
    seen = generations(tmp_path, 1)
    telling = [t for rows in seen for t in check(rows, 4, str(settings.get("scale_rewards", "none")))]
    assert len(telling) == 6
    assert any(telling), "no group told a pooled vote from votes by view: the test shows nothing"


def test_advantages_of_groups_that_straddle_two_processes(two_processes: Path) -> None:
    seen = generations(two_processes / "trainer", 2)
    assert [len(rows) for rows in seen] == [12] * 4, "one generation serves 2 accumulated batches and 2 iterations"
    telling = [t for rows in seen for t in check(rows, 4, "none")]
    assert any(telling), "no group told a pooled vote from votes by view: the test shows nothing"


def build(model: Path, folder: Path, gold: bool = True, callbacks: Any = (), **more: Any) -> Any:
    from dagames_llm.config.recipe import resolve_recipe
    from dagames_llm.data import Orbit
    from dagames_llm.training.train import Questions, build_trainer, load_policy
    from tests.llm.tiny import tiny_settings

    path = folder.with_suffix(".yaml")
    path.write_text(json.dumps(tiny_settings(model, **more)))
    recipe = resolve_recipe(path)
    recipe.grpo.output_dir = str(folder)
    questions = Questions([Orbit((a, b), answer if gold else None) for a, b, answer in QUESTIONS], [])
    policy, tokenizer = load_policy(recipe)
    return build_trainer(recipe, policy, tokenizer, questions, callbacks)


def adapter(trainer: Any) -> dict[str, list[float]]:
    return {n: p.detach().flatten().tolist() for n, p in trainer.model.named_parameters() if p.requires_grad}


def test_a_run_killed_in_its_second_epoch_resumes_to_the_same_numbers(tiny: Path, tmp_path: Path) -> None:
    from transformers import TrainerCallback

    from dagames_llm.trainer import last_checkpoint
    from dagames_llm.training.model_card import step_history

    class KilledError(Exception):
        pass

    class Kill(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == 5:
                raise KilledError

    class KillAtTheEnd(TrainerCallback):
        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            raise KilledError

    # 6 rows, 2 a step: the second epoch is steps 4 to 6, the run is killed in it and resumes from within it.
    settings = {"per_device_train_batch_size": 8, "max_steps": 8}
    whole = build(tiny, tmp_path / "whole", **settings)
    whole.train()
    killed = build(tiny, tmp_path / "killed", callbacks=[Kill()], **settings)
    with pytest.raises(KilledError):
        killed.train()
    # What a kill in the middle of saving leaves: a newer folder without its last file.
    (tmp_path / "killed" / "checkpoint-5").mkdir()
    newest = last_checkpoint(tmp_path / "killed")
    assert newest is not None
    assert Path(newest).name == "checkpoint-4"
    last = build(tiny, tmp_path / "killed", callbacks=[KillAtTheEnd()], **settings)
    with pytest.raises(KilledError):
        last.train(resume_from_checkpoint=newest)
    # Killed again, after the last step's checkpoint and before anything came of it.
    assert (tmp_path / "killed" / "checkpoint-8" / "complete").exists()
    newest = last_checkpoint(tmp_path / "killed")
    assert newest is not None
    assert Path(newest).name == "checkpoint-6"
    resumed = build(tiny, tmp_path / "killed", **settings)
    resumed.train(resume_from_checkpoint=newest)
    assert adapter(resumed) == adapter(whole)
    assert step_history(resumed.state.log_history) == step_history(whole.state.log_history)
    assert len(step_history(resumed.state.log_history)) == 8


@pytest.mark.parametrize(("at", "message"), [("begin", "probabilities are not finite"), ("middle", "loss is nan")])
def test_a_run_that_diverges_stops_and_names_its_last_checkpoint(
    at: str, message: str, tiny: Path, tmp_path: Path
) -> None:
    from transformers import TrainerCallback

    from dagames_llm._errors import DivergedError

    class Poison(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            # A generation serves two steps: after the first of them it is the loss that is no number.
            if state.global_step == (4 if at == "begin" else 5):
                model.get_output_embeddings().weight.data.fill_(float("nan"))

    from dagames_llm.trainer import last_checkpoint

    settings = {"per_device_train_batch_size": 6, "steps_per_generation": 2, "gradient_accumulation_steps": 1}
    trainer = build(tiny, tmp_path / "run", callbacks=[Poison()], **settings)
    with pytest.raises(DivergedError, match=message) as caught:
        trainer.train()
    assert str(tmp_path / "run" / "checkpoint-4") in str(caught.value)
    assert last_checkpoint(tmp_path / "run") == str(tmp_path / "run" / "checkpoint-4")


def test_a_full_disk_leaves_the_checkpoint_before_and_says_so(server: Server, tiny: Path, tmp_path: Path) -> None:
    """Files may not grow beyond 100 bytes after the first checkpoint, which is what a full disk looks like."""
    script = f"""
import resource, signal, sys
from pathlib import Path
from transformers import TrainerCallback
from dagames_llm._errors import OutputError
from tests.llm.test_trainer import build

class Fill(TrainerCallback):
    def on_save(self, args, state, control, **kwargs):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))

trainer = build(Path({str(tiny)!r}), Path({str(tmp_path / "run")!r}), callbacks=[Fill()])
try:
    trainer.train()
except OutputError as error:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(error)
"""
    from dagames_llm.trainer import last_checkpoint

    result = server.run("-c", script, folder=ROOT)
    assert result.returncode == 0, result.stderr[-2000:]
    said = result.stdout.splitlines()[-1]
    assert "the checkpoint of step 4 cannot be written" in said
    assert "checkpoint-2 is complete: free disk space, and resume from it" in said
    newest = last_checkpoint(tmp_path / "run")
    assert newest == str(tmp_path / "run" / "checkpoint-2")
    resumed = build(tiny, tmp_path / "run")
    resumed.train(resume_from_checkpoint=newest)
    assert resumed.state.global_step == 6


def test_gold_answers_change_nothing_but_the_log(tiny: Path, tmp_path: Path) -> None:
    told = build(tiny, tmp_path / "told", max_steps=2, save_strategy="no")
    assert set(told.train_dataset.column_names) == {"prompt", "orbit"}
    told.train()
    blind = build(tiny, tmp_path / "blind", gold=False, max_steps=2, save_strategy="no")
    blind.train()
    assert adapter(told) == adapter(blind)
    assert "accuracy" in told.state.log_history[0]
    assert "accuracy" not in blind.state.log_history[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"per_device_train_batch_size": 28}, "6 training rows are fewer than the 7"),
    ],
)
def test_settings_that_trl_lets_pass_are_refused(
    settings: dict[str, Any], message: str, tiny: Path, tmp_path: Path
) -> None:
    from dagames._errors import DagamesError

    with pytest.raises(DagamesError, match=message):
        build(tiny, tmp_path / "run", **settings)


def test_a_server_is_given_each_slot_s_own_view(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trl import GRPOTrainer

    seen = []

    def spy(self: Any, prompt_ids: Any, images: Any, fields: Any, num_generations: int) -> Any:
        seen.append((num_generations, self.num_generations, len(prompt_ids)))
        return original(self, prompt_ids, images, fields, num_generations)

    original = GRPOTrainer._generate_single_turn
    monkeypatch.setattr(GRPOTrainer, "_generate_single_turn", spy)
    trainer = build(tiny, tmp_path / "run", max_steps=1, save_strategy="no")
    trainer.train()
    assert seen == [(1, 1, 12)]
    assert trainer.num_generations == 4


def test_sparing_prompt_scores_changes_no_number(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    from dagames_llm import trainer as module

    spared = build(tiny, tmp_path / "spared", max_steps=2, save_strategy="no")
    spared.train()
    monkeypatch.setattr(module, "score_completions_only", lambda _: nullcontext())
    plain = build(tiny, tmp_path / "plain", max_steps=2, save_strategy="no")
    plain.train()
    for name, values in adapter(plain).items():
        assert values == pytest.approx(adapter(spared)[name], rel=1e-4, abs=1e-6)


def test_conversations_are_orbits_too(tiny: Path, tmp_path: Path) -> None:
    trainer = build(tiny, tmp_path / "run", chat=True, max_steps=1, save_strategy="no")
    trainer.train()
    prompts = [prompt[0]["content"] for prompt in trainer._logs["prompt"]]
    views = {first: second for first, second, _ in QUESTIONS}
    for start in range(0, 12, 4):
        first = prompts[start]
        assert prompts[start : start + 4] == [first, first, views[first], views[first]]
    texts = [completion[0]["content"] for completion in trainer._logs["completion"]]
    answers = [first_number(text) for text in texts]
    rewards = [reward for start in range(0, 12, 4) for reward in votes(answers[start : start + 4])]
    assert list(trainer._logs["rewards"]["MajorityVote"]) == pytest.approx(rewards)
    assert [a or None for a in trainer._logs["extra"]["answer"]] == answers
    assert any(answers)
    assert "accuracy" in trainer.state.log_history[0]


def test_without_an_adapter_the_whole_model_is_saved(tiny: Path, tmp_path: Path) -> None:
    from dagames_llm.config.recipe import resolve_recipe
    from dagames_llm.models import load_model
    from dagames_llm.training.train import save_policy

    recipe = resolve_recipe("coherence_cpu")
    trainer = build(tiny, tmp_path / "run", use_peft=False, max_steps=1, save_strategy="no")
    trainer.train()
    save_policy(recipe, trainer, tmp_path / "saved")
    model, _ = load_model(str(tmp_path / "saved"))
    assert model.model.norm.weight.tolist() == trainer.model.model.norm.weight.tolist()


def test_every_epoch_has_an_order_of_its_own_and_always_the_same() -> None:
    from trl.trainer.utils import RepeatSampler

    from dagames_llm.trainer import EpochSampler

    def order(epoch: int) -> list[int]:
        like = RepeatSampler(range(20), mini_repeat_count=2, batch_size=5, repeat_count=1, shuffle=True, seed=3)
        return list(EpochSampler(like, lambda: epoch))

    assert order(0) == list(RepeatSampler(range(20), mini_repeat_count=2, batch_size=5, seed=3)), "TRL's first epoch"
    assert order(1) == order(1)
    assert order(0) != order(1) != order(2)
    assert sorted(order(1)) == sorted(order(0))
