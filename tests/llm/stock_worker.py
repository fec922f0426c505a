"""A TRL script as a user has it, with one import and one argument more. Runs alone or under torchrun.

The settings hold `trainer` (a class of TRL, whose script is the README's, or of ours), `rows` (of the data set), `args`
(of TRL's configuration) and, for our trainers, `reward` (of TargetReward). Rank r writes OUT/<trainer>/rank<r>.json.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

ROWS = [{"prompt": f"a{i}="} for i in range(6)]
README = Path(__file__).parents[2] / "README.md"


def readme_script(trainer: str, model: Path) -> str:
    """Return the README's script with the tiny model for its model, for RLOO with RLOO's names."""
    found = re.search(r"## One import in a TRL script\n\n```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    script, prompts = re.subn(r"^prompts = .*\n", "", found.group(1), flags=re.MULTILINE)
    assert prompts == 1
    script = script.replace("Qwen/Qwen2.5-0.5B-Instruct", str(model))
    if trainer == "RLOOTrainer":
        script = script.replace("GRPO", "RLOO").replace('scale_rewards="none", ', "")
    assert trainer in script
    return script


ORBIT_SCRIPT = """
import trl
from dagames.targets import MajorityVote
from dagames_llm import TargetReward

trainer = Trainer(model, TargetReward(MajorityVote(), extract="last_number", **reward), Config(), prompts)
"""


def run(model: Path, out: Path, settings: dict[str, Any]) -> None:
    import trl
    from accelerate import PartialState
    from datasets import Dataset

    import dagames_llm

    name = settings["trainer"]
    config_name = "RLOOConfig" if "RLOO" in name else "GRPOConfig"
    base = getattr(dagames_llm, name) if "Orbit" in name else getattr(trl, name)
    config = getattr(trl, config_name)
    seen: list[dict[str, Any]] = []

    class Recording(base):  # type: ignore[misc, valid-type]
        def _generate_and_score_completions(self, inputs: Any) -> Any:
            output = super()._generate_and_score_completions(inputs)
            prompts = self.processing_class.batch_decode(output["prompt_ids"], skip_special_tokens=True)
            first = self.accelerator.process_index * len(inputs)
            answers = list(self._logs["extra"]["answer"])[-self.accelerator.num_processes * len(inputs) :]
            for i, advantage in enumerate(output["advantages"].tolist()):
                seen.append({
                    "row": inputs[i],
                    "prompt": prompts[i],
                    "answer": answers[first + i],
                    "advantage": advantage,
                })
            return output

    checkpointing = {"activation_checkpointing", "gradient_checkpointing"} & set(config.__dataclass_fields__)
    small = partial(
        config,
        output_dir=str(out / "run"),
        use_cpu=True,
        bf16=False,
        **{max(checkpointing, key=lambda name: name.startswith("act")): False} if checkpointing else {},
        max_completion_length=3,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=1,
        # RLOO's reward has the KL in it, which stays 0 as long as the policy does not move.
        learning_rate=0.0 if "RLOO" in name else 0.01,
        **settings["args"],
    )
    names: dict[str, Any] = {"prompts": Dataset.from_list(settings.get("rows", ROWS))}
    if "Orbit" in name:
        given = {"Trainer": Recording, "Config": small, "model": str(model), "reward": settings.get("reward", {})}
        exec(ORBIT_SCRIPT, {**names, **given}, names)
    else:
        originals = base, config
        setattr(trl, name, Recording)
        setattr(trl, config_name, small)
        try:
            exec(readme_script(name, model), names)
        finally:
            setattr(trl, name, originals[0])
            setattr(trl, config_name, originals[1])
    names["trainer"].train()
    state = PartialState()
    out.mkdir(exist_ok=True)
    (out / f"rank{state.process_index}.json").write_text(
        json.dumps({"world_size": state.num_processes, "rows": seen, "log": names["trainer"].state.log_history})
    )


def run_all(model: Path, out: Path, runs: list[dict[str, Any]]) -> None:
    for settings in runs:
        run(model, out / settings["trainer"], settings)
