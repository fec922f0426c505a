"""One import and one argument in a stock TRL script: advantages against an oracle, on one and two processes."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.llm.stock_worker import ROWS, run
from tests.llm.test_trainer import answer, votes
from tests.llm.tiny import on_two_processes

BATCH = {"num_generations": 4, "per_device_train_batch_size": 12, "max_steps": 1, "learning_rate": 0.01}
STRADDLING = {
    "num_generations": 4,
    "per_device_train_batch_size": 3,
    "steps_per_generation": 2,
    "gradient_accumulation_steps": 2,
    "max_steps": 2,
}
ORBITS = [{"prompt": f"a{i}=", "orbit": [f"a{i}=", f"now b{i} is?", f"c{i}?"][: 1 + i % 3]} for i in range(6)]


def group_advantages(rewards: list[float], trainer: str) -> np.ndarray:
    """Compute the advantages as TRL does, in float32, from rewards computed by another road."""
    r = np.array(rewards, np.float32)
    if "RLOO" in trainer:
        return r - (r.sum(dtype=np.float32) - r) / np.float32(len(r) - 1)
    return r - r.mean(dtype=np.float32)


def check(rows: list[dict[str, Any]], trainer: str, size: int = 4) -> None:
    for start in range(0, len(rows), size):
        group = rows[start : start + size]
        assert (
            len({row["row"]["prompt"] if "orbit" not in row["row"] else str(row["row"]["orbit"]) for row in group}) == 1
        )
        expected = group_advantages(votes([answer(row["text"]) for row in group]), trainer)
        actual = np.array([row["advantage"] for row in group], np.float32)
        # Sums of four numbers may be taken in either order: one unit in the last place of the largest.
        np.testing.assert_allclose(actual, expected, rtol=0, atol=np.finfo(np.float32).eps)
    assert len({row["advantage"] for row in rows}) > 1, "no group tells a vote from none: the test shows nothing"


def arguments(trainer: str, batch: dict[str, Any]) -> dict[str, Any]:
    return {**batch, "beta": 0.0} if "RLOO" in trainer else {**batch, "scale_rewards": "none", "beta": 0.02}


@pytest.mark.parametrize("trainer", ["GRPOTrainer", "RLOOTrainer", "OrbitGRPOTrainer", "OrbitRLOOTrainer"])
def test_on_one_process(trainer: str, tiny: Path, tmp_path: Path) -> None:
    rows = ORBITS if "Orbit" in trainer else ROWS
    run(tiny, tmp_path, {"trainer": trainer, "args": arguments(trainer, BATCH), "rows": rows})
    seen = json.loads((tmp_path / "rank0.json").read_text())
    check(seen["rows"], trainer)
    assert 0 <= seen["log"][0]["unparsed"] < 1


@pytest.mark.parametrize("trainer", ["GRPOTrainer", "OrbitRLOOTrainer"])
def test_groups_that_straddle_two_processes(trainer: str, tiny: Path, tmp_path: Path) -> None:
    rows = ORBITS if "Orbit" in trainer else ROWS
    settings = {"trainer": trainer, "args": arguments(trainer, STRADDLING), "rows": rows}
    result = on_two_processes("tests.llm.stock_worker", str(tiny), str(tmp_path), json.dumps(settings))
    assert result.returncode == 0, result.stderr[-3000:]
    ranks = [json.loads((tmp_path / f"rank{r}.json").read_text()) for r in range(2)]
    assert [rank["world_size"] for rank in ranks] == [2, 2]
    # A generation is 6 rows on each process: the second of its three groups lies on both.
    parts = [[rank["rows"][i : i + 6] for i in range(0, len(rank["rows"]), 6)] for rank in ranks]
    generations = [list(chain(*both)) for both in zip(*parts, strict=True)]
    assert [len(rows) for rows in generations] == [12, 12]
    check(list(chain(*generations)), trainer)
