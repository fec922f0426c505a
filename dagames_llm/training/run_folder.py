"""The folder of a run: `<output>.partial` while it works, `<output>` once everything in it is whole.

`run.json` records what decides the run's numbers: recipe, questions, code, packages and processes. A run that is
resumed under others goes on with other rows or rounding, so each difference is named and refused, unless accepted.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagames
from dagames._files import obstacle, write_json
from dagames_llm._errors import OutputError
from dagames_llm.config.kinds import shown
from dagames_llm.data import Orbit

RESULT = ("metrics.json", "recipe.yaml")
"""Files by which a folder is known as a result, which may be replaced when that is asked for."""

RECORD = "run.json"

FREE = (
    "data", "disable_tqdm", "enable_jit_checkpoint", "eval_samples", "hub_", "log_", "logging_",
    "num_completions_to_print", "project", "report_to", "save_", "skip_memory_metrics", "trackio_", "do_eval",
    "dataloader_num_workers",
    "dataloader_pin_memory", "dataloader_persistent_workers", "dataloader_prefetch_factor",
)  # fmt: skip
"""Settings, by name or beginning, that change no number of a run. The content of `data` is compared, not its place."""

KEPT = (
    "adam_", "constraints", "dtype", "load_in_", "lora_", "lr_scheduler_kwargs", "model_", "num_generations", "optim",
    "data_seed", "seed", "target", "target_options", "use_dora", "use_peft", "use_rslora", "weight_decay",
)  # fmt: skip
"""Settings whose old value is in a checkpoint, or without which it means nothing; a resumed run cannot change them."""


def partial_folder(output: Path) -> Path:
    """Return the folder an unfinished run of `output` works in."""
    return output.parent / f"{output.name}.partial"


def check_output(output: Path, overwrite: bool, resume: bool) -> None:
    """Refuse an output that exists, or that an unfinished run is writing, unless asked."""
    if (reason := obstacle(output)) is not None:
        raise OutputError(f"{output} cannot be made: {reason}. Name another folder.")
    work = partial_folder(output)
    if resume and not work.is_dir():
        finished = f"{output} is finished" if output.exists() else f"there is no {work}"
        raise OutputError(f"nothing to resume: {finished}.")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists already; pass --overwrite to replace it, or name another folder.")
    if output.exists() and not all((output / name).is_file() for name in RESULT):
        raise OutputError(f"{output} is not the result of a training run, so it is not replaced. Name another folder.")
    if work.exists() and not (resume or overwrite):
        raise OutputError(f"{work} is an unfinished run; pass --resume to continue it, or --overwrite to discard it.")


@dataclass(frozen=True)
class RunRecord:
    """Everything that the results of a run depend on.

    Attributes:
        recipe: Every setting that is plain data.
        questions: Digest of the orbits, in order.
        code: Version of this package and a digest of its source.
        packages: Versions of other packages.
        processes: Number of processes.
        changes: A line for each change at a resumption.
    """

    recipe: Mapping[str, Any]
    questions: str
    code: str
    packages: Mapping[str, str]
    processes: int
    changes: Sequence[str] = field(default=())

    def write(self, folder: Path) -> None:
        """Write the record into a run's folder."""
        write_json(folder / RECORD, dataclasses.asdict(self))


def read_record(folder: Path) -> RunRecord:
    """Read the record of a run."""
    try:
        saved = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return RunRecord(**saved)
    except FileNotFoundError as error:
        raise OutputError(f"{folder} was killed before it began; pass --overwrite to discard it.") from error
    except (ValueError, TypeError) as error:
        raise OutputError(
            f"{folder / RECORD} is not the record of a run: {error}. Pass --overwrite to begin again."
        ) from error


def digest_of(*parts: Sequence[Orbit]) -> str:
    """Return a digest of questions: their wordings, answers and columns, in order."""
    digest = hashlib.sha256()
    for part in parts:
        for orbit in part:
            row = [orbit.views, orbit.gold, orbit.aliases, dict(orbit.columns)]
            digest.update(json.dumps(row, sort_keys=True, default=str).encode() + b"\n")
        digest.update(b"--\n")
    return digest.hexdigest()[:16]


def code_version() -> str:
    """Return the version of this package, with a digest of the source that a run executes."""
    from importlib.metadata import PackageNotFoundError, version

    digest = hashlib.sha256()
    for root in (Path(__file__).parents[1], Path(dagames.__file__).parent / "targets"):
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    try:
        number = version("dagames")
    except PackageNotFoundError:
        number = "unknown"
    return f"{number} ({digest.hexdigest()[:12]})"


def _named(name: str, names: Sequence[str]) -> bool:
    return any(name == one or (one.endswith("_") and name.startswith(one)) for one in names)


def recipe_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that change numbers and differ."""
    names = sorted(before.keys() | now.keys())
    return {
        name: f"`{name}` was {shown(before.get(name))} and is {shown(now.get(name))}"
        for name in names
        if before.get(name) != now.get(name) and not _named(name, FREE)
    }


def _other_differences(before: RunRecord, now: RunRecord) -> Iterator[str]:
    if before.questions != now.questions:
        yield f"the questions are others than they were (digest {before.questions}, now {now.questions})"
    if before.code != now.code:
        yield f"dagames was {before.code} and is {now.code}"
    for name in sorted(before.packages.keys() | now.packages.keys()):
        old, new = before.packages.get(name, "absent"), now.packages.get(name, "absent")
        if old != new:
            yield f"{name} was {old} and is {new}"
    if before.processes != now.processes:
        yield f"it ran on {before.processes} process(es) and now on {now.processes}"


def resumed_record(work: Path, now: RunRecord, accept: bool) -> RunRecord:
    """Return the record under which an unfinished run goes on."""
    before = read_record(work)
    recipe = recipe_differences(before.recipe, now.recipe)
    differences = [*recipe.values(), *_other_differences(before, now)]
    listed = "\n".join(f"  {difference}." for difference in differences)
    fixed = sorted(name for name in recipe if _named(name, KEPT))
    if fixed:
        raise OutputError(
            f"{work} was started by another recipe:\n{listed}\nIts checkpoints hold {', '.join(fixed)}: resume "
            "with the old value, or pass --overwrite to begin again."
        )
    if differences and not accept:
        what = "by another recipe" if recipe else "under other conditions"
        raise OutputError(
            f"{work} was started {what}:\n{listed}\nResume with what it was started with; or pass --accept-changes to "
            "go on with what is given now, to other numbers than an uninterrupted run; or --overwrite to begin again."
        )
    return dataclasses.replace(now, changes=(*before.changes, *differences))
