"""Array aliases named by their shape; `*x` is empty for one prompt and `x` for a batch, and `...` is either."""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Numbers: TypeAlias = ArrayLike
else:
    # What users pass is validated by the `as_*` functions, whose messages a run-time type checker would pre-empt.
    Numbers = object

OverTraces: TypeAlias = Float[np.ndarray, "*x Y"]
OverAnswers: TypeAlias = Float[np.ndarray, "*x Z"]
Hessian: TypeAlias = Float[np.ndarray, "*x Z Z"]
PerPrompt: TypeAlias = Float[np.ndarray, "*x"]
PerPromptIndex: TypeAlias = Int[np.ndarray, "*x"]
Extraction: TypeAlias = Int[np.ndarray, "... Y"]
OverGroup: TypeAlias = Float[np.ndarray, "*x K"]
Counts: TypeAlias = Int[np.ndarray, "*x K"]
Reachable: TypeAlias = Bool[np.ndarray, "..."]
