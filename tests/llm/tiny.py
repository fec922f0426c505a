"""A tiny random Llama, saved like any model folder, and recipes that train it in seconds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

PADDING, END, UNKNOWN = "<pad>", "<eos>", "<unk>"
CHARACTERS = list("0123456789+= \nabcdefghijklmnopqrstuvwxyz-?.")


def save_tiny(folder: Path, seed: int = 0, sharpness: float = 4.0) -> Path:
    """Save it; the sharper, the fewer answers it gives to a question."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate([PADDING, END, UNKNOWN, *CHARACTERS])}
    characters = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    characters.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    characters.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=characters, pad_token=PADDING, eos_token=END, unk_token=UNKNOWN
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        # Digits dominate, so that most completions hold a number and a vote has something to count.
        model.lm_head.weight[3:13] *= 0.2
        model.lm_head.weight[13:] = 0
        model.lm_head.weight[:3] = 0
        model.model.norm.weight *= sharpness
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_settings(model: Path, **more: Any) -> dict[str, Any]:
    """Return the recipe of a run of a few steps, groups of 4 over 2 views, 3 groups a generation."""
    settings = {
        "model_name_or_path": str(model),
        "extractor": "first_number",
        "num_generations": 4,
        "per_device_train_batch_size": 12,
        "max_completion_length": 3,
        "max_steps": 6,
        "learning_rate": 0.01,
        "lr_scheduler_type": "constant",
        "use_peft": True,
        "lora_r": 2,
        "lora_alpha": 4,
        "lora_dropout": 0.0,
        "lora_target_modules": ["q_proj", "v_proj"],
        "beta": 0.05,
        "use_cpu": True,
        "bf16": False,
        "activation_checkpointing": False,
        "save_steps": 2,
        "threads": 1,
        **more,
    }
    adapted = bool(settings["use_peft"])
    return {key: value for key, value in settings.items() if adapted or not key.startswith("lora_")}


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def on_two_processes(module: str, *arguments: str, accelerate: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a module on two processes of this machine that talk by gloo, as torchrun or accelerate starts them."""
    port = free_port()
    launcher = ["torch.distributed.run", "--nproc_per_node", "2", "--master_addr", "127.0.0.1", "--master_port", port]
    if accelerate:
        launcher = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", port]
    command = [sys.executable, "-m", *launcher, "-m", module, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)
