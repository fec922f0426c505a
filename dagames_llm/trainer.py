"""TRL's GRPO and RLOO trainers with orbits as rows.

A row of the data set is an orbit, so that TRL's repetition, sharding, gathering and group mean apply to whole orbits.
The overridden methods assign different views to the slots of a row and make a run resumable; each calls TRL's method.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import trl.trainer.utils
from datasets import Dataset
from packaging.version import Version
from safetensors import SafetensorError
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer
from trl.trainer.utils import RepeatSampler

from dagames_llm._errors import DataError, DivergedError, OutputError, RecipeError, VersionError
from dagames_llm.orbits import check_names, check_orbits, rows_of_views
from dagames_llm.settings import check_arguments, warn_of_standardised
from dagames_llm.training.checkpoints import COMPLETE, last_checkpoint

if TYPE_CHECKING:
    _Trainer = GRPOTrainer
else:
    _Trainer = object

_log = logging.getLogger("dagames_llm")

OLDEST, NEWEST = "1.0", "1.17"
"""Supported versions of TRL: at least `OLDEST`; versions from `NEWEST` on are not tested."""


@dataclass
class OrbitGRPOConfig(GRPOConfig):
    """TRL's settings with other defaults: a positive `beta`, and advantages that are centred and not scaled."""

    beta: float = field(default=0.02, metadata={"help": "Weight of the KL to the reference; positive."})
    scale_rewards: str = field(
        default="none",
        metadata={"help": "Advantages: `none` subtracts the orbit's mean, `group` also divides by its deviation."},
    )
    logging_steps: float = field(default=1, metadata={"help": "Steps between log entries."})


