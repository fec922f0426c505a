"""Save the weights of a run; weights that are distributed over processes are collected by all of them together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagames_llm._errors import OutputError
from dagames_llm.config.recipe import Recipe

if TYPE_CHECKING:
    from dagames_llm.trainer import OrbitGRPOTrainer


def whole_state(trainer: OrbitGRPOTrainer) -> dict[str, Any]:
    """Return the weights of the model, collected from all processes, each of which must call this function.

    Under FSDP and ZeRO-3 each process has a part of each weight. The result is complete in the main process.

    Args:
        trainer: The trainer of the model.

    Returns:
        The weights by name.

    Raises:
        OutputError: If the configuration of DeepSpeed does not allow to collect them.
    """
    try:
        state: dict[str, Any] = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    except ValueError as error:
        raise OutputError(
            f"the weights cannot be collected: {error} The checkpoints are complete: correct the setting and pass "
            "--resume."
        ) from error
    return state


def save_policy(recipe: Recipe, trainer: OrbitGRPOTrainer, folder: Path) -> None:
    """Save the adapter, or the whole model if there is none, in safetensors. Every process must call this function."""
    from dagames_llm.models import EMBEDDED

    state = whole_state(trainer)
    if not trainer.accelerator.is_main_process:
        return
    model = trainer.accelerator.unwrap_model(trainer.model)
    if not hasattr(model, "peft_config"):
        model.save_pretrained(folder, state_dict=state)
        trainer.processing_class.save_pretrained(folder)
        return
    for config in model.peft_config.values():
        config.base_model_name_or_path = recipe.model.model_name_or_path or EMBEDDED
    # With the default of `save_embedding_layers` peft would look up the vocabulary of the base model on the hub.
    model.save_pretrained(folder, state_dict=state, save_embedding_layers=False)
