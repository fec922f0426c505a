"""Where a model is run, on which device and in which type, and loading it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagames._choices import did_you_mean
from dagames_llm._errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DTYPES = ("auto", "float32", "bfloat16", "float16")
"""Types of weights that the commands take."""

DEVICE_HELP = "`auto`, `cpu`, `cuda`, `cuda:1`, ..."
DTYPE_HELP = "`auto`, `float32`, `bfloat16` or `float16`."


def check_dtype(dtype: str) -> None:
    """Check the name of a type, without torch."""
    if dtype not in DTYPES:
        raise ModelError(f"`--dtype` is {dtype!r}; known are {', '.join(DTYPES)}.{did_you_mean(dtype, DTYPES)}")


def device_of(device: str, use_cpu: bool = False) -> str:
    """Return the device that a model is run on. Heavy: loads torch."""
    import torch

    if device == "auto":
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return "cpu" if use_cpu or found is None else found.type
    try:
        torch.ones(1, device=device).item()  # read back: `meta` allocates and computes nothing
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"`--device` is {device!r}, which torch cannot use here: {reason}") from error
    return device


def dtype_of(dtype: str, device: str) -> str:
    """Return the type of the weights of a base model. Heavy: loads torch."""
    import torch

    if dtype != "auto":
        return dtype
    if device == "cpu":
        return "float32"
    return "bfloat16" if not device.startswith("cuda") or torch.cuda.is_bf16_supported() else "float16"


def load_on(name: str, device: str, dtype: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a base model where it is run. Heavy: loads torch."""
    from dagames_llm import models

    check_dtype(dtype)
    found = device_of(device)
    model, tokenizer = models.load_model(name, dtype=dtype_of(dtype, found))
    return (model if found == "cpu" else model.to(found)), tokenizer
