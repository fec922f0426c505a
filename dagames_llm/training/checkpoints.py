"""Checkpoints that were written to their end, and the one to go back to when a run has collapsed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME

from dagames_llm.monitors import WINDOW, CollapseAlarm

COMPLETE = "complete"
"""A file written last into a checkpoint; one without it was interrupted."""


def whole_checkpoints(folder: str | Path) -> dict[int, Path]:
    """Return the checkpoints of a run that were written to their end, by step."""
    return {
        int(marker.parent.name.rpartition("-")[2]): marker.parent
        for marker in Path(folder).glob(f"checkpoint-*/{COMPLETE}")
    }


def last_checkpoint(folder: str | Path) -> str | None:
    """Return the newest checkpoint that was written to its end and from which there is a step to go."""
    steps = whole_checkpoints(folder)
    for step in sorted(steps, reverse=True):
        # From the last step transformers goes on with one step too many.
        if step < TrainerState.load_from_json(str(steps[step] / TRAINER_STATE_NAME)).max_steps:
            return str(steps[step])
    return None


def go_back_before_collapse(trainer: Any) -> str | None:
    """Give the model the weights of the newest checkpoint from before the steps that its alarm looked at."""
    alarms = [c for c in trainer.callback_handler.callbacks if isinstance(c, CollapseAlarm)]
    collapsed = [alarm.collapsed_at for alarm in alarms if alarm.collapsed_at is not None]
    found = whole_checkpoints(trainer.args.output_dir)
    before = [step for step in found if collapsed and step <= min(collapsed) - WINDOW]
    if not before:
        return None
    trainer._load_from_checkpoint(str(found[max(before)]))
    return found[max(before)].name
