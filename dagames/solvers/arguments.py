"""Check that a solver gets a game of the kind that it solves."""

from dagames._errors import DomainError
from dagames.games.alignment import AlignmentGame
from dagames.games.bregman import BregmanGame
from dagames.games.coupled import CoupledGame

_GAMES = (AlignmentGame, CoupledGame, BregmanGame)


def check_game(game: object, kind: type) -> None:
    """Raise unless a game is of a kind.

    Args:
        game: The argument of the solver.
        kind: `AlignmentGame`, `CoupledGame` or `BregmanGame`.

    Raises:
        DomainError: If it is of another kind; the message names the function that solves it.
    """
    if isinstance(game, kind):
        return
    article = "an" if kind is AlignmentGame else "a"
    other = isinstance(game, _GAMES)
    made = f" Make one by `{kind.__name__}(...)`, or by `dagames.cli.game_file.load_game` from a file."
    name = type(game).__name__
    hint = f" `dagames.solve` solves {'an' if name[0] == 'A' else 'a'} {name}." if other else made
    raise DomainError(f"`game` must be {article} {kind.__name__}, not {name}.{hint}")
