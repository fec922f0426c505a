"""I.16a: preference optimisation with a reward that depends on the current policy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dagames import AlignmentGame
from dagames.functionals import Gini, NegativeEntropy
from dagames.grpo import solve_iterated_dpo
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Array = NDArray[np.float64]
ROUNDS = 200


@dataclass(frozen=True)
class Dynamic:
    """A game with one trace per answer.

    Attributes:
        kind: "entropy" for weight sum nu log nu, "collisions" for weight / 2 |nu|^2.
        nu_0: Reference, positive.
        weight: Weight of the functional.
        beta: Weight of the divergence.
    """

    kind: str
    nu_0: list[Fraction]
    weight: Fraction
    beta: Fraction

    def rewards(self, nu: Array) -> Array:
        """Compute -grad R, which is beta log q of the current best target up to a constant."""
        return np.asarray(-float(self.weight) * (np.log(nu) if self.kind == "entropy" else nu))

    def imbalance(self, nu: Array) -> float:
        """Compute by how much grad J differs between answers; 0 at the equilibrium and nowhere else."""
        log_nu_0 = np.log(np.array([float(p) for p in self.nu_0]))
        return float(np.ptp(float(self.beta) * (np.log(nu) - log_nu_0) - self.rewards(nu)))


def stated(beta: float, smoothness: float) -> float:
    """The share beta / (beta + L) of the new policy."""
    return beta / (beta + smoothness)


def sabotage(beta: float, smoothness: float) -> float:  # noqa: ARG001 - plain rounds
    """The share 1, without damping."""
    return 1.0


def near_miss(beta: float, smoothness: float) -> float:
    """A share one percent too small."""
    return 0.99 * stated(beta, smoothness)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Run rounds that minimise the DPO loss of relabelled pairs, and compare their end with the equilibrium.

    Args:
        formula: The share eta of the new policy, from beta and the relative smoothness L.
        rng: Source of randomness.

    Yields:
        After 200 rounds the imbalance of grad J, in the entropy game after one round too, and the distance from the
        library's iterated DPO; for one undamped round the distance from the best response nu_0 exp(r / beta), and for
        weight = beta that the second round is back at the reference.
    """
    for game in _instances(rng):
        nu_0, beta, weight = np.array([float(p) for p in game.nu_0]), float(game.beta), float(game.weight)
        instance: dict[str, Any] = {
            "R": {"entropy": "weight sum nu log nu", "collisions": "weight / 2 |nu|^2"}[game.kind],
            "nu_0": oracles.as_text(game.nu_0),
            "weight": str(game.weight),
            "beta": str(game.beta),
        }
        size = oracles.complexity(game.nu_0, [game.weight, game.beta])
        smoothness = weight if game.kind == "entropy" else weight / 2
        eta, nu = formula(beta, smoothness), nu_0
        for _ in range(ROUNDS):
            if np.ptp(game.rewards(nu)) > 20:  # corners, where pairs are certain and do not determine the reward
                break
            nu = play(nu ** (1 - eta) * nu_0**eta, game.rewards(nu), beta / eta)
        here = instance | {"compared": f"imbalance of grad J after {ROUNDS} rounds", "nu": nu.round(6).tolist()}
        yield Evidence(0.0, game.imbalance(nu), "equal", 1e-9, here, size)
        if game.kind == "entropy":
            first = play(nu_0, game.rewards(nu_0), beta / eta)
            here = instance | {"compared": "imbalance of grad J after one round"}
            yield Evidence(0.0, game.imbalance(first), "equal", 1e-9, here, size)
        functional = (NegativeEntropy if game.kind == "entropy" else Gini)(weight)
        library = solve_iterated_dpo(AlignmentGame(nu_0, range(len(nu_0)), functional, beta), tolerance=1e-13).nu
        here = instance | {"compared": "nu minus that of the library's iterated DPO"}
        yield Evidence(0.0, float(np.abs(nu - library).max()), "equal", 1e-6, here, size)
        plain = play(nu_0, game.rewards(nu_0), beta)
        response = nu_0 * np.exp(game.rewards(nu_0) / beta)
        here = instance | {"compared": "an undamped round minus the best response"}
        yield Evidence(0.0, float(np.abs(plain - response / response.sum()).max()), "equal", 1e-10, here, size)
        if game.kind == "entropy" and game.weight == game.beta:
            again = play(nu_0, game.rewards(plain), beta)
            here = instance | {"compared": "the second undamped round minus the reference"}
            yield Evidence(0.0, float(np.abs(again - nu_0).max()), "equal", 1e-10, here, size)


