"""Run on two processes, in one start of them, what several tests look at: imports take most of the time of a start.

Usage: two_processes_worker.py MODEL OUT JSON, where JSON holds the settings of `worker` and of `stock_worker`. Each
part writes to a folder of its own in OUT.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.llm import exchange_worker, safety_worker, save_worker, stock_worker, worker
from tests.llm.processes import together

PARTS = ("exchange", "trainer", "safety", "saved")


def work(model: Path, out: Path, settings: dict[str, Any]) -> None:
    exchange_worker.main(out / "exchange")
    worker.record(model, out / "trainer", settings["trainer"])
    safety_worker.record(model, out / "safety")
    save_worker.save(model, out / "saved")
    stock_worker.run_all(model, out, settings["stock"])


if __name__ == "__main__":
    together(lambda: work(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])))
