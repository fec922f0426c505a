"""The common part of alignment games and Bregman games: a reference over traces and a functional."""

import numpy as np

from dagames import simplex
from dagames._types import Extraction, Numbers, OverAnswers, OverTraces
from dagames.functionals import Functional
from dagames.games.reference import Reference
from dagames.numerics.float_errors import with_default_errors_in


@with_default_errors_in
class TraceGame:
    """A reference over traces, the answer of each trace, and a functional of the answer marginal.

    Attributes:
        reference: The reference pi_0 over traces, and the answer of each.
        functional: The functional R.
        beta: Weight of the divergence from the reference.
        n_answers: Number of answers |Z|.
    """

    reference: Reference
    functional: Functional
    beta: float
    n_answers: int

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the prompts: () for one, (X,) for a batch."""
        return self.reference.batch

    @property
    def log_pi_0(self) -> OverTraces:
        """Log of the reference over traces, [*x, Y]."""
        return self.reference.log_pi_0

    @property
    def E(self) -> Extraction:
        """Answer of each trace, [*x, Y] or [Y]."""
        return self.reference.answers

    def marginal(self, pi: Numbers) -> OverAnswers:
        """Compute the answer marginal nu_pi of a policy.

        Args:
            pi: Probabilities of traces, [*x, Y].

        Returns:
            Probabilities of answers, [*x, Z].
        """
        return np.asarray(np.exp(self._log_marginal(self.reference.as_log_policy(pi))))

    def _log_marginal(self, log_pi: OverTraces) -> OverAnswers:
        return simplex.pushforward(log_pi, self.E, self.n_answers)
