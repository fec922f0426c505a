"""A game written down in a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames.cli.entries import Stated
from dagames.cli.functional_entries import FUNCTIONALS, arguments_of, functional_of
from dagames.cli.yaml_files import read_yaml
from dagames.games.alignment import AlignmentGame

__all__ = ["FUNCTIONALS", "GameFile", "load_game", "read_game"]

_KEYS = ("pi_0", "log_pi_0", "E", "functional", "beta", "n_answers")


@dataclass(frozen=True)
class GameFile:
    """A game, and how its file states it.

    Attributes:
        path: The file.
        game: The game.
        functional: The functional as the file states it: plain data.
    """

    path: Path
    game: AlignmentGame
    functional: Any


def load_game(path: Path) -> AlignmentGame:
    """Read a game from a YAML (or JSON) file.

    The form::

        pi_0: [0.5, 0.25, 0.25]       # reference over traces, or a list of such lists; or log_pi_0
        E: answers.npy                # answer of each trace: here, as anywhere, a file may stand for a list
        functional: {Gini: {weight: 1.3}}      # or a list of such, which stands for their sum
        beta: 0.7
        n_answers: 2                  # optional

    Args:
        path: The file; the files that it names are looked for in its folder.

    Returns:
        The game.
    """
    return read_game(path).game


def read_game(path: Path) -> GameFile:
    """Read a game from a YAML (or JSON) file, and keep what it says.

    Args:
        path: The file, in the form of `load_game`.

    Returns:
        The game and its statement.

    Raises:
        DomainError: If the file is missing, is not YAML, has an unknown or missing key, or states no game. Other
            errors of the game are raised as what they are, with the place in the file.
    """
    document = read_yaml(path)
    content = document.content
    if not isinstance(content, dict):
        raise DomainError(f"{path} must hold the keys pi_0 (or log_pi_0), E, functional and beta.")
    stated = Stated(document)
    stated.check_keys((), _KEYS)
    references = [key for key in ("pi_0", "log_pi_0") if key in content]
    if len(references) == 2:
        raise DomainError(f"{document.place('log_pi_0')}: `pi_0` and `log_pi_0` both state the reference; keep one.")
    missing = [key for key in ("E", "beta", "functional") if key not in content]
    missing += [] if references else ["pi_0 (or log_pi_0)"]
    if missing:
        raise DomainError(f"{path} has the wrong keys; missing: {', '.join(missing)}.")
    return GameFile(path, _game(stated, references[0]), content["functional"])


def _game(stated: Stated, reference: str) -> AlignmentGame:
    where = ("functional",)
    functional = functional_of(stated, where)
    values, E = stated.numbers((reference,)), stated.numbers(("E",))
    beta, n_answers = stated.scalar("beta"), stated.scalar("n_answers")
    with stated.placed(*arguments_of(stated, where)):
        if not _is_ragged(values):
            state = AlignmentGame.from_log if reference == "log_pi_0" else AlignmentGame
            return state(values, E, functional, beta, n_answers=n_answers)
        if reference == "log_pi_0":
            raise DomainError(
                "`log_pi_0` has prompts of unequal sizes, which are read as probabilities only. State `pi_0`, or fill "
                "each prompt up to the longest with -.inf in `log_pi_0` and any answer in `E`."
            )
        return AlignmentGame.ragged(values, E if isinstance(E, list) else [E], functional, beta, n_answers=n_answers)


def _is_ragged(values: Any) -> bool:
    """Say whether values are a list of lists, or of arrays, that differ in length."""
    if not isinstance(values, list) or not all(isinstance(row, list | np.ndarray) for row in values):
        return False
    return len({len(row) for row in values}) > 1
