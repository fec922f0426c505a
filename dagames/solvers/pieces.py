"""The answers of a game in pieces, so that a prompt of very many needs little beside its marginal and target."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dagames import simplex
from dagames._types import OverAnswers, PerPrompt, Reachable
from dagames.functionals import Separable
from dagames.functionals.parts import at_answers, is_cuttable
from dagames.functionals.slopes import finite_slope
from dagames.games.alignment import AlignmentGame
from dagames.games.certificate import Certificate, certify
from dagames.solvers.solution import Solution

MANY = 2**18
"""Answers of a prompt from which they are cut: up to here an array of them is 2 MB."""

SIZE = 2**16
"""Answers of one piece: half a megabyte for each array of float64."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Some consecutive answers of every prompt.

    Attributes:
        answers: Which.
        functional: The terms of R that belong to them.
        log_nu_0: Log of the reference's masses, [*x, n].
        reachable: Which of them a policy of finite objective can use, bool [*x, n].
        full: Whether that is all of them.
    """

    answers: slice
    functional: Separable
    log_nu_0: OverAnswers
    reachable: Reachable
    full: bool

    @property
    def anchor(self) -> OverAnswers:
        """Log of the reference's masses, and 0 at unreachable answers, [*x, n]."""
        return self.log_nu_0 if self.full else np.where(self.reachable, self.log_nu_0, 0.0)

    def on_face(self, log_weights: OverAnswers) -> OverAnswers:
        """Put -inf at unreachable answers, [*x, n]."""
        return log_weights if self.full else np.where(self.reachable, log_weights, -np.inf)


def is_long(game: AlignmentGame) -> bool:
    """Say whether a prompt has so many answers that they are cut into pieces.

    Args:
        game: The game.

    Returns:
        True if there are more than `MANY`, and the functional is a sum over them.
    """
    return game.n_answers > MANY and is_cuttable(game.functional)


def cut(game: AlignmentGame, functional: Separable) -> tuple[Piece, ...]:
    """Cut the answers of a game.

    Args:
        game: The game.
        functional: Its functional.

    Returns:
        One piece, or several of at most `SIZE` answers each if there are many.
    """
    if not is_long(game):
        whole = Piece(slice(None), functional, game.log_nu_0, game.reachable, bool(game.reachable.all()))
        return (whole,)
    return tuple(_pieces(game, functional))


def _pieces(game: AlignmentGame, functional: Separable) -> Iterator[Piece]:
    for low in range(0, game.n_answers, SIZE):
        answers = slice(low, min(low + SIZE, game.n_answers))
        reachable = game.reachable[..., answers]
        part = at_answers(functional, answers)
        yield Piece(answers, part, game.log_nu_0[..., answers], reachable, bool(reachable.all()))


def log_total(pieces: tuple[Piece, ...], log_weights: OverAnswers) -> PerPrompt:
    """Compute the log of the sum of exp(log_weights) over the reachable answers, a piece at a time.

    Args:
        pieces: The pieces.
        log_weights: Log-weights of answers, [*x, Z].

    Returns:
        Logarithms, [*x].
    """
    parts = [simplex.log_sum(piece.on_face(log_weights[..., piece.answers])) for piece in pieces]
    return parts[0] if len(parts) == 1 else simplex.log_sum(np.stack(parts, axis=-1))


def normalize(pieces: tuple[Piece, ...], log_weights: OverAnswers) -> None:
    """Make the exponentials over the reachable answers sum to 1, in place, and put -inf at the others.

    Args:
        pieces: The pieces.
        log_weights: Log-weights of answers, [*x, Z]; overwritten.
    """
    total = log_total(pieces, log_weights)[..., None]
    for piece in pieces:
        part = log_weights[..., piece.answers]
        np.subtract(part, total, out=part)
        if not piece.full:
            part[~piece.reachable] = -np.inf


def solution_of_pieces(
    game: AlignmentGame, pieces: tuple[Piece, ...], log_nu: OverAnswers, method: str, iterations: int
) -> Solution:
    """Answer an answer marginal with its best target, and certify the pair, a piece at a time.

    Args:
        game: The game.
        pieces: Its pieces.
        log_nu: Log of an answer marginal, [*x, Z].
        method: Name of the solver.
        iterations: Steps taken.

    Returns:
        The solution; its certificate says how good it is.
    """
    log_q = np.empty_like(log_nu)
    for piece in pieces:
        slope = finite_slope(piece.functional, log_nu[..., piece.answers], piece.reachable, np.inf)
        np.multiply(slope, -1.0 / game.beta, out=log_q[..., piece.answers])
    normalize(pieces, log_q)
    return Solution(
        log_nu=log_nu,
        log_q=log_q,
        certificate=certify_pieces(game, pieces, log_nu, log_q),
        game=game,
        iterations=iterations,
        method=method,
    )


def certify_pieces(
    game: AlignmentGame, pieces: tuple[Piece, ...], log_nu: OverAnswers, log_q: OverAnswers
) -> Certificate:
    """Bound how far the policy of a marginal is from optimal, with the tangent of R at that marginal for its conjugate.

    Math:
        R*(u) <= <nu, grad R(nu)> - R(nu) + max_z (u - grad R(nu))(z), for every nu, because R is convex; with equality
        where u - grad R(nu) is constant, as it is for the best target against nu.

    The conjugate itself would need the answers sorted, or a root over all of them at once.

    Args:
        game: The game.
        pieces: Its pieces.
        log_nu: Log of an answer marginal, [*x, Z].
        log_q: Log-target, [*x, Z], finite on every reachable answer.

    Returns:
        The certificate, with the errors of `AlignmentGame.certify`.
    """
    value, divergence, gain = np.zeros((3, *game.batch))
    top, masses = np.full(game.batch, -np.inf), []
    for piece in pieces:
        logs, said = log_nu[..., piece.answers], log_q[..., piece.answers]
        nu = np.exp(logs)
        slope = np.where(piece.reachable, piece.functional.gradient_at_log(logs), 0.0)
        value += piece.functional.value(nu)
        divergence += simplex.kl_from_logs(logs, piece.log_nu_0)
        gain += (nu * slope).sum(axis=-1)
        u = -game.beta * np.where(piece.reachable, said, 0.0)
        top = np.maximum(top, np.where(piece.reachable, u - slope, -np.inf).max(axis=-1))
        masses.append(simplex.log_sum(piece.on_face(piece.anchor + said)))
    potential = np.asarray(gain - value + top)
    log_mass = simplex.log_sum(np.stack(masses, axis=-1))
    return certify(
        value=np.asarray(value),
        divergence=np.asarray(game.beta * divergence),
        dual=np.asarray(-game.beta * log_mass - potential),
        rounded=np.asarray(np.maximum(np.abs(potential), game.beta * np.maximum(1.0, np.abs(log_mass)))),
        of=game.functional,
    )
