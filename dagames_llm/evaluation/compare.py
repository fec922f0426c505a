"""`dagames-llm compare`: two evaluations of the same questions, with paired tests.

Tests are paired by question, which removes the variation of difficulty: McNemar's exact test for greedy hits of one
view, and a bootstrap over questions for each mean difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from dagames_llm._errors import DataError
from dagames_llm.counted import counted
from dagames_llm.evaluation.intervals import bootstrap
from dagames_llm.evaluation.scores import Answered, question_scores, view_scores

COMPARE_HELP = """Compare two evaluations of the same questions by paired tests, and print the conclusions.

The files are results of `evaluate --out`, or held_out.json of a run. The last result of each file is used, which is
`after` for a run; for a single file, `before` and `after` are compared.

Greedy hits of each wording are compared by McNemar's exact test, and every mean by its difference, with a 95 % interval
of a paired bootstrap over questions.

Examples: dagames-llm compare seed0.json seed1.json

dagames-llm compare seed0.json

dagames-llm compare base.json tuned.json --second before --out difference.json
"""

LEVEL = 0.05
"""Significance level of the sentences."""


@dataclass(frozen=True)
class Evaluation:
    """One result of an evaluation file.

    Attributes:
        name: Name of the file and of the result.
        decoding: Settings of the completions.
        words: Whether answers are words.
        ks: The k of maj@k and pass@k.
        views: Names of the wordings.
        questions: The questions with the extracted answers.
    """

    name: str
    decoding: Mapping[str, Any]
    words: bool
    ks: Sequence[int]
    views: Sequence[str]
    questions: Sequence[Answered]


def compare_command(
    first: Annotated[Path, typer.Argument(help="Result of an evaluation, JSON.")],
    second: Annotated[Path | None, typer.Argument(help="Another result, for the same questions.")] = None,
    of_first: Annotated[str | None, typer.Option("--first", help="Name of the result in FIRST.")] = None,
    of_second: Annotated[str | None, typer.Option("--second", help="Name of the result in SECOND.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the comparison to this JSON file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Compare two evaluations."""
    from dagames._files import check_output, write_json

    if out is not None:
        check_output(out, "--out", overwrite=overwrite)
    if second is None:
        one, other = read_evaluation(first, of_first or "before"), read_evaluation(first, of_second or "after")
    else:
        one, other = read_evaluation(first, of_first), read_evaluation(second, of_second)
    comparison = compare(one, other)
    if out is not None:
        write_json(out, comparison)
    from dagames_llm.evaluation.show_comparison import show_comparison

    show_comparison(comparison)


