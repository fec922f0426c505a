"""The folder of a run: `<output>.partial` until all files are complete, then `<output>`.

`run.json` records what the numbers of the run depend on: recipe, questions, code, packages and processes. A difference
at a resumption would change rows or rounding, so it is an error that names the difference, unless it is accepted.
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
"""Files of a finished run; `overwrite` replaces only a folder that contains them."""

RECORD = "run.json"

FREE = (
    "data", "disable_tqdm", "enable_jit_checkpoint", "eval_samples", "hub_", "log_", "logging_",
    "num_completions_to_print", "project", "report_to", "save_", "skip_memory_metrics", "trackio_", "do_eval",
    "dataloader_num_workers",
    "dataloader_pin_memory", "dataloader_persistent_workers", "dataloader_prefetch_factor",
)  # fmt: skip
"""Settings, by name or prefix, that do not change the numbers of a run; of `data` the content is compared."""

KEPT = (
    "adam_", "constraints", "dtype", "load_in_", "lora_", "lr_scheduler_kwargs", "model_", "num_generations", "optim",
    "data_seed", "seed", "target", "target_options", "use_dora", "use_peft", "use_rslora", "weight_decay",
)  # fmt: skip
"""Settings, by name or prefix, on which the content of a checkpoint depends; a resumed run cannot change them."""


def partial_folder(output: Path) -> Path:
    """Return the working folder of an unfinished run."""
    return output.parent / f"{output.name}.partial"


def check_output(output: Path, overwrite: bool, resume: bool) -> None:
    """Raise OutputError for an existing output or an unfinished run, unless it may be replaced or resumed."""
    if (reason := obstacle(output)) is not None:
        raise OutputError(f"{output} cannot be made: {reason}. Name another folder.")
    work = partial_folder(output)
    if resume and not work.is_dir():
        reason = f"{output} is finished" if output.exists() else f"there is no folder {work}; leave --resume out"
        raise OutputError(f"no run to resume: {reason}.")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists already; pass --overwrite to replace it, or name another folder.")
    if output.exists() and not all((output / name).is_file() for name in RESULT):
        raise OutputError(f"{output} is not the result of a training run, so it is not replaced. Name another folder.")
    if work.exists() and not (resume or overwrite):
        raise OutputError(f"{work} is an unfinished run; pass --resume to continue it, or --overwrite to discard it.")


@dataclass(frozen=True)
class RunRecord:
    """Everything on which the results of a run depend.

    Attributes:
        recipe: All settings that are plain data.
        questions: Digest of the orbits, in order.
        code: Version of this package and a digest of its source.
        packages: Versions of other packages.
        processes: Number of processes.
        changes: A sentence for each accepted change at resumptions.
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
        raise OutputError(
            f"{folder} has no {RECORD}: its run was ended before the first step. Pass --overwrite to discard it."
        ) from error
    except (ValueError, TypeError) as error:
        raise OutputError(
            f"{folder / RECORD} is not the record of a run: {error}. Pass --overwrite to start a new run."
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


def _is_listed(name: str, names: Sequence[str]) -> bool:
    return any(name == other or (other.endswith("_") and name.startswith(other)) for other in names)


def recipe_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Return the differences of settings that change the numbers of a run, by key."""
    names = sorted(before.keys() | now.keys())
    return {
        name: f"`{name}` was {shown(before.get(name))} and is {shown(now.get(name))}"
        for name in names
        if before.get(name) != now.get(name) and not _is_listed(name, FREE)
    }


def _other_differences(before: RunRecord, now: RunRecord) -> Iterator[str]:
    if before.questions != now.questions:
        yield f"the questions have changed (digest {before.questions}, now {now.questions})"
    if before.code != now.code:
        yield f"dagames was {before.code} and is {now.code}"
    for name in sorted(before.packages.keys() | now.packages.keys()):
        old, new = before.packages.get(name, "absent"), now.packages.get(name, "absent")
        if old != new:
            yield f"{name} was {old} and is {new}"
    if before.processes != now.processes:
        yield f"the number of processes was {before.processes} and is {now.processes}"


def resumed_record(work: Path, now: RunRecord, accept: bool) -> RunRecord:
    """Return the record of a resumed run with its changes; raise OutputError for changes that are not accepted."""
    before = read_record(work)
    recipe = recipe_differences(before.recipe, now.recipe)
    differences = [*recipe.values(), *_other_differences(before, now)]
    listed = "\n".join(f"  {difference}." for difference in differences)
    fixed = sorted(name for name in recipe if _is_listed(name, KEPT))
    if fixed:
        raise OutputError(
            f"{work} was started with another recipe:\n{listed}\nIts checkpoints depend on {', '.join(fixed)}: resume "
            "with the old value, or pass --overwrite to start a new run."
        )
    if differences and not accept:
        what = "with another recipe" if recipe else "under other conditions"
        raise OutputError(
            f"{work} was started {what}:\n{listed}\nRestore the former values; or pass --accept-changes to continue "
            "with the present ones, which gives other numbers than an uninterrupted run; or --overwrite to start a new "
            "run."
        )
    return dataclasses.replace(now, changes=(*before.changes, *differences))
