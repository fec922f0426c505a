"""What a model gives, without a detour: tensors of every width, with a gradient or without."""

import numpy as np
import pandas as pd
import pytest
import torch

from dagames import AlignmentGame, DomainError, solve
from dagames.functionals import Gini, KLToPrior, Linear
from dagames.games.streaming import MarginalAccumulator
from dagames.grpo import group_advantages
from dagames.targets import AnswerGroup


@pytest.mark.parametrize("width", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("grad", [False, True])
def test_probabilities_and_their_logs_are_taken_as_a_model_gives_them(width: torch.dtype, grad: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    for spread in (0.3, 3.0, 10.0):
        logits = (torch.randn(3, 4000, generator=generator) * spread).to(width).requires_grad_(grad)
        E = torch.randint(0, 7, (4000,), generator=generator, dtype=torch.int16)
        p, logs = torch.softmax(logits, -1), torch.log_softmax(logits, -1)
        games = AlignmentGame(p, E, Gini(1.0), 1.0), AlignmentGame.from_log(logs, E, Gini(1.0), 1.0)
        exact = p.detach().double(), logs.detach().double().exp()
        for game, mass in zip(games, exact, strict=True):
            whole = (mass / mass.sum(-1, keepdim=True)).numpy()
            expected = np.stack([np.bincount(E.numpy(), row, 7) for row in whole])
            np.testing.assert_allclose(game.nu_0, expected, rtol=1e-12)
            assert solve(game).certificate.worst <= 1e-10


def test_a_buffer_of_torch_that_is_used_again_changes_no_game() -> None:
    p, rewards = torch.tensor([0.5, 0.5], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    game = AlignmentGame(p, [0, 1], Linear(rewards), beta=1.0)
    before = solve(game).pi
    p.fill_(0.6)
    rewards.fill_(3.0)
    np.testing.assert_array_equal(solve(game).pi, before)


def test_functionals_groups_and_chunks_take_tensors() -> None:
    prior = torch.tensor([0.3, 0.7], requires_grad=True)
    np.testing.assert_allclose(KLToPrior(prior, torch.tensor(2.0)).prior.sum(), 1.0, rtol=1e-15)
    assert AnswerGroup(list(torch.tensor([1, 1, 2]))).counts.tolist() == [2, 2, 1]
    np.testing.assert_array_equal(group_advantages(torch.tensor([1.0, 0.0])), [0.5, -0.5])
    marginal = MarginalAccumulator(torch.tensor(2))
    for part in torch.log_softmax(torch.zeros(4), 0).split(2):
        marginal.add(part, torch.tensor([0, 1], dtype=torch.uint8))
    np.testing.assert_allclose(np.exp(marginal.log_nu_0), 0.5, rtol=1e-14)


def test_tensors_without_numbers_are_refused() -> None:
    for wrong in (torch.empty(2, device="meta"), torch.tensor([0.5, 0.5]).to_sparse(), torch.tensor([0.5 + 0j, 0.5])):
        with pytest.raises(DomainError, match="`pi_0`"):
            AlignmentGame(wrong, [0, 1], Gini(1.0), beta=1.0)


def test_columns_of_a_table_are_read() -> None:
    table = pd.DataFrame({"p": [0.5, 0.25, 0.25], "answer": ["b", "a", "a"], "nullable": pd.array([1, 0, 0], "Int64")})
    codes = table["answer"].astype("category").cat.codes
    for E in (codes, codes.to_numpy(), table["nullable"], pd.Categorical(table["answer"]).codes):
        np.testing.assert_array_equal(AlignmentGame(table["p"], E, Gini(1.0), beta=1.0).nu_0, [0.5, 0.5])
    with pytest.raises(DomainError, match=r"`E\[1\]` is nan; an answer is an index"):
        AlignmentGame(table["p"], pd.array([1, None, 0], "Int64"), Gini(1.0), beta=1.0)
    with pytest.raises(DomainError, match=r"number labels by `numpy\.unique"):
        AlignmentGame(table["p"], table["answer"], Gini(1.0), beta=1.0)
