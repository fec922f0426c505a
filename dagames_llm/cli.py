"""`dagames-llm`: train and evaluate from the command line.

Torch is imported only for a computation, so that help and errors of the input appear at once. An error that a user can
cause gives one message on standard error and exit code 2, without a traceback.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from dagames._errors import DagamesError
from dagames._exit import INTERRUPTED, exit_on_user_error
from dagames_llm._errors import OutputError
from dagames_llm.evaluation.command import EVALUATE_HELP, evaluate_command
from dagames_llm.evaluation.compare import COMPARE_HELP, compare_command
from dagames_llm.forecast.command import HELP as FORECAST_HELP
from dagames_llm.forecast.command import forecast_command
from dagames_llm.inspection import INSPECT_HELP, inspect_command
from dagames_llm.launched import end_after_first, fail, is_first_process, work_alone
from dagames_llm.paraphrase import PARAPHRASE_HELP, paraphrase_command

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train and evaluate language models on distributional alignment games. A data row is an orbit: one question "
    "in several wordings, whose completions vote together. Training uses no labels.",
)

TRAIN_HELP = """Train by a recipe and save a LoRA adapter, a model card, metrics and the resolved recipe.

A recipe is one YAML file; `coherence_cpu` and the others that are shipped can be named without a path. Its keys are
those of TRL's GRPOConfig and ModelConfig and of OrbitScriptArguments (task, data, extractor, target, ...).
`extends: NAME` takes over the keys of another recipe.

Data are JSON lines, CSV or Parquet: {"orbit": [prompt, paraphrase, ...]} or {"question": ...}, to which an instruction
for the answer format is added; an optional "answer" is monitored and not rewarded. Or a data set by name: gsm8k, svamp,
math_qa, trivia_qa, nq_open, beaver_tails, xstest, an id of the hub, reasoning_gym:basic_arithmetic.

After an interruption --resume continues a run, with the results of an uninterrupted one. If recipe, data, code or the
number of processes have changed, the command lists the changes and stops. Checkpoints stay in the finished folder;
`save_total_limit` keeps only the newest of them.

--dry-run makes two steps on a tiny random model of the recipe's architecture, on a CPU and without a download.

Examples: dagames-llm train --config coherence_cpu --output-dir out

