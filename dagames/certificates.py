"""The only meaning of "solved": a primal value, a dual bound and the distance between them."""

from dataclasses import dataclass, field

import numpy as np

from dagames._types import PerPrompt


@dataclass(frozen=True, eq=False)
class Certificate:
    """A bound on how far a policy is from optimal, one number per prompt.

    Attributes:
        primal: J(pi), an upper bound on the game's value, [*x].
        dual: min over policies of G(., q), a lower bound on the game's value, [*x].
        gap: (primal - dual) / max(1, |R|, beta KL), [*x]; at most this far, relatively, is J(pi) from its least value.
        residuals: Further checks by name, each with the value that would be 0 if exact.
    """

    primal: PerPrompt
    dual: PerPrompt
    gap: PerPrompt
    residuals: dict[str, float] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The largest relative gap over the prompts."""
        return float(np.max(self.gap))
