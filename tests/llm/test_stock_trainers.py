"""The README's script, stock TRL with one import and one argument more: advantages against an oracle.

On one process and on two, for GRPO and RLOO, and for the trainers over orbits. Groups lie across the boundary of the
processes. The answers are those of TRL's own table of completions.
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.llm.stock_worker import ROWS, run
from tests.llm.test_trainer import votes

K = 8
BATCH = {"per_device_train_batch_size": 24, "max_steps": 1}
# Local generations of 2 x 6 and groups of 8: the second of three groups lies on both processes.
STRADDLING = {
    "per_device_train_batch_size": 6,
    "steps_per_generation": 2,
    "gradient_accumulation_steps": 2,
    "max_steps": 2,
}
ORBITS = [{"prompt": f"a{i}=", "orbit": [f"a{i}=", f"now b{i} is?", f"c{i}?"][: 1 + i % 3]} for i in range(6)]


def expected_advantages(rewards: list[float], trainer: str) -> np.ndarray:
    """Compute the advantages as TRL does, in float32, from rewards computed by another road."""
    r = np.array(rewards, np.float32)
    if "RLOO" in trainer:
        return r - (r.sum(dtype=np.float32) - r) / np.float32(len(r) - 1)
    return r - r.mean(dtype=np.float32)


def check(rows: list[dict[str, Any]], trainer: str) -> None:
    for start in range(0, len(rows), K):
        group = rows[start : start + K]
        assert len({str(row["row"].get("orbit", row["row"]["prompt"])) for row in group}) == 1
        shown = {row["prompt"] for row in group}
        assert shown == set(group[0]["row"].get("orbit", [group[0]["row"]["prompt"]])), "every view is answered"
        expected = expected_advantages(votes([row["answer"] or None for row in group]), trainer)
        actual = np.array([row["advantage"] for row in group], np.float32)
        # A sum of eight numbers depends on its order: one unit in the last place of 1.
        np.testing.assert_allclose(actual, expected, rtol=0, atol=np.finfo(np.float32).eps)
    assert len({row["advantage"] for row in rows}) > 1, "no group tells a vote from none: the test shows nothing"


def settings_of(trainer: str, batch: dict[str, Any]) -> dict[str, Any]:
    if "Orbit" not in trainer:
        return {"trainer": trainer, "args": batch, "rows": ROWS}
    more = {"beta": 0.02} if "RLOO" in trainer else {"beta": 0.02, "scale_rewards": "none"}
    return {"trainer": trainer, "args": {**batch, **more, "num_generations": K}, "rows": ORBITS}


@pytest.mark.parametrize("trainer", ["GRPOTrainer", "RLOOTrainer", "OrbitGRPOTrainer", "OrbitRLOOTrainer"])
def test_on_one_process(trainer: str, tiny: Path, tmp_path: Path) -> None:
    run(tiny, tmp_path, settings_of(trainer, BATCH))
    seen = json.loads((tmp_path / "rank0.json").read_text())
    check(seen["rows"], trainer)
    assert 0 <= seen["log"][0]["unparsed"] < 1


ON_TWO = ("GRPOTrainer", "RLOOTrainer", "OrbitGRPOTrainer")


STRADDLED = [settings_of(trainer, STRADDLING) for trainer in ON_TWO]


@pytest.mark.parametrize("trainer", ON_TWO)
def test_groups_that_straddle_two_processes(trainer: str, two_processes: Path) -> None:
    ranks = [json.loads((two_processes / trainer / f"rank{r}.json").read_text()) for r in range(2)]
    assert [rank["world_size"] for rank in ranks] == [2, 2]
    parts = [[rank["rows"][i : i + 12] for i in range(0, len(rank["rows"]), 12)] for rank in ranks]
    generations = [list(chain(*both)) for both in zip(*parts, strict=True)]
    assert [len(rows) for rows in generations] == [24, 24]
    check(list(chain(*generations)), trainer)


@pytest.mark.parametrize("trainer", ["OrbitGRPOTrainer", "OrbitRLOOTrainer"])
def test_a_decoupled_baseline_is_not_centred_again(trainer: str, tiny: Path, tmp_path: Path) -> None:
    run(tiny, tmp_path, settings_of(trainer, BATCH) | {"reward": {"baseline": "decoupled"}})
    rows = json.loads((tmp_path / "rank0.json").read_text())["rows"]
    means = []
    for start in range(0, len(rows), K):
        group = rows[start : start + K]
        answers = [row["answer"] or None for row in group]
        rewards = votes(answers)
        for i, row in enumerate(group):
            without = votes([None if j == i else answer for j, answer in enumerate(answers)])
            others = sum(r for j, r in enumerate(without) if j != i) / (K - 1)
            assert row["advantage"] == pytest.approx(rewards[i] - others, abs=1e-6)
        means.append(sum(row["advantage"] for row in group))
    assert max(map(abs, means)) > 0.01, "centred advantages would pass too: the test shows nothing"
