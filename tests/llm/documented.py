"""The commands that pages, help texts and shipped files show, and what can be checked of each without running it."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parents[2]
SHELL = ("", "bash", "sh", "console")
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
INLINE = re.compile(r"`((?:dagames(?:-llm)?|accelerate launch|torchrun|make|pip install|python -m) [^`]+)`")
USAGE: Any = typer.BadParameter.__mro__[1]
"""Of the copy of click that typer works with: an unknown option, a missing one, a value of another kind."""

PLACEHOLDERS = {"RECIPE": "coherence_cpu", "NAME": "coherence_cpu", "RUN": "run"}


@dataclass(frozen=True)
class Shown:
    """A command and where it is shown.

    Attributes:
        place: File and line, or the name of a help text.
        words: The command, split as a shell does; without comments.
    """

    place: str
    words: tuple[str, ...]


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the content of each block of a page that a shell could run."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if found[1] in SHELL and not found[2].startswith(">>>"):
            yield text[: found.start()].count("\n") + 2, found[2]


def commands_of(block: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the number of the line and the words of each command of a block."""
    line = 0
    for command in re.split(r"(?<!\\)\n", block):
        words = tuple(shlex.split(command.replace("\\\n", " "), comments=True))
        if words:
            yield line, words
        line += command.count("\n") + 1


