"""The command `dagames-llm forecast`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagames_llm._errors import RecipeError
from dagames_llm.forecast.checks import as_match, check_drawing, check_outputs, check_source
from dagames_llm.option_checks import check_not_empty
from dagames_llm.place import DEVICE_HELP, DTYPE_HELP, check_dtype

if TYPE_CHECKING:
    from dagames_llm.extract import Extractor
    from dagames_llm.forecast.answers_forecast import Plan
    from dagames_llm.forecast.reference_games import SampledQuestion
    from dagames_llm.forecast.safety_forecast import SafetyPlan
    from dagames_llm.forecast.samples import SampleFiles
    from dagames_llm.forecast.settings import Settings

HELP = """Forecast a run from samples of the model before training.

Each line of SAMPLES is a question: {"orbit": [prompt, paraphrase, ...], "completions": [[text, ...], ...], "answer":
"42"}, with a list of completions for each wording; `answer` is optional. "answers" instead of "completions" holds
extracted answers. Without SAMPLES the command draws samples: --model with --data or --task.

The game on the answers of each question is solved. The forecast contains: shares of answers after mean-field steps and
at the equilibrium of groups of this size; where the right answer is known, accuracy and the shares of questions whose
right answer gains or goes extinct; the first step with other group sizes and tables; and the beta below which most
questions end with a single answer.

Examples: dagames-llm forecast samples.jsonl --target majority_vote --beta 0.02 --group-size 8 --plot forecast.svg

dagames-llm forecast --model embedded --task addition --samples 16 --beta 0.02 --save-samples samples.jsonl

dagames-llm forecast samples.jsonl --beta 0.02 --match reward=0.91    # where a run has reached this reward

dagames-llm forecast --config safety_cpu --save-samples samples.jsonl    # with budgets: costs and multipliers

dagames-llm forecast samples.jsonl --constraints '[{"cost": "refusal", "budget": 0.1}]'

After an interruption, the same command continues with the samples drawn so far if it names a file to write.
"""


def forecast_command(
    samples_file: Annotated[Path | None, typer.Argument(metavar="[SAMPLES]", help="JSON lines of samples.")] = None,
    config: Annotated[str | None, typer.Option(help="Recipe, for the settings without an option.")] = None,
    target: Annotated[str | None, typer.Option(help="A target of dagames.targets; default: majority_vote.")] = None,
    target_options: Annotated[str | None, typer.Option(help='Options of the target as JSON: {"weight": 0.5}.')] = None,
    table: Annotated[
        str | None, typer.Option(help="Reward table, by its name in recipes: recommended, elevated, ...")
    ] = None,
    constraints: Annotated[
        str | None, typer.Option(help="Budgets as JSON, as in a recipe; the default target is then none.")
    ] = None,
    beta: Annotated[float | None, typer.Option(help="Weight of the KL to the reference; default: 0.02.")] = None,
    group_size: Annotated[
        int | None, typer.Option("--group-size", "-K", help="Completions of a question, K; default: 8.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Mean-field steps, default: 32; with budgets, generations, default: the recipe's."),
    ] = None,
    step_size: Annotated[float, typer.Option(help="Size of a step, in nats per unit of advantage.")] = 0.25,
    questions_per_step: Annotated[
        int | None, typer.Option(min=1, help="With budgets: questions of a generation; default: the recipe's.")
    ] = None,
    match: Annotated[str | None, typer.Option(help="STATISTIC=VALUE, measured in a run.")] = None,
    extractor: Annotated[str | None, typer.Option(help="Extractor of answers.")] = None,
    model: Annotated[str | None, typer.Option(help="Model to sample: `embedded`, a folder, or a hub id.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data file of questions to draw for.")] = None,
    task: Annotated[str | None, typer.Option(help="Built-in task to draw for, its training part.")] = None,
    samples: Annotated[int | None, typer.Option(min=2, help="Completions of each prompt; default: 32.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.01, max=1000, help="Sampling temperature; default: 1.")
    ] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Maximum length of a completion, in tokens.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Completions generated at once; default: 64.")] = None,
    chat: Annotated[bool | None, typer.Option("--chat/--no-chat", help="Render prompts by the chat template.")] = None,
    device: Annotated[str | None, typer.Option(help=DEVICE_HELP)] = None,
    dtype: Annotated[str | None, typer.Option(help=f"{DTYPE_HELP} Default: the recipe's, else auto.")] = None,
    save_samples: Annotated[Path | None, typer.Option(help="Write the drawn samples to this file.")] = None,
    resamples: Annotated[
        int | None, typer.Option(min=1, help="Resamples for intervals; default: 20, with budgets alone 200.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of samples and resamples; default: 0.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the forecast to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture (.svg, .png or .pdf) and its JSON.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Check the options, read or draw the samples, and compute the forecast."""
    from dagames._files import write_bytes, write_json
    from dagames_llm.extract import extractor_named
    from dagames_llm.forecast.samples import SampleFiles
    from dagames_llm.forecast.settings import read_options, resolved

    check_not_empty({
        "config": config,
        "target": target,
        "target-options": target_options,
        "table": table,
        "constraints": constraints,
        "match": match,
        "extractor": extractor,
        "model": model,
        "task": task,
        "device": device,
        "dtype": dtype,
    })
    check_source(samples_file, model, data, task, config)
    of_recipe = {"temperature": temperature, "max_new_tokens": max_new_tokens, "chat": chat}
    drawing = {"samples": samples, "batch_size": batch_size, "device": device, "dtype": dtype}
    check_drawing(samples_file, {**drawing, **of_recipe})
    check_dtype(dtype or "auto")
    check_outputs(json_file, plot, save_samples, samples_file, overwrite)
    options = {
        "target": target,
        "target_options": read_options(target_options),
        "beta": beta,
        "num_generations": group_size,
        "max_steps": steps,
        "extractor": extractor,
        "model_name_or_path": model,
        "data": None if data is None else str(data),
        "task": task,
        "temperature": temperature,
        "max_completion_length": max_new_tokens,
        "chat": chat,
        "seed": seed,
    }
    settings = resolved(config, options, constraints, table)
    matched = None if match is None else as_match(match, [c.name for c in settings.constraints])
    plan = _plan(settings, step_size, questions_per_step, resamples)
    extract = extractor_named(settings.keys["extractor"] or "last_number")
    files = SampleFiles(save_samples, (save_samples or json_file or plot) if samples_file is None else None, overwrite)
    questions, rows = _drawn(settings, plan, drawing, files) if samples_file is None else (None, None)
    content = _forecast(settings, plan, matched, extract, samples_file, questions, rows)
    if json_file is not None:
        write_json(json_file, content)
    if plot is not None:
        from dagames_llm.forecast.picture import draw_forecast

        write_bytes(plot, draw_forecast(content, plot.suffix.lower().removeprefix(".")))
        write_json(plot.with_suffix(".json"), content)
    files.done()
    _show(content)


