"""TRL's GRPO trainer with orbits for rows.

The data set's row is an orbit, so TRL's own repetition, sharding, gathering and group statistics act on whole orbits.
Two overrides let the slots of a row answer different views; the rest keeps a run honest and resumable.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import trl.trainer.utils
from datasets import Dataset
from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import RepeatSampler

from dagames_llm._errors import RecipeError
from dagames_llm.checks import check_checkpoints, check_rows, slots_per_view
from dagames_llm.orbits import view_of_slot

COMPLETE = "complete"
"""A file written last into a checkpoint; one without it was interrupted."""


class EpochSampler(RepeatSampler):
    """TRL's sampler with its order drawn from seed and epoch, so that a resumed run sees the order it would have."""

    def __init__(self, like: RepeatSampler, epoch: Callable[[], int]) -> None:
        """Take over a sampler of TRL's.

        Args:
            like: the sampler whose settings hold.
            epoch: tells the number of the epoch that is about to begin.
        """
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
    """Spare a CPU the scores of prompt tokens, which TRL computes and throws away where it has no Triton.

    The fused head asks one question of the device, whether to leave masked positions out; on a CPU the answer here is
    yes. The numbers are the same, a step is a third shorter. Where TRL has no such question nothing changes.

    Args:
        device: where the model is.

    Yields:
        Nothing; the question is TRL's own again afterwards.
    """
    asked = getattr(trl.trainer.utils, "_use_triton", None)
    if asked is None or device.type != "cpu":
        yield
        return
    trl.trainer.utils._use_triton = lambda _: True
    try:
        yield
    finally:
        trl.trainer.utils._use_triton = asked


class OrbitGRPOTrainer(GRPOTrainer):
    """GRPO over orbits: slot s of a row's `num_generations` answers view s M // `num_generations` of its M views.

    Rewards that score whole groups (`TargetReward`) then see the orbit, and TRL's group mean, which it always
    subtracts, is the orbit's mean. With `scale_rewards="none"` the advantages are mean-centred; `"group"` also divides
    them by the orbit's standard deviation. `beta` weighs TRL's own KL term, a per-token estimate.
    """

    def __init__(self, *, args: GRPOConfig, train_dataset: Dataset, **kwargs: Any) -> None:
        """Check what TRL would let pass, then build its trainer.

        Args:
            args: TRL's settings.
            train_dataset: rows of `prompt` and `orbit`.
            kwargs: as `trl.GRPOTrainer`.

        Raises:
            DataError: a column beside `prompt` and `orbit`, or too few rows for one step.
            RecipeError: `beta` is not positive, `num_generations` gives the views unequal shares, or checkpoints
                would fall between a generation and the steps that use it.
        """
        # Before TRL, which makes the output folder: a run that is refused leaves nothing behind.
        if not args.beta > 0:
            raise RecipeError(f"`beta` is {args.beta}: the game needs a positive weight of the KL to the reference.")
        check_rows(args, train_dataset)
        check_checkpoints(args)
        views = {len(views) for views in train_dataset["orbit"]}
        self._per_view = {
            "train": slots_per_view(views, args.num_generations, "num_generations"),
            "eval": slots_per_view(views, args.num_generations_eval or args.num_generations, "num_generations_eval"),
        }
        super().__init__(args=args, train_dataset=train_dataset, **kwargs)

    def _get_train_sampler(self, dataset: Any = None) -> EpochSampler:
        return EpochSampler(super()._get_train_sampler(dataset), lambda: int(self.state.epoch or 0))

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        mode = "train" if self.model.training else "eval"
        group_size = self.num_generations if mode == "train" else self.num_generations_eval
        start = self.accelerator.process_index * len(inputs)
        shown = []
        for place, row in enumerate(inputs, start):
            slot = place % group_size
            view = view_of_slot(slot, len(row["orbit"]), group_size)
            shown.append({**row, "prompt": row["orbit"][view], "view": view, "slot": slot})
        return super()._generate_and_score_completions(shown)

    def _generate_single_turn(
        self, prompt_ids: Any, images: Any, multimodal_fields: Any, num_generations: int, *args: Any, **kwargs: Any
    ) -> Any:
        # vLLM's server completes every num_generations-th prompt num_generations times: it must see every view. In a
        # dialogue with tools each prompt is on its own already, and stays so.
        per_view = math.gcd(num_generations, self._per_view["train" if self.model.training else "eval"])
        # TRL puts the loss under autocast and not the generation; on a CPU with bfloat16 units that is most of a step.
        with torch.autocast(self.accelerator.device.type, dtype=torch.bfloat16, enabled=self.args.bf16):
            return super()._generate_single_turn(prompt_ids, images, multimodal_fields, per_view, *args, **kwargs)

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        with score_completions_only(self.accelerator.device):
            return super()._get_per_token_logps_and_entropies(*args, **kwargs)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
            with Path(folder / COMPLETE).open("w", encoding="utf-8") as marker:
                marker.write(f"{self.state.global_step}\n")
                os.fsync(marker.fileno())


def last_checkpoint(folder: str | Path) -> str | None:
    """Return the newest checkpoint that was written to its end and from which there is a step to go.

    Args:
        folder: a run's output folder.

    Returns:
        Its path, or `None`: start from the beginning.
    """
    steps = {}
    for marker in Path(folder).glob(f"checkpoint-*/{COMPLETE}"):
        state = TrainerState.load_from_json(str(marker.parent / TRAINER_STATE_NAME))
        # From the last step transformers goes on with one step too many.
        if state.global_step < state.max_steps:
            steps[state.global_step] = marker.parent
    return str(steps[max(steps)]) if steps else None
