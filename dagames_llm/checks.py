"""What TRL lets pass and a run over orbits must not: checked before anything is made."""

from __future__ import annotations

import math

from datasets import Dataset
from trl import GRPOConfig

from dagames_llm._errors import DataError, RecipeError

COLUMNS = {"prompt", "orbit"}


def check_rows(args: GRPOConfig, rows: Dataset) -> None:
    """Check that the rows hold orbits and nothing else, and suffice for one generation.

    Raises:
        DataError: they do not.
    """
    wrong = set(rows.column_names) ^ COLUMNS
    if wrong:
        raise DataError(f"training rows hold `prompt` and `orbit`, nothing else; check {', '.join(sorted(wrong))}.")
    needed = args.generation_batch_size // args.num_generations
    if len(rows) < needed:
        raise DataError(
            f"{len(rows)} training rows are fewer than the {needed} of one generation ({args.generation_batch_size} "
            f"completions, {args.num_generations} a row), so no step would be made. Add rows, or lower "
            "`per_device_train_batch_size` or `steps_per_generation`."
        )


def slots_per_view(views: set[int], group_size: int, name: str) -> int:
    """Return the longest run of slots that is sure to answer one view, whatever the row.

    Args:
        views: the numbers of views the rows have.
        group_size: completions of a row.
        name: of the setting that says so.

    Returns:
        The greatest common divisor of the shares.

    Raises:
        RecipeError: some number of views does not divide the group.
    """
    uneven = sorted(n for n in views if group_size % n)
    if uneven:
        raise RecipeError(
            f"`{name}` is {group_size}, which {uneven[0]} views cannot share equally; "
            f"use a multiple of {math.lcm(*views)}."
        )
    return math.gcd(*(group_size // n for n in views))


def check_checkpoints(args: GRPOConfig) -> None:
    """Check that checkpoints fall between generations: completions that wait for their step are not saved.

    Raises:
        RecipeError: they would not.
    """
    period = args.steps_per_generation * args.num_iterations
    steps = period // math.gcd(period, args.gradient_accumulation_steps)
    if args.save_strategy == "steps" and args.save_steps % steps:
        raise RecipeError(
            f"`save_steps` {args.save_steps:g} would save between a generation and the steps that use it, which "
            f"cannot be resumed; use a multiple of {steps}."
        )