def _plan(
    settings: Settings, step_size: float, questions_per_step: int | None, resamples: int | None
) -> Plan | SafetyPlan:
    from dagames_llm.forecast.answers_forecast import Plan
    from dagames_llm.forecast.safety_forecast import SafetyPlan

    beta, K, seed = (settings.keys[name] for name in ("beta", "num_generations", "seed"))
    if not settings.constraints:
        if questions_per_step is not None:
            raise RecipeError(
                "--questions-per-step applies to the multipliers of budgets; omit it without --constraints."
            )
        assert settings.target is not None  # noqa: S101, without constraints there is a target
        return Plan(settings.target, beta, K, settings.steps, step_size, resamples or 20, seed)
    return SafetyPlan(
        settings.constraints,
        beta,
        K,
        settings.steps,
        step_size,
        questions_per_step or settings.together,
        settings.target,
        resamples=resamples or (200 if settings.target is None else 20),
        seed=seed,
    )


def _drawn(
    settings: Settings, plan: Plan | SafetyPlan, drawing: Mapping[str, Any], files: SampleFiles
) -> tuple[Any, Any]:
    from dagames_llm.forecast.samples import Draw, draw_samples
    from dagames_llm.forecast.settings import data_of

    keys = settings.keys
    draw = Draw(
        keys["model_name_or_path"] or "embedded",
        data_of(settings),
        keys["task"],
        keys["extractor"],
        drawing["samples"] or 32,
        keys["temperature"],
        keys["max_completion_length"],
        drawing["batch_size"] or 64,
        keys["chat"],
        keys["stop_at_newline"],
        1 if settings.constraints else 2,
        drawing["device"] or "auto",
        drawing["dtype"] or keys["dtype"] or "auto",
    )
    return draw_samples(draw, keys["seed"], plan, files)


def _forecast(
    settings: Settings,
    plan: Plan | SafetyPlan,
    matched: tuple[str, float] | None,
    extract: Extractor,
    samples_file: Path | None,
    questions: Any,
    rows: Any,
) -> dict[str, Any]:
    from dagames_llm.forecast.answers_forecast import Plan
    from dagames_llm.forecast.reference_games import load_samples

    if isinstance(plan, Plan):
        return run(load_samples(samples_file, extract) if samples_file is not None else questions, plan, matched)
    from dagames_llm.forecast.costed_questions import costed_questions, load_costed
    from dagames_llm.forecast.safety_words import run_safety

    by_answer = plan.target is not None
    if samples_file is not None:
        costed = load_costed(samples_file, plan.constraints, extract, by_answer=by_answer)
    else:
        placed = [(f"question {number}", row) for number, row in enumerate(rows, start=1)]
        costed = costed_questions(placed, plan.constraints, extract, by_answer=by_answer, source="the samples")
    return run_safety(costed, plan, matched, settings.notes)


def run(questions: Sequence[SampledQuestion], plan: Plan, matched: tuple[str, float] | None = None) -> dict[str, Any]:
    """Compute a forecast with a progress bar, and return it as plain data."""
    from rich.console import Console

    from dagames_llm.forecast.answers_forecast import forecast
    from dagames_llm.forecast.choices import collapse_threshold, directions
    from dagames_llm.forecast.words import CAVEATS
    from dagames_llm.progress import progress_bar

    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("solving", total=len(questions) + 2)
        result = forecast(questions, plan, lambda done, _: bar.update(task, completed=done))
        result.more["directions"] = directions(questions, plan)
        bar.advance(task)
        result.more["collapse"] = collapse_threshold(questions, plan)
        bar.advance(task)
    if "vote" in result.path[0]:
        vote = result.path[0]["vote"]
        result.more["votes_wrong"] = {
            "mean": 1 - vote["mean"],
            "low": 1 - vote["high"],
            "high": 1 - vote["low"],
            "n": vote["n"],
        }
    if matched is not None:
        result.more["match"] = {"statistic": matched[0], "value": matched[1], **result.where(*matched)}
    result.more["caveats"] = list(CAVEATS)
    return result.as_json()


def _show(content: dict[str, Any]) -> None:
    from rich.console import Console

    from dagames_llm.forecast.words import directions_table, forecast_table, sentences, show_lines

    console = Console()
    if content.get("kind") == "safety":
        from dagames_llm.forecast.safety_words import show_safety

        show_safety(content, console)
        return
    console.print(forecast_table(content))
    if content["directions"]:
        console.print(directions_table(content))
    show_lines(content, sentences(content), console, without=",")
