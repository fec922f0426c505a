"""Saving takes part of all processes, and accelerate reads the configurations that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagames_llm.config.recipe import SHIPPED, shipped_recipes


def test_weights_that_are_spread_over_processes_are_saved_whole(tiny: Path, two_processes: Path) -> None:
    from safetensors.torch import load_file

    saved = two_processes / "saved"
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny, saved / "whole"))
    assert before.keys() == after.keys()
    for name, weights in before.items():
        assert after[name].equal(weights), name
    adapter = load_file(saved / "adapter" / "adapter_model.safetensors")
    assert len(adapter) == 4, "two layers, two factors each, and nothing of the base model"
    assert sorted(weights.unique().tolist() for weights in adapter.values()) == [[1.0], [2.0], [3.0], [4.0]]
    assert {tuple(weights.shape) for weights in adapter.values()} == {(2, 16), (16, 2)}


CONFIGURATIONS = sorted((SHIPPED / "accelerate").glob("*.yaml"))


def test_accelerate_configurations_are_no_recipes() -> None:
    assert [path.stem for path in CONFIGURATIONS] == ["ddp", "fsdp", "zero3"]
    assert not {path.stem for path in CONFIGURATIONS} & set(shipped_recipes())


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=[path.stem for path in CONFIGURATIONS])
def test_accelerate_reads_the_configuration(path: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    read = load_config_from_file(str(path))
    assert read.distributed_type.value == {"ddp": "MULTI_GPU", "fsdp": "FSDP", "zero3": "DEEPSPEED"}[path.stem]
    line = ["--config_file", str(path), "--num_processes", "4", "-m", "dagames_llm.cli", "train"]
    arguments, _, _ = _validate_launch_command(launch_command_parser().parse_args(line))
    assert arguments.num_processes == 4
    assert arguments.mixed_precision == "bf16"
    chosen = {"ddp": arguments.multi_gpu, "fsdp": arguments.use_fsdp, "zero3": arguments.use_deepspeed}
    assert [name for name, value in chosen.items() if value] == [path.stem]
    if path.stem == "fsdp":
        assert (int(arguments.fsdp_version), arguments.fsdp_state_dict_type) == (2, "FULL_STATE_DICT")
    if path.stem == "zero3":
        assert (int(arguments.zero_stage), str(arguments.zero3_save_16bit_model).lower()) == (3, "true")
