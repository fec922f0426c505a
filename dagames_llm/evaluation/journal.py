"""Completions of an unfinished evaluation or forecast, kept on disk as they come: a killed one goes on where it was.

A journal is a file of JSON lines beside the result, `<result>.partial`. Its first line states what was completed and
how; each other line holds the completions of one batch and the state of the random numbers after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagames_llm._errors import OutputError


def journal_of(out: Path) -> Path:
    """Return the file beside a result in which its completions are kept until it is written."""
    return out.with_name(f"{out.name}.partial")


@dataclass(frozen=True)
class Batch:
    """Completions of some prompts.

    Attributes:
        texts: The completions of each prompt.
        state: The state of the random numbers after them, in base 64; none of greedy completions.
    """

    texts: Sequence[Sequence[str]]
    state: str | None = None


@dataclass
class Journal:
    """The completions kept so far, by part of the evaluation and by their prompts.

    Attributes:
        path: The file.
        header: What is evaluated and how; plain data.
        batches: Those of an earlier process that was killed.
        part: The model that is being evaluated.
    """

    path: Path
    header: Mapping[str, Any]
    batches: dict[tuple[Any, ...], Batch] = field(default_factory=dict)
    part: str = ""

    def find(self, sampled: bool, prompts: Sequence[int]) -> Batch | None:
        """Return the batch of these prompts, by their places, if it is kept."""
        return self.batches.get((self.part, sampled, *prompts))

    def add(self, sampled: bool, prompts: Sequence[int], batch: Batch) -> None:
        """Keep a batch; the file, and the folder that it is in, are made with the first one."""
        line: dict[str, Any] = {"part": self.part, "sampled": sampled, "prompts": list(prompts)}
        line |= {"texts": batch.texts, "state": batch.state}
        lines = [] if self.path.exists() else [json.dumps(self.header)]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{text}\n" for text in (*lines, json.dumps(line))))

    def remove(self) -> None:
        """Delete the file: the result is written."""
        self.path.unlink(missing_ok=True)


def header_of(
    settings: Mapping[str, Any], prompts: Sequence[Any], folders: Sequence[Path], decoding: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what decides completions, as plain data: those of an earlier process are used only if all of it is equal.

    Args:
        settings: Names, device, threads, versions of packages.
        prompts: Texts or conversations; plain data.
        folders: Those of models and adapters, whose weights are told by size and time. They need not exist.
        decoding: How completions are drawn.

    Returns:
        The header of a journal.
    """
    files = [file for folder in folders for file in sorted(folder.glob("*.safetensors"))]
    return {
        **settings,
        "decoding": dict(decoding),
        "prompts": hashlib.sha256(json.dumps(prompts).encode()).hexdigest()[:16],
        "weights": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files],
    }


def open_journal(path: Path, header: Mapping[str, Any], overwrite: bool = False) -> Journal:
    """Return the journal of an evaluation, with what an earlier process kept in it."""
    header = json.loads(json.dumps(header))
    journal = Journal(path, header)
    if not path.exists():
        return journal
    whole = path.read_bytes()
    lines = whole[: whole.rfind(b"\n") + 1].splitlines()
    try:
        kept, *entries = [json.loads(line) for line in lines] or [header]
        journal.batches = dict(_entry(entry) for entry in entries)
        reason = _difference(dict(kept), header)
    except (ValueError, KeyError, TypeError):
        reason = "it is not a journal of completions"
    if reason is not None:
        if not overwrite:
            raise OutputError(
                f"{path} belongs to an unfinished command with other settings: {reason}. Repeat the earlier command to "
                "finish it, pass --overwrite to discard it, or name another output."
            )
        path.unlink()
        return Journal(path, header)
    if not lines:
        path.unlink()
    elif len(whole) > whole.rfind(b"\n") + 1:
        with path.open("r+b") as file:
            file.truncate(whole.rfind(b"\n") + 1)
    return journal


def _entry(line: Mapping[str, Any]) -> tuple[tuple[Any, ...], Batch]:
    return (line["part"], line["sampled"], *line["prompts"]), Batch(line["texts"], line["state"])


def _difference(kept: Mapping[str, Any], header: Mapping[str, Any]) -> str | None:
    for name in dict.fromkeys([*header, *kept]):
        if kept.get(name) != header.get(name):
            return f"`{name}` was {kept.get(name)!r:.60} and is {header.get(name)!r:.60}"
    return None
