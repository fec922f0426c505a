"""Two nested roots for the equilibrium of a separable functional: slower than joint Newton steps, and never astray."""

import numpy as np

from dagames._types import OverAnswers
from dagames.games.alignment import AlignmentGame
from dagames.numerics.roots import increasing_root
from dagames.solvers.pieces import Piece, log_total, normalize


def nested_roots(game: AlignmentGame, pieces: tuple[Piece, ...]) -> OverAnswers:
    """Find the multiplier at which the masses sum to 1, and for each multiplier tried the mass of each answer.

    Math:
        f_z'(nu(z)) + beta log(nu(z) / nu_0(z)) = c,   sum_z nu(z) = 1.

    Args:
        game: The game.
        pieces: Its answers, with a separable functional.

    Returns:
        Log answer marginals, [*x, Z].
    """
    search = _Masses(game, pieces)
    search.solve(increasing_root(search.surplus, *search.bracket()))
    normalize(pieces, search.log_nu)
    return search.log_nu


class _Masses:
    """The log masses of the last multiplier tried, from which the next ones start."""

    def __init__(self, game: AlignmentGame, pieces: tuple[Piece, ...]) -> None:
        self.beta, self.pieces = game.beta, pieces
        self.total = log_total(pieces, game.log_nu_0)[..., None]
        self.log_n = np.log(game.reachable.sum(axis=-1, keepdims=True))
        self.log_nu = np.empty_like(game.log_nu_0)
        for piece in pieces:
            self.log_nu[..., piece.answers] = self._base(piece)

    def _base(self, piece: Piece) -> OverAnswers:
        """Log of the reference conditioned on the reachable answers, 0 at the others, [*x, n]."""
        return np.where(piece.reachable, piece.anchor - self.total, 0.0)

    def solve(self, c: np.ndarray) -> None:
        """Find each log mass for the multiplier c, [*x, 1], at most log 1."""
        for piece in self.pieces:
            own = self.log_nu[..., piece.answers]
            own[...] = self._solve_piece(piece, c, own)

    def _solve_piece(self, piece: Piece, c: np.ndarray, guess: OverAnswers) -> OverAnswers:
        base, beta, functional = self._base(piece), self.beta, piece.functional

        def excess(t: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
            return functional.gradient_at_log(t) + beta * (t - base) - c, functional.bend_at_log(t) + beta

        # f' is at most f'(1) up to mass 1, which bounds the root from below.
        ones = np.zeros_like(base)
        low = np.minimum(base + (c - functional.gradient_at_log(ones)) / beta, 0.0)
        return increasing_root(excess, low, ones, guess)

    def surplus(self, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute the log of the sum of masses at c, and its slope, [*x, 1] each."""
        self.solve(c)
        total = log_total(self.pieces, self.log_nu)[..., None]
        slope = np.zeros_like(total)
        for piece in self.pieces:
            t = self.log_nu[..., piece.answers]
            with np.errstate(over="ignore"):
                share = np.exp(t - total) / (
                    piece.functional.bend_at_log(np.where(piece.reachable, t, 0.0)) + self.beta
                )
            slope += np.where(piece.reachable, share, 0.0).sum(axis=-1, keepdims=True)
        return total, slope

    def bracket(self) -> tuple[np.ndarray, np.ndarray]:
        """Bound the multiplier c = f'(nu) + beta log(nu / nu_0), which is the same for all reachable answers.

        Some answer has nu <= nu_0 and some nu >= nu_0, so c lies between the slopes at nu_0; every nu is at most 1 and
        some nu is at least 1 / |Z|, which gives the second pair of bounds.

        Returns:
            Lower and upper bound, [*x, 1] each.
        """
        ends = np.min([self._ends(piece) for piece in self.pieces], axis=0)
        low = np.maximum(ends[0], ends[2])
        return low, np.maximum(np.minimum(-ends[1], ends[3]), low)

    def _ends(self, piece: Piece) -> np.ndarray:
        """Compute the least slope at nu_0, minus the largest, the least at mass 1 / |Z| and at mass 1, [4, *x, 1]."""
        base, functional = self._base(piece), piece.functional
        at_reference = functional.gradient_at_log(base)
        at_share = functional.gradient_at_log(np.broadcast_to(-self.log_n, base.shape).copy())
        at_one = functional.gradient_at_log(np.zeros_like(base)) - self.beta * base
        slopes = (at_reference, -at_reference, at_share - self.beta * (base + self.log_n), at_one)
        return np.stack([np.where(piece.reachable, s, np.inf).min(axis=-1, keepdims=True) for s in slopes])
