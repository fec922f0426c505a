"""Rows of a data set on the hub, or of a copy in a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagames_llm._errors import DataError
from dagames_llm.data.files import Placed, without_nulls
from dagames_llm.data.procedural import PREFIX
from dagames_llm.data.sets import DataSet
from dagames_llm.data.source import Source
from dagames_llm.hub_reach import hub_silence


def hub_rows(source: Source, public: DataSet | None) -> Iterator[Placed]:
    """Read the rows of a split."""
    split = source.split or ("train" if public is None else public.split)
    if source.path is not None:
        name, rows = source.path.name, _folder_rows(source.path, source.config, split)
    else:
        name = str(source.name) if public is None else public.hub
        rows = _remote_rows(name, source, public, split)
    return ((f"{name} ({split}), row {number}", without_nulls(row)) for number, row in enumerate(rows, start=1))


def _folder_rows(folder: Path, config: str | None, split: str) -> Iterable[Any]:
    from datasets import load_dataset, load_from_disk
    from datasets.exceptions import DatasetsError

    try:
        if (folder / "dataset_dict.json").is_file():
            return load_from_disk(str(folder))[split]
        if (folder / "state.json").is_file():
            return load_from_disk(str(folder))
        with _silent():
            return load_dataset(str(folder), config, split=split)
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, DatasetsError) as error:
        raise DataError(
            f"the folder {folder} cannot be read as a data set with a split {split!r}: {_reason(error)}. Give the path "
            "of one of its files, or another `split`."
        ) from error


def _remote_rows(name: str, source: Source, public: DataSet | None, split: str) -> Iterable[Any]:
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    config = source.config or (None if public is None else public.config)
    try:
        _check_hub(name)
        with _silent():
            return load_dataset(name, config, split=split, revision=source.revision)
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, DatasetsError) as error:
        copy = name.partition("/")[2].lower()
        mapping = f"{{path: {copy}}}" if public is None else f"{{name: {source.name}, path: {copy}}}"
        raise DataError(
            f"the data set {name} (split {split!r}) cannot be loaded from the hub: {_reason(error)}. On a machine with "
            f"a network run `hf download {name} --repo-type dataset --local-dir {copy}`, copy the folder to this "
            f"machine and give `data: {mapping}`, or the path of a file in it. `data: {PREFIX}basic_arithmetic` needs "
            "no hub."
        ) from error


def _check_hub(name: str) -> None:
    """Raise if the hub does not respond and no copy is cached, as `datasets` would retry for half a minute."""
    from datasets import config

    if (reason := hub_silence(name, "dataset")) is None:
        return
    if not any(Path(config.HF_DATASETS_CACHE).glob(f"*{name.partition('/')[2]}*")):
        raise ConnectionError(f"it does not respond ({reason})")


@contextmanager
def _silent() -> Iterator[None]:
    """Suppress the log of `datasets`, as a failure is reported by one DataError."""
    from datasets.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
