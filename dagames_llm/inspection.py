"""`dagames-llm inspect`: statistics of a model's answers to questions before training.

Votes over views can improve a model if views differ and answers can be extracted. Both are estimated from a few
samples of each view.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagames_llm.counted import counted
from dagames_llm.data import Orbit, check_form, load_orbits, view_text
from dagames_llm.extract import Answer, extractor_named
from dagames_llm.option_checks import check_not_empty
from dagames_llm.place import DEVICE_HELP, DTYPE_HELP, check_dtype

if TYPE_CHECKING:
    from rich.console import Console

Answers = Sequence[Sequence[Answer | None]]
"""Answers of one question, by view and sample."""

INSPECT_HELP = """Inspect questions before training: number of views, disagreement of views, extracted answers.

The model answers each view several times. The output contains the share of completions without an answer, the
probability that two samples differ within a view and between views, and examples of completions with their answers.

Examples: dagames-llm inspect data.jsonl --model embedded --samples 4

dagames-llm inspect gsm8k --model Qwen/Qwen2.5-0.5B-Instruct --chat --limit 50 --out inspected.json
"""


def difference_within(answers: Answers) -> float | None:
    """Return the probability that two different samples of one view give different answers, or None without two.

    Args:
        answers: answers of one question; completions without an answer are ignored.

    Returns:
        The mean over views with at least two answers, each an unbiased estimate.

    >>> round(difference_within([["1", "1", "2", None]]), 4)
    0.6667
    """
    shares = []
    for view in answers:
        read = [answer for answer in view if answer is not None]
        if len(read) > 1:
            equal = sum(n * (n - 1) for n in Counter(read).values())
            shares.append(1 - equal / (len(read) * (len(read) - 1)))
    return sum(shares) / len(shares) if shares else None


def difference_between(answers: Answers) -> float | None:
    """Return the probability that samples of two different views give different answers, or None without two views.

    Args:
        answers: answers of one question; completions without an answer are ignored.

    Returns:
        The mean over pairs of views with at least one answer each.

    >>> difference_between([["1", "1"], ["1", "2"]])
    0.5
    """
    read = [Counter(answer for answer in view if answer is not None) for view in answers]
    read = [counts for counts in read if counts]
    shares = [1 - sum(a[z] * b[z] for z in a) / (a.total() * b.total()) for a, b in combinations(read, 2)]
    return sum(shares) / len(shares) if shares else None


def votes_differ(answers: Answers) -> bool | None:
    """Return whether the votes of the views have no winner in common, or None if fewer than two views have a winner.

    >>> votes_differ([["1", "2"], ["2"]]), votes_differ([["1"], ["2"]])
    (False, True)
    """
    winners = []
    for view in answers:
        counts = Counter(answer for answer in view if answer is not None)
        if counts:
            winners.append({answer for answer, n in counts.items() if n == max(counts.values())})
    return not set.intersection(*winners) if len(winners) > 1 else None


def summary_of(
    orbits: Sequence[Orbit], texts: Sequence[Sequence[Sequence[str]]], answers: Sequence[Answers]
) -> dict[str, Any]:
    """Return the statistics of a few samples of each view."""
    from dagames_llm.evaluation.evaluate import bootstrap, share_right
    from dagames_llm.monitors import majority_ratio

    flat = [[answer for view in group for answer in view] for group in answers]
    measured: dict[str, list[float | None]] = {
        "unread": [group.count(None) / len(group) for group in flat],
        "majority_ratio": [majority_ratio(group) for group in flat],
        "difference_within_views": [difference_within(group) for group in answers],
        "difference_between_views": [difference_between(group) for group in answers],
        "votes_of_views_differ": [None if (d := votes_differ(group)) is None else float(d) for group in answers],
        "accuracy": [
            share_right(group, orbit.accepted) if orbit.checkable else None
            for orbit, group in zip(orbits, flat, strict=True)
        ],
    }
    known = {name: [value for value in values if value is not None] for name, values in measured.items()}
    return {
        "questions": len(orbits),
        "views": {str(n): k for n, k in sorted(Counter(len(orbit.views) for orbit in orbits).items())},
        "with_answer": sum(orbit.checkable for orbit in orbits),
        "nothing_read": sum(all(answer is None for answer in group) for group in flat),
        "measured": {name: asdict(bootstrap(values)) for name, values in known.items() if values},
        "rows": [
            {"views": [view_text(view) for view in orbit.views], "gold": orbit.gold, "completions": t, "answers": a}
            for orbit, t, a in zip(orbits, texts, answers, strict=True)
        ],
    }


ROWS = {
    "unread": "completions without an answer",
    "majority_ratio": "share of the most frequent answer, over all views",
    "difference_within_views": "two samples of one view differ",
    "difference_between_views": "samples of two views differ",
    "votes_of_views_differ": "votes of the views differ",
    "accuracy": "right answers (never used in training)",
}


def advice_of(summary: dict[str, Any]) -> list[str]:
    """Return warnings about the questions and settings, if any."""
    measured = {name: value["mean"] for name, value in summary["measured"].items()}
    warnings = []
    if measured["unread"] > 0.5:
        warnings.append(
            "Most completions have no answer. Check the examples; choose another extractor, allow more tokens, or use "
            "--chat for an instruction-tuned model."
        )
    if measured["unread"] < 1 and measured["majority_ratio"] > 0.98:
        warnings.append("Nearly all answers agree: votes have almost no effect on these questions.")
    if measured.get("difference_between_views", 1.0) == 0.0 and measured["majority_ratio"] < 1:
        warnings.append("Samples of different views never differ: the views may be the same text to the model.")
    return warnings


def inspect_command(
    data: Annotated[str, typer.Argument(help="Data file, or the name of a data set.")],
    model: Annotated[str, typer.Option(help="`embedded`, a folder, or a hub id.")] = "embedded",
    samples: Annotated[int, typer.Option(min=1, help="Sampled completions of each view.")] = 4,
    extractor: Annotated[str, typer.Option(help="Extractor of answers.")] = "last_number",
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of questions; the first ones are used.")] = 20,
    chat: Annotated[bool, typer.Option("--chat", help="Render prompts by the chat template.")] = False,
    temperature: Annotated[float, typer.Option(min=0.01, max=1000, help="Sampling temperature.")] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Maximum length of a completion, in tokens.")] = 256,
    batch_size: Annotated[int, typer.Option(min=1, help="Completions generated at once.")] = 32,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
    dtype: Annotated[str, typer.Option(help=DTYPE_HELP)] = "auto",
    examples: Annotated[int, typer.Option(min=0, help="Number of questions printed as examples.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write statistics and completions to this JSON file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Check the options without torch, then sample the model."""
    from dagames._files import check_output, write_json

    if out is not None:
        check_output(out, "--out", overwrite=overwrite)
    check_not_empty({"model": model, "extractor": extractor, "device": device, "dtype": dtype})
    check_dtype(dtype)
    extract = extractor_named(extractor)
    all_orbits = load_orbits(data, extract)
    orbits = all_orbits[:limit]
    check_form(orbits, chat)
    from dagames_llm.cli import quiet_libraries

    quiet_libraries()
    from rich.console import Console

    from dagames_llm import models
    from dagames_llm.evaluation.evaluate import Decoding, answers_of, generate
    from dagames_llm.place import load_on
    from dagames_llm.show import progress_bar

    prompts = [view for orbit in orbits for view in orbit.views]
    console = Console(stderr=True)
    console.print(
        f"sampling {counted(len(prompts) * samples, 'completion')} of {counted(len(prompts), 'prompt')} with {model}",
        highlight=False,
    )
    policy, tokenizer = load_on(model, device, dtype)
    if chat:
        models.check_chat(tokenizer)
    decoding = Decoding(samples, temperature, max_new_tokens, batch_size, seed, chat)
    with progress_bar(console) as bar:
        task = bar.add_task("answering", total=len(prompts))
        drawn = iter(
            generate(
                policy,
                tokenizer,
                prompts,
                decoding,
                True,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
        )
    texts = [[next(drawn) for _ in orbit.views] for orbit in orbits]
    summary = summary_of(orbits, texts, answers_of(orbits, texts, extract))
    if out is not None:
        settings = {"data": Path(data).name, "model": model, "extractor": extractor, "decoding": asdict(decoding)}
        settings |= {"device": policy.device.type, "dtype": str(policy.dtype).removeprefix("torch.")}
        write_json(out, {**settings, "rows_of_the_data": len(all_orbits), **summary})
    _show(summary, len(all_orbits), examples, Console())


def _show(summary: dict[str, Any], total: int, examples: int, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from dagames_llm.show import interval

    views = ", ".join(f"{number} with {counted(int(size), 'view')}" for size, number in summary["views"].items())
    console.print(
        f"{summary['questions']} of {counted(total, 'question')}: {views}; {summary['with_answer']} with a known answer"
    )
    table = Table(caption="95 % intervals: bootstrap over questions")
    table.add_column("")
    table.add_column("mean", justify="right")
    table.add_column("questions", justify="right")
    for name, value in summary["measured"].items():
        table.add_row(ROWS[name], interval(value), str(value["n"]))
    console.print(table)
    if summary["nothing_read"]:
        console.print(f"questions without any answer: {summary['nothing_read']}")
    for row in summary["rows"][:examples]:
        console.print(Text(f"\n{shortened(row['views'][0], 200)}", style="bold"))
        for v, (completions, answers) in enumerate(zip(row["completions"], row["answers"], strict=True)):
            for completion, answer in list(zip(completions, answers, strict=True))[:2]:
                console.print(
                    Text(f"  view {v}: {answer if answer is not None else 'no answer'} <- {shortened(completion)}")
                )
    for line in advice_of(summary):
        console.print(Text(f"\n{line}", style="yellow"))


def shortened(text: str, length: int = 100) -> str:
    """Return a text on one line; the middle of a long text is omitted.

    >>> shortened("one two three four five", 13)
    'one tw … five'
    """
    line = " ".join(text.split())
    half = (length - 2) // 2
    return line if len(line) <= length else f"{line[: length - half - 2].rstrip()} … {line[-half:].lstrip()}"
