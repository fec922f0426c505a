"""Read a game from a YAML or JSON file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames.cli.entries import Entries
from dagames.cli.functional_entries import FUNCTIONALS, arguments_of, functional_of
from dagames.cli.yaml_files import read_yaml
from dagames.games.alignment import AlignmentGame

__all__ = ["FUNCTIONALS", "GameFile", "load_game", "read_game"]

_KEYS = ("pi_0", "log_pi_0", "E", "functional", "beta", "n_answers")


@dataclass(frozen=True)
class GameFile:
    """A game, and the functional as plain data."""

    game: AlignmentGame
    functional: Any


def load_game(path: Path) -> AlignmentGame:
    """Read a game from a YAML (or JSON) file.

    The form::

        pi_0: [0.5, 0.25, 0.25]       # reference over traces, or a list of such lists; or log_pi_0
        E: answers.npy                # answer of each trace; any list can be given as a file
        functional: {Gini: {weight: 1.3}}      # or a list of functionals, for their sum
        beta: 0.7
        n_answers: 2                  # optional

    Args:
        path: The file; names of other files are relative to its folder.

    Returns:
        The game. If the content is not valid, the DomainError (or other error of the game) states the line and column.
    """
    return read_game(path).game


def read_game(path: Path) -> GameFile:
    """Read a game as `load_game` does, and return the functional as plain data too."""
    document = read_yaml(path)
    content = document.content
    if not isinstance(content, dict):
        raise DomainError(f"{path} must contain the keys pi_0 (or log_pi_0), E, functional and beta.")
    entries = Entries(document)
    entries.check_keys((), _KEYS)
    references = [key for key in ("pi_0", "log_pi_0") if key in content]
    if len(references) == 2:
        raise DomainError(f"{document.place('log_pi_0')}: `pi_0` and `log_pi_0` both give the reference; omit one.")
    missing = [key for key in ("E", "beta", "functional") if key not in content]
    missing += [] if references else ["pi_0 (or log_pi_0)"]
    if missing:
        raise DomainError(f"{path} has the wrong keys; missing: {', '.join(missing)}.")
    return GameFile(_game(entries, references[0]), content["functional"])


def _game(entries: Entries, reference: str) -> AlignmentGame:
    functional = functional_of(entries, ("functional",))
    values, E = entries.numbers((reference,)), entries.numbers(("E",))
    beta, n_answers = entries.scalar("beta"), entries.scalar("n_answers")
    with entries.placed(*arguments_of(entries, ("functional",))):
        if not _is_ragged(values):
            make = AlignmentGame.from_log if reference == "log_pi_0" else AlignmentGame
            return make(values, E, functional, beta, n_answers=n_answers)
        if reference == "log_pi_0":
            raise DomainError(
                "`log_pi_0` has prompts of unequal sizes, which are supported for probabilities only. Give `pi_0`, or "
                "pad each prompt to the longest with -.inf in `log_pi_0` and any answer in `E`."
            )
        return AlignmentGame.ragged(values, E if isinstance(E, list) else [E], functional, beta, n_answers=n_answers)


def _is_ragged(values: Any) -> bool:
    """Whether values are a list of lists, or of arrays, that differ in length."""
    if not isinstance(values, list) or not all(isinstance(row, list | np.ndarray) for row in values):
        return False
    return len({len(row) for row in values}) > 1