dagames-llm train --config table1_coherence_qwen --dry-run
"""


@app.callback()
def on_one_process(context: typer.Context) -> None:
    """Run every command except `train` in the first process of a launcher only."""
    if context.invoked_subcommand != "train":
        work_alone()


app.command("evaluate", help=EVALUATE_HELP)(evaluate_command)
app.command("compare", help=COMPARE_HELP)(compare_command)


@app.command("train", help=TRAIN_HELP)
def train_command(
    config: Annotated[str, typer.Option(help="Recipe: a YAML file, or the name of a shipped one.")],
    data: Annotated[str | None, typer.Option(help="Data file or data set, instead of the recipe's.")] = None,
    output_dir: Annotated[str | None, typer.Option(metavar="PATH", help="Folder to make.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing folder.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an unfinished run.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Two steps on a tiny random model, in seconds; no file is left.")
    ] = False,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Resume although recipe, data, code or processes have changed.")
    ] = False,
) -> None:
    """Check the options, the recipe and the output without torch, then train."""
    if accept_changes and not resume:
        raise OutputError("--accept-changes requires --resume: a new run has no earlier state that could have changed.")
    if output_dir == "":
        raise OutputError("--output-dir is empty; it must be the name of the folder to make.")
    from dagames_llm.config.recipe import read_recipe
    from dagames_llm.data import source_of

    if dry_run:
        from dagames_llm.training.dry_run import dry_run_command

        work_alone()
        dry_run_command(config, data)
        return
    written = read_recipe(config)
    output = output_of(written) if output_dir is None else Path(output_dir)
    if data is not None:
        source_of(data)
    from dagames_llm.training.run_folder import check_output

    check_output(output, overwrite, resume)
    quiet_libraries()
    from rich.console import Console

    from dagames_llm.config.recipe import resolve_recipe
    from dagames_llm.evaluation.held_out import HeldOutAfter, HeldOutBefore, read_held_out
    from dagames_llm.show import ShowSteps, evaluation_table
    from dagames_llm.training.train import train

    console = Console(stderr=True)
    recipe = resolve_recipe(config, {} if data is None else {"data": data})
    # Only one progress bar can be shown at a time: evaluation, training, evaluation.
    callbacks = [HeldOutBefore(recipe, console), ShowSteps(console), HeldOutAfter(recipe, console)]
    say = functools.partial(console.print, highlight=False)
    train(recipe, output, overwrite, resume, callbacks, say, accept_changes)
    if is_first_process():
        if results := read_held_out(output):
            Console().print(evaluation_table("held-out questions", results))
        typer.echo(f"saved {output}")


app.command("forecast", help=FORECAST_HELP)(forecast_command)
app.command("inspect", help=INSPECT_HELP)(inspect_command)
app.command("paraphrase", help=PARAPHRASE_HELP)(paraphrase_command)


def output_of(written: Mapping[str, Any]) -> Path:
    """Return the folder that a recipe names for its result.

    Raises:
        OutputError: `output_dir` is missing, null or not a text.
    """
    from dagames_llm.config.kinds import shown

    output = written.get("output_dir")
    if output is None:
        raise OutputError("`output_dir` is null: give the folder of the result by --output-dir, or in the recipe.")
    if not isinstance(output, str) or not output:
        raise OutputError(f"`output_dir` is {shown(output)}; it must be a text, the path of a folder: quote it.")
    return Path(output)


def quiet_libraries() -> None:
    """Switch off the progress bars and notices of the libraries. Heavy: imports transformers."""
    import logging
    import warnings

    import datasets
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("trl").setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    warnings.formatwarning = lambda message, *_args, **_kwargs: f"warning: {message}\n"


def guarded(command: Callable[..., Any] | typer.Typer, arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit with code 0, or with one message and code 2 for an error that a user can cause.

    Args:
        command: a typer application, or a function with the annotations of a command.
        arguments: the arguments; by default those of the process.

    Raises:
        ModuleNotFoundError: a module of this project is missing, which no user can correct.
        OSError: a system error without a file name.
    """
    if not isinstance(command, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command()(command)
        command = single
    with exit_on_user_error():
        _run(command, arguments)


def _run(command: typer.Typer, arguments: Sequence[str] | None) -> None:
    """Run an application, and exit with 2 or 130 and one message for an error of the package, of a file, or Ctrl-C."""
    try:
        if is_first_process():
            command(args=None if arguments is None else list(arguments))
        else:
            _run_without_usage_errors(command, arguments)
    except DagamesError as error:
        fail(str(error))
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("dagames", "dagames_llm"):
            raise
        fail(f"the package {error.name} is missing; install the language-model part: pip install 'dagames[llm]'.")
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{error.filename}: {error.strerror}.")
    except (KeyboardInterrupt, SystemExit) as end:
        stop = _interrupt_behind(end)
        if stop is None:
            raise
        from rich.console import Console

        Console(stderr=True).show_cursor(True)  # an interrupted progress bar leaves the cursor hidden
        if is_first_process():
            typer.echo(f"interrupted{f': {stop}' if str(stop) else ''}.", err=True)
        sys.exit(INTERRUPTED)


def _run_without_usage_errors(command: typer.Typer, arguments: Sequence[str] | None) -> None:
    """Run an application in a process that is not the first, and exit; the first process prints a usage error."""
    try:
        sys.exit(command(args=None if arguments is None else list(arguments), standalone_mode=False) or 0)
    except Exception as error:
        if _interrupt_behind(error) is not None:
            sys.exit(INTERRUPTED)
        # Recognised by its attributes, because some versions of typer contain their own copy of click.
        if not hasattr(error, "format_message") or not hasattr(error, "exit_code"):
            raise
        end_after_first(error.exit_code)


def _interrupt_behind(end: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interrupt that ended a command, which typer converts to an exit without a message; or None."""
    while end is not None and not isinstance(end, KeyboardInterrupt):
        end = end.__cause__ or end.__context__
    return end


def main() -> None:
    """Run `dagames-llm`."""
    guarded(app)


if __name__ == "__main__":
    main()
