"""`dagames-llm paraphrase`: other wordings of the questions of a file, from a model or from rules.

A model rewords greedily, as in the paper. A wording is rejected if a check indicates a change of meaning, for example
changed numbers or a missing question mark; rejections are counted by reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from dagames_llm._errors import DataError, OutputError
from dagames_llm.counted import counted
from dagames_llm.data.files import read_rows
from dagames_llm.data.rows import as_text
from dagames_llm.option_checks import check_not_empty
from dagames_llm.place import DEVICE_HELP, DTYPE_HELP, check_dtype
from dagames_llm.rewording import RULES, check_rules, reword
from dagames_llm.rewording.numerals import same_numbers

INSTRUCTIONS = (
    (
        "Rephrase the following question in other words. Keep every number and every name as it is. Do not answer it. "
        "Write only the new question.\n\n{question}"
    ),
    (
        "Write the question below in a different way, with the same meaning and the same numbers. Do not solve it.\n\n"
        "Question: {question}\n\nNew question:"
    ),
    "Say the same as this text with other words and in another order of words. Change no number.\n\n{question}",
    "Here is a problem. Ask for the same thing in your own words, with all its numbers.\n\n{question}",
)
"""The instructions; greedy decoding gives one wording for each."""

REASONS = ("kept", "empty", "cut off", "no question", "numbers changed", "too short or too long", "not a new wording")
"""The result of the checks of a wording that a model wrote."""

_PREAMBLE = re.compile(
    r"\s*(?:sure|certainly|of course|here(?:'s| is)|the (?:new|rephrased|reworded)|(?:new|rephrased|reworded))\b"
    r"[^\n]{0,80}:\s*"
    r"|\s*(?:question|problem|new question)\s*:\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reworded:
    """The wordings of one question.

    Attributes:
        accepted: accepted wordings.
        outcomes: counts of `REASONS`.
        rejected: rejected wordings, each with its reason.
    """

    accepted: list[str]
    outcomes: Counter[str]
    rejected: list[tuple[str, str]]


def cleaned(completion: str) -> str:
    """Return the wording in a completion, without preamble, quotation marks and any text after it.

    >>> cleaned('Sure! Here is the question: "How many pens has Ann?"')
    'How many pens has Ann?'
    """
    text = completion.strip()
    for _ in range(3):
        shorter = _PREAMBLE.sub("", text, count=1) if _PREAMBLE.match(text) else text
        if shorter == text or not shorter.strip():
            break
        text = shorter.strip()
    text = re.split(r"\n\s*\n|\n(?=\s*(?:answer|solution|explanation)\b)", text, maxsplit=1, flags=re.IGNORECASE)[
        0
    ].strip()
    if len(text) > 1 and text[0] in "\"“'" and text[-1] in "\"”'":
        text = text[1:-1].strip()
    return " ".join(text.split())


def result_of_checks(question: str, wording: str, before: Sequence[str]) -> str:
    """Return the result of the checks of a wording.

    Args:
        question: the original.
        wording: a cleaned wording.
        before: existing wordings of the question.

    Returns:
        One of `REASONS`.

    >>> result_of_checks("Ann has 2 pens. How many?", "Ann owns three pens. How many?", [])
    'numbers changed'
    """
    if not wording:
        return "empty"
    if wording[-1] not in ".?!:=)\"'" and question.strip()[-1] in ".?!":
        return "cut off"
    if "?" in question and "?" not in wording:
        return "no question"
    if not same_numbers(question, wording):
        return "numbers changed"
    if not 0.4 <= len(wording) / len(question) <= 2.5:
        return "too short or too long"
    known = {_bare(text) for text in (question, *before)}
    return "not a new wording" if _bare(wording) in known else "kept"


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()


Writer = Callable[[Sequence[str]], list[str]]
"""Completes prompts."""


def paraphrases(questions: Sequence[str], count: int, write: Writer) -> list[Reworded]:
    """Return other wordings of questions that a model writes."""
    results = [Reworded([], Counter(), []) for _ in questions]
    for attempt in range(count + len(INSTRUCTIONS)):
        missing = [i for i, one in enumerate(results) if len(one.accepted) < count]
        again = attempt >= len(INSTRUCTIONS)
        missing = [i for i in missing if not again or results[i].accepted]
        if not missing:
            break
        bases = [results[i].accepted[-1] if again else questions[i] for i in missing]
        instruction = INSTRUCTIONS[attempt % len(INSTRUCTIONS)]
        written = write([instruction.replace("{question}", base) for base in bases])
        for i, completion in zip(missing, written, strict=True):
            wording = cleaned(completion)
            outcome = result_of_checks(questions[i], wording, results[i].accepted)
            results[i].outcomes[outcome] += 1
            if outcome == "kept":
                results[i].accepted.append(wording)
            else:
                results[i].rejected.append((wording, outcome))
    return results


PARAPHRASE_HELP = """Write other wordings of the questions of a file, from a model, from rules, or from both.

