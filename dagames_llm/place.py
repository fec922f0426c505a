"""The device and the dtype of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagames._choices import did_you_mean
from dagames_llm._errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DTYPES = ("auto", "float32", "bfloat16", "float16")
"""Allowed values of `--dtype`."""

DEVICE_HELP = "`auto`, `cpu`, `cuda`, `cuda:1`, ..."
DTYPE_HELP = "`auto`, `float32`, `bfloat16` or `float16`."


def check_dtype(dtype: str) -> None:
    """Check the name of a dtype, without torch."""
    if dtype not in DTYPES:
        raise ModelError(f"`--dtype` is {dtype!r}; known are {', '.join(DTYPES)}.{did_you_mean(dtype, DTYPES)}")


def device_of(device: str, use_cpu: bool = False) -> str:
    """Return the device of a model: the accelerator if there is one for `auto`. Imports torch."""
    import torch

    if device == "auto":
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return "cpu" if use_cpu or accelerator is None else accelerator.type
    try:
        torch.ones(1, device=device).item()  # read the value: the device `meta` has none
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"`--device` is {device!r}, which torch cannot use here: {reason}") from error
    return device


def dtype_of(dtype: str, device: str) -> str:
    """Return the dtype of the weights; for `auto` float32 on a CPU, else bfloat16 if supported. Imports torch."""
    import torch

    if dtype != "auto":
        return dtype
    if device == "cpu":
        return "float32"
    return "bfloat16" if not device.startswith("cuda") or torch.cuda.is_bf16_supported() else "float16"


def load_on(name: str, device: str, dtype: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a base model on a device. Imports torch."""
    from dagames_llm import models

    place = device_of(device)
    model, tokenizer = models.load_model(name, dtype=dtype_of(dtype, place))
    return (model if place == "cpu" else model.to(place)), tokenizer
