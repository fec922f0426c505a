"""The demo: a small model learns to add from the votes over a + b and b + a, without a label.

`python -m dagames_llm.demo` runs one seed and prints its result beside the committed results of other seeds;
`--seeds 0 1 2 3 4 --out results/demo` writes the results that do not exist yet. `--recipe` names another recipe for a
CPU.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from dagames._files import check_new, check_output, write_json
from dagames_llm._errors import OutputError
from dagames_llm.cli import guarded, quiet_libraries

COMMITTED = Path(__file__).resolve().parents[1] / "results" / "demo"
RECIPE, LIVE_SEED = "coherence_cpu", 7
PHASES = ("before", "train", "after")


def run_seed(name: str, seed: int, overrides: dict[str, Any]) -> dict[str, Any]:
    """Evaluate, train and evaluate again; the seed determines split, order and samples."""
    import torch
    from rich.console import Console

    from dagames_llm.config.recipe import resolve_recipe
    from dagames_llm.evaluation.held_out import examination_of
    from dagames_llm.show import ShowSteps
    from dagames_llm.training.model_card import package_versions, settings_of, step_history
    from dagames_llm.training.train import build_trainer, load_policy, questions_of

    quiet_libraries()
    console = Console(stderr=True)
    recipe = resolve_recipe(name, {**overrides, "seed": seed, "save_strategy": "no"})
    questions = questions_of(recipe)
    model, tokenizer = load_policy(recipe)
    examination = examination_of(recipe, questions.held_out, questions.views, tokenizer, console)
    clock = [time.perf_counter()]
    before = examination.of("before", model)
    clock.append(time.perf_counter())
    with tempfile.TemporaryDirectory() as scratch:
        recipe.grpo.output_dir = scratch
        trainer = build_trainer(recipe, model, tokenizer, questions, [ShowSteps(console)])
        trainer.train()
    clock.append(time.perf_counter())
    after = examination.of("after", trainer.model)
    clock.append(time.perf_counter())
    history = step_history(trainer.state.log_history)
    seconds = {name: round(end - start, 1) for name, (start, end) in zip(PHASES, pairwise(clock), strict=True)}
    return {
        "seed": seed,
        "recipe": settings_of(recipe),
        "n_train_orbits": len(questions.train),
        "before": before,
        "after": after,
        "history": history,
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "packages": package_versions(),
    }


def committed_results(folder: Path) -> list[dict[str, Any]]:
    """Return the results in a folder, ordered by seed; empty if there is no such folder."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("seed*.json"))]
    return sorted(results, key=lambda result: int(result["seed"]))


def show_results(live: dict[str, Any] | None, committed: Sequence[dict[str, Any]]) -> None:
    """Print the tables of this run, if any, and a table of this run and the committed ones."""
    from rich.console import Console

    from dagames_llm.monitors import collapse_reason
    from dagames_llm.show import evaluation_table, steps_table, summary_table

    console = Console()
    if live is not None:
        title = f"Held-out questions, this run (seed {live['seed']}): before and after training without labels"
        console.print(evaluation_table(title, {"before": live["before"], "after": live["after"]}))
        console.print(steps_table(live["history"]))
        console.print(f"collapse alarm: {collapse_reason(live['history']) or 'none'}\n")
    if live is None or live["recipe"]["task"] == "addition":
        console.print(summary_table(live, committed))


def demo_command(
    recipe: Annotated[str, typer.Option(help="Recipe: a shipped one, or a YAML file.")] = RECIPE,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = LIVE_SEED,
    seeds: Annotated[list[int] | None, typer.Option(help="Run these seeds and write the results; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results of --seeds, a JSON file per seed.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the result of the run to this JSON file.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps instead of the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Number of torch's threads; by default all cores.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Only print the committed results.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file of --save.")] = False,
) -> None:
    """Train SmolLM2-135M on a CPU by its own votes, by default on additions, and show the held-out questions."""
    overrides = {key: value for key, value in (("max_steps", steps), ("threads", threads)) if value is not None}
    if seeds:
        if out is None:
            raise OutputError("--seeds needs --out, the folder for the results.")
        check_new(out, overwrite=True)
        for number in seeds:
            result = out / f"seed{number}.json"
            if result.exists():
                typer.echo(f"{result} exists: seed {number} is not run again.")
                continue
            write_json(result, run_seed(recipe, number, overrides))
        show_results(None, committed_results(out))
        return
    if save is not None:
        check_output(save, "--save", overwrite=overwrite)
    live = None if show else run_seed(recipe, seed, overrides)
    if live is not None and save is not None:
        write_json(save, live)
    others = [result for result in committed_results(COMMITTED) if live is None or result["seed"] != live["seed"]]
    show_results(live, others)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the demo from the command line; `--seeds` takes several numbers, as in `--seeds 0 1 2`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    guarded(demo_command, _repeat_option(arguments, "--seeds"))


def _repeat_option(arguments: list[str], name: str) -> list[str]:
    """Convert `--seeds 0 1 2` to `--seeds 0 --seeds 1 --seeds 2`, the form that typer reads."""
    converted: list[str] = []
    after_option = False
    for argument in arguments:
        if argument == name:
            after_option = True
        elif after_option and argument.isdigit():
            converted += [name, argument]
        else:
            after_option = False
            converted.append(argument)
    return converted


if __name__ == "__main__":
    main()
