"""I.16: the target of a reward is implicit in the policy of direct preference optimisation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dagames import AlignmentGame, solve
from dagames.functionals import Linear
from dagames.grpo import bradley_terry, recover_target, solve_dpo
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Preferences:
    """A reward of answers, and comparisons of traces with the Bradley-Terry probabilities of this reward.

    Attributes:
        pi_0: Reference over traces, positive, [Y].
        E: Answer of each trace, [Y].
        rewards: Reward of each answer, [Z].
        beta: Weight of the divergence.
        weights: How often each pair is compared, symmetric, connecting all traces, [Y, Y].
    """

    pi_0: list[Fraction]
    E: tuple[int, ...]
    rewards: list[Fraction]
    beta: Fraction
    weights: tuple[tuple[int, ...], ...]

    def best_response(self, q: Sequence[Any]) -> list[Any]:
        """Compute the best response to a target, pi_0 q(E)."""
        return oracles.normalised([oracles.log(p) + mp.log(q[z]) for p, z in zip(self.pi_0, self.E, strict=True)])

    def slopes(self, pi: Sequence[Any]) -> list[Any]:
        """Differentiate the expected DPO loss in the scores beta log(pi / pi_0)."""
        b, r = oracles.number(self.beta), [oracles.number(self.rewards[z]) for z in self.E]
        s = [b * (mp.log(p) - oracles.log(m)) for p, m in zip(pi, self.pi_0, strict=True)]
        return [
            mp.fsum(w * (_sigmoid(s[i] - s[j]) - _sigmoid(r[i] - r[j])) for j, w in enumerate(row))
            for i, row in enumerate(self.weights)
        ]

    def least(self) -> Array:
        """Minimise the DPO loss by a general optimiser, and divide the answer marginal by the reference's.

        Returns:
            Log of the target, [Z], up to a constant and about 1e-6.
        """
        r, w = np.array([float(self.rewards[z]) for z in self.E]), np.array(self.weights, dtype=float)
        pi_0, one_hot = np.array([float(p) for p in self.pi_0]), np.eye(len(self.rewards))[list(self.E)]
        wins = w / (1 + np.exp(r[None, :] - r[:, None]))

        def loss(log_pi: Array) -> float:
            s = float(self.beta) * (log_pi - np.log(pi_0))
            return float((wins * np.logaddexp(0, s[None, :] - s[:, None])).sum())

        found = minimize(loss, np.log(pi_0), method="BFGS", options={"gtol": 1e-9}).x
        return np.asarray(np.log(np.exp(found) @ one_hot) - np.log(pi_0 @ one_hot))

    def objective(self, pi: Sequence[Any]) -> Any:
        """Compute beta KL(pi || pi_0) - E r, summed over traces."""
        b = oracles.number(self.beta)
        return mp.fsum(
            p * (b * (mp.log(p) - oracles.log(m)) - oracles.number(self.rewards[z]))
            for p, m, z in zip(pi, self.pi_0, self.E, strict=True)
        )

    def value(self, q: Sequence[Any]) -> Any:
        """Compute min over pi of G(pi, q), which is at most the value of the game: -beta log <pi_0, q> - Psi(q)."""
        b = oracles.number(self.beta)
        mass = mp.fsum(oracles.number(p) * q[z] for p, z in zip(self.pi_0, self.E, strict=True))
        return -b * mp.log(mass) - max(oracles.number(r) - b * mp.log(m) for r, m in zip(self.rewards, q, strict=True))


def stated(case: Preferences) -> list[Any]:
    """The target exp(r / beta) / Z."""
    return oracles.normalised([oracles.number(r / case.beta) for r in case.rewards])


def near_miss(case: Preferences) -> list[Any]:
    """Use a beta that is one percent larger."""
    return oracles.normalised([oracles.number(r / case.beta * Fraction(100, 101)) for r in case.rewards])


def sabotage(case: Preferences) -> list[Any]:
    """The marginal of the policy in place of the target."""
    nu_0 = oracles.marginal(case.pi_0, case.E, len(case.rewards))
    masses = zip(nu_0, case.rewards, strict=True)
    return oracles.normalised([oracles.log(p) + oracles.number(r / case.beta) for p, r in masses])


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Compute the duality gap of the target and its best response, and the slopes of the DPO loss at this response.

    Args:
        formula: The target of a reward.
        rng: Source of randomness.

    Yields:
        At 50 digits J of the best response minus the dual value of the target, which is 0 only at the equilibrium; the
        slopes of the DPO loss at the best response; the change of the target if a constant is added to the reward. In
        float64 the distance of log q from those of a general optimiser of the loss and of the library's game and DPO.
    """
    for case in _instances(rng):
        q = formula(case)
        pi, log_q = case.best_response(q), np.array([float(mp.log(m)) for m in q])
        moved = formula(replace(case, rewards=[r + 3 for r in case.rewards]))
        reference, rewards = [float(p) for p in case.pi_0], [float(r) for r in case.rewards]
        game = AlignmentGame(reference, list(case.E), Linear(rewards), float(case.beta))
        wins = np.array(case.weights) * bradley_terry([rewards[z] for z in case.E])
        dpo = recover_target(solve_dpo(reference, wins, float(case.beta)).log_pi, reference, list(case.E))
        measures = {
            "duality gap of q and its best response": (case.objective(pi) - case.value(q), 1e-40),
            "slope of the DPO loss at the best response": (max(abs(s) for s in case.slopes(pi)), 1e-40),
            "q minus that of r + 3": (max(abs(a - b) for a, b in zip(q, moved, strict=True)), 1e-40),
            "log q minus that of the least DPO loss": (_spread(log_q - case.least()), 1e-4),
            "log q minus that of the library's game": (_spread(log_q - np.log(solve(game).q)), 1e-9),
            "log q minus that of the library's DPO": (_spread(log_q - dpo), 1e-8),
        }
        instance = {
            "pi_0": oracles.as_text(case.pi_0),
            "E": str(case.E),
            "r": oracles.as_text(case.rewards),
            "beta": str(case.beta),
        }
        size = oracles.complexity(case.pi_0, case.rewards, [case.beta])
        for name, (loss, tolerance) in measures.items():
            yield Evidence(0.0, float(loss), "equal", tolerance, instance | {"compared": name}, size)


