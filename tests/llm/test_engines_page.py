"""What docs/engines.md says of TRL: its fields and files are those of the installed version."""

import dataclasses
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/engines.md").read_text()
TRL = PAGE[PAGE.index("## TRL") : PAGE.index("## verl")]


def test_fields_of_the_configuration():
    from trl import GRPOConfig

    used = set(re.findall(r"\b(?:use_vllm|vllm_\w+)\b", TRL))
    assert len(used) == 8
    assert used <= {field.name for field in dataclasses.fields(GRPOConfig)}, used
    assert GRPOConfig.__dataclass_fields__["vllm_importance_sampling_correction"].default is True


def test_files_of_accelerate():
    import trl

    folder = Path(trl.__file__).parent / "accelerate_configs"
    for name in ("multi_gpu", "fsdp1", "fsdp2", "zero1", "zero2", "zero3"):
        assert (folder / f"{name}.yaml").is_file()
