"""Killed by SIGKILL at any place, a run of each algorithm resumes to the numbers of the uninterrupted one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.llm.forked import ROOT, Server

ALGORITHMS = ("coherence", "diversity", "pairwise", "safety")
PLACES = {"coherence": "save:4", "diversity": "step:5", "pairwise": "generation:6", "safety": "step:7"}
"""6 rows, 2 a step: epochs begin after steps 3 and 6, so that each run is resumed in a later epoch than the first."""


def check(server: Server, places: dict[str, str], tiny: Path, out: Path) -> None:
    arguments = ["-m", "tests.llm.kill_worker", str(tiny), str(out), json.dumps(places)]
    result = server.run(*arguments, folder=ROOT, timeout=900)
    assert result.returncode == 0, result.stderr[-3000:]
    for name in places:
        whole, resumed = (json.loads((out / f"{name}-{run}.json").read_text()) for run in ("whole", "resumed"))
        assert len(whole["log"]) == 8
        assert resumed == whole, name
        assert not (out / f"{name}-killed.json").exists()
    multipliers = json.loads((out / "safety-whole.json").read_text())["multipliers"] if "safety" in places else []
    assert all(float.fromhex(m) > 0 for m in multipliers), "a multiplier at 0 shows nothing"


def test_killed_runs_resume_to_the_same_numbers(server: Server, tiny: Path, tmp_path: Path) -> None:
    check(server, PLACES, tiny, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_runs_killed_at_random_places_resume_to_the_same_numbers(
    seed: int, server: Server, tiny: Path, tmp_path: Path
) -> None:
    generator = np.random.default_rng(seed)
    places = (
        [f"step:{s}" for s in range(2, 9)] + [f"save:{s}" for s in (4, 6, 8)] + [f"generation:{s}" for s in range(2, 8)]
    )
    check(server, {name: str(generator.choice(places)) for name in ALGORITHMS}, tiny, tmp_path)
