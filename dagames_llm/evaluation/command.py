"""`dagames-llm evaluate`: evaluate a model on questions with the settings of a run.

The folder of a run contains its recipe. Options override the recipe; remaining settings have the defaults of a base
model on built-in sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagames_llm._errors import DataError, OutputError
from dagames_llm.data import Orbit
from dagames_llm.option_checks import check_not_empty
from dagames_llm.place import DEVICE_HELP, DTYPE_HELP, check_dtype

if TYPE_CHECKING:
    from dagames_llm.config.recipe import Recipe

EVALUATE_HELP = """Measure a model on questions: accuracy, votes, maj@k, pass@k, F1, coherence, diversity, costs.

With the folder of a run and no options, the command repeats the evaluation of the run on its held-out questions, before
and after training: prompts, extractor, lengths, temperature, constraints and distance are those of RUN/recipe.yaml.
Options override them. Without RUN, --config, --data and --task, the questions are the held-out part of the built-in
task `addition`, and the model is `embedded`.

Intervals have a level of 95 %, over questions: Wilson's if each question has one binary outcome, else a bootstrap.
--out writes the result as JSON, for `dagames-llm compare`, and completions to a file beside it as they are generated:
after an interruption, the same command continues with them and gives the same numbers.

Examples: dagames-llm evaluate out/run --out run.json

dagames-llm evaluate out/run --data other.jsonl --samples 32 --k 8 --k 32 --out other.json

dagames-llm evaluate --model some-folder --data test.jsonl --extractor last_number --chat --max-new-tokens 256
"""


@dataclass(frozen=True)
class Subject:
    """The model and adapter to evaluate.

    Attributes:
        model: Name of the base model.
        adapter: Folder of an adapter that a run trained on it, or None.
        whole: Folder of a full model that a run trained from it, or None.
    """

    model: str
    adapter: Path | None = None
    whole: Path | None = None


def evaluate_command(
    run: Annotated[Path | None, typer.Argument(help="Folder of a run, with its model and recipe.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="`embedded`, a folder, or a hub id; default: that of RUN or --config, else `embedded`."),
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="Folder of an adapter; the same as RUN.")] = None,
    config: Annotated[str | None, typer.Option(help="Recipe, in place of the run's.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data file, all rows, in place of held-out questions.")] = None,
    task: Annotated[str | None, typer.Option(help="Built-in task, its held-out part; default: addition.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of questions; the first ones are used.")
    ] = None,
    extractor: Annotated[str | None, typer.Option(help="Extractor of answers.")] = None,
    chat: Annotated[bool | None, typer.Option("--chat/--no-chat", help="Render prompts by the chat template.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Sampled completions of each prompt; default: 8.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0.01, help="Temperature of the sampled completions.")] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Maximum length of a completion, in tokens.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Completions generated at once.")] = 64,
    stop_at_newline: Annotated[
        bool | None,
        typer.Option("--stop-at-newline/--no-stop-at-newline", help="End a completion at the end of its line."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of the samples.")] = None,
    k: Annotated[list[int] | None, typer.Option(min=1, help="The k of maj@k and pass@k; repeatable.")] = None,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
    dtype: Annotated[str, typer.Option(help=DTYPE_HELP)] = "auto",
    vllm: Annotated[
        bool, typer.Option("--vllm", help="Generate with vLLM, which must be installed separately.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Check the options without torch, then evaluate."""
    from dagames._files import check_output
    from dagames_llm.config.run_recipe import decoding_of
    from dagames_llm.evaluation.evaluate import checked_ks

    if out is not None:
        check_output(out, "--out", overwrite=overwrite)
    check_not_empty({
        "model": model,
        "config": config,
        "task": task,
        "extractor": extractor,
        "device": device,
        "dtype": dtype,
    })
    check_dtype(dtype)
    if data is not None and task is not None:
        raise DataError("--data and --task both name questions; give one.")
    folder = _one_folder(run, adapter)
    options = {
        "task": task,
        "data": None if data is None else str(data),
        "extractor": extractor,
        "chat": chat,
        "temperature": temperature,
        "max_completion_length": max_new_tokens,
        "stop_at_newline": stop_at_newline,
    }
    options = {key: value for key, value in options.items() if value is not None}
    source = _recipe_source(folder, config, options)
    recipe = _recipe(source, options, seed)
    subject = _subject(folder, model, recipe)
    orbits, views = _questions(recipe, options, folder)
    decoding = decoding_of(recipe, samples, seed, batch_size)
    ks = checked_ks(k or (), decoding.samples)
    from dagames_llm.cli import quiet_libraries

    quiet_libraries()
    from dagames_llm.evaluation import examine

    place = examine.place_of(recipe, device, dtype, vllm, source is not None)
    examine.examine(recipe, subject, place, orbits[:limit], views, decoding, ks, out, overwrite)