A row with `question` gets a list `paraphrases`, which training uses as views of one orbit. A model rewords greedily. A
wording is dropped, and counted by reason, if its numbers differ from those of the question, if it is not a question, or
if it is cut off. Rules (operands, names, order, number_words) change a text only if the answer stays the same.

Examples: dagames-llm paraphrase data.jsonl --model embedded --out orbits.jsonl

dagames-llm paraphrase data.jsonl --rule names --rule number_words --views 4 --out orbits.jsonl
"""


def paraphrase_command(
    data: Annotated[Path, typer.Argument(help="JSON lines, CSV or Parquet; rows with `question`.")],
    out: Annotated[Path, typer.Option(help="Output file, JSON lines: the rows with `paraphrases`.")],
    model: Annotated[str | None, typer.Option(help="`embedded`, a folder, or a hub id.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help=f"Rule: {', '.join(RULES)}, or all; repeatable.")] = None,
    views: Annotated[int, typer.Option(min=2, help="Wordings of each question, including the question.")] = 2,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of rows.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=8, help="Maximum length of a wording, in tokens.")] = 256,
    batch_size: Annotated[int, typer.Option(min=1, help="Wordings generated at once.")] = 16,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
    dtype: Annotated[str, typer.Option(help=DTYPE_HELP)] = "auto",
    summary: Annotated[Path | None, typer.Option(help="JSON file for the counts and the dropped wordings.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Check the options without torch, then write the wordings."""
    from dagames._files import check_output, write_json, write_text

    if model is None and not rule:
        raise OutputError("name a source of wordings: --model embedded, or --rule names, or both.")
    check_not_empty({"model": model, "device": device, "dtype": dtype})
    check_dtype(dtype)
    rules = check_rules(rule or (), "--rule")
    for option, file in (("--out", out), ("--summary", summary)):
        if file is not None:
            check_output(file, option, overwrite=overwrite)
    rows = list(_questions(data, limit))
    texts = [row["question"].strip() for row in rows]
    wordings = [
        [*row.get("paraphrases", []), *reword(text, rules, views - 1)] for row, text in zip(rows, texts, strict=True)
    ]
    wordings = [list(dict.fromkeys(of_question))[: views - 1] for of_question in wordings]
    from_model = [Reworded([], Counter(), []) for _ in texts]
    if model is not None:
        from_model = paraphrases(
            texts, views - 1, _model_writer(model, device, dtype, max_new_tokens, batch_size, len(texts))
        )
        wordings = [
            list(dict.fromkeys([*a, *b.accepted]))[: views - 1] for a, b in zip(wordings, from_model, strict=True)
        ]
    lines = [_line(row, of_question) for row, of_question in zip(rows, wordings, strict=True)]
    write_text(out, "\n".join(lines) + "\n")
    counts = sum((one.outcomes for one in from_model), Counter())
    sizes = Counter(1 + len(of_question) for of_question in wordings)
    if summary is not None:
        write_json(summary, _as_json(texts, wordings, from_model, counts, sizes))
    typer.echo("\n".join(_report(out, len(rows), counts, sizes, rules, wordings)))


