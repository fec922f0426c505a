"""Train a tiny model through the real trainer and write down what each process saw. Runs alone or under torchrun.

`more` holds recipe keys. Rank r writes OUT/rank<r>.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

QUESTIONS = [(f"a{i}=", f"now b{i} is?", str(i)) for i in range(6)]


def record(model: Path, out: Path, more: dict[str, Any]) -> None:
    from accelerate import PartialState

    from dagames_llm import trainer as trainers
    from dagames_llm.config.recipe import resolve_recipe
    from dagames_llm.data import Orbit
    from dagames_llm.training.model_card import step_history
    from dagames_llm.training.train import Questions, build_trainer, load_policy
    from tests.llm.tiny import tiny_settings

    seen: list[list[dict[str, Any]]] = []

    class Recording(trainers.OrbitGRPOTrainer):
        def _generate_and_score_completions(self, inputs: Any) -> Any:
            output = super()._generate_and_score_completions(inputs)
            tokenizer = self.processing_class
            prompts = tokenizer.batch_decode(output["prompt_ids"], skip_special_tokens=True)
            read = list(self._logs["extra"]["answer"])[-self.accelerator.num_processes * len(inputs) :]
            first = self.accelerator.process_index * len(inputs)
            rows = zip(inputs, prompts, read[first : first + len(inputs)], output["advantages"].tolist(), strict=True)
            seen.append([{"row": r["prompt"], "prompt": p, "answer": z, "advantage": a} for r, p, z, a in rows])
            return output

    original, trainers.OrbitGRPOTrainer = trainers.OrbitGRPOTrainer, Recording
    path = out / "recipe.yaml"
    if PartialState(cpu=True).is_main_process:
        path.write_text(json.dumps(tiny_settings(model, save_strategy="no", **more)))
    PartialState().wait_for_everyone()
    recipe = resolve_recipe(path)
    recipe.grpo.output_dir = str(out / "scratch")
    questions = Questions([Orbit((a, b), gold) for a, b, gold in QUESTIONS], [])
    policy, tokenizer = load_policy(recipe)
    trainer = build_trainer(recipe, policy, tokenizer, questions)
    trainers.OrbitGRPOTrainer = original
    trainer.train()
    state = PartialState()
    weights = {n: p.detach().double().sum().item() for n, p in trainer.model.named_parameters() if p.requires_grad}
    (out / f"rank{state.process_index}.json").write_text(
        json.dumps({
            "world_size": state.num_processes,
            "generations": seen,
            "weights": weights,
            "history": step_history(trainer.state.log_history),
        })
    )
