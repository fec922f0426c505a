"""Direct preference optimisation solved exactly: from comparisons of traces to a policy, its reward and a target.

Bradley-Terry scores s = beta log(pi / pi_0) enter the loss only through differences, and it is convex in them: a
logistic regression on a graph whose edges are the compared pairs.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from dagames import _tolerances, simplex
from dagames._errors import DomainError, ShapeError, SolveError
from dagames._types import Extraction, Numbers, PerAnswer, PerTrace
from dagames.grpo.preferences import Wins
from dagames.numerics.float_errors import with_default_errors

EPSILON = float(np.finfo(np.float64).eps)

STEPS = 200
"""Newton steps allowed: the loss falls by a fixed share in each until the quadratic phase, a dozen on ordinary data."""


@dataclass(frozen=True, eq=False)
class DpoSolution:
    """The policy of least DPO loss, and a bound on its distance from it.

    Attributes:
        log_pi: Log of the policy, [Y]; -inf where the reference is.
        scores: Implicit rewards beta log(pi / pi_0), centred to mean 0 over the traces of the reference, [Y], in
            R-units; 0 for traces outside.
        error: Bound on the Euclidean distance of `scores` from the exact minimiser, in R-units.
        iterations: Newton steps taken.
    """

    log_pi: PerTrace
    scores: PerTrace
    error: float
    iterations: int


@with_default_errors
def solve_dpo(pi_0: Numbers, wins: Numbers, beta: float, *, tolerance: float = _tolerances.SCORES) -> DpoSolution:
    """Minimise the DPO loss over all policies, by Newton's method on the implicit rewards.

    Math:
        loss(s) = -sum over y, y' of wins(y, y') log sigmoid(s(y) - s(y')) / sum of wins,   s = beta log(pi / pi_0).

    If wins(y, y') is a weight of the pair times the Bradley-Terry probability of a reward r, the minimum is at
    s = r + const, that is at pi proportional to pi_0 exp(r / beta), whatever the weights, if they connect all traces.

    The error bound: along any unit direction the curvature falls off no faster than exp(-sqrt(2) t), so a gradient of
    norm g where the least curvature is m puts the minimiser within -log(1 - sqrt(2) g / m) / sqrt(2). A reward some
    12 nats from all others is refused at the default tolerance, for rounding drowns its curvature; the error says which
    tolerance can be met.

    Args:
        pi_0: Reference over traces, [Y]; traces of probability 0 are left out.
        wins: Weight or number of comparisons that the first trace won against the second, [Y, Y], at least 0; the
            diagonal is not read.
        beta: Weight of the divergence to the reference, above 0, in reward units per nat.
        tolerance: Largest `error` that is accepted, in reward units.

    Returns:
        The policy and its implicit reward.

    Raises:
        ShapeError: If `wins` is not one row and column per trace.
        DomainError: If a weight is negative, or the comparisons leave some trace's score undecided.
        SolveError: If the error bound stays above the tolerance.

    Source:
        (paper, Prop 3.1); claim I.16

    >>> from dagames.grpo import bradley_terry
    >>> solution = solve_dpo([0.5, 0.3, 0.2], bradley_terry([1.0, 0.0, 0.0]), beta=0.5)
    >>> np.exp(solution.log_pi - np.log([0.5, 0.3, 0.2])).round(4)  # e^2 : 1 : 1
    array([1.7616, 0.2384, 0.2384])
    """
    reference = simplex.as_distribution(pi_0, "pi_0")
    beta, tolerance = simplex.as_positive(beta, "beta"), simplex.as_positive(tolerance, "tolerance")
    weights = _as_wins(wins, reference.size)
    held = np.flatnonzero(reference)
    scores, error, iterations = fit_scores(weights[np.ix_(held, held)], tolerance)
    everywhere = np.zeros(reference.size)
    everywhere[held] = scores
    log_pi = np.full(reference.size, -np.inf)
    log_pi[held] = simplex.log_normalize(np.log(reference[held]) + scores / beta)
    return DpoSolution(log_pi, everywhere, error, iterations)


@with_default_errors
def recover_target(log_pi: Numbers, pi_0: Numbers, E: Numbers) -> PerAnswer:
    """Read the game's target off a policy and its reference, without the reward.

    Math:
        q(z) proportional to nu_pi(z) / nu_0(z),   which is exp(r*(z) / beta) at pi proportional to pi_0 exp(r* / beta)
        if r* depends on the answer alone.

    Args:
        log_pi: Log of the policy over traces, [Y], as `solve_dpo` returns it.
        pi_0: Reference over traces, [Y].
        E: Answer of each trace, [Y].

    Returns:
        Log of the target, [Z]; -inf for answers that the reference does not give.

    Raises:
        ShapeError: If policy and reference are not over the same traces.

    Source:
        (paper, Prop 3.1, eq. 7); claim I.16

    >>> from dagames.grpo import bradley_terry
    >>> solution = solve_dpo([0.5, 0.3, 0.2], bradley_terry([1.0, 0.0, 0.0]), beta=0.5)
    >>> np.exp(recover_target(solution.log_pi, [0.5, 0.3, 0.2], [0, 1, 1])).round(4)
    array([0.8808, 0.1192])
    """
    with np.errstate(divide="ignore"):
        log_pi_0 = np.log(simplex.as_distribution(pi_0, "pi_0", kept=False))
    policy = simplex.as_log_distribution(log_pi, "log_pi")
    if policy.shape != log_pi_0.shape or policy.ndim != 1:
        raise ShapeError(f"`log_pi` has shape {policy.shape} and `pi_0` {log_pi_0.shape}; both must be (Y,).")
    extraction: Extraction
    extraction, n_answers = simplex.as_extraction(E, log_pi_0.shape, None, kept=False)
    log_nu, log_nu_0 = (simplex.pushforward(log, extraction, n_answers) for log in (policy, log_pi_0))
    ratio = np.subtract(log_nu, log_nu_0, out=np.full(n_answers, -np.inf), where=np.isfinite(log_nu_0))
    return simplex.log_normalize(ratio)


def fit_scores(wins: Wins, tolerance: float = _tolerances.SCORES) -> tuple[PerTrace, float, int]:
    """Minimise the logistic loss of comparisons, which is all that DPO does: the reference only turns scores into pi.

    Args:
        wins: Weight of comparisons that the first trace won against the second, [Y, Y], diagonal 0.
        tolerance: Largest error bound that is accepted, in reward units.

    Returns:
        Scores of mean 0, [Y], a bound on their Euclidean error, and the number of Newton steps.

    Raises:
        SolveError: If the error bound stays above the tolerance.
    """
    _check_connected(wins)
    n = wins.shape[0]
    if n == 1:
        return np.zeros(1), 0.0, 0
    wins = np.asarray(wins / wins.sum())
    scores, best = np.zeros(n), np.inf
    for iteration in range(STEPS):
        gradient, hessian, rounding = _slopes(wins, scores)
        error = _error_bound(float(np.linalg.norm(gradient)) + rounding, hessian)
        if error <= tolerance:
            return scores, error, iteration
        best = min(best, error)
        # The loss does not see a common shift; adding 1 along it makes the matrix regular and the step have mean 0.
        try:
            step = -np.linalg.solve(hessian + np.diag(hessian).mean(), gradient)
        except np.linalg.LinAlgError:
            break
        # Damped as for a self-concordant loss, so that a full step is taken only where the quadratic model is good.
        size = float(np.sqrt(2) * np.linalg.norm(step))
        scores = scores + step * (1.0 if size < 1e-3 else np.log1p(size) / size)
        scores -= scores.mean()
    raise SolveError(
        f"`wins` determines the scores only to {best:.1e} > {tolerance:.1e}: some comparisons are nearly certain, so "
        "that their margins hardly change the loss. Ask for a larger `tolerance`, or use smaller rewards."
    )


def _as_wins(wins: Numbers, n_traces: int) -> Wins:
    array = simplex.as_real(wins, "wins").copy()
    if array.shape != (n_traces, n_traces):
        raise ShapeError(f"`wins` has shape {array.shape}; {n_traces} traces ask for a square of that size.")
    if (array < 0).any():
        place = tuple(int(i) for i in np.argwhere(array < 0)[0])
        raise DomainError(f"`wins[{place[0]}, {place[1]}]` is negative: {array[place]:g}.")
    np.fill_diagonal(array, 0.0)
    return array


def _check_connected(wins: Wins) -> None:
    parts, part = connected_components(wins > 0, directed=True, connection="strong")
    if parts > 1:
        alone = np.flatnonzero(part == part[0])[:10].tolist()
        raise DomainError(
            f"`wins` leaves scores undecided: no chain of wins leads both from the traces {alone} (of those with mass) "
            "to the others and back, so the loss has no minimum: a margin grows for ever, or was never compared. "
            "Use more comparisons, or add a small weight to every pair."
        )


def _slopes(wins: Wins, scores: PerTrace) -> tuple[PerTrace, Wins, float]:
    """Differentiate the loss twice; the last is a bound on the gradient's rounding error."""
    margins = scores[:, None] - scores[None, :]
    # The winner's surprise; both tails come from expit, for 1 - expit loses the small ones.
    surprise = wins * expit(-margins)
    won, lost = surprise.sum(axis=1), surprise.sum(axis=0)
    curvature = (wins + wins.T) * expit(margins) * expit(-margins)
    # A margin that is off by its last bit changes its surprise by the margin times that, relatively.
    rounding = EPSILON * (8.0 + float(np.ptp(scores))) * float(np.linalg.norm(won + lost))
    return np.asarray(lost - won), np.asarray(np.diag(curvature.sum(axis=1)) - curvature), rounding


def _error_bound(slope: float, hessian: Wins) -> float:
    eigenvalues = np.linalg.eigvalsh(hessian)
    least = float(eigenvalues[1] - eigenvalues.size * EPSILON * eigenvalues[-1])
    ratio = np.sqrt(2) * slope / least if least > 0 else np.inf
    return float(-np.log1p(-ratio) / np.sqrt(2)) if ratio < 1 else np.inf