def play(reference: Sequence[float] | Array, rewards: Array, beta: float) -> Array:
    """Minimise the DPO loss of all pairs, labelled by the rewards, by Newton's method on the policy's logits.

    Args:
        reference: Reference of the round, positive, up to scale.
        rewards: Rewards that decide the comparisons.
        beta: Weight of the divergence in the loss.

    Returns:
        The policy.
    """
    logits = np.log(np.asarray(reference))
    wins = 1 / (1 + np.exp(rewards[None, :] - rewards[:, None]))
    theta = logits.copy()
    for _ in range(40):
        scores = beta * (theta - logits)
        chances = 1 / (1 + np.exp(scores[None, :] - scores[:, None]))
        slope = beta * (chances - wins).sum(axis=1)
        curvature = chances * (1 - chances)
        hessian = beta**2 * (np.diag(curvature.sum(axis=1)) - curvature)
        step = np.linalg.solve(hessian + beta**2, slope)
        size = beta * float(np.abs(step).max())
        theta = theta - step * min(1.0, 1 / max(size, 1e-300))
        if size < 1e-13:
            break
    policy = np.exp(theta - theta.max())
    return np.asarray(policy / policy.sum())


def _instances(rng: np.random.Generator) -> Iterator[Dynamic]:
    simple = [Fraction(4, 5), Fraction(1, 5)]
    for kind in ("entropy", "collisions"):
        for weight in (Fraction(1, 2), Fraction(1), Fraction(2), Fraction(4)):
            yield Dynamic(kind, simple, weight, Fraction(1))
        for i in range(4):
            nu_0 = oracles.random_distribution(rng, 2 + i % 3, 9)
            yield Dynamic(kind, nu_0, *(Fraction(int(v), 4) for v in rng.integers(2, 9, size=2)))


I16A = Claim(
    id="I.16a",
    title="Iterated preference optimisation",
    whose="ours",
    place="on the paper, section 3.1, Implication for DPO, which names no damping",
    plain="Preference optimisation with pairs relabelled in each round solves the game, if each round is damped.",
    statement=(
        "Let each round label all pairs by the current target, P(z > z') = sigmoid(r(z) - r(z')) with r = -grad "
        "R(nu), and minimise the DPO loss with the reference nu^(1 - eta) nu_0^eta and weight beta / eta. For eta = "
        "beta / (beta + L), where L is the relative smoothness of R, the rounds converge to the game's policy, and in "
        "the entropy game the first round reaches it. For eta = 1 a round is the best response, and in the entropy "
        "game with weight = beta two rounds lead back to the start."
    ),
    printed="eta = beta / (beta + L):  nu_{t+1} ~ nu_t^(1 - eta) (nu_0 exp(r_t / beta))^eta -> nu*",
    kind="convergence",
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
        "By claim I.16 a round ends at the damped best response of claim I.8. The paper states that a solution by DPO "
        "would have to be iterative, and states nothing of its convergence. Undamped rounds, with relabelled pairs "
        "and a fixed reference, are the best responses of claim I.7: with weight = beta they lead from nu_0 = (4/5, "
        "1/5) to (1/2, 1/2) and back."
    ),
)

CLAIMS = (I16A,)
