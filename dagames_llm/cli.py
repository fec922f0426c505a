"""`dagames-llm`: train and evaluate from the command line.

Torch is loaded only when there is something to compute, so help and bad input are answered at once. What a user can
cause ends in one message on standard error and exit code 2, without a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from dagames._errors import DagamesError
from dagames_llm._errors import OutputError
from dagames_llm.inspection import INSPECT_HELP, inspect_command
from dagames_llm.paraphrase import PARAPHRASE_HELP, paraphrase_command

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train and evaluate language models on distributional alignment games. A data row is an orbit: one question "
    "in several wordings, whose completions share one vote. No label is used in training.",
)

TRAIN_HELP = """Train by a recipe and save a LoRA adapter, a model card, metrics and the resolved recipe.

A recipe is one YAML file; `coherence_cpu` and the others that are shipped can be named without a path. Its keys are
those of TRL's GRPOConfig and ModelConfig and of OrbitScriptArguments (task, data, extractor, target, ...).

Data are JSON lines, CSV or Parquet: {"orbit": [prompt, paraphrase, ...]} or {"question": ...}, which is asked in the
form that the extractor reads; an optional "answer" is shown to the monitor and never rewarded. Or a data set by name:
gsm8k, svamp, math_qa, trivia_qa, nq_open, beaver_tails, xstest, an id of the hub, reasoning_gym:basic_arithmetic.

Killed, a run goes on with --resume and comes to the same numbers.

Example: dagames-llm train --config coherence_cpu --output-dir out
"""

EVALUATE_HELP = """Measure greedy and sampled accuracy with 95 % intervals, a bootstrap over questions.

Examples: dagames-llm evaluate --adapter out

dagames-llm evaluate --model some-folder --data test.jsonl --extractor last_number --chat --max-new-tokens 256
"""


@app.command("train", help=TRAIN_HELP)
def train_command(
    config: Annotated[str, typer.Option(help="Recipe: a YAML file, or the name of a shipped one.")],
    data: Annotated[str | None, typer.Option(help="Data file or data set, instead of the recipe's.")] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Folder to make.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder if it is there.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run.")] = False,
) -> None:
    """Check what can be checked without torch, then train."""
    from dagames_llm.data import source_of
    from dagames_llm.recipe import read_recipe

    written = read_recipe(config)
    output = output_dir or (Path(str(written["output_dir"])) if "output_dir" in written else None)
    if output is None:
        raise OutputError("say where the result goes: --output-dir, or `output_dir` in the recipe.")
    if data is not None:
        source_of(data)
    from dagames_llm.train import check_output

    check_output(output, overwrite, resume)
    quiet_libraries()
    from rich.console import Console

    from dagames_llm.recipe import resolve_recipe
    from dagames_llm.show import ShowSteps
    from dagames_llm.train import train

    console = Console(stderr=True)
    recipe = resolve_recipe(config, {} if data is None else {"data": data})
    train(recipe, output, overwrite, resume, [ShowSteps(console)], lambda text: console.print(text, highlight=False))
    if is_first_process():
        typer.echo(f"saved {output}")


@app.command("evaluate", help=EVALUATE_HELP)
def evaluate_command(
    model: Annotated[str | None, typer.Option(help="`embedded`, a folder, or a hub id; else the adapter's.")] = None,
    adapter: Annotated[Path | None, typer.Option(help="Folder of a trained adapter: before and after it.")] = None,
    data: Annotated[str | None, typer.Option(help="Data file or set with answers; else the built-in task.")] = None,
    task: Annotated[str, typer.Option(help="Built-in task, its held-out part.")] = "addition",
    limit: Annotated[int | None, typer.Option(min=1, help="Rows of the data file that are used.")] = None,
    extractor: Annotated[str | None, typer.Option(help="How answers are read.")] = None,
    chat: Annotated[bool, typer.Option("--chat", help="Render prompts by the chat template.")] = False,
    samples: Annotated[int, typer.Option(min=1, help="Sampled completions of each prompt.")] = 8,
    temperature: Annotated[float, typer.Option(min=0.01, help="Of the sampled completions.")] = 1.0,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Length of a completion.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Completions generated at once.")] = 64,
    stop_at_newline: Annotated[bool, typer.Option("--stop-at-newline", help="End at the end of a line.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples and of the task's split.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Check what can be checked without torch, then evaluate."""
    from dagames._files import check_new_file, write_json
    from dagames_llm.data import load_orbits, task_named
    from dagames_llm.extract import extractor_named
    from dagames_llm.models import base_of

    if out is not None:
        check_new_file(out, overwrite=overwrite)
    if data is None:
        built_in = task_named(task, seed)
        orbits, names, extractor = list(built_in.held_out), list(built_in.views), extractor or built_in.extractor
        stop_at_newline = True
    else:
        extractor, names = extractor or "last_number", None
        orbits = load_orbits(data, extractor_named(extractor))[:limit]
    read = extractor_named(extractor)
    model = model or base_of(adapter)
    quiet_libraries()
    from rich.console import Console

    from dagames_llm import models
    from dagames_llm.evaluate import Decoding
    from dagames_llm.show import Examination, evaluation_table

    policy, tokenizer = models.load_model(model)
    if stop_at_newline:
        models.stop_at_newline(policy, tokenizer)
    if chat:
        models.check_chat(tokenizer)
    length = max_new_tokens or (4 if data is None else 256)
    decoding = Decoding(samples, temperature, length, batch_size, seed, chat)
    examination = Examination(orbits, read, decoding, tokenizer, names, Console(stderr=True))
    if adapter is None:
        results = {model: examination.of(model, policy)}
    else:
        results = {"before": examination.of("before", policy)}
        results["after"] = examination.of("after", models.load_adapter(policy, adapter))
    if out is not None:
        named = {"model": model, "adapter": None if adapter is None else adapter.name}
        write_json(out, {**named, "seed": seed, "results": results})
    Console().print(evaluation_table(f"{task if data is None else Path(data).name}, {model}", results))


app.command("inspect", help=INSPECT_HELP)(inspect_command)
app.command("paraphrase", help=PARAPHRASE_HELP)(paraphrase_command)


def quiet_libraries() -> None:
    """Keep the libraries' own bars and notices out of what we show. Heavy: loads transformers."""
    import logging
    import warnings

    import datasets
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("trl").setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def guarded(command: Callable[..., Any] | typer.Typer, arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit: 0, or 2 with one message for what a user can cause.

    Args:
        command: a typer application, or a function to make one of.
        arguments: the arguments; those of the process if not said.

    Raises:
        ModuleNotFoundError: one of our own modules is missing, which is our mistake.
        OSError: the system refused something that has no file's name.
    """
    if not isinstance(command, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command()(command)
        command = single
    try:
        command(args=None if arguments is None else list(arguments))
    except DagamesError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("dagames", "dagames_llm"):
            raise
        _fail(f"the package {error.name} is missing; install the language-model part: pip install 'dagames[llm]'.")
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}.")
    except KeyboardInterrupt:
        from rich.console import Console

        Console(stderr=True).show_cursor(True)  # a bar that was cut off has hidden it
        typer.echo("interrupted.", err=True)
        sys.exit(130)


def is_first_process() -> bool:
    """Tell whether this process speaks for all that a launcher started."""
    return os.environ.get("RANK", "0") == "0"


def _fail(message: str) -> None:
    if is_first_process():
        typer.echo(f"error: {message}", err=True)
    sys.exit(2)


def main() -> None:
    """Run `dagames-llm`."""
    guarded(app)


if __name__ == "__main__":
    main()
