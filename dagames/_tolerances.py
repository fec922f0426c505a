"""Every tolerance of the package, with its unit and its reason."""

NORMALISATION = 1e-8
"""How far a user's probabilities may sum from 1. float64 rounding over 10^7 traces stays below 1e-9;
anything larger is a mistake (logits, counts, a float32 table), not rounding."""

GAP = 1e-10
"""Default relative duality gap at which a game counts as solved: relative to max(1, |R|, beta KL)."""

ORACLE_GAP = 1e-6
"""Relative duality gap asked of the conic oracle: interior-point accuracy on exponential cones."""

ROUNDING = 1e-12
"""Relative size below which a negative duality gap is rounding (about 4,500 ulp: sums over |Z| terms and one
conjugate, each with its own cancellation); above it is a broken functional."""

FEASIBILITY = 1e-12
"""Excess over a budget, relative to the spread of its costs, that still counts as rounding: about 4,500 ulp, for a sum
over prompts and answers whose multipliers were found by Newton's method. A margin below it counts as none. What a
policy gains by it is a multiplier times it, as small beside the target's spread as other rounding."""

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