class EpochSampler(RepeatSampler):
    """TRL's sampler, whose order depends on seed and epoch only, so that a resumed run has the same order."""

    def __init__(self, like: RepeatSampler, epoch: Callable[[], int]) -> None:
        """Copy the settings of a sampler of TRL."""
        super().__init__(
            like.data_source, like.mini_repeat_count, like.batch_size, like.repeat_count, like.shuffle, like.seed
        )
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of the current epoch."""
        if self.shuffle:
            self.generator.manual_seed((self.seed or 0) + self._epoch())
        yield from super().__iter__()


@contextmanager
def score_completions_only(device: torch.device) -> Iterator[None]:
    """Skip the logits of prompt tokens on a CPU, which TRL computes and discards if there is no Triton.

    TRL's fused head skips masked positions if `_use_triton(device)` is true; this context makes it true for a CPU. The
    results are equal, and a step takes a third less time. If TRL lacks that function, nothing changes.

    Args:
        device: The device of the model.

    Yields:
        Nothing; on exit TRL's function is restored.
    """
    original = getattr(trl.trainer.utils, "_use_triton", None)
    if original is None or device.type != "cpu":
        yield
        return
    trl.trainer.utils._use_triton = lambda _: True
    try:
        yield
    finally:
        trl.trainer.utils._use_triton = original


class _OverOrbits(_Trainer):
    """The overridden methods of both trainers."""

    keeps_baselines = True
    """Whether the trainer adds back the mean that TRL subtracts from rewards with the baseline "decoupled"."""

    settings_class: type = GRPOConfig

    leaves_one_out = False
    """Whether TRL subtracts the mean of the other completions of a group instead of the mean of all."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(super().__init__).bind(*args, **kwargs).arguments
        # Before TRL's constructor, which writes files.
        check_version()
        check_arguments(bound.get("args"), self.settings_class, bound.get("reward_funcs"))
        check_rows(bound.get("args"), bound.get("train_dataset"), bound.get("eval_dataset"))
        super().__init__(*args, **kwargs)
        check_advantages(self)
        warn_of_settings(self)
        check_checkpoints(self.args)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        if "orbit" not in self._signature_columns:
            self._signature_columns = [*self._signature_columns, "orbit"]

    def _get_train_sampler(self, *args: Any, **kwargs: Any) -> Any:
        sampler = super()._get_train_sampler(*args, **kwargs)
        if type(sampler) is not RepeatSampler:
            return sampler
        return EpochSampler(sampler, lambda: int(self.state.epoch or 0))

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        training = self.model.training
        group_size = self.num_generations if training else self.num_generations_eval
        # In evaluation the view of a slot is fixed, so that evaluations are comparable.
        epoch = int(self.state.epoch or 0) if training else 0
        first = self.accelerator.process_index * len(inputs)
        output = super()._generate_and_score_completions(rows_of_views(inputs, first, group_size, epoch))
        means = self._means_to_keep(group_size)
        if means is not None:
            output["advantages"] = output["advantages"] + means[first : first + len(inputs)]
        return output

    def _calculate_rewards(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        self._last_rewards = super()._calculate_rewards(*args, **kwargs)
        return self._last_rewards

    def _means_to_keep(self, group_size: int) -> torch.Tensor | None:
        """Return the means that TRL subtracted from rewards with the baseline "decoupled", [rows of all processes]."""
        decoupled = [
            i for i, function in enumerate(self.reward_funcs) if getattr(function, "baseline", None) == "decoupled"
        ]
        if not decoupled:
            return None
        weights = self.reward_weights.to(self._last_rewards.device)[decoupled]
        rewards = (self._last_rewards[:, decoupled] * weights).nansum(dim=1).view(-1, group_size)
        total = rewards.sum(dim=1, keepdim=True)
        if self.leaves_one_out:
            return ((total - rewards) / max(group_size - 1, 1)).reshape(-1)
        return (total / group_size).expand_as(rewards).reshape(-1)

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        # vLLM's server takes every `num_generations`-th prompt and completes it as many times. Here the prompts of a
        # group differ, so the number is set to 1, in the argument or, for other versions of TRL, in the trainer.
        names = list(inspect.signature(super()._generate_single_turn).parameters)
        if "num_generations" in names:
            bound = inspect.signature(super()._generate_single_turn).bind(*args, **kwargs)
            bound.arguments["num_generations"] = 1
            args, kwargs = bound.args, bound.kwargs
        # TRL uses autocast for the loss only; on a CPU with bfloat16 units the generation takes most of a step.
        with (
            _one_completion_each(self),
            torch.autocast(self.accelerator.device.type, dtype=torch.bfloat16, enabled=self.args.bf16),
        ):
            try:
                return super()._generate_single_turn(*args, **kwargs)
            except RuntimeError as error:
                if "nan" not in str(error):
                    raise
                raise self._diverged("the model's probabilities are not finite") from error

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the loss of TRL's step; raise a DivergedError if it is not finite on some process."""
        loss = super().training_step(*args, **kwargs)
        if not self._everywhere(torch.isfinite(loss)):
            raise self._diverged(f"the loss is {loss.item():g}")
        return loss

    def _everywhere(self, fine: torch.Tensor) -> bool:
        """Return whether all entries are true on all processes, so that every process takes the same branch."""
        bad = (~fine).sum().to(self.accelerator.device)
        return not self.accelerator.reduce(bad, "sum").item()

    def _diverged(self, what: str) -> DivergedError:
        saved = last_checkpoint(self.args.output_dir)
        where = f"The last complete checkpoint is {saved}." if saved else "There is no checkpoint to resume from."
        return DivergedError(
            f"step {self.state.global_step}: {what}; the run stops before the next update of the weights. "
            f"{where} Lower `learning_rate`, or compute in float32 or bfloat16 instead of float16."
        )

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        with score_completions_only(self.accelerator.device):
            return super()._get_per_token_logps_and_entropies(*args, **kwargs)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        shards = [getattr(p, "to_local", lambda p=p: p)() for p in self.model.parameters() if p.requires_grad]
        if not self._everywhere(torch.stack([torch.isfinite(shard).all() for shard in shards])):
            raise self._diverged("the weights are not finite")
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError, SafetensorError) as error:
            saved = last_checkpoint(self.args.output_dir)
            raise OutputError(
                f"the checkpoint of step {self.state.global_step} cannot be written: {error}. "
                + (f"{saved} is complete: free disk space, and resume from it." if saved else "It is the first one.")
            ) from error
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
            with Path(folder / COMPLETE).open("w", encoding="utf-8") as marker:
                marker.write(f"{self.state.global_step}\n")
                os.fsync(marker.fileno())


class OrbitGRPOTrainer(_OverOrbits, GRPOTrainer):
    """`trl.GRPOTrainer` over orbits: the completions of a row answer all of its views.

    The arguments are those of `trl.GRPOTrainer`. A row with a column `orbit`, a list of prompts of the same meaning, is
    an orbit; its `num_generations` completions are distributed over the views as evenly as possible, and the views with
    one completion more rotate from epoch to epoch. A row without `orbit` is an orbit of one view. TRL's group mean is
    the mean over the orbit. Reward functions receive the view as the prompt, and `orbit` and `view` besides the row's
    other columns.
    """

    @functools.wraps(GRPOTrainer.__init__)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class OrbitRLOOTrainer(_OverOrbits, RLOOTrainer):
    """`trl.RLOOTrainer` over orbits; see `OrbitGRPOTrainer`.

    RLOO includes the KL of the whole trace in the reward, so that its expected step is that of the game (claims I.17a,
    I.17b), and subtracts the mean of the other completions of the orbit.
    """

    settings_class = RLOOConfig
    leaves_one_out = True

    @functools.wraps(RLOOTrainer.__init__)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


