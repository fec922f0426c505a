"""What a Target is: one object with an exact and a sampled view."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dagames import simplex
from dagames._errors import DomainError
from dagames._float_errors import with_default_errors_in
from dagames._types import Numbers, OverAnswers
from dagames.targets.group import AnswerGroup


class Target(ABC):
    """The Target player: it answers a distribution of answers with a distribution, and a sample with rewards.

    Law (tested over every subclass): as a group grows, its rewards converge to beta log q up to one constant per
    group, wherever `log_density` has no tie.

    Targets are immutable.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    def at(self, step: int) -> "Target":
        """Return the target in force at a training step: this one, whatever the step."""
        return self

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        with_default_errors_in(cls)

    def log_density(self, nu: Numbers, beta: float) -> OverAnswers:
        """Compute log q, the exact target against the answer marginal `nu`.

        Args:
            nu: Answer probabilities, [*x, Z].
            beta: Weight of the divergence to the reference, above 0.

        Returns:
            Log-probabilities of answers, [*x, Z].

        Raises:
            DomainError: If the target has no best response at `nu`.
        """
        beta = simplex.as_positive(beta, "beta")
        reward = self.exact_rewards(simplex.as_distribution(nu, "nu"))
        if not np.isfinite(reward).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(reward))[0])
            raise DomainError(
                f"{type(self).__name__} has no best response: answer {place[-1]} has mass 0 and would be worth "
                f"{reward[place]}. Leave out the answers that no trace gives."
            )
        return simplex.log_normalize(reward / beta)

    @abstractmethod
    def exact_rewards(self, nu: OverAnswers) -> OverAnswers:
        """Compute beta log q up to a constant, [*x, Z], in R-units; it does not depend on beta."""

    @abstractmethod
    def rewards(self, group: AnswerGroup) -> NDArray[np.float64]:
        """Compute one reward per trace of a group, [K], in R-units."""
