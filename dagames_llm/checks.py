"""What TRL lets pass and a run over orbits must not, and what its user should know of it."""

from __future__ import annotations

import logging
import math
from typing import Any

import trl
from datasets import Dataset
from packaging.version import Version

from dagames_llm._errors import DataError, RecipeError, VersionError
from dagames_llm.orbits import check_orbits
from dagames_llm.settings import warn_of_standardised

_log = logging.getLogger("dagames_llm")

OLDEST, NEWEST = "1.0", "1.17"
"""The orbit trainers override methods of TRL from version `OLDEST` on; from `NEWEST` on they are not tested."""


def check_version() -> None:
    """Check that TRL has the methods that the orbit trainers override, and warn if they were not tested with it.

    Raises:
        VersionError: If TRL is too old.
    """
    met = Version(trl.__version__)
    if met < Version(OLDEST):
        raise VersionError(f"the orbit trainers need trl >= {OLDEST}, < {NEWEST}; installed is {met}.")
    if met >= Version(NEWEST):
        _log.warning("the orbit trainers are tested with trl >= %s, < %s; installed is %s.", OLDEST, NEWEST, met)


def check_rows(args: Any, train: Any, evaluation: Any) -> None:
    """Check that the orbits of map-style data sets are lists of prompts, and that one generation can be filled.

    Streams are checked row by row when they are read.

    Args:
        args: TRL's settings, or None for its defaults.
        train: The training data, or None.
        evaluation: The evaluation data, several by name, or None.

    Raises:
        DataError: If an orbit is no list of prompts, or the training rows are fewer than a generation needs.
    """
    named = evaluation if isinstance(evaluation, dict) else {"eval": evaluation}
    for rows in [train, *named.values()]:
        if isinstance(rows, Dataset) and "orbit" in rows.column_names:
            views = check_orbits(rows["orbit"])
            if rows is train and args is not None and views > args.num_generations:
                _log.warning(
                    "an orbit has %d views, but `num_generations` is %d: each time only %d of them are sampled, others "
                    "in the next epoch.",
                    views,
                    args.num_generations,
                    args.num_generations,
                )
    if isinstance(train, Dataset) and args is not None:
        needed = args.generation_batch_size // args.num_generations
        if len(train) < needed:
            raise DataError(
                f"{len(train)} training rows are fewer than the {needed} of one generation "
                f"({args.generation_batch_size} completions, {args.num_generations} a row), so no step would be made. "
                "Add rows, or lower `per_device_train_batch_size` or `steps_per_generation`."
            )


def check_advantages(trainer: Any) -> None:
    """Check that a baseline of a reward's own survives what TRL does to advantages.

    Args:
        trainer: An orbit trainer.

    Raises:
        RecipeError: If it does not.
    """
    scaled = getattr(trainer, "scale_rewards", "none") != "none" or getattr(trainer, "normalize_advantages", False)
    if scaled and any(getattr(function, "baseline", None) == "decoupled" for function in trainer.reward_funcs):
        raise RecipeError(
            "baseline='decoupled' needs advantages that are not divided by a deviation: use scale_rewards='none' "
            "(GRPO) or normalize_advantages=False (RLOO)."
        )


def warn_of_settings(trainer: Any) -> None:
    """Warn of settings under which the run is no longer the game that the target belongs to.

    Args:
        trainer: An orbit trainer.
    """
    warn_of_standardised(trainer)
    if not trainer.args.beta > 0:
        _log.warning(
            "beta=%g: no KL to the reference holds the policy. The equilibrium of the game with beta > 0 is not what "
            "this run tends to; with a vote it is any unanimous answer.",
            trainer.args.beta,
        )


def check_checkpoints(args: Any) -> None:
    """Warn where a checkpoint would fall between a generation and the steps that use it.

    Args:
        args: TRL's settings.
    """
    period = args.steps_per_generation * args.num_iterations
    steps = period // math.gcd(period, args.gradient_accumulation_steps)
    if args.save_strategy == "steps" and args.save_steps % steps:
        _log.warning(
            "save_steps=%g saves between a generation and the steps that use it; its completions are not saved. A run "
            "resumed from such a checkpoint generates anew and ends at other numbers than an uninterrupted one. Use a "
            "multiple of %d.",
            args.save_steps,
            steps,
        )