def _questions(data: Path, limit: int | None) -> Iterable[dict[str, Any]]:
    number = 0
    for place, row in read_rows(data):
        if not isinstance(row, Mapping) or "question" not in row:
            keys = ", ".join(map(repr, list(row)[:6])) if isinstance(row, Mapping) else type(row).__name__
            raise DataError(
                f"{place}: only rows with `question` can be reworded; found {keys or 'no key'}. Rows with `orbit` "
                "have wordings already."
            )
        as_text(place, "question", row["question"])
        if not isinstance(row.get("paraphrases", []), list):
            raise DataError(f"{place}: `paraphrases` must be a list of wordings, not {row['paraphrases']!r:.80}.")
        yield dict(row)
        number += 1
        if number == limit:
            return
    if not number:
        raise DataError(f"{data} has no rows.")


def _line(row: Mapping[str, Any], wordings: Sequence[str]) -> str:
    try:
        return json.dumps({**row, "paraphrases": wordings}, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the row of {row['question']!r:.60} cannot be written as JSON: {error}. Omit columns that are "
            "neither text nor number."
        ) from error


def _model_writer(name: str, device: str, dtype: str, max_new_tokens: int, batch_size: int, total: int) -> Writer:
    from dagames_llm.cli import quiet_libraries

    quiet_libraries()
    from rich.console import Console

    from dagames_llm.evaluation.evaluate import Decoding, generate
    from dagames_llm.place import load_on
    from dagames_llm.show import progress_bar

    policy, tokenizer = load_on(name, device, dtype)
    decoding = Decoding(
        samples=1, max_new_tokens=max_new_tokens, batch_size=batch_size, chat=tokenizer.chat_template is not None
    )
    console = Console(stderr=True)

    def write(prompts: Sequence[str]) -> list[str]:
        with progress_bar(console) as bar:
            task = bar.add_task(f"rewording {len(prompts)} of {total} questions", total=len(prompts))
            written = generate(
                policy,
                tokenizer,
                prompts,
                decoding,
                False,
                lambda done, all_: bar.update(task, completed=done, total=all_),
            )
        return [texts[0] for texts in written]

    return write


def _as_json(
    texts: Sequence[str],
    wordings: Sequence[Sequence[str]],
    from_model: Sequence[Reworded],
    counts: Counter[str],
    sizes: Counter[int],
) -> dict[str, Any]:
    return {
        "questions": len(texts),
        "views": {str(size): number for size, number in sorted(sizes.items())},
        "outcomes": {reason: counts[reason] for reason in REASONS},
        "dropped": [
            {"question": text, "wording": wording, "reason": reason}
            for text, one in zip(texts, from_model, strict=True)
            for wording, reason in one.rejected
        ],
        "kept": [
            {"question": text, "paraphrases": list(of_question)}
            for text, of_question in zip(texts, wordings, strict=True)
        ],
    }


def _report(
    out: Path,
    rows: int,
    counts: Counter[str],
    sizes: Counter[int],
    rules: Sequence[str],
    wordings: Sequence[Sequence[str]],
) -> list[str]:
    lines = [f"saved {out}: {counted(rows, 'question')}"]
    lines += [f"  {number} with {counted(size, 'wording')}" for size, number in sorted(sizes.items())]
    if counts:
        lines.append(f"the model wrote {counted(counts.total(), 'wording')}:")
        lines += [f"  {counts[reason]:>5} {reason}" for reason in REASONS if counts[reason]]
    if rules and not any(wordings):
        lines.append("no rule applies to any of the questions.")
    return lines
