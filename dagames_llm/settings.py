"""Settings of the trainer that calls a reward function.

TRL passes `log_metric`, a method of the trainer, to every reward function. The trainer has the group size and other
settings, so that the user need not repeat them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagames.targets import Target
from dagames_llm._errors import GroupError, RecipeError

_log = logging.getLogger("dagames_llm")


@dataclass(frozen=True)
class TrainerSettings:
    """Settings of the calling trainer.

    Attributes:
        trainer: The trainer; None if it cannot be found.
        group_size: Number of completions of one prompt, or orbit, in the present mode; None if unknown.
    """

    trainer: Any
    group_size: int | None

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens by which the model ends a completion; empty if unknown."""
        ends = getattr(self.trainer, "eos_token_ids", None)
        tokenizer = getattr(self.trainer, "_tokenizer", None) or getattr(self.trainer, "processing_class", None)
        tokenizer = getattr(tokenizer, "tokenizer", tokenizer)
        ends = [getattr(tokenizer, "eos_token_id", None)] if ends is None else ends
        return frozenset(t for t in [*ends, getattr(tokenizer, "pad_token_id", None)] if t is not None)

    @property
    def masks_truncated(self) -> bool:
        """Whether TRL excludes truncated completions from the loss."""
        return bool(getattr(self.trainer, "mask_truncated_completions", False))

    @property
    def over_orbits(self) -> bool:
        """Whether the trainer samples the views of orbits, and numbers them in the column `view`."""
        return bool(getattr(self.trainer, "keeps_baselines", False))

    def others(self, reward: object) -> bool:
        """Return whether the trainer has another reward of the class of `reward`, so that names in the log collide."""
        functions = getattr(self.trainer, "reward_funcs", None) or ()
        return any(other is not reward and isinstance(other, type(reward)) for other in functions)


def find_settings(log_metric: Callable[[str, float], None] | None, group_size: int | None) -> TrainerSettings:
    """Return the settings of the trainer of which `log_metric` is a method."""
    trainer = getattr(log_metric, "__self__", None)
    num_generations = getattr(trainer, "num_generations", None)
    if not isinstance(num_generations, int):
        return TrainerSettings(None, group_size)
    training = trainer.model.training
    if not training:
        num_generations = getattr(trainer, "num_generations_eval", None) or num_generations
    elif group_size is not None and group_size != num_generations:
        raise GroupError(
            f"`group_size` is {group_size}, but the trainer's `num_generations` is {num_generations}. Omit "
            "`group_size`: the trainer has it."
        )
    return TrainerSettings(trainer, num_generations)


def warn_of_standardised(trainer: Any) -> None:
    """Warn, once for each trainer, if the trainer divides advantages by a standard deviation."""
    if getattr(trainer, "warned_of_standardised", False):
        return
    trainer.warned_of_standardised = True
    scale = getattr(trainer, "scale_rewards", "none")
    if scale in {"group", True}:
        _log.warning(
            "scale_rewards=%r divides the advantages of each group by their standard deviation. The direction of the "
            "step then differs from the game's, and groups with small differences have the weight of others (claims "
            'I.17, B.3). Use `scale_rewards="none"` for the direction of the game.',
            scale,
        )
    elif scale == "batch":
        _log.warning(
            'scale_rewards="batch" divides all advantages of a step by one standard deviation: their direction is the '
            "game's, their size is not, so that the weight of the KL changes from step to step."
        )


def check_baseline(reward: Any, trainer: Any) -> None:
    """Raise a RecipeError if a trainer would subtract a mean from a reward with the baseline "decoupled"."""
    if reward.baseline != "decoupled":
        return
    if not getattr(trainer, "keeps_baselines", False):
        raise RecipeError(
            f"`baseline` is 'decoupled', but {type(trainer).__name__} subtracts a mean of the group from "
            "every reward, which undoes it. Use OrbitGRPOTrainer or OrbitRLOOTrainer, or baseline='leave_one_out'."
        )
    functions = getattr(trainer, "reward_funcs", None)
    if functions is not None and not any(function is reward for function in functions):
        raise RecipeError(
            "`baseline` is 'decoupled', but the reward is called from within another function, so that the trainer "
            "subtracts a mean from it. Pass the TargetReward itself in `reward_funcs`."
        )


def check_columns(trainer: Any, columns: Mapping[str, Sequence[Any]]) -> None:
    """Check that the trainer uses the column `orbit`, and passes `orbit_id` to the reward."""
    names = getattr(getattr(trainer, "train_dataset", None), "column_names", None) or ()
    orbits = columns.get("orbit") or ()
    if any(isinstance(views, list) for views in orbits) and not getattr(trainer, "keeps_baselines", False):
        _log.warning(
            "the data set has a column `orbit`, but %s samples the column `prompt` alone. To sample all views of an "
            "orbit use OrbitGRPOTrainer or OrbitRLOOTrainer.",
            type(trainer).__name__,
        )
    if trainer.model.training and "orbit_id" in names and "orbit_id" not in columns and "orbit" not in columns:
        raise RecipeError(
            "the data set has a column `orbit_id`, but the trainer does not pass it on, so that its prompts would not "
            "be grouped by it. Use `remove_unused_columns=False`."
        )


def check_arguments(args: Any, kind: type, rewards: Any) -> None:
    """Check the class of the settings and the rewards of an orbit trainer, before TRL reads them."""
    if args is not None and not isinstance(args, kind):
        raise RecipeError(f"`args` is {type(args).__name__}; this trainer needs a {kind.__name__}.")
    for reward in rewards if isinstance(rewards, list | tuple) else [rewards]:
        if isinstance(reward, Target):
            name = type(reward).__name__
            raise RecipeError(
                f"`reward_funcs` holds the target {name}, which scores answers and reads no completions: pass "
                f"TargetReward({name}(...), extract=...)."
            )
