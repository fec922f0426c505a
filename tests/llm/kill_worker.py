"""Train by each of the four algorithms: a whole run, one killed by SIGKILL, and one that resumes what was left of it.

Usage: kill_worker.py MODEL OUT JSON, where JSON maps an algorithm to the place where it is killed: `step:5`, after that
step; `save:4`, within the saving of that step's checkpoint; `generation:3`, before that generation is scored. Each run
is a process of its own, forked before torch has computed anything. Writes OUT/<algorithm>-<run>.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig

from dagames.targets import Centrality, InverseFrequency, MajorityVote
from dagames_llm import OrbitGRPOTrainer, TargetReward
from dagames_llm.multipliers import Constraint
from dagames_llm.safety import SafetyReward
from dagames_llm.trainer import last_checkpoint

ROWS = [{"prompt": f"a{i}=", "orbit": [f"a{i}=", f"now b{i} is?"], "kind": "ab"[i % 2]} for i in range(6)]


def large(texts: list[str]) -> list[float]:
    return [sum(c in "56789" for c in text) / 3 for text in texts]


def algorithm(name: str) -> tuple[Any, list[TrainerCallback]]:
    if name == "coherence":
        reward = TargetReward(MajorityVote(), extract="first_number")
        return reward, [reward.monitor.votes]
    if name == "diversity":
        return TargetReward(InverseFrequency(), extract="first_number", baseline="leave_one_out"), []
    if name == "pairwise":
        return TargetReward(Centrality(), extract="first_number", distance="token_f1"), []
    constraints = [
        Constraint(large, budget=0.05, applies_to={"kind": "a"}, step=0.5, cap=0.9, window=2),
        Constraint(large, budget=0.1, name="all", step=0.3, window=3),
    ]
    safety = SafetyReward(constraints)
    return safety, [safety.callback]


def train(model: Path, out: Path, name: str, run: str, place: str | None) -> None:
    torch.set_num_threads(1)
    reward, callbacks = algorithm(name)
    kind, _, number = (place or "never:0").partition(":")

    def kill(here: str, at: int) -> None:
        if (kind, int(number)) == (here, at):
            os.kill(os.getpid(), signal.SIGKILL)

    class Kill(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            kill("step", state.global_step)

    class Killed(OrbitGRPOTrainer):
        def _calculate_rewards(self, *args: Any, **kwargs: Any) -> Any:
            kill("generation", self.state.global_step)
            return super()._calculate_rewards(*args, **kwargs)

        def _save_rng_state(self, output_dir: str) -> None:
            kill("save", self.state.global_step)
            super()._save_rng_state(output_dir)

    folder = out / f"{name}-{'whole' if run == 'whole' else 'killed'}"
    args = GRPOConfig(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
        save_steps=2,
        num_generations=4,
        per_device_train_batch_size=8,
        max_completion_length=3,
        max_steps=8,
        learning_rate=0.01,
        scale_rewards="none",
        beta=0.02,
    )
    trainer = Killed(
        str(model),
        reward_funcs=reward,
        args=args,
        train_dataset=Dataset.from_list(ROWS),
        callbacks=[*callbacks, Kill()],
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(folder) if run == "resumed" else None)
    weights = b"".join(p.detach().numpy().tobytes() for p in trainer.model.parameters())
    steps = [entry for entry in trainer.state.log_history if "reward" in entry]
    result = {
        "log": [{k: v for k, v in entry.items() if k != "step_time"} for entry in steps],
        "weights": hashlib.sha256(weights).hexdigest(),
        "random": hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(),
        "multipliers": [m.hex() for m in reward.dual.multipliers.values()] if name == "safety" else [],
    }
    (out / f"{name}-{run}.json").write_text(json.dumps(result))


def in_a_process(action: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            action()
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(model: Path, out: Path, places: dict[str, str]) -> None:
    for name, place in places.items():
        for run in ("whole", "killed", "resumed"):
            code = in_a_process(lambda n=name, r=run, p=place: train(model, out, n, r, p if r == "killed" else None))
            expected = -signal.SIGKILL if run == "killed" else 0
            if code != expected:
                raise SystemExit(f"{name}, {run}: exit {code} instead of {expected}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