@contextmanager
def _one_completion_each(trainer: Any) -> Iterator[None]:
    numbers = trainer.num_generations, trainer.num_generations_eval
    trainer.num_generations = trainer.num_generations_eval = 1
    try:
        yield
    finally:
        trainer.num_generations, trainer.num_generations_eval = numbers


def check_version() -> None:
    """Check that TRL has the methods that the orbit trainers override, and warn if they were not tested with it."""
    installed = Version(trl.__version__)
    if installed < Version(OLDEST):
        raise VersionError(f"the orbit trainers need trl >= {OLDEST}, < {NEWEST}; installed is {installed}.")
    if installed >= Version(NEWEST):
        _log.warning("the orbit trainers are tested with trl >= %s, < %s; installed is %s.", OLDEST, NEWEST, installed)


def check_rows(args: Any, train: Any, evaluation: Any) -> None:
    """Check that the orbits of map-style data sets are lists of prompts, and that one generation can be filled.

    Streams are checked row by row when they are read.

    Args:
        args: TRL's settings, or None for its defaults.
        train: The training data, or None.
        evaluation: The evaluation data, several by name, or None.

    Raises:
        DataError: If an orbit is not a list of prompts, or the training rows are fewer than a generation needs.
    """
    named = evaluation if isinstance(evaluation, dict) else {"eval": evaluation}
    for rows in [train, *named.values()]:
        check_names(getattr(rows, "column_names", None) or ())
        if isinstance(rows, Dataset) and "orbit" in rows.column_names:
            views = check_orbits(rows["orbit"])
            if rows is train and args is not None and views > args.num_generations:
                _log.warning(
                    "an orbit has %d views, but `num_generations` is %d: only %d of the views are sampled in an epoch, "
                    "and others in the next. To sample all, raise `num_generations` to %d or more, and "
                    "`per_device_train_batch_size` or `steps_per_generation` until the generation batch, now %d, is a "
                    "multiple of it.",
                    views,
                    args.num_generations,
                    args.num_generations,
                    views,
                    args.generation_batch_size,
                )
    if isinstance(train, Dataset) and args is not None:
        needed = args.generation_batch_size // args.num_generations
        if len(train) < needed:
            raise DataError(
                f"{len(train)} training rows are fewer than the {needed} of one generation "
                f"({args.generation_batch_size} completions, {args.num_generations} per row), so that no step is made. "
                "Add rows, or lower `per_device_train_batch_size` or `steps_per_generation`."
            )


def check_advantages(trainer: Any) -> None:
    """Raise a RecipeError if TRL would scale the advantages of a reward with the baseline "decoupled"."""
    scaled = getattr(trainer, "scale_rewards", "none") != "none" or getattr(trainer, "normalize_advantages", False)
    scaled = scaled or getattr(trainer, "multi_objective_aggregation", None) == "normalize_then_sum"
    if scaled and any(getattr(function, "baseline", None) == "decoupled" for function in trainer.reward_funcs):
        raise RecipeError(
            "baseline='decoupled' needs advantages that are not divided by a deviation: use scale_rewards='none' "
            "and multi_objective_aggregation='sum_then_normalize' (GRPO) or normalize_advantages=False (RLOO)."
        )


def warn_of_settings(trainer: Any) -> None:
    """Warn of settings that change the game: scaled advantages, or no KL."""
    warn_of_standardised(trainer)
    if not trainer.args.beta > 0:
        _log.warning(
            "beta=%g: there is no KL penalty to the reference. The run does not converge to the equilibrium of the "
            "game with beta > 0; with a vote it converges to any unanimous answer.",
            trainer.args.beta,
        )


def check_checkpoints(args: Any) -> None:
    """Warn if a checkpoint is saved between a generation and the steps that use it."""
    period = args.steps_per_generation * args.num_iterations
    steps = period // math.gcd(period, args.gradient_accumulation_steps)
    # A value below 1 is a share of the number of steps, which is not known yet.
    if args.save_strategy == "steps" and args.save_steps >= 1 and args.save_steps % steps:
        _log.warning(
            "save_steps=%g saves between a generation and the steps that use it; its completions are not saved. A run "
            "resumed from such a checkpoint generates again, and its results differ from those of an uninterrupted "
            "run. Use a multiple of %d.",
            args.save_steps,
            steps,
        )
