"""Completions of an unfinished evaluation or forecast on disk, from which an interrupted command continues.

A journal is a file of JSON lines beside the result, `<result>.partial`. The first line contains the settings; each
other line contains the completions of one batch and the state of the random numbers after it.
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
    """Return the file of completions beside a result; it is deleted once the result is written."""
    return out.with_name(f"{out.name}.partial")


@dataclass(frozen=True)
class Batch:
    """Completions of some prompts.

    Attributes:
        texts: The completions of each prompt.
        state: The state of the random numbers after them, in base 64; None for greedy completions.
    """

    texts: Sequence[Sequence[str]]
    state: str | None = None


@dataclass
class Journal:
    """The completions so far, by part of the evaluation and by prompts.

    Attributes:
        path: The file.
        header: The settings as plain data.
        batches: The batches of an earlier, interrupted process.
        part: The model that is being evaluated.
    """

    path: Path
    header: Mapping[str, Any]
    batches: dict[tuple[Any, ...], Batch] = field(default_factory=dict)
    part: str = ""

    def find(self, sampled: bool, prompts: Sequence[int]) -> Batch | None:
        """Return the batch of these prompts, by their places, or None."""
        return self.batches.get((self.part, sampled, *prompts))

    def add(self, sampled: bool, prompts: Sequence[int], batch: Batch) -> None:
        """Write a batch; the first one also creates the file and its folder."""
        line: dict[str, Any] = {"part": self.part, "sampled": sampled, "prompts": list(prompts)}
        line |= {"texts": batch.texts, "state": batch.state}
        lines = [] if self.path.exists() else [json.dumps(self.header)]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{text}\n" for text in (*lines, json.dumps(line))))

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)


def header_of(
    settings: Mapping[str, Any], prompts: Sequence[Any], folders: Sequence[Path], decoding: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything that completions depend on, as plain data; a journal with another header is not used.

    Args:
        settings: Names, device, threads, versions of packages.
        prompts: Texts or conversations; plain data.
        folders: Folders of models and adapters, whose weights are identified by size and time; they need not exist.
        decoding: Settings of the completions.

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
    """Return the journal of an evaluation, with the batches of an earlier process."""
    header = json.loads(json.dumps(header))
    journal = Journal(path, header)
    if not path.exists():
        return journal
    whole = path.read_bytes()
    lines = whole[: whole.rfind(b"\n") + 1].splitlines()
    try:
        saved, *entries = [json.loads(line) for line in lines] or [header]
        journal.batches = dict(_entry(entry) for entry in entries)
        reason = _difference(dict(saved), header)
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


def _difference(saved: Mapping[str, Any], header: Mapping[str, Any]) -> str | None:
    for name in dict.fromkeys([*header, *saved]):
        if saved.get(name) != header.get(name):
            return f"`{name}` was {saved.get(name)!r:.60} and is {header.get(name)!r:.60}"
    return None
