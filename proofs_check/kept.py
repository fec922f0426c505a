"""What an interrupted run had settled, kept beside its result until that is written."""

import hashlib
import json
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from dagames import DomainError
from proofs_check.record import Record

_LIBRARIES = ("numpy", "scipy", "mpmath", "python-flint", "cvxpy", "clarabel")


class Kept:
    """A file of one settled claim a line, under a first line that says what run it belongs to.

    Args:
        result: File of the result; the lines are kept beside it, with `.part` behind its name. None keeps nothing.
        seed: Seed of the run.
        sources: Files of the user's own that the verdicts rest on.
    """

    def __init__(self, result: Path | None, seed: int, sources: Iterable[Path] = ()) -> None:
        self.path = None if result is None else result.with_name(result.name + ".part")
        self._header = {"seed": seed, "code": fingerprint(), "own": [_digest([path]) for path in sources]}

    def read(self) -> dict[str, Record]:
        """Read what the same run had settled before it was interrupted.

        Returns:
            Records by claim; none if the lines belong to another seed or other code.
        """
        if self.path is None or not self.path.is_file():
            return {}
        # A run that was killed while it wrote leaves half a line.
        lines = [line for line in map(_parsed, self.path.read_text(encoding="utf-8").splitlines()) if line is not None]
        if not lines or lines[0] != self._header:
            return {}
        return {line["id"]: line for line in lines[1:]}

    def begin(self, records: Iterable[Record]) -> None:
        """Start the file anew.

        Args:
            records: What is settled already.

        Raises:
            DomainError: If it cannot be written.
        """
        if self.path is None:
            return
        lines = [self._header, *records]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise DomainError(f"cannot write {self.path}: {error.strerror}.") from None

    def add(self, record: Record) -> None:
        """Append a settled claim.

        Args:
            record: Its record.
        """
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")

    def end(self) -> None:
        """Remove the file: the result is written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


@cache
def fingerprint() -> str:
    """Identify the code that verdicts rest on: ours, the interpreter and the numerical libraries.

    Returns:
        A digest.
    """
    roots = [Path(str(files(name))) for name in ("dagames", "proofs_check")]
    ours = sorted(path for root in roots for path in root.rglob("*") if path.suffix in {".py", ".json"})
    versions = [platform.python_version(), *(f"{name} {version(name)}" for name in _LIBRARIES)]
    return _digest(ours, *versions)


def _digest(paths: Iterable[Path], *words: str) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _parsed(line: str) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
