"""A tabular policy trained by TRL ends at the equilibrium that `dagames.solve` gives; by eq. 4 and 5, elsewhere.

Two distances are told apart. A group of K traces has an expected step of its own, whose fixed point is computed by
`mean_field_path` and lies O(1/K) from the equilibrium; the trained policy, averaged over the second half of the run,
must meet that point within its standard errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dagames import AlignmentGame, solve
from dagames.functionals import Functional, Gini, KLToPrior, Linear, NegativeEntropy
from dagames.games.coupled import CoupledGame
from dagames.games.couplings import Budgets, SoftCoherence
from dagames.grpo import expected_update, mean_field_path, true_update
from dagames.solvers import solve_coupled
from dagames.targets import ExponentiatedReward, GiniDiversity, InverseFrequency, PriorMatching, SoftConsensus, Target
from dagames_llm.presets import GAME, PAPER
from tests.llm.tabular import save_tabular, train_tabular

E = np.array([0, 0, 1, 1, 2, 2, 3, 3])
ANSWERS = dict(zip("abcdefgh", E.tolist(), strict=True))
REFERENCES = [
    np.array([0.3, 0.1, 0.15, 0.05, 0.1, 0.1, 0.05, 0.15]),
    np.array([0.02, 0.03, 0.05, 0.1, 0.2, 0.1, 0.3, 0.2]),
]
K, BETA = 64, 0.5
NU_0 = np.array([np.bincount(E, reference) for reference in REFERENCES])
"""Answer marginals of the references, [X, Z]."""

REWARDS, PRIOR = [0.0, 0.5, 0.25, 1.0], [0.1, 0.4, 0.3, 0.2]
GAMES: dict[str, tuple[Functional, Target]] = {
    "gini": (Gini(2.0), GiniDiversity(2.0)),
    "linear": (Linear(REWARDS), ExponentiatedReward(dict(enumerate(REWARDS)))),
    "entropy": (NegativeEntropy(0.5), InverseFrequency(0.5)),
    "prior": (KLToPrior(PRIOR, 0.5), PriorMatching(dict(enumerate(PRIOR)), 0.5)),
}
"""Functionals and the targets that a run has instead of them."""


def settings(folder: Path, preset: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        **preset,
        "output_dir": str(folder),
        "use_cpu": True,
        "bf16": False,
        "activation_checkpointing": False,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "max_completion_length": 2,
        "num_generations": K,
        "per_device_train_batch_size": 2 * K,
        "gradient_accumulation_steps": 1,
        "steps_per_generation": 1,
        "beta": BETA,
        # Plain gradient steps without clipping, so that what is followed is the expected step and nothing else.
        "optim": "sgd",
        "lr_scheduler_type": "constant",
        "max_grad_norm": 0.0,
        **more,
    }


def marginals(path: np.ndarray) -> np.ndarray:
    """Push the policies of the first prompts forward to answers, [steps, X, Z]."""
    return np.stack([path[:, : len(NU_0), z == E].sum(axis=-1) for z in range(4)], axis=-1)


def resting_point(nu_0: np.ndarray, target: Target) -> np.ndarray:
    """Return the fixed point of the expected step of K traces with the KL of the whole trace in the reward."""
    path = mean_field_path(
        nu_0, target, group_size=K, learning_rate=0.5, beta=BETA, normalise="leave-one-out", geometry="natural"
    )
    before, after = islice(path, 150, 152)
    assert np.abs(np.exp(after) - np.exp(before)).max() < 1e-9, "not at rest"
    return np.exp(after)


def deviations(path: np.ndarray, point: np.ndarray, batches: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return how far the mean of the second half is from a point, and its standard error by means of batches."""
    half = path[len(path) // 2 :]
    means = np.array([part.mean(axis=0) for part in np.array_split(half, batches)])
    return half.mean(axis=0) - point, means.std(axis=0, ddof=1) / np.sqrt(batches)


SOONEST = "gini"
"""The game that every run of the tests trains; the others take as long each."""


def run_game(
    folder: Path, reward: Any, rows: list[dict[str, Any]], trainer: Any = None, callbacks: Any = (), **more: Any
) -> np.ndarray:
    """Train by the game's settings; return the answer marginals after each step, [steps, X, Z]."""
    from trl import RLOOConfig, RLOOTrainer

    args = RLOOConfig(**settings(folder / "run", GAME, **{"max_steps": 240, "learning_rate": 4.0, **more}))
    model = save_tabular(folder / "model", REFERENCES)
    return marginals(train_tabular(trainer or RLOOTrainer, model, rows, args, reward, callbacks))


@pytest.mark.parametrize("name", [n if n == SOONEST else pytest.param(n, marks=pytest.mark.long) for n in GAMES])
def test_the_game_s_settings_end_at_the_equilibrium(name: str, tmp_path: Path) -> None:
    from dagames_llm import TargetReward

    functional, target = GAMES[name]
    equilibrium = solve(AlignmentGame(np.array(REFERENCES), E, functional, beta=BETA)).nu
    resting = resting_point(NU_0, target)
    # With a linear functional the advantages vanish at the end, and nothing but the way there is left to average out.
    steps = 400 if name == "linear" else 240
    reward = TargetReward(target, extract=ANSWERS.get)
    path = run_game(tmp_path, reward, [{"prompt": "A"}, {"prompt": "B"}], max_steps=steps)
    difference, error = deviations(path, resting)
    assert np.all(np.abs(difference) < 4 * error + 1e-3)
    assert error.max() < 0.006
    assert np.abs(resting - equilibrium).max() < 0.004
    assert np.abs(NU_0 - equilibrium).max() > 0.05, "the reference is the equilibrium: the test shows nothing"


@pytest.mark.long
def test_soft_consensus_over_two_views_ends_at_the_coupled_equilibrium(tmp_path: Path) -> None:
    """Algorithm 1 with a price of disagreement: prompt A and prompt B are two views of one question."""
    from dagames_llm import OrbitRLOOTrainer, TargetReward

    views = AlignmentGame(np.array(REFERENCES), E, Linear(np.zeros(4)), beta=BETA)
    equilibrium = solve_coupled(CoupledGame(views, SoftCoherence(2 * BETA))).nu
    reward = TargetReward(SoftConsensus(2 * BETA), extract=ANSWERS.get)
    rows = [{"prompt": "A", "orbit": ["A", "B"]}]
    path = run_game(tmp_path, reward, rows, OrbitRLOOTrainer, num_generations=4 * K, per_device_train_batch_size=4 * K)
    difference, error = deviations(path, np.asarray(equilibrium))
    # Shares of 2 K traces of a view are estimated: the logarithm's bias is of order 1 / (2 K).
    assert np.all(np.abs(difference) < 4 * error + 2 / (2 * K))
    assert np.abs(NU_0 - equilibrium).max() > 0.05


@pytest.mark.long
def test_safety_with_two_budgets_ends_at_the_coupled_equilibrium(tmp_path: Path) -> None:
    """Algorithm 4: both budgets bind, and the multipliers end at the equilibrium's."""
    from dagames_llm import Constraint, SafetyReward

    costs = np.array([[1.0, 0.0, 0.5, 0.0], [0.0, 0.2, 0.0, 1.0]])
    budgets = np.array([0.25, 0.2])
    games = AlignmentGame(np.array(REFERENCES), E, Linear(np.zeros(4)), beta=BETA)
    solution = solve_coupled(CoupledGame(games, Budgets(costs, budgets)))

    def cost_of(row: np.ndarray) -> Any:
        return lambda texts: [float(row[ANSWERS[text]]) if text in ANSWERS else 1.0 for text in texts]

    safety = SafetyReward([
        Constraint(cost_of(row), budget=float(budget), name=f"cost {i}", step=0.2, cap=20.0)
        for i, (row, budget) in enumerate(zip(costs, budgets, strict=True))
    ])
    path = run_game(tmp_path, safety, [{"prompt": "A"}, {"prompt": "B"}], callbacks=[safety.callback], max_steps=400)
    difference, error = deviations(path, np.asarray(solution.nu))
    assert np.all(np.abs(difference) < 4 * error + 2e-3)
    assert solution.multipliers.min() > 0.5, "a budget that does not bind shows nothing"
    np.testing.assert_allclose(list(safety.dual.multipliers.values()), solution.multipliers, atol=0.1)


def paper_resting_point(nu_0: np.ndarray, target: Target) -> np.ndarray:
    """Return the fixed point of the expected step of eq. 4 and 5, where the KL is a term of its own."""
    log_nu = np.log(nu_0)
    for _ in range(400):
        nu = np.exp(log_nu)
        pull = np.array([true_update(n, -np.log(n / m)) for n, m in zip(nu, nu_0, strict=True)])
        step = expected_update(nu, target, K, "standardise") + BETA * pull
        log_nu = log_nu + 0.3 * step / nu
        log_nu -= np.log(np.exp(log_nu).sum(axis=-1, keepdims=True))
    assert np.abs(step).max() < 1e-9, "not at rest"
    return np.exp(log_nu)


@pytest.mark.long
def test_eq_4_and_5_as_printed_end_elsewhere(tmp_path: Path) -> None:
    """The run meets the fixed point of its own expected step, and that is far from the equilibrium."""
    from trl import GRPOConfig, GRPOTrainer

    from dagames_llm import TargetReward

    functional, target = GAMES["gini"]
    equilibrium = solve(AlignmentGame(np.array(REFERENCES), E, functional, beta=BETA)).nu
    resting = paper_resting_point(NU_0, target)
    args = GRPOConfig(**settings(tmp_path / "run", PAPER, max_steps=240, learning_rate=1.0))
    model = save_tabular(tmp_path / "model", REFERENCES)
    rows = [{"prompt": "A"}, {"prompt": "B"}]
    path = marginals(train_tabular(GRPOTrainer, model, rows, args, TargetReward(target, extract=ANSWERS.get)))
    difference, error = deviations(path, resting)
    assert np.all(np.abs(difference) < 4 * error + 1e-3)
    assert np.abs(resting - equilibrium).max() > 10 * error.max()