def on_page(path: Path) -> list[Shown]:
    """Return the commands of a page: those of its blocks, and those that stand in its sentences."""
    text, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
    found = [
        Shown(f"{name}:{start + line}", words) for start, block in blocks(text) for line, words in commands_of(block)
    ]
    prose = re.sub(r"^```.*?^```", lambda block: "\n" * block[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    for match in INLINE.finditer(prose):
        words = tuple(shlex.split(match[1].replace("\n", " ")))
        # `dagames solve` in a sentence is a name of the command, and no command without its argument.
        whole = len(words) > 2 or words[0] == "make"
        if whole and words[-1] != "..." and not set(match[1]) & set("|*"):
            found.append(Shown(f"{name}:{prose[: match.start()].count(chr(10)) + 1}", words))
    return found


def in_text(name: str, text: str, start: str = "dagames-llm ") -> list[Shown]:
    """Return the commands of a help text or of a file's comments: lines that hold one to their end."""
    lines = (re.sub(r"^\W*(Examples?: )?", "", line) for line in text.splitlines())
    return [Shown(name, tuple(shlex.split(line, comments=True))) for line in lines if line.startswith(start)]


class RefusedError(Exception):
    """A command that would not run as it is shown."""


def refused(condition: bool, reason: str) -> None:
    if condition:
        raise RefusedError(reason)


def by_typer(app: typer.Typer, words: tuple[str, ...]) -> None:
    """Parse a command by the application itself, and check the names that are among its options."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    name, *arguments = [PLACEHOLDERS.get(word, word) for word in words]
    refused(name not in commands and name != "--help", f"no command {name}")
    if "--help" in words:
        return
    try:
        check_names(commands[name].make_context(name, arguments).params)
    except USAGE as error:
        raise RefusedError(error.format_message()) from error


def check_names(options: Mapping[str, Any]) -> None:
    """Check that recipes, tasks, targets and extractors are there by the names that are shown."""
    from dagames_llm.config.recipe import find_recipe
    from dagames_llm.data import task_named
    from dagames_llm.extract import extractor_named
    from dagames_llm.forecast.settings import forecast_target, read_options

    def recipe(name: str) -> None:
        refused(not name.endswith(".yaml") and not find_recipe(name).is_file(), f"no recipe {name}")

    def target(name: str) -> None:
        written = options.get("target_options")
        whole = written if written is None or "..." not in written else written.replace(", ...", "")
        forecast_target(name, read_options(whole), options.get("table"), options.get("group_size") or 8)

    checks: dict[str, Callable[[str], Any]] = {
        "config": recipe,
        "task": lambda name: task_named(name, 0),
        "extractor": extractor_named,
        "target": target,
    }
    for name, check in checks.items():
        if isinstance(options.get(name), str):
            check(options[name])


def by_argparse(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> argparse.Namespace:
    said = StringIO()
    try:
        with redirect_stderr(said):
            return parser.parse_args(list(words))
    except SystemExit as end:
        raise RefusedError(said.getvalue().strip().rpartition("\n")[2]) from end


def check_script(module: bool, script: str, rest: list[str]) -> None:
    """Check what a launcher starts: one of our modules with its arguments, or a script of the reader's."""
    if module:
        check((script, *rest), python=True)
    else:
        refused(script != "train.py", f"{script} is no script that the page speaks of")


def accelerate(words: tuple[str, ...]) -> None:
    import trl
    from accelerate.commands.launch import launch_command_parser

    refused(words[:1] != ("launch",), "not `accelerate launch`")
    found = by_argparse(launch_command_parser(), words[1:])
    if found.config_file is not None:
        folders = (ROOT / "dagames_llm/recipes/accelerate", Path(trl.__file__).parent / "accelerate_configs")
        there = any((folder / found.config_file).is_file() for folder in folders)
        refused(not there, f"no file {found.config_file} is shipped")
    check_script(found.module, found.training_script, found.training_script_args)


def torchrun(words: tuple[str, ...]) -> None:
    from torch.distributed.run import get_args_parser

    found = by_argparse(get_args_parser(), words)
    check_script(found.module, found.training_script, found.training_script_args)


def make(words: tuple[str, ...]) -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    unknown = set(words) - set(targets[1].split())
    refused(bool(unknown), f"the Makefile has no {unknown}")


def pip(words: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    refused(words[:1] != ("install",), "not `pip install`")
    for word in words[1:]:
        extras = re.fullmatch(r"(?:dagames|\.)\[(.*)\]", word)
        unknown = set() if extras is None else set(extras[1].split(",")) - set(project["optional-dependencies"])
        refused(bool(unknown), f"no extra {unknown}")


def trl(words: tuple[str, ...]) -> None:
    from transformers import HfArgumentParser
    from trl.scripts.vllm_serve import ScriptArguments

    refused(words[:1] != ("vllm-serve",), "not `trl vllm-serve`")
    by_argparse(HfArgumentParser(ScriptArguments), words[1:])


def bash(words: tuple[str, ...]) -> None:
    refused(not (ROOT / words[0]).is_file(), f"no file {words[0]}")


def lm_eval(words: tuple[str, ...]) -> None:
    tasks = words[words.index("--tasks") + 1].split(",")
    for task in tasks:
        refused(not (ROOT / f"examples/lm_eval/{task}.yaml").is_file(), f"no task {task}")


def python(words: tuple[str, ...]) -> None:
    if words[0] == "-m":
        check(words[1:], python=True)
    elif words[0] != "-c":  # a script of slime's, or the reader's
        refused(words[0] != "train.py", f"no script {words[0]}")


def check(words: tuple[str, ...], python: bool = False) -> None:
    """Raise `RefusedError` unless a command would run: each option is known, each name of ours and each file is there.

    Args:
        words: The command.
        python: Whether the first word is a module that Python starts.
    """
    while ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    program, rest = PROGRAMS.get(words[0]), words[1:]
    if words[0] in ("dagames", "dagames-llm", "dagames_llm.cli"):
        from dagames.cli import main as core
        from dagames_llm import cli as adapter

        by_typer(core.whole_app() if words[0] == "dagames" else adapter.app, rest)
    elif python:
        refused(importlib.util.find_spec(words[0]) is None, f"no module {words[0]}")
    else:
        refused(program is None, f"{words[0]} is a program that no check knows")
        assert program is not None
        program(rest)


PROGRAMS: dict[str, Callable[[tuple[str, ...]], None]] = {
    "accelerate": accelerate,
    "torchrun": torchrun,
    "make": make,
    "pip": pip,
    "trl": trl,
    "bash": bash,
    "lm_eval": lm_eval,
    "python": python,
    "cd": lambda words: refused(not (ROOT / words[0]).is_dir(), f"no folder {words[0]}"),
}
