"""Direct preference optimisation, solved to a bound on the error: policy, implicit reward and target.

The loss is a convex function of the differences of the Bradley-Terry scores s = beta log(pi / pi_0): a logistic
regression on the graph of compared pairs.
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
"""Maximum number of Newton steps. A dozen suffice on ordinary data."""


@dataclass(frozen=True, eq=False)
class DpoSolution:
    """A policy of nearly least DPO loss, and a bound on its error.

    Attributes:
        log_pi: Log of the policy, [Y]; -inf where the reference is.
        scores: Implicit rewards beta log(pi / pi_0), [Y], in R-units, with mean 0 over the traces of positive
            reference probability; 0 for the others.
        error: Bound on the Euclidean distance of `scores` from the exact minimiser, in R-units.
        iterations: Newton steps taken.
    """

    log_pi: PerTrace
    scores: PerTrace
    error: float
    iterations: int


@with_default_errors
def solve_dpo(pi_0: Numbers, wins: Numbers, beta: float, *, tolerance: float = _tolerances.SCORES) -> DpoSolution:
    """Minimise the DPO loss over all policies by Newton's method on the implicit rewards.

    Math:
        loss(s) = -sum over y, y' of wins(y, y') log sigmoid(s(y) - s(y')) / sum of wins,   s = beta log(pi / pi_0).

    If wins(y, y') is a weight of the pair times the Bradley-Terry probability of a reward r, and the weights connect
    all traces, the minimiser is s = r + const for any weights, that is pi proportional to pi_0 exp(r / beta).

    The error bound: along any unit direction the curvature decreases no faster than exp(-sqrt(2) t). At a point with
    gradient norm g and least curvature m, the minimiser is therefore within -log(1 - sqrt(2) g / m) / sqrt(2). A reward
    about 12 nats from all others does not meet the default tolerance, because the curvature is then of the size of
    rounding errors; the SolveError names the tolerance that can be met.

    Args:
        pi_0: Reference over traces, [Y]; traces of probability 0 are ignored.
        wins: Weight or number of comparisons that the first trace won against the second, [Y, Y], at least 0; the
            diagonal is not read.
        beta: Weight of the divergence to the reference, above 0, in reward units per nat.
        tolerance: Largest allowed `error`, in reward units.

    Returns:
        The policy and its implicit reward.

    Raises:
        ShapeError: If `wins` does not have one row and column per trace.
        DomainError: If a weight is negative, or the comparisons do not determine all scores.
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
    support = np.flatnonzero(reference)
    scores, error, iterations = fit_scores(weights[np.ix_(support, support)], tolerance)
    everywhere = np.zeros(reference.size)
    everywhere[support] = scores
    log_pi = np.full(reference.size, -np.inf)
    log_pi[support] = simplex.log_normalize(np.log(reference[support]) + scores / beta)
    return DpoSolution(log_pi, everywhere, error, iterations)


@with_default_errors
def recover_target(log_pi: Numbers, pi_0: Numbers, E: Numbers) -> PerAnswer:
    """Compute the game's target from a policy and its reference, without the reward.

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
        ShapeError: If policy and reference do not have the same shape, (Y,).

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
    """Minimise the logistic loss of comparisons `wins`, [Y, Y], whose diagonal is 0.

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
        # The loss is invariant under a common shift; the constant makes the matrix regular and the step centred.
        try:
            step = -np.linalg.solve(hessian + np.diag(hessian).mean(), gradient)
        except np.linalg.LinAlgError:
            break
        # Damped as for a self-concordant function: full steps only where the quadratic model is accurate.
        size = float(np.sqrt(2) * np.linalg.norm(step))
        scores = scores + step * (1.0 if size < 1e-3 else np.log1p(size) / size)
        scores -= scores.mean()
    raise SolveError(
        f"`wins` determines the scores only to {best:.1e} > {tolerance:.1e}: some comparisons are nearly certain, and "
        "the loss hardly depends on their margins. Use a larger `tolerance`, or smaller rewards."
    )


def _as_wins(wins: Numbers, n_traces: int) -> Wins:
    array = simplex.as_real(wins, "wins").copy()
    if array.shape != (n_traces, n_traces):
        raise ShapeError(f"`wins` has shape {array.shape}; it must be {(n_traces, n_traces)} for {n_traces} traces.")
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
            f"`wins` does not determine the scores: there is no chain of wins from the traces {alone} (numbered among "
            "those with mass) to all others and back, so the loss has no unique minimum. Use more comparisons, or add "
            "a small weight to every pair."
        )


def _slopes(wins: Wins, scores: PerTrace) -> tuple[PerTrace, Wins, float]:
    """Return gradient and Hessian of the loss, and a bound on the rounding error of the gradient."""
    margins = scores[:, None] - scores[None, :]
    # expit(-x) is accurate where 1 - expit(x) cancels.
    loss_slopes = wins * expit(-margins)
    won, lost = loss_slopes.sum(axis=1), loss_slopes.sum(axis=0)
    curvature = (wins + wins.T) * expit(margins) * expit(-margins)
    # A relative error eps of a margin x changes expit(-x) by at most |x| eps, relatively.
    rounding = EPSILON * (8.0 + float(np.ptp(scores))) * float(np.linalg.norm(won + lost))
    return np.asarray(lost - won), np.asarray(np.diag(curvature.sum(axis=1)) - curvature), rounding


def _error_bound(slope: float, hessian: Wins) -> float:
    eigenvalues = np.linalg.eigvalsh(hessian)
    least = float(eigenvalues[1] - eigenvalues.size * EPSILON * eigenvalues[-1])
    ratio = np.sqrt(2) * slope / least if least > 0 else np.inf
    return float(-np.log1p(-ratio) / np.sqrt(2)) if ratio < 1 else np.inf
