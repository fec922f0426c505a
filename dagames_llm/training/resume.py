"""Resume a run with a changed recipe: replace the learning rate of the checkpoint."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback


class RateOfRecipe(TrainerCallback):
    """Sets optimiser and schedule to the learning rate of the recipe after a checkpoint with another was loaded."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Set the learning rate; optimiser and schedule are loaded, and no step is made yet."""
        optimiser, schedule = kwargs.get("optimizer"), kwargs.get("lr_scheduler")
        bases = getattr(schedule, "base_lrs", None)
        if optimiser is None or schedule is None or not bases or state.global_step == 0:
            return
        for group, base in zip(optimiser.param_groups, bases, strict=True):
            if base:
                group["lr"] *= args.learning_rate / base
                group["initial_lr"] = args.learning_rate
        schedule.base_lrs = [args.learning_rate for _ in bases]
        schedule._last_lr = [group["lr"] for group in optimiser.param_groups]