def read_evaluation(path: Path, part: str | None = None) -> Evaluation:
    """Read one result of an evaluation file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}.") from error
    results = content.get("results", content) if isinstance(content, dict) else {}
    results = {name: each for name, each in results.items() if isinstance(each, dict) and "n_orbits" in each}
    if not results:
        raise DataError(f"{path} does not hold an evaluation; give a file of `dagames-llm evaluate --out FILE`.")
    name = part or list(results)[-1]
    if name not in results:
        raise DataError(f"{path} has no result {name!r}; it has {', '.join(results)}.")
    result = results[name]
    if "questions" not in result:
        raise DataError(f"{path} does not hold the answers to single questions; evaluate again with this version.")
    try:
        return Evaluation(
            f"{path.stem} ({name})",
            dict(result["decoding"]),
            bool(result["words"]),
            [int(k) for k in result["ks"]],
            list(result["views"]),
            [_answered(question) for question in result["questions"]],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: the result {name!r} is damaged ({type(error).__name__}: {error}).") from error


def _answered(question: Mapping[str, Any]) -> Answered:
    return Answered(
        str(question["question"]),
        tuple(question["gold"]),
        tuple(question["greedy"]),
        tuple(tuple(view) for view in question["sampled"]),
        {str(name): float(value) for name, value in question["measures"].items()},
    )


def check_same_questions(one: Evaluation, other: Evaluation) -> None:
    """Check that two evaluations are of the same questions, in one order."""
    remedy = "Paired tests need the same questions: evaluate both with one --data, or one task and seed."
    for i, (a, b) in enumerate(zip(one.questions, other.questions, strict=False), start=1):
        for what, x, y in (
            ("is", a.question, b.question),
            ("has the gold answers", a.gold, b.gold),
            ("has the number of wordings", len(a.sampled), len(b.sampled)),
        ):
            if x != y:
                raise DataError(f"question {i} {what} {x!r:.80} in {one.name} and {y!r:.80} in {other.name}. {remedy}")
    n, m = len(one.questions), len(other.questions)
    if n != m:
        raise DataError(
            f"{one.name} has {counted(n, 'question')} and {other.name} {m}; the first {min(n, m)} are equal. {remedy}"
        )


def mcnemar(first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """Return McNemar's exact test of paired outcomes.

    Args:
        first: 0 or 1 for each question, `[n]`.
        second: The same for another model.

    Returns:
        `gained` (questions that only the second has right), `lost` (only the first), `p_value`, two-sided:
        the probability of a split at least as uneven under the binomial distribution of gained + lost with 1/2.

    >>> mcnemar([1, 0, 0, 0, 0, 0, 1], [0, 1, 1, 1, 1, 1, 1])
    {'gained': 5, 'lost': 1, 'p_value': 0.21875}
    """
    from scipy.stats import binomtest

    gained = sum(b > a for a, b in zip(first, second, strict=True))
    lost = sum(b < a for a, b in zip(first, second, strict=True))
    p_value = float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    return {"gained": gained, "lost": lost, "p_value": p_value}


def compare(one: Evaluation, other: Evaluation) -> dict[str, Any]:
    """Return the paired tests of two evaluations."""
    check_same_questions(one, other)
    comparison = {
        "names": [one.name, other.name],
        "n_questions": len(one.questions),
        "mcnemar": _by_view(one, other),
        "differences": _differences(one, other),
        "settings": {
            name: [one.decoding.get(name), other.decoding.get(name)]
            for name in dict.fromkeys([*one.decoding, *other.decoding])
            if name not in ("seed", "batch_size") and one.decoding.get(name) != other.decoding.get(name)
        },
    }
    return {**comparison, "words": in_words(comparison)}


def _by_view(one: Evaluation, other: Evaluation) -> dict[str, Any]:
    if not all(question.gold for question in one.questions):
        return {}
    hits = [
        [[view_scores(question, v, ())["greedy"] for question in each.questions] for v in range(len(one.views))]
        for each in (one, other)
    ]
    return {name: mcnemar(a, b) for name, a, b in zip(one.views, *hits, strict=True)}


def _differences(one: Evaluation, other: Evaluation) -> dict[str, Any]:
    ks = [k for k in one.ks if k in other.ks]
    pairs = [
        tuple(question_scores(question, ks, one.words and other.words) for question in pair)
        for pair in zip(one.questions, other.questions, strict=True)
    ]
    differences = {}
    for name in dict.fromkeys(name for pair in pairs for name in pair[0]):
        both = [(a[name], b[name]) for a, b in pairs if name in a and name in b]
        if both:
            first, second = zip(*both, strict=True)
            difference = bootstrap([b - a for a, b in both])
            means = {"first": sum(first) / len(both), "second": sum(second) / len(both)}
            differences[name] = {**means, "difference": asdict(difference)}
    return differences


def in_words(comparison: Mapping[str, Any]) -> list[str]:
    """Return the conclusions of a comparison, one sentence per test of accuracy.

    Args:
        comparison: `names`, `n_questions`, `mcnemar`, `differences` and `settings` of `compare`.

    Returns:
        Sentences.
    """
    first, second = comparison["names"]
    sentences = [_mcnemar_words(view, test, first, second) for view, test in comparison["mcnemar"].items()]
    for name, what in (("sampled", "sampled accuracy"), ("majority", "accuracy of the vote"), ("f1", "F1")):
        if name in comparison["differences"]:
            sentences.append(_difference_words(what, comparison["differences"][name]["difference"], second))
    for name, (a, b) in comparison["settings"].items():
        sentences.append(f"The settings differ: `{name}` is {a} in {first} and {b} in {second}.")
    tests = len(comparison["differences"]) + len(comparison["mcnemar"])
    sentences.append(
        f"This comparison has {counted(tests, 'test')} on {counted(comparison['n_questions'], 'question')}; about one "
        "in twenty shows a difference by chance. The intervals are over questions: the variation between training "
        "seeds can be larger."
    )
    return sentences


def _mcnemar_words(view: str, test: Mapping[str, Any], first: str, second: str) -> str:
    gained, lost, p = test["gained"], test["lost"], test["p_value"]
    counts = (
        f"Greedy, {view}: only {second} is right on {counted(gained, 'question')}, only {first} on {lost}; "
        f"p = {p:.2g}: "
    )
    if p >= LEVEL:
        return counts + "no significant difference, which is not evidence of equality."
    return counts + f"{second if gained > lost else first} is right more often."


def _difference_words(what: str, difference: Mapping[str, Any], second: str) -> str:
    low, high = difference["low"], difference["high"]
    number = f"The {what} of {second} differs by {difference['mean']:+.3f} [{low:+.3f}, {high:+.3f}]: "
    if low == high == 0:
        return number + "all questions have equal values."
    if low > 0 or high < 0:
        return number + ("it is higher." if low > 0 else "it is lower.")
    return number + "the interval contains 0, so the difference is not significant."