def _sigmoid(margin: Any) -> Any:
    return 1 / (1 + mp.exp(-margin))


def _spread(difference: Array) -> float:
    return float(np.ptp(difference))


def _instances(rng: np.random.Generator) -> Iterator[Preferences]:
    half = Fraction(1, 2)
    yield Preferences([half, half], (0, 1), [Fraction(0), Fraction(1)], Fraction(1), ((0, 1), (1, 0)))
    for i in range(16):
        n, extra = 2 + i % 3, i % 4
        E = (*range(n), *(int(z) for z in rng.integers(0, n, size=extra)))
        upper = np.triu(rng.integers(0, 4, size=(n + extra, n + extra)), 1)
        upper += np.diag(np.ones(n + extra - 1, dtype=int), 1)
        weights = tuple(tuple(int(w) for w in row) for row in upper + upper.T)
        rewards = [Fraction(int(r), 2) for r in rng.integers(-4, 5, size=n)]
        pi_0, beta = oracles.random_distribution(rng, n + extra, 9), Fraction(int(rng.integers(2, 9)), 4)
        yield Preferences(pi_0, E, rewards, beta, weights)


I16 = Claim(
    id="I.16",
    title="Duality with preference optimisation",
    whose="paper",
    place="section 3.1, proposition 3.1, eq. 7; also the slides, Backup: Duality with DPO",
    plain="The game's target is the exponential of the reward that preference optimisation leaves implicit.",
    statement=(
        "For answer-level objectives the game is the dual of direct preference optimisation (DPO) over all policies. "
        "Specifically, the optimal target is q*(E(y)) = exp(r*(y) / beta) / Z for the reward r* of the equivalent "
        "problem. DPO eliminates the reward and solves for the policy; the game eliminates the policy and solves for "
        "the target."
    ),
    printed="q*(E(y)) = (1/Z) exp(r*(y) / beta)",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "The word dual is taken in the sense of the sentence after it; no Fenchel or Lagrange dual of the DPO loss is "
        "stated. By the left side, r* depends on the answer alone. Division of the policy by the reference gives the "
        "target, and multiplication of the target by the reference gives the policy. Pairs labelled with the "
        "Bradley-Terry probabilities of r* determine r* up to a constant, which Z absorbs, if the pairs connect all "
        "traces. At answers without mass under the reference the target is free."
    ),
)

CLAIMS = (I16,)
