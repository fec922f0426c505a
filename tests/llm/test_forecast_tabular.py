"""A tabular policy trained by TRL ends where the forecast from samples before training says it will."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dagames.targets import GiniDiversity, InverseFrequency, MajorityVote, Target
from dagames_llm.forecast.answers_forecast import Plan, solve_question
from dagames_llm.forecast.reference_games import SampledQuestion
from tests.llm.test_equilibrium import ANSWERS, BETA, NU_0, K, deviations, run_game

SAMPLES = 4000
"""Completions of each prompt before training: their shares are within .008 of the policy's, a standard error."""


@pytest.mark.long
@pytest.mark.parametrize("target", [MajorityVote(), GiniDiversity(2.0), InverseFrequency(0.5)], ids=repr)
def test_training_ends_where_the_forecast_says(target: Target, tmp_path: Path) -> None:
    from dagames_llm import TargetReward

    rng = np.random.default_rng(3)
    names = tuple(str(z) for z in range(4))
    predicted = []
    for prompt, nu in zip("AB", NU_0, strict=True):
        counts = np.append(rng.multinomial(SAMPLES, nu), 0)[None]
        asked = SampledQuestion((prompt,), names, counts)
        found = solve_question(asked, Plan(target, BETA, K, resamples=1))
        assert found.residual <= 1e-8
        predicted.append(found.marginals["equilibrium"][0, :-1])
    path = run_game(tmp_path, TargetReward(target, extract=ANSWERS.get), [{"prompt": "A"}, {"prompt": "B"}])
    difference, error = deviations(path, np.array(predicted))
    assert np.all(np.abs(difference) < 4 * error + 4 * 0.008)
    assert np.abs(NU_0 - predicted).max() > 0.1, "the forecast is the reference: the test shows nothing"
