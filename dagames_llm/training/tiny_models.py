"""Tiny random models of the architectures of recipes, with a tokenizer of single characters, without the hub."""

from __future__ import annotations

import inspect
import json
import re
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagames_llm._errors import ModelError, RecipeError
from dagames_llm.models import EMBEDDED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PADDING, END, UNKNOWN = "<pad>", "<eos>", "<unk>"
CHARACTERS = tuple(string.digits + string.ascii_letters + " \n" + string.punctuation)

TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)

ARCHITECTURES = (
    (r"Qwen/Qwen(1\.5|2|2\.5)(-Math|-Coder)?-[\d.]+B(-Instruct|-Chat)?", "qwen2"),
    (r"Qwen/Qwen3-[\d.]+B(-Base)?", "qwen3"),
    (r"deepseek-ai/DeepSeek-R1-Distill-Qwen-[\d.]+B", "qwen2"),
    (r"deepseek-ai/DeepSeek-R1-Distill-Llama-\d+B", "llama"),
    (r"meta-llama/(Meta-)?Llama-(2|3(\.\d)?)-\d+[Bb](-Instruct|-chat)?(-hf)?", "llama"),
    (r"(HuggingFaceTB/SmolLM2?|TinyLlama/TinyLlama)-.*", "llama"),
    (r"HuggingFaceTB/SmolLM3-.*", "smollm3"),
    (r"microsoft/Phi-3-(mini|medium)-.*|microsoft/Phi-3\.5-mini-instruct|microsoft/[Pp]hi-4(-mini-instruct)?", "phi3"),
    (r"google/gemma-3-(270m|1b)-(it|pt)", "gemma3_text"),
    (r"google/gemma-2-\d+b(-it)?", "gemma2"),
    (r"google/gemma-(1\.1-)?\d+b(-it)?", "gemma"),
    (r"mistralai/(Mistral-7B|Ministral-8B|Mistral-Nemo)-.*", "mistral"),
    (r"allenai/OLMo-2-.*", "olmo2"),
)
"""Hub ids, as regular expressions, and their model types in transformers."""

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 8192,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
}
"""Sizes of the tiny models, for the configurations that have these fields."""


def architecture_of(model: str, named: str | None = None) -> str:
    """Return the model type of a recipe's model, without the hub."""
    if named is not None:
        return named
    if model == EMBEDDED:
        return "llama"
    config = Path(model).expanduser() / "config.json"
    if config.is_file():
        try:
            return str(json.loads(config.read_text(encoding="utf-8"))["model_type"])
        except (ValueError, KeyError, TypeError) as error:
            raise RecipeError(f"{config} has no `model_type`; write `architecture` in the recipe.") from error
    for pattern, architecture in ARCHITECTURES:
        if re.fullmatch(pattern, model):
            return architecture
    raise RecipeError(
        f"the architecture of {model} is not known without the hub; write the `model_type` of its config.json into the "
        "recipe, such as `architecture: qwen2`."
    )


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer with one token for each of `CHARACTERS`.

    It is a byte-level BPE without merges, because transformers converts every tokenizer of some architectures to a
    byte-level BPE.

    Returns:
        The tokenizer; padding, end and unknown are its first three tokens.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    bytes_as_shown = [{" ": "\u0120", "\n": "\u010a"}.get(character, character) for character in CHARACTERS]
    vocabulary = {token: i for i, token in enumerate([PADDING, END, UNKNOWN, *bytes_as_shown])}
    tokens = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, pad_token=PADDING, eos_token=END, unk_token=UNKNOWN)
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def tiny_config(architecture: str, vocab_size: int) -> Any:
    """Return the configuration of an architecture with two layers of width 16."""
    from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING

    if architecture not in CONFIG_MAPPING or CONFIG_MAPPING[architecture] not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise RecipeError(
            f"`architecture` is {architecture!r}, which is not a causal language model of the installed transformers."
        )
    kind = CONFIG_MAPPING[architecture]
    fields = inspect.signature(kind).parameters
    renamed = {kind.attribute_map.get(key, key): value for key, value in SIZES.items()}
    sizes = {key: value for key, value in renamed.items() if key in fields or key.endswith("token_id")}
    try:
        return kind(vocab_size=vocab_size, **sizes)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"no tiny model of architecture {architecture!r} can be made: {error}") from error


def save_tiny(folder: Path, architecture: str, seed: int = 0) -> Path:
    """Save a tiny random model and its tokenizer in the format of transformers, and return the folder."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = tiny_tokenizer()
    config = tiny_config(architecture, len(tokenizer))
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = AutoModelForCausalLM.from_config(config)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelError(f"no tiny model of architecture {architecture!r} can be made: {error}") from error
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
