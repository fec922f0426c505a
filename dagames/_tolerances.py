"""Every tolerance of the package, with its unit and its reason."""

import math
from typing import NamedTuple

NORMALISATION = 1e-8
"""Largest |sum - 1| of a user's probabilities in float64. Rounding over 10^7 traces stays below 1e-9; a larger
difference is a mistake (logits, counts, a float32 table converted to a list). For coarser types see `normalisation`."""

CONSERVATION = 2 * NORMALISATION
"""Largest difference of a sum before and after a push-forward or a lift: the tolerance of the reference's sum, and the
rounding of one addition per trace (below 1e-9 for 10^7)."""

CELLS = 2**27
"""Maximum number of prompts times answers: a table of float64 takes 1 GB, and a game has several."""


class Rounding(NamedTuple):
    """The precision of a floating-point type.

    Attributes:
        eps: Distance from 1 to the next larger number; 0 for integers.
        least: The least number above 0.
    """

    eps: float
    least: float


_SINGLE = Rounding(2.0**-23, 2.0**-149)

_LOG_RANGE = 104.0
"""Absolute value of the log of the smallest float32."""


def normalisation(rounding: Rounding, n: int, *, in_logs: bool = False) -> float:
    """Return the largest |sum - 1| of probabilities that rounding in their type explains.

    Math:
        |sum p - 1| <= 2 eps + n least / 2 + sqrt(n) eps_32   for probabilities,
        |sum exp(log p) - 1| <= (2 + log n) eps + (sqrt(n) + 104) eps_32   for logarithms.

    The relative rounding of each probability is eps / 2, and least / 2 is the absolute one of those that underflow; the
    sum that they were divided by has relative rounding eps / 2 too. This sum is formed in float32 at best, whatever the
    type of the result: up to 0.8 sqrt(n) eps_32 was observed for n from 2 to 10^6. The rounding of a logarithm,
    |log p| eps / 2, changes the sum by sum p |log p| eps / 2, and this entropy is at most log n; the logits, of size up
    to 104 (the log of the smallest float32), add as much in float32.

    float64 has the fixed `NORMALISATION`, and 0.1 is the limit for all types.

    Args:
        rounding: The type in which the user passed the probabilities.
        n: Number of probabilities that sum to 1.
        in_logs: Whether they were passed as logarithms.

    Returns:
        The tolerance.

    >>> f"{normalisation(Rounding(2.0**-23, 2.0**-149), 1000):.1e}"
    '4.0e-06'
    """
    if rounding.eps < _SINGLE.eps:
        return NORMALISATION
    if in_logs:
        bound = (2 + math.log(n)) * rounding.eps + (math.sqrt(n) + _LOG_RANGE) * _SINGLE.eps
    else:
        bound = 2 * rounding.eps + n * rounding.least / 2 + math.sqrt(n) * _SINGLE.eps
    return min(max(bound, NORMALISATION), 0.1)


GAP = 1e-10
"""Default relative duality gap at which a game counts as solved: relative to max(1, |R|, beta KL)."""

SCORES = 1e-10
"""Default bound on the Euclidean error of implicit rewards read off preferences, in reward units (DPO)."""

ORACLE_GAP = 1e-6
"""Required relative duality gap of the conic oracle: interior-point accuracy on exponential cones."""

ROUNDING = 1e-12
"""Relative size up to which a negative duality gap is rounding (about 4,500 ulp: sums over |Z| terms and one conjugate,
each with cancellation); a larger one is an error of the functional."""

FEASIBILITY = 1e-12
"""Excess over a budget, relative to the spread of its costs, that counts as rounding: about 4,500 ulp, for a sum over
prompts and answers whose multipliers come from Newton's method. A budget below the least cost by less counts as that
cost. The objective gains at most a multiplier times the excess, which is small relative to the target's spread."""

LINEAR_PROGRAM = 1e-9
"""Distance between a linear program's value and the bound by its own dual, relative to its objective's size, above
which the solution of HiGHS is refused: its tolerances are 1e-10, and a wrong vertex differs by more than rounding."""

CONIC_RESIDUAL = 1e-6
"""Relative KKT residual above which the solution of a conic solver is refused, whatever its status."""

DIVERGED = 1e12
"""Spread of log-probabilities above which an iteration converges to a vertex: its exponential is outside the range of
float64, and one more multiplication by weight / beta would overflow."""

STANDARD_DEVIATION = 1e-4
"""Added to the group's standard deviation before dividing, in reward units; the same value as TRL's."""

CYCLE_RETURN = 1e-12
"""Change of a probability over two steps that counts as 0: a few ulp of a mass near 1, doubled at each step."""

CYCLE_STEP = 1e-6
"""Change of a probability over one step above which two alternating iterates are a cycle, not a slow convergence."""

DESCENT = 1e-14
"""Relative increase of an objective that a line search treats as rounding (45 ulp)."""

LEAST_STEP = 2.0**-40
"""Damping at which a line search stops: a smaller step does not change a log-probability of size 1."""

AVERAGE_GAP = 1e-3
"""Default relative duality gap of no-regret dynamics, whose means converge as 1 / t: thousands of rounds."""

STATIONARY = 1e-9
"""Standard deviation of reward, in nats, within a log-linear class at which its solver stops: the objective is within
the square of this number of a local minimum."""

SYMMETRY = 1e-8
"""Largest asymmetry of a user's symmetric matrix, relative to its largest entry; a float32 product is within it."""

SEMIDEFINITE = 1e-12
"""Negative eigenvalue, relative to the largest entry, that counts as rounding of a Gram matrix. The error of a
certificate is at most this, because the distance of two distributions is at most the square root of 2."""

RANGE = 1e-9
"""Relative excess of the required over the available |s| beta up to which a dual variable counts as that of a target:
the error of the solver in this variable, far above rounding. The loss of value is of the order of its square."""

DISTANCE = 1e-5
"""Largest violation of [0, 1], symmetry, and the zero diagonal by distances in float32 or finer: 1 minus the cosine of
two embeddings of a few thousand numbers in float32 has errors up to 4e-6. Coarser types add 4 eps."""
