"""Resuming, through the command: every difference that changes numbers is named; a run that stops says how to go on."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagames_llm import cli
from dagames_llm._errors import OutputError
from dagames_llm.data import Orbit
from dagames_llm.training.run_folder import RunRecord, check_output, digest_of, read_record, resumed_record
from tests.llm.forked import Server, wait_for
from tests.llm.tiny import tiny_settings

RECORD = RunRecord({"learning_rate": 0.1, "seed": 0}, "ab", "0.1.0 (cd)", {"torch": "2.13"}, 1)


def changed(folder: Path, accept: bool = False, **fields: Any) -> RunRecord:
    RECORD.write(folder)
    return resumed_record(folder, dataclasses.replace(RECORD, **fields), accept)


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"recipe": {"learning_rate": 0.2, "seed": 0}}, "`learning_rate` was 0.1 and is 0.2"),
        ({"recipe": {"learning_rate": 0.1, "seed": 0, "top_p": 0.5}}, "`top_p` was null and is 0.5"),
        ({"questions": "ba"}, "the questions have changed"),
        ({"code": "0.2.0 (ef)"}, "dagames was 0.1.0 (cd) and is 0.2.0 (ef)"),
        ({"packages": {"torch": "2.14"}}, "torch was 2.13 and is 2.14"),
        ({"packages": {}}, "torch was 2.13 and is absent"),
        ({"processes": 2}, "the number of processes was 1 and is 2"),
    ],
)
def test_a_difference_is_named_and_refused_unless_accepted(
    fields: dict[str, Any], difference: str, tmp_path: Path
) -> None:
    with pytest.raises(OutputError) as caught:
        changed(tmp_path, **fields)
    assert difference in str(caught.value)
    assert "--accept-changes" in str(caught.value)
    assert len([line for line in str(caught.value).splitlines() if line.startswith("  ")]) == 1
    accepted = changed(tmp_path, accept=True, **fields)
    assert [change.startswith(difference) for change in accepted.changes] == [True]
    accepted.write(tmp_path)
    assert read_record(tmp_path).changes == [*accepted.changes]


def test_changes_of_several_resumptions_are_listed(tmp_path: Path) -> None:
    before = dataclasses.replace(RECORD, changes=["`learning_rate` was 0.3 and is 0.1"])
    before.write(tmp_path)
    again = resumed_record(tmp_path, dataclasses.replace(RECORD, processes=2), accept=True)
    assert len(again.changes) == 2
    assert again.changes[0] == before.changes[0]


def test_what_changes_no_number_may_change(tmp_path: Path) -> None:
    recipe = {**RECORD.recipe, "save_steps": 7, "report_to": ["wandb"], "data": "elsewhere.jsonl", "logging_steps": 5}
    assert changed(tmp_path, recipe=recipe).changes == ()


def test_what_a_checkpoint_holds_cannot_change(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Its checkpoints depend on seed"):
        changed(tmp_path, accept=True, recipe={"learning_rate": 0.1, "seed": 1})


def test_the_digest_follows_content_and_order() -> None:
    a, b = Orbit(("a", "b"), "1"), Orbit(("c",), "2")
    assert digest_of([a, b]) == digest_of([Orbit(("a", "b"), "1"), b])
    others = [[b, a], [a], [a, Orbit(("c",), "3")], [a, Orbit(("c",), "2", columns={"kind": "x"})]]
    others.append([a, Orbit(("c",), "2", aliases=("two",))])
    assert len({digest_of(rows) for rows in [[a, b], *others]}) == 6
    assert digest_of([a], [b]) != digest_of([a, b], []), "which rows are held out"


def test_a_record_that_is_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"has no run.json: its run was ended before the first step"):
        read_record(tmp_path)
    (tmp_path / "run.json").write_text('{"recipe": {}}')
    with pytest.raises(OutputError, match="is not the record of a run"):
        read_record(tmp_path)


def test_a_folder_that_takes_no_file_is_refused_before_a_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    check_output(tmp_path / "new" / "out", overwrite=False, resume=False)
    assert not any(tmp_path.iterdir())
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(OutputError, match=r"out cannot be made: no file can be made in .*Read-only file system"):
        check_output(tmp_path / "new" / "out", overwrite=False, resume=False)


def test_only_results_and_unfinished_runs_are_replaced(tmp_path: Path) -> None:
    out, work = tmp_path / "out", tmp_path / "out.partial"
    work.mkdir()
    with pytest.raises(OutputError, match="is an unfinished run"):
        check_output(out, overwrite=False, resume=False)
    check_output(out, overwrite=False, resume=True)
    check_output(out, overwrite=True, resume=False)
    out.mkdir()
    (out / "metrics.json").write_text("{}")
    with pytest.raises(OutputError, match="exists already; pass --overwrite"):
        check_output(out, overwrite=False, resume=True)
    with pytest.raises(OutputError, match="is not the result of a training run"):
        check_output(out, overwrite=True, resume=False)
    (out / "recipe.yaml").write_text("{}")
    check_output(out, overwrite=True, resume=False)


def test_a_finished_run_is_not_resumed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="out is finished"):
        check_output(tmp_path / "out", overwrite=False, resume=True)


@pytest.fixture
def place(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe and its data, in which commands run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.jsonl").write_text("\n".join(json.dumps({"orbit": [f"a{i}=", f"b{i}?"]}) for i in range(6)))
    write(tmp_path, tiny)
    return tmp_path


def write(place: Path, tiny: Path, **more: Any) -> None:
    settings = tiny_settings(tiny, data="data.jsonl", max_completion_length=1, **more)
    (place / "recipe.yaml").write_text(yaml.safe_dump(settings))


def train(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        cli.guarded(cli.app, ["train", "--config", "recipe.yaml", "--output-dir", "out", *options])
    return int(caught.value.code or 0), capsys.readouterr().err


def at_step(monkeypatch: pytest.MonkeyPatch, step: int, act: Callable[[Any], None]) -> None:
    """Act on the trainer in the step after so many."""
    from dagames_llm.trainer import OrbitGRPOTrainer

    plain = OrbitGRPOTrainer.compute_loss

    def compute_loss(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == step:
            act(self)
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(OrbitGRPOTrainer, "compute_loss", compute_loss)


def spoil(trainer: Any) -> None:
    import torch

    with torch.no_grad():
        next(p for p in trainer.model.parameters() if p.requires_grad).fill_(float("nan"))


def test_a_run_that_diverges_names_its_last_good_checkpoint_and_goes_on_from_it(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        at_step(patch, 4, spoil)
        code, words = train(capsys)
    assert code == 2
    assert words.count("error: ") == 1
    assert "Traceback" not in words
    assert f"checkpoint is {Path('out.partial') / 'checkpoint-4'}" in words
    assert "--resume --accept-changes" in words
    assert not (place / "out").exists()
    write(place, tiny, learning_rate=0.004, weight_decay=0.1)
    assert "Its checkpoints depend on weight_decay" in train(capsys, "--resume", "--accept-changes")[1]
    write(place, tiny, learning_rate=0.004)
    code, words = train(capsys, "--resume")
    assert code == 2
    assert "`learning_rate` was 0.01 and is 0.004" in words
    assert train(capsys, "--resume", "--accept-changes")[0] == 0
    history = json.loads((place / "out" / "metrics.json").read_text())["history"]
    assert [entry["learning_rate"] for entry in history] == [0.01] * 4 + [0.004] * 2
    assert read_record(place / "out").changes == ["`learning_rate` was 0.01 and is 0.004"]


def test_weights_that_are_not_finite_are_no_checkpoint(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagames_llm.trainer import OrbitGRPOTrainer

    plain = OrbitGRPOTrainer._save_checkpoint

    def spoiled(self: Any, *args: Any) -> None:
        if self.state.global_step == 4:
            spoil(self)
        plain(self, *args)

    monkeypatch.setattr(OrbitGRPOTrainer, "_save_checkpoint", spoiled)
    code, words = train(capsys)
    assert code == 2
    assert "the weights are not finite" in words
    assert f"checkpoint is {Path('out.partial') / 'checkpoint-2'}" in words
    assert not (place / "out.partial" / "checkpoint-4").exists()


def test_other_questions_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(trainer: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        at_step(patch, 2, stop)
        code, words = train(capsys)
    assert code == 130
    assert "interrupted: out.partial is unfinished; pass --resume to continue it." in words
    rows = (place / "data.jsonl").read_text().splitlines()
    (place / "data.jsonl").write_text("\n".join(reversed(rows)))
    code, words = train(capsys, "--resume")
    assert code == 2
    assert "the questions have changed" in words


def test_a_result_that_cannot_be_written_is_finished_later(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagames_llm.training import train as training

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    write(place, tiny, max_steps=2, save_steps=1)
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_policy", full)
        code, words = train(capsys)
    assert code == 2
    assert "error: the result cannot be written: [Errno 28] No space left on device." in words
    assert not (place / "out").exists()
    assert train(capsys, "--resume")[0] == 0
    assert len(json.loads((place / "out" / "metrics.json").read_text())["history"]) == 2


def test_a_refused_run_leaves_an_unfinished_one_as_it_is(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "out.partial").mkdir()
    (place / "out.partial" / "kept").write_text("kept")
    write(place, tiny, lora_target_modules=["q_prj"])
    assert train(capsys, "--overwrite")[0] == 2
    assert (place / "out.partial" / "kept").read_text() == "kept"
    write(place, tiny, max_steps=1, log_completions=True)
    assert train(capsys, "--overwrite")[0] == 0
    assert not (place / "out" / "kept").exists()
    assert list((place / "out" / "completions").iterdir())


def test_completions_are_logged_and_held_out_questions_evaluated_if_that_is_wanted(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"log_completions": True, "eval_strategy": "steps", "eval_steps": 1, "held_out": 2, "save_total_limit": 1}
    best = {"load_best_model_at_end": True, "save_steps": 1, "metric_for_best_model": "eval_reward"}
    write(place, tiny, max_steps=2, num_completions_to_print=1, **more, **best)
    code, words = train(capsys)
    assert code == 0, words
    assert len(list((place / "out" / "completions").glob("*.parquet"))) == 2
    evaluations = json.loads((place / "out" / "metrics.json").read_text())["evaluations"]
    assert [entry["step"] for entry in evaluations] == [1, 2]
    assert 1 <= len(list((place / "out").glob("checkpoint-*"))) <= 2, "the newest, and the best"


def test_a_run_that_collapses_goes_back_to_the_checkpoint_before(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.numpy import load_file

    from dagames_llm import monitors

    # An alarm averages over 10 steps: the one of step 13 has looked at the steps from 4 on.
    monkeypatch.setattr(monitors, "collapse_reason", lambda log: "it did" if len(log) >= 13 else None)
    write(place, tiny, stop_on_collapse=True, max_steps=15, save_steps=2)
    code, said = train(capsys)
    assert code == 0, said
    folders = (".", "checkpoint-2", "checkpoint-12")
    now, before, last = (load_file(place / "out" / folder / "adapter_model.safetensors") for folder in folders)
    assert all((now[name] == before[name]).all() for name in before)
    assert any((now[name] != last[name]).any() for name in last)
    metrics = json.loads((place / "out" / "metrics.json").read_text())
    assert (metrics["restored"], len(metrics["history"])) == ("checkpoint-2", 13)
    assert "the weights are those of checkpoint-2" in said


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupted_process_ends_in_one_line_and_can_be_resumed(
    server: Server, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = server.start("-m", "dagames_llm.cli", "train", "--config", "recipe.yaml", "--output-dir", "out")
    wait_for(place / "out.partial" / "checkpoint-2" / "complete", child)
    child.send_signal(signal.SIGINT)
    result = child.finish(300)
    words = result.stderr
    assert result.returncode == 130, words
    assert "Traceback" not in words
    assert words.strip().splitlines()[-1] == "interrupted: out.partial is unfinished; pass --resume to continue it."
    assert train(capsys, "--resume")[0] == 0
    assert len(json.loads((place / "out" / "metrics.json").read_text())["history"]) == 6
