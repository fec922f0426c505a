"""What a reward function can know of the trainer that calls it.

TRL hands every reward function `log_metric`, a method of the trainer. Its owner has the numbers that decide what a
group is, so that nobody has to write them twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dagames_llm._errors import GroupError

_log = logging.getLogger("dagames_llm")


@dataclass(frozen=True)
class TrainerSettings:
    """Settings of the calling trainer.

    Attributes:
        trainer: The trainer, or None where it cannot be found.
        group_size: Completions of one prompt, or orbit, in the present mode; None where unknown.
    """

    trainer: Any
    group_size: int | None

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens that end a completion by the model's own will; empty where unknown."""
        ends = getattr(self.trainer, "eos_token_ids", None)
        tokenizer = getattr(self.trainer, "_tokenizer", None) or getattr(self.trainer, "processing_class", None)
        tokenizer = getattr(tokenizer, "tokenizer", tokenizer)
        ends = [getattr(tokenizer, "eos_token_id", None)] if ends is None else ends
        return frozenset(t for t in [*ends, getattr(tokenizer, "pad_token_id", None)] if t is not None)

    @property
    def masks_truncated(self) -> bool:
        """Whether TRL leaves truncated completions out of the loss."""
        return bool(getattr(self.trainer, "mask_truncated_completions", False))

    def others(self, reward: object) -> bool:
        """Tell whether the trainer has another reward of the same class as `reward`, so that names would collide."""
        functions = getattr(self.trainer, "reward_funcs", None) or ()
        return any(other is not reward and isinstance(other, type(reward)) for other in functions)


def find_settings(log_metric: Callable[[str, float], None] | None, group_size: int | None) -> TrainerSettings:
    """Find the trainer behind TRL's `log_metric`.

    Args:
        log_metric: What TRL passed to the reward function.
        group_size: What the user stated, or None.

    Returns:
        The settings; the trainer's own group size where it is known.

    Raises:
        GroupError: If the user stated another group size than the trainer has.
    """
    trainer = getattr(log_metric, "__self__", None)
    found = getattr(trainer, "num_generations", None)
    if not isinstance(found, int):
        return TrainerSettings(None, group_size)
    training = trainer.model.training
    if not training:
        found = getattr(trainer, "num_generations_eval", None) or found
    elif group_size is not None and group_size != found:
        raise GroupError(
            f"`group_size` is {group_size}, but the trainer's `num_generations` is {found}. Leave `group_size` out: "
            "it is found from the trainer."
        )
    return TrainerSettings(trainer, found)


def warn_of_standardised(trainer: Any) -> None:
    """Warn where the trainer divides advantages by a standard deviation.

    Args:
        trainer: A TRL trainer.
    """
    scale = getattr(trainer, "scale_rewards", "none")
    if scale in {"group", True}:
        _log.warning(
            "scale_rewards=%r divides the advantages of each group by their standard deviation. The step then points "
            "elsewhere than the game's, and groups with little to learn from weigh as much as others (claims I.17, "
            'B.3). Use `scale_rewards="none"` for the direction of the game.',
            scale,
        )
    elif scale == "batch":
        _log.warning(
            'scale_rewards="batch" divides all advantages of a step by one standard deviation: their direction is the '
            "game's, their size is not, so that the weight of the KL changes from step to step."
        )
