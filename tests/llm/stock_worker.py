"""A TRL script as a user has it, with one import and one argument more. Runs alone or under torchrun.

Usage: stock_worker.py MODEL OUT JSON, where JSON holds `trainer` (a class of TRL or of ours), `rows` (of the data set),
`args` (of TRL's configuration) and `reward` (of TargetReward). Rank r writes OUT/rank<r>.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROWS = [{"prompt": f"a{i}="} for i in range(6)]


def run(model: Path, out: Path, settings: dict[str, Any]) -> None:
    import torch
    import trl
    from accelerate import PartialState
    from datasets import Dataset

    import dagames_llm
    from dagames.targets import MajorityVote
    from dagames_llm import TargetReward

    name = settings["trainer"]
    base = getattr(trl, name, None) or getattr(dagames_llm, name)
    config = trl.RLOOConfig if "RLOO" in name else trl.GRPOConfig
    seen: list[dict[str, Any]] = []

    class Recording(base):  # type: ignore[misc, valid-type]
        def _generate_and_score_completions(self, inputs: Any) -> Any:
            output = super()._generate_and_score_completions(inputs)
            tokenizer = self.processing_class
            texts = tokenizer.batch_decode(output["completion_ids"], skip_special_tokens=True)
            prompts = tokenizer.batch_decode(output["prompt_ids"], skip_special_tokens=True)
            for i, row in enumerate(zip(prompts, texts, output["advantages"].tolist(), strict=True)):
                seen.append({**dict(zip(("prompt", "text", "advantage"), row, strict=True)), "row": inputs[i]})
            return output

    args = config(
        output_dir=str(out / "run"),
        use_cpu=True,
        bf16=False,
        **{
            next(
                f for f in ("activation_checkpointing", "gradient_checkpointing") if f in config.__dataclass_fields__
            ): False
        },
        max_completion_length=3,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=1,
        **settings["args"],
    )
    trainer = Recording(
        str(model),
        reward_funcs=TargetReward(MajorityVote(), extract="first_number", **settings.get("reward", {})),
        args=args,
        train_dataset=Dataset.from_list(settings.get("rows", ROWS)),
    )
    trainer.train()
    state = PartialState()
    (out / f"rank{state.process_index}.json").write_text(
        json.dumps({"world_size": state.num_processes, "rows": seen, "log": trainer.state.log_history})
    )
    if torch.distributed.is_initialized():
        # Without the barrier a process may wait for ever at its end for one that is gone.
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
