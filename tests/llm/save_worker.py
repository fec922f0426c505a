"""Save a model whose weights are spread over two processes. Under torchrun.

accelerate wraps a model in FSDP on accelerators only, so the model is spread by torch here, and accelerate is told so.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any


def spread(policy: Any) -> Any:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (2,))
    for module in policy.modules():
        if type(module).__name__ == "LlamaDecoderLayer":
            fully_shard(module, mesh=mesh)
    return fully_shard(policy, mesh=mesh)


def save(model: Path, out: Path) -> None:
    from accelerate import Accelerator
    from peft import LoraConfig, get_peft_model

    from dagames_llm.models import load_model
    from dagames_llm.training.saving import save_policy

    class Spread(Accelerator):
        is_fsdp2 = True

    accelerator = Spread(cpu=True)
    assert accelerator.num_processes == 2
    recipe: Any = SimpleNamespace(model=SimpleNamespace(model_name_or_path=str(model)))
    for name in ("whole", "adapter"):
        policy, tokenizer = load_model(str(model))
        if name == "adapter":
            policy = get_peft_model(policy, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
            for number, parameter in enumerate(p for p in policy.parameters() if p.requires_grad):
                parameter.data.fill_(number + 1)
        policy = spread(policy)
        parts = [p for p in policy.parameters() if p.to_local().numel() < p.numel()]
        assert parts, "no weight is spread"
        trainer: Any = SimpleNamespace(
            accelerator=accelerator, model=policy, model_wrapped=policy, processing_class=tokenizer
        )
        save_policy(recipe, trainer, out / name)
        accelerator.wait_for_everyone()
