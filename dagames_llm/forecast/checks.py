"""Checks of the options of a forecast, before anything is loaded, read or sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from dagames._choices import did_you_mean
from dagames_llm._errors import DataError


def check_source(
    samples_file: Path | None, model: str | None, data: Path | None, task: str | None, config: str | None = None
) -> None:
    """Raise unless there is exactly one source of samples."""
    if samples_file is not None:
        if model is not None or data is not None or task is not None:
            raise DataError("give a file of samples, or --model with --data or --task to draw samples, not both.")
        if not samples_file.is_file():
            raise DataError(f"no file of samples {samples_file}.")
    elif data is not None and task is not None:
        raise DataError("--data and --task both name questions; give one.")
    elif data is None and task is None and config is None:
        raise DataError("give a file of samples, or --model with --data or --task, or --config, to draw them.")
    elif data is not None and not data.is_file():
        raise DataError(f"no data file {data}.")


def check_drawing(samples_file: Path | None, drawing: Mapping[str, Any]) -> None:
    """Raise for a sampling option together with a file of samples, on which it has no effect."""
    unused = [f"--{name.replace('_', '-')}" for name, value in drawing.items() if value is not None]
    if samples_file is not None and unused:
        raise DataError(f"{', '.join(unused)}: these options apply to drawn samples; omit them with a file of samples.")


def check_outputs(
    json_file: Path | None, plot: Path | None, save: Path | None, source: Path | None, overwrite: bool
) -> None:
    """Raise for an output that cannot be written, or that would replace another file."""
    from dagames import _files
    from dagames.pictures import panels
    from dagames_llm.evaluation.journal import journal_of

    panels.check_outputs(json_file, plot, overwrite=overwrite, source=source, option="--json")
    if save is not None:
        if source is not None:
            raise DataError("--save-samples writes drawn samples; omit it with a file of samples.")
        # If a journal exists beside the file, an interrupted run of the same command wrote it.
        _files.check_output(save, "--save-samples", overwrite=overwrite or journal_of(save).is_file())


def as_match(match: str, constraints: Sequence[str] = ()) -> tuple[str, float]:
    """Read STATISTIC=VALUE."""
    from dagames_llm.forecast.words import ROWS

    known = ["reward", "kl", *(f"safety/{c}/{what}" for c in constraints for what in ("cost", "multiplier"))]
    known = ["step", *(known if constraints else ROWS)]
    name, _, value = (part.strip() for part in match.rpartition("="))
    if name and name not in known:
        hint = did_you_mean(name, known)
        raise DataError(f"--match: a forecast has no statistic {name!r}; known are {', '.join(known)}.{hint}")
    number = _number(value)
    if not name or number is None:
        raise DataError(f"--match is {match!r}; it must be STATISTIC=NUMBER, such as reward=0.91 or kl=0.4.")
    return name, number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
