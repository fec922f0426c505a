"""The equilibrium of a separable Bregman game, by nested roots."""

import numpy as np

from dagames import simplex
from dagames._types import OverAnswers, OverTraces
from dagames.bregman.base import mix_to_one
from dagames.functionals import Separable
from dagames.games.bregman import BregmanGame
from dagames.numerics.roots import increasing_root
from dagames.simplex import at_answer, max_by_answer, sum_by_answer

_WIDTH = 8 * np.finfo(np.float64).eps
_LEAST = -800.0
"""Log of a mass that is 0 in float64, and whose square root is below rounding."""


def newton_log_policy(game: BregmanGame, functional: Separable) -> OverTraces:
    """Solve the optimality conditions of J_F, [*x, Y].

    Math:
        f_z'(nu_z) + beta (F'(pi(y)) - F'(pi_0(y))) = c for every reachable trace y of mass, z = E(y), and >= c without.

    For given c each answer is the root of one increasing function of the log mass of its likeliest trace, which fixes
    the other traces of the answer; c is the root of log sum_z nu_z. The log mass, not the slope, is the unknown: where
    f' is infinite at 0 and F' is not, float64 slopes of order 1 do not resolve a mass of 1e-30.

    Args:
        game: The game.
        functional: Its functional, a sum over answers.

    Returns:
        Log-probabilities of traces; -inf for no mass.
    """
    return _Conditions(game, functional).solve()


class _Conditions:
    def __init__(self, game: BregmanGame, functional: Separable) -> None:
        self.game, self.functional = game, functional
        self.slope_0 = np.where(game.reachable_traces, game.generator.gradient_at_log(game.log_pi_0), -np.inf)
        top = max_by_answer(self.slope_0, game.E, game.n_answers)
        self.top = np.where(game.reachable, top, 0.0)
        # Slope of each trace minus that of its answer's likeliest trace; it is the same for pi as for pi_0.
        self.behind = np.where(game.reachable_traces, self.slope_0 - self._at_traces(self.top), -np.inf)
        self.guess = np.where(game.reachable, max_by_answer(game.log_pi_0, game.E, game.n_answers), 0.0)
        self.guess = np.where(np.isfinite(self.guess), self.guess, -1.0)

    def solve(self) -> OverTraces:
        """Find c, then every mass."""
        game = self.game
        n_traces = game.reachable_traces.sum(axis=-1, keepdims=True)
        # If no trace has more than 1 / n, the sum is at most 1; if some trace has 1, it is at least 1.
        low = self._least(self._levels(np.broadcast_to(-np.log(n_traces), self.top.shape).copy()))
        high = self._least(self._levels(np.zeros_like(self.top)))
        c = increasing_root(self._surplus, low, np.maximum(low, high))
        # A steep F resolves every mass; for others, c is as accurate as the levels are.
        scale = 0.0 if game.generator.steep else np.abs(c) + game.beta * np.abs(self.top).max()
        width = _WIDTH * scale
        for _ in range(4):
            below, above = (self._log_masses(self._log_tops(moved)) for moved in (c - width, c + width))
            if (np.exp(below).sum(axis=-1) <= 1).all() and (np.exp(above).sum(axis=-1) >= 1).all():
                break
            width = 16 * width
        return mix_to_one(below, above)

    def _log_masses(self, log_tops: OverAnswers) -> OverTraces:
        """Compute the mass of every trace from that of its answer's likeliest one."""
        F, log_top = self.game.generator, self._at_traces(log_tops)
        with np.errstate(invalid="ignore"):
            others = F.log_mass_at_slope(F.gradient_at_log(log_top) + self.behind)
        # Equal slopes have equal masses; computing tiny masses from slopes would lose digits.
        return np.where(
            self.game.reachable_traces, np.where(self.behind == 0, log_top, np.minimum(others, log_top)), -np.inf
        )

    def _levels(self, log_tops: OverAnswers) -> OverAnswers:
        """Compute f'(nu) + beta (F'(top mass) - F'(its reference)), [*x, Z], increasing in the top mass."""
        return self._terms(log_tops)[0]

    def _terms(self, log_tops: OverAnswers) -> tuple[OverAnswers, OverAnswers, OverAnswers, OverAnswers]:
        """Return level, d level / d log top mass, log nu, and d log nu / d log top mass, [*x, Z] each."""
        game, F = self.game, self.game.generator
        log_p = self._log_masses(log_tops)
        log_nu = simplex.pushforward(log_p, game.E, game.n_answers)
        # Only trial points exceed mass 1, where f may be undefined; with f'(1) there the level still increases.
        capped = np.minimum(np.where(game.reachable, log_nu, 0.0), 0.0)
        bend = F.bend_at_log(log_tops)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            level = self.functional.gradient_at_log(capped) + game.beta * (F.gradient_at_log(log_tops) - self.top)
            follow = self._follow(log_p, log_nu, bend)
            bent = np.where(log_nu < 0, self.functional.bend_at_log(capped) * follow, 0.0)
            rise = bent + game.beta * bend
            # An infinite derivative would give a Newton step of 0; NaN gives bisection.
            return level, np.where(np.isfinite(rise), rise, np.nan), log_nu, follow

    def _follow(self, log_p: OverTraces, log_nu: OverAnswers, bend: OverAnswers) -> OverAnswers:
        """Compute d log nu / d log top mass, [*x, Z]: the mean over the answer's traces of top bend / trace bend."""
        positive = np.isfinite(log_p)
        share = np.where(positive, np.exp(np.where(positive, log_p - self._at_traces(log_nu), 0.0)), 0.0)
        trace_bend = self.game.generator.bend_at_log(np.where(positive, log_p, 0.0))
        ratio = np.where(self.behind == 0, 1.0, self._at_traces(bend) / trace_bend)
        return sum_by_answer(np.where(share > 0, share * ratio, 0.0), self.game.E, self.game.n_answers)

    def _log_tops(self, c: np.ndarray) -> OverAnswers:
        """Find the log of the largest mass of each answer for the multiplier c, [*x, Z]; -inf for none."""
        game, F = self.game, self.game.generator
        steepest = self.functional.gradient_at_log(np.zeros_like(self.top))
        # f' is at most f'(1) up to mass 1, which bounds the mass from below.
        low = F.log_mass_at_slope(self.top + (c - steepest) / game.beta)
        low = np.where(np.isfinite(low), low, _LEAST)

        def excess(log_tops: OverAnswers) -> tuple[OverAnswers, OverAnswers]:
            level, rise, _, _ = self._terms(log_tops)
            return level - c, rise

        self.guess = increasing_root(excess, low, np.zeros_like(low), self.guess)
        if F.steep:
            return self.guess
        empty = self._levels(np.full_like(low, -np.inf)) >= c
        return np.asarray(np.where(empty, -np.inf, self.guess))

    def _surplus(self, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import logsumexp

        _, rise, log_nu, follow = self._terms(self._log_tops(c))
        log_nu = np.where(self.game.reachable, log_nu, -np.inf)
        total = logsumexp(log_nu, axis=-1, keepdims=True)
        positive = np.isfinite(log_nu)
        share = np.exp(np.where(positive, log_nu - np.where(np.isfinite(total), total, 0.0), -np.inf))
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            return total, np.where(share > 0, share * follow / rise, 0.0).sum(axis=-1, keepdims=True)

    def _least(self, values: OverAnswers) -> np.ndarray:
        return np.asarray(np.where(self.game.reachable, values, np.inf).min(axis=-1, keepdims=True))

    def _at_traces(self, values: OverAnswers) -> OverTraces:
        return at_answer(values, self.game.E, self.game.batch)
