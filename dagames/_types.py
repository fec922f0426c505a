"""Array aliases named by their shape; `*x` is empty for one prompt and `x` for a batch, and `...` is either."""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Numbers: TypeAlias = ArrayLike
else:
    # What users pass is validated by the `as_*` functions, whose messages a run-time type checker would pre-empt.
    Numbers = object

OverTraces: TypeAlias = Float[np.ndarray, "*x Y"]
OverAnswers: TypeAlias = Float[np.ndarray, "*x Z"]
Consensus: TypeAlias = Float[np.ndarray, " Z"]
Hessian: TypeAlias = Float[np.ndarray, "*x Z Z"]
PerPrompt: TypeAlias = Float[np.ndarray, "*x"]
PerPromptIndex: TypeAlias = Int[np.ndarray, "*x"]
Extraction: TypeAlias = Int[np.ndarray, "... Y"]
OverGroup: TypeAlias = Float[np.ndarray, "*x K"]
Counts: TypeAlias = Int[np.ndarray, "*x K"]
AnyCounts: TypeAlias = Integer[np.ndarray, "*k"]
AnyRewards: TypeAlias = Float[np.ndarray, "*k"]
AnswerCounts: TypeAlias = Int[np.ndarray, "*x Z"]
PerAnswer: TypeAlias = Float[np.ndarray, " Z"]
PerTrace: TypeAlias = Float[np.ndarray, " Y"]
PerCount: TypeAlias = Float[np.ndarray, " K_plus_1"]
GroupCounts: TypeAlias = Int[np.ndarray, "N Z"]
GroupRewards: TypeAlias = Float[np.ndarray, "N Z"]
OverGroups: TypeAlias = Float[np.ndarray, "*x N"]
PartialCounts: TypeAlias = Int[np.ndarray, "_ _"]
Costs: TypeAlias = Float[np.ndarray, "... d Z"]
PerConstraint: TypeAlias = Float[np.ndarray, "... d"]
PromptCosts: TypeAlias = Float[np.ndarray, "*x d Z"]
PromptBudgets: TypeAlias = Float[np.ndarray, "*x d"]
Flags: TypeAlias = Bool[np.ndarray, "... d"]
Reachable: TypeAlias = Bool[np.ndarray, "..."]
RaggedTraces: TypeAlias = list[Float[np.ndarray, "..."]]
Features: TypeAlias = Float[np.ndarray, "*x Y d"]
OverFeatures: TypeAlias = Float[np.ndarray, "*x d"]
