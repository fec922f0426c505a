"""The commands of docs/engines.md: every flag and field is one of the installed TRL and accelerate."""

import dataclasses
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/engines.md").read_text()
TRL = PAGE[PAGE.index("## TRL") : PAGE.index("## verl")]


def test_flags_of_accelerate_launch():
    from accelerate.commands.launch import launch_command_parser

    known = {flag for action in launch_command_parser()._actions for flag in action.option_strings}
    commands = re.findall(r"accelerate launch ((?:[^`#\n]|\\\n)*)", TRL)
    used = {flag for command in commands for flag in re.findall(r"--\w+", command)}
    assert {"--num_processes", "--config_file", "--machine_rank"} <= used
    assert used <= known, used - known


def test_fields_of_the_configuration():
    from trl import GRPOConfig

    used = set(re.findall(r"\b(?:use_vllm|vllm_\w+)\b", TRL))
    assert len(used) == 8
    assert used <= {field.name for field in dataclasses.fields(GRPOConfig)}, used
    assert GRPOConfig.__dataclass_fields__["vllm_importance_sampling_correction"].default is True


def test_flags_of_the_server_and_files_of_accelerate():
    import trl
    from trl.scripts.vllm_serve import ScriptArguments

    (command,) = re.findall(r"trl vllm-serve (.*)", TRL)
    used = set(re.findall(r"--(\w+)", command))
    assert used <= {field.name for field in dataclasses.fields(ScriptArguments)}, used
    folder = Path(trl.__file__).parent / "accelerate_configs"
    for name in ("multi_gpu", "fsdp1", "fsdp2", "zero1", "zero2", "zero3"):
        assert (folder / f"{name}.yaml").is_file()
