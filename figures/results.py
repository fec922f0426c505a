"""Result files of language-model runs, which some figures read."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "results"


class MissingResultsError(Exception):
    """A result file is absent: the figure says so, and the others are drawn."""


def read_result(name: str) -> Any:
    """Return the content of a JSON file of `results/`.

    Args:
        name: The path within `results/`.

    Returns:
        The content.

    Raises:
        MissingResultsError: If the file is absent.
    """
    path = RESULTS / name
    if not path.is_file():
        raise MissingResultsError(f"The result file results/{name} is absent, so this figure is not drawn.")
    return json.loads(path.read_text(encoding="utf-8"))
