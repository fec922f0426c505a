"""Every tolerance of the package, with its unit and its reason."""

import math
from typing import NamedTuple

NORMALISATION = 1e-8
"""How far a user's probabilities in float64 may sum from 1. Rounding over 10^7 traces stays below 1e-9; anything larger
is a mistake (logits, counts, a float32 table that became a list), not rounding. Coarser types: `normalisation`."""

CONSERVATION = 2 * NORMALISATION
"""How far answers may sum from 1 after a push-forward, or a lifted policy from its marginal: what the reference's own
sum may be off, and the rounding of as many additions as there are traces (below 1e-9 for 10^7)."""

CELLS = 2**27
"""Prompts times answers at most: a table of float64 over them takes 1 GB, and a game holds several."""


class Rounding(NamedTuple):
    """How coarse a type of floats is.

    Attributes:
        eps: Distance from 1 to the next larger number; 0 for integers.
        least: The least number above 0.
    """

    eps: float
    least: float


_SINGLE = Rounding(2.0**-23, 2.0**-149)

_LOG_RANGE = 104.0
"""Size of the log of the least float32."""


def normalisation(rounding: Rounding, n: int, *, in_logs: bool = False) -> float:
    """Return how far probabilities may sum from 1, if their type explains it.

    Math:
        |sum p - 1| <= 2 eps + n least / 2 + sqrt(n) eps_32   for probabilities,
        |sum exp(log p) - 1| <= (2 + log n) eps + (sqrt(n) + 104) eps_32   for logarithms.

    Each probability is rounded by eps / 2 of itself, and by least / 2 where it underflows; so is the sum that it was
    divided by. That sum is formed in float32 at best, whatever the type of the result: one after the other in a few
    lanes, with up to 0.8 sqrt(n) eps_32 seen for n from 2 to 10^6. A logarithm is rounded by |log p| eps / 2, which
    changes the sum by sum p |log p| eps / 2, and that entropy is at most log n; the logits it came from, of size up to
    104, the log of the least float32, by as much in float32.

    float64 has the fixed `NORMALISATION`, and nothing may be off by more than a tenth.

    Args:
        rounding: The type in which the probabilities came.
        n: Number of probabilities that sum to 1.
        in_logs: Whether they came as logarithms.

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
"""Relative duality gap asked of the conic oracle: interior-point accuracy on exponential cones."""

ROUNDING = 1e-12
"""Relative size below which a negative duality gap is rounding (about 4,500 ulp: sums over |Z| terms and one
conjugate, each with its own cancellation); above it is a broken functional."""

FEASIBILITY = 1e-12
"""Excess over a budget, relative to the spread of its costs, that still counts as rounding: about 4,500 ulp, for a sum
over prompts and answers whose multipliers were found by Newton's method. A budget that lies below the
least cost by less is met at that cost. What a policy gains by it is a multiplier times it, as small beside the target's
spread as other rounding."""

LINEAR_PROGRAM = 1e-9
"""Distance between a linear program's value and the bound by its own dual, relative to its objective's size, above
which HiGHS is not believed: its own tolerances are 1e-10, and a wrong vertex is off by more than rounding."""

CONIC_RESIDUAL = 1e-6
"""Relative KKT residual above which a conic solver's answer is refused, whatever its status word says."""

DIVERGED = 1e12
"""Spread of log-probabilities beyond which an iteration has left for a vertex: exp of it has no float64 meaning,
and one more multiplication by weight / beta would overflow."""

STANDARD_DEVIATION = 1e-4
"""Added to the group's standard deviation before dividing, in reward units; the same value as TRL's."""

CYCLE_RETURN = 1e-12
"""Change of a probability over two steps that counts as none: a few ulp of a mass near 1, doubled at each step."""

CYCLE_STEP = 1e-6
"""Change of a probability over one step that counts as movement; convergent paths that alternate have less by then."""

DESCENT = 1e-14
"""Relative rise of an objective that a line search takes for rounding (45 ulp)."""

LEAST_STEP = 2.0**-40
"""Damping below which a line search stops halving: the step no longer changes a log-probability of size 1."""

AVERAGE_GAP = 1e-3
"""Default relative duality gap of no-regret dynamics, whose means converge like 1 / t: thousands of rounds."""

STATIONARY = 1e-9
"""Standard deviation of reward, in nats, that a log-linear class may still explain when its solver stops: the objective
is within its square of the least nearby."""

SYMMETRY = 1e-8
"""How far a user's symmetric matrix may be from it, relative to its largest entry: a float32 product passes."""

SEMIDEFINITE = 1e-12
"""Negative eigenvalue, relative to the largest entry, that is the rounding of a Gram matrix. A certificate errs by at
most that much, because two distributions are at most the square root of 2 apart."""

RANGE = 1e-9
"""Relative excess of the required over the available strength up to which a target counts as expressing a dual
variable: the solver's own error in that variable, far above rounding; the value lost is of the order of its square."""

DISTANCE = 1e-5
"""How far distances may leave [0, 1], differ from their mirror image, or miss 0 on the diagonal, in float32 or finer:
1 minus the cosine of two embeddings of a few thousand numbers in float32 is off by up to 4e-6. Coarser types add 4
eps."""
