"""Checks of the parts of a run that depend on its model and rows: adapter, optimiser, columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagames_llm._errors import DataError, RecipeError
from dagames_llm.config.kinds import shown
from dagames_llm.config.recipe import Recipe
from dagames_llm.counted import counted
from dagames_llm.data import Orbit
from dagames_llm.multipliers import Constraint
from dagames_llm.selectors import Occurring, collect_values, explain_missing, explain_no_row, missing_values

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel

    from dagames_llm.trainer import OrbitGRPOTrainer


def quantisation_of(recipe: Recipe) -> dict[str, Any]:
    """Return the options for loading a model in 4 or 8 bits; empty without quantisation."""
    import torch
    from accelerate import PartialState
    from trl import get_quantization_config

    quantisation = get_quantization_config(recipe.model)
    if quantisation is None:
        return {}
    # Quantised weights cannot be moved to another device, so that each process loads them on its GPU.
    device_map = {"": PartialState().local_process_index} if torch.cuda.is_available() else None
    return {"quantization_config": quantisation, "device_map": device_map}


def check_rows_for(recipe: Recipe, orbits: Sequence[Orbit]) -> None:
    """Check that rows have the answers and columns that the target and the constraints need."""
    needs_gold = recipe.target is not None and "gold" in recipe.target.needs
    for i, orbit in enumerate(orbits):
        row = f"row {i + 1} ({orbit.views[0]!r:.60})"
        if needs_gold and orbit.gold is None:
            raise DataError(
                f"`target` is {recipe.orbit.target!r}, but {row} has no `answer`: add it, or choose another."
            )
        for k, constraint in enumerate(recipe.constraints):
            selects = constraint.applies_to if isinstance(constraint.applies_to, Mapping) else {}
            for name in selects:
                if name not in orbit.columns:
                    raise DataError(
                        f"`constraints[{k}]` applies to {shown(dict(selects))}, but {row} has no column {name!r}: "
                        "add it, or leave `applies_to` out."
                    )
    for k, constraint in enumerate(recipe.constraints):
        _check_applies(constraint, k, orbits)


def _check_applies(constraint: Constraint, place: int, orbits: Sequence[Orbit]) -> None:
    """Raise if a constraint that selects by columns applies to no row, or names a value that occurs in no row."""
    selector, rows = constraint.applies_to, [orbit.columns for orbit in orbits]
    if not isinstance(selector, Mapping):
        return
    occurring: Occurring = {}
    collect_values(selector, rows, occurring)
    which = f"`constraints[{place}]` applies to {shown(dict(selector))}"
    if not any(map(constraint.applies, rows)):
        number = counted(len(rows), "training row")
        raise DataError(f"{which}, which matches none of the {number}. {explain_no_row(selector, occurring)}")
    if missing := missing_values(selector, occurring):
        raise DataError(f"{which}. {explain_missing(missing, occurring)} Correct the value, or leave it out.")


def adapter_of(recipe: Recipe, model: PreTrainedModel) -> PeftConfig | None:
    """Return the adapter that a recipe describes, checked against the model."""
    from trl import get_peft_config

    try:
        adapter = get_peft_config(recipe.model)
    except (ValueError, TypeError, ImportError) as error:
        raise RecipeError(f"the adapter cannot be made: {error}") from error
    if adapter is None:
        return None
    upper, layers = recipe.orbit.lora_upper_layers, model.config.get_text_config().num_hidden_layers
    if upper is not None:
        if upper > layers:
            raise RecipeError(
                f"`lora_upper_layers` is {upper}, but the model has {layers} layers. Leave it out to adapt all layers."
            )
        adapter.layers_to_transform = list(range(layers - upper, layers))
    names = recipe.model.lora_target_modules
    if isinstance(names, list):
        check_modules(names, model)
    elif names is not None and names.isidentifier():
        check_modules([names], model)
    return adapter


def check_modules(names: Sequence[str], model: PreTrainedModel) -> None:
    """Check that an adapter's modules are linear layers of a model, and not its head."""
    import torch

    modules = {name.rpartition(".")[2]: module for name, module in model.named_modules()}
    linear = sorted(m for m, module in modules.items() if isinstance(module, torch.nn.Linear) and m != "lm_head")
    for name in names:
        last = name.rpartition(".")[2]
        if last not in modules or modules[last] is model.get_output_embeddings():
            reason = (
                f"contains {name!r}, the head, on which GRPO cannot train an adapter"
                if last in modules
                else f"contains {name!r}, which is no module of the model"
            )
            raise RecipeError(
                f"`lora_target_modules` is {shown(list(names))}; it {reason}. Linear layers are {', '.join(linear)}."
            )


def check_optimiser(trainer: OrbitGRPOTrainer) -> None:
    """Check that the optimiser and the learning-rate schedule can be made."""
    import torch
    from transformers import Trainer, get_scheduler

    args = trainer.args
    try:
        kind, options = Trainer.get_optimizer_cls_and_kwargs(args, trainer.model)
        if issubclass(kind, torch.optim.Optimizer) and kind.__module__.startswith("torch."):
            kind([torch.nn.Parameter(torch.zeros(1))], **options)
        plain = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=args.learning_rate)
        get_scheduler(args.lr_scheduler_type, plain, 1, 2, dict(args.lr_scheduler_kwargs or {}))
    except (ValueError, TypeError, ImportError, KeyError, RuntimeError) as error:
        written = {"optim": str(args.optim), "optim_args": args.optim_args}
        written |= {"lr_scheduler_type": str(args.lr_scheduler_type), "lr_scheduler_kwargs": args.lr_scheduler_kwargs}
        described = ", ".join(f"`{key}` {shown(value)}" for key, value in written.items() if value)
        raise RecipeError(
            f"optimiser or schedule cannot be made of {described}: {' '.join(str(error).split())}"
        ) from error


def evaluates(recipe: Recipe) -> bool:
    """Return whether held-out questions are evaluated while a run trains."""
    return str(getattr(recipe.grpo.eval_strategy, "value", recipe.grpo.eval_strategy)) != "no" or bool(
        recipe.grpo.eval_on_start
    )