def _one_folder(run: Path | None, adapter: Path | None) -> Path | None:
    if run is not None and adapter is not None and run != adapter:
        raise OutputError(f"{run} and --adapter {adapter} both name the subject of the evaluation; give one.")
    return run or adapter


def _recipe_source(folder: Path | None, config: str | None, options: Mapping[str, Any]) -> str | Path | None:
    from dagames_llm.config.run_recipe import is_adapter, recipe_file

    recipe = None if folder is None else recipe_file(folder)
    if folder is not None:
        is_adapter(folder)
    if config is not None or recipe is not None or folder is None:
        return config or recipe
    if not {"data", "task"} & set(options):
        raise DataError(
            f"{folder} has no recipe.yaml, which defines the run's questions; name questions with --data or --task, "
            "or a recipe with --config."
        )
    return None


def _recipe(source: str | Path | None, options: dict[str, Any], seed: int | None) -> Recipe:
    """Return the recipe of the run, or that of a base model, with the options applied."""
    from dagames_llm.config.run_recipe import recipe_for_evaluation
    from dagames_llm.data import task_named
    from dagames_llm.extract import extractor_named

    defaults: dict[str, Any] = {}
    if source is None and "data" in options:
        defaults = {"seed": seed or 0, "extractor": "last_number", "max_completion_length": 256}
    elif source is None:
        defaults = {"seed": seed or 0, "stop_at_newline": True, "max_completion_length": 4}
    if "data" not in options and (source is None or "task" in options):
        task = task_named(options.get("task", "addition"), 0)
        defaults |= {"data": None, "extractor": task.extractor}
    recipe = recipe_for_evaluation(source, {**defaults, **options})
    extractor_named(recipe.orbit.extractor)
    return recipe


def _subject(folder: Path | None, model: str | None, recipe: Recipe) -> Subject:
    from dagames_llm.config.run_recipe import is_adapter
    from dagames_llm.models import EMBEDDED, base_of

    if folder is None:
        return Subject(model or recipe.model.model_name_or_path or EMBEDDED)
    if is_adapter(folder):
        return Subject(model or base_of(folder), adapter=folder)
    return Subject(model or recipe.model.model_name_or_path or EMBEDDED, whole=folder)


def _questions(
    recipe: Recipe, options: Mapping[str, Any], folder: Path | None
) -> tuple[Sequence[Orbit], Sequence[str] | None]:
    """Return the questions and the names of their wordings: all rows of --data, or the held-out questions."""
    from dagames_llm.data import load_orbits, with_system
    from dagames_llm.extract import extractor_named
    from dagames_llm.training.train import questions_of

    if "data" in options:
        orbits = load_orbits(options["data"], extractor_named(recipe.orbit.extractor))
        return with_system(orbits, recipe.orbit.system if recipe.orbit.chat else None), None
    try:
        questions = questions_of(recipe)
    except DataError as error:
        raise DataError(f"{error} These are the questions of the run; name others with --data.") from error
    if not questions.held_out:
        raise DataError(
            f"the run {folder or ''} has no held-out questions (`held_out: 0`); name questions with --data, or a "
            "recipe with `held_out` above 0 with --config."
        )
    return questions.held_out, questions.views
