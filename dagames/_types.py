"""Aliases of arrays by shape; `*x` is no axis for one prompt and one axis for a batch, and `...` is any axes."""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Numbers: TypeAlias = ArrayLike
else:
    # The `as_*` functions validate users' arrays, with better messages than a run-time type checker.
    Numbers = object

OverTraces: TypeAlias = Float[np.ndarray, "*x Y"]
OverAnswers: TypeAlias = Float[np.ndarray, "*x Z"]
Consensus: TypeAlias = Float[np.ndarray, " Z"]
Hessian: TypeAlias = Float[np.ndarray, "*x Z Z"]
PerPrompt: TypeAlias = Float[np.ndarray, "*x"]
PerPromptIndex: TypeAlias = Int[np.ndarray, "*x"]
Extraction: TypeAlias = Int[np.ndarray, "... Y"]
OverGroup: TypeAlias = Float[np.ndarray, "*x K"]
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
