"""Complete checkpoints of a run, and restoring one of them after a collapse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME

from dagames_llm.monitors import WINDOW, CollapseAlarm

COMPLETE = "complete"
"""Name of the file that is written last into a checkpoint; an interrupted checkpoint has none."""


def whole_checkpoints(folder: str | Path) -> dict[int, Path]:
    """Return the complete checkpoints of a run, by step."""
    return {
        int(marker.parent.name.rpartition("-")[2]): marker.parent
        for marker in Path(folder).glob(f"checkpoint-*/{COMPLETE}")
    }


def last_checkpoint(folder: str | Path) -> str | None:
    """Return the newest complete checkpoint from before the last step of its run."""
    checkpoints = whole_checkpoints(folder)
    for step in sorted(checkpoints, reverse=True):
        # Resumed from the last step, transformers makes one step too many.
        if step < TrainerState.load_from_json(str(checkpoints[step] / TRAINER_STATE_NAME)).max_steps:
            return str(checkpoints[step])
    return None


def go_back_before_collapse(trainer: Any) -> str | None:
    """Load the newest checkpoint from before the window of the first collapse alarm; return its name, or None."""
    alarms = [c for c in trainer.callback_handler.callbacks if isinstance(c, CollapseAlarm)]
    collapsed = [alarm.collapsed_at for alarm in alarms if alarm.collapsed_at is not None]
    checkpoints = whole_checkpoints(trainer.args.output_dir)
    before = [step for step in checkpoints if collapsed and step <= min(collapsed) - WINDOW]
    if not before:
        return None
    trainer._load_from_checkpoint(str(checkpoints[max(before)]))
    return checkpoints[max(before)].name
