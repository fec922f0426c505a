"""The command `dagames-llm forecast`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagames_llm._errors import DataError, RecipeError

if TYPE_CHECKING:
    from dagames.targets import Target
    from dagames_llm.forecast import Plan
    from dagames_llm.reference_games import SampledQuestion

HELP = """Say what a run will do before it is run, from samples of the model as it is.

Each line of SAMPLES is a question: {"orbit": [prompt, paraphrase, ...], "completions": [[text, ...], ...], "answer":
"42"}, a list of completions for each wording; `answer` is optional. "answers" instead of "completions" holds what was
read already. Without SAMPLES the command draws them: --model with --data or --task.

For each question the game on its answers is solved: shares of answers after mean-field steps and at the equilibrium of
groups of this size, accuracy where gold is known, whose right answer gains or goes extinct, what a larger group or
another table would give, and whether this beta ends with a single answer a question.

Examples: dagames-llm forecast samples.jsonl --target majority_vote --beta 0.02 --group-size 8 --plot forecast.svg

dagames-llm forecast --model embedded --task addition --samples 16 --beta 0.02 --save-samples samples.jsonl

dagames-llm forecast samples.jsonl --beta 0.02 --match reward=0.91    # where a run has reached this reward

Killed or interrupted, the same command goes on with what it has drawn if it names a file to write.
"""


def forecast_command(
    samples_file: Annotated[Path | None, typer.Argument(metavar="[SAMPLES]", help="JSON lines of samples.")] = None,
    target: Annotated[str, typer.Option(help="A target of dagames.targets, as in a recipe.")] = "majority_vote",
    target_options: Annotated[str | None, typer.Option(help='Its options as JSON: {"weight": 0.5}.')] = None,
    table: Annotated[str | None, typer.Option(help="Reward table: recommended, plugin, harmonic or minimax.")] = None,
    beta: Annotated[float, typer.Option(help="Weight of the KL to the reference.")] = 0.02,
    group_size: Annotated[int, typer.Option("--group-size", "-K", help="Completions of a question, K.")] = 8,
    steps: Annotated[int, typer.Option(min=1, help="Mean-field steps.")] = 32,
    step_size: Annotated[float, typer.Option(help="Nats a step per unit of advantage.")] = 0.25,
    match: Annotated[str | None, typer.Option(help="STATISTIC=VALUE that a run was measured at.")] = None,
    extractor: Annotated[str | None, typer.Option(help="How answers are read.")] = None,
    model: Annotated[str | None, typer.Option(help="Draw samples of it: `embedded`, a folder, or a hub id.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data file of questions to draw for.")] = None,
    task: Annotated[str | None, typer.Option(help="Built-in task to draw for, its training part.")] = None,
    samples: Annotated[int, typer.Option(min=2, help="Completions drawn of each prompt.")] = 32,
    temperature: Annotated[float, typer.Option(min=0.01, help="Of the completions.")] = 1.0,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Length of a completion.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Completions generated at once.")] = 64,
    chat: Annotated[bool, typer.Option("--chat", help="Render prompts by the chat template.")] = False,
    save_samples: Annotated[Path | None, typer.Option(help="Write the drawn samples to this file.")] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Redraws of completions, for intervals.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples and the redraws.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the forecast to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: .svg, .png or .pdf; its JSON beside it.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
) -> None:
    """Check what can be checked at once, read or draw the samples, and forecast."""
    from dagames._files import write_bytes, write_json
    from dagames_llm.extract import extractor_named
    from dagames_llm.forecast import Plan
    from dagames_llm.forecast_samples import Draw, Keep, draw_samples

    check_source(samples_file, model, data, task)
    _check_outputs(json_file, plot, save_samples, samples_file, overwrite)
    place = None if match is None else as_match(match)
    made = make_target(target, target_options, table, group_size)
    result = (save_samples or json_file or plot) if samples_file is None else None
    keep = Keep(save_samples, result, overwrite)
    plan = Plan(made, beta, group_size, steps, step_size, resamples, seed)
    if samples_file is not None:
        from dagames_llm.reference_games import load_samples

        questions = load_samples(samples_file, extractor_named(extractor or "last_number"))
    else:
        draw = Draw(model or "embedded", data, task, extractor, samples, temperature, max_new_tokens, batch_size, chat)
        questions = draw_samples(draw, seed, keep)
    content = run(questions, plan, place)
    if json_file is not None:
        write_json(json_file, content)
    if plot is not None:
        from dagames_llm.forecast_picture import draw_forecast

        write_bytes(plot, draw_forecast(content, plot.suffix.lower().removeprefix(".")))
        write_json(plot.with_suffix(".json"), content)
    keep.done()
    _show(content)


def run(questions: Sequence[SampledQuestion], plan: Plan, place: tuple[str, float] | None = None) -> dict[str, Any]:
    """Forecast with a bar, and return all that is known as plain data.

    Args:
        questions: the questions.
        plan: the settings.
        place: a statistic and the value that a run was measured at.

    Returns:
        The JSON.
    """
    from rich.console import Console

    from dagames_llm.forecast import forecast
    from dagames_llm.forecast_choices import collapse_threshold, directions
    from dagames_llm.forecast_words import CAVEATS
    from dagames_llm.progress import progress_bar

    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("solving", total=len(questions) + 2)
        found = forecast(questions, plan, lambda done, _: bar.update(task, completed=done))
        found.more["directions"] = directions(questions, plan)
        bar.advance(task)
        found.more["collapse"] = collapse_threshold(questions, plan)
        bar.advance(task)
    if "vote" in found.path[0]:
        wrong = found.path[0]["vote"]
        found.more["votes_wrong"] = {
            "mean": 1 - wrong["mean"],
            "low": 1 - wrong["high"],
            "high": 1 - wrong["low"],
            "n": wrong["n"],
        }
    if place is not None:
        found.more["match"] = {"statistic": place[0], "value": place[1], **found.where(*place)}
    found.more["caveats"] = list(CAVEATS)
    return found.as_json()


def make_target(name: str, options: str | None, table: str | None, group_size: int) -> Target:
    """Return the target that the options name.

    Args:
        name: as in a recipe.
        options: its options as JSON, or None.
        table: the name of a reward table, or None.
        group_size: traces of a group, for the table.

    Returns:
        The target.

    Raises:
        RecipeError: there is no such target, option or table, or the target has no table.
    """
    from dagames_llm.forecast_choices import TABLES, with_table
    from dagames_llm.group_rules import sizes_of
    from dagames_llm.named_rewards import target_of
    from dagames_llm.recipe import OrbitScriptArguments

    sizes_of(group_size, 1)
    try:
        given = None if options is None else json.loads(options)
    except ValueError as error:
        raise RecipeError(f'--target-options is not JSON: {error}. Write {{"weight": 0.5}}.') from error
    made = target_of(OrbitScriptArguments(target=name, target_options=given))
    if made is None:
        raise RecipeError("--target names nothing; a forecast needs one.")
    if table is None:
        return made
    if table not in TABLES:
        raise RecipeError(f"--table is {table!r}; known are {', '.join(TABLES)}.")
    tabled = with_table(made, table, group_size)
    if tabled is made:
        raise RecipeError(
            f"--table is {table!r}, but the target {name} has no table; inverse_frequency and prior_matching do."
        )
    return tabled


def as_match(match: str) -> tuple[str, float]:
    """Read STATISTIC=VALUE.

    Args:
        match: the text.

    Returns:
        Both.

    Raises:
        DataError: it is none, or there is no such statistic.
    """
    from dagames_llm.forecast_words import ROWS

    name, _, value = (part.strip() for part in match.partition("="))
    if name not in {*ROWS, "step"} and value:
        raise DataError(f"--match names no statistic {name!r} of a forecast; known are step, {', '.join(ROWS)}.")
    try:
        return name, float(value)
    except ValueError:
        raise DataError(f"--match is {match!r}; it is a statistic and a number, as reward=0.91 or kl=0.4.") from None


def check_source(samples_file: Path | None, model: str | None, data: Path | None, task: str | None) -> None:
    """Raise unless there is exactly one source of samples.

    Args:
        samples_file: a file of samples.
        model: a model to draw from.
        data: questions to draw for.
        task: a built-in task to draw for.

    Raises:
        DataError: there is none, or there are two.
    """
    if samples_file is not None:
        if model is not None or data is not None or task is not None:
            raise DataError("give a file of samples, or --model with --data or --task to draw them, not both.")
        if not samples_file.is_file():
            raise DataError(f"no file {samples_file} of samples.")
    elif data is not None and task is not None:
        raise DataError("--data and --task both name questions; give one.")
    elif data is None and task is None:
        raise DataError("give a file of samples, or --model with --data or --task to draw them.")
    elif data is not None and not data.is_file():
        raise DataError(f"no data file {data}.")


def _check_outputs(
    json_file: Path | None, plot: Path | None, save: Path | None, source: Path | None, overwrite: bool
) -> None:
    from dagames._files import check_new_file
    from dagames._plot import check_outputs
    from dagames_llm.journal import journal_of

    check_outputs(json_file, plot, overwrite=overwrite, source=source)
    if save is not None:
        if source is not None:
            raise DataError("--save-samples keeps samples that are drawn, and a file of samples was given.")
        # Where completions are kept beside it, it was written by this very command, which ended before its forecast.
        check_new_file(save, overwrite=overwrite or journal_of(save).is_file())


def _show(content: dict[str, Any]) -> None:
    from rich.console import Console

    from dagames_llm.forecast_words import cell, directions_table, forecast_table, sentences

    console = Console()
    console.print(forecast_table(content))
    if content["directions"]:
        console.print(directions_table(content))
    for sentence in sentences(content):
        console.print(f"- {sentence}", highlight=False, markup=False)
    if "match" in content:
        match = content["match"]
        verb = "reaches" if match["reached"] else "never reaches"
        shown = ", ".join(f"{name} {cell(value)}" for name, value in match["statistics"].items() if "," not in name)
        console.print(
            f"- The path {verb} {match['statistic']} {match['value']:g}, at step {match['step']:.1f}: {shown}.",
            highlight=False,
            markup=False,
        )
    console.print("What it cannot know:", highlight=False)
    for caveat in content["caveats"]:
        console.print(f"- {caveat}", highlight=False, markup=False)
