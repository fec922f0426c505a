"""Public data sets: their ids on the hub, and loaders of their rows.

A loader converts a row of the data set to a row with the keys of `rows.KEYS` and with columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dagames_llm._errors import DataError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class DataSet:
    """A public data set.

    Attributes:
        hub: its id on the hub.
        config: the configuration there.
        split: the default split.
        read: its loader.
        extractor: the extractor that fits its answers.
        distinct: whether rows with the same question are merged.
    """

    hub: str
    config: str | None
    split: str
    read: Callable[[Row], dict[str, Any]]
    extractor: str
    distinct: bool = False


def gsm8k(row: Row) -> dict[str, Any]:
    """Return a word problem; the number after `####` is its answer."""
    return dict(row)


def svamp(row: Row) -> dict[str, Any]:
    """Return a word problem of `Body`, `Question` and `Answer`; its operation is the column `kind`."""
    problem = {key: row[key] for key in ("Body", "Question", "Answer") if key in row}
    return {**problem, "kind": row.get("Type")}


def math_qa(row: Row) -> dict[str, Any]:
    """Return a multiple-choice problem; its category is the column `kind`."""
    return {
        "question": row["Problem"],
        "options": row["options"],
        "answer": row.get("correct"),
        "kind": row.get("category"),
    }


def trivia_qa(row: Row) -> dict[str, Any]:
    """Return a question whose answer has aliases."""
    answer = row.get("answer")
    if isinstance(answer, Mapping):
        answer = list(dict.fromkeys([answer["value"], *(answer.get("aliases") or [])]))
    return {"question": row["question"], "answer": answer, "id": row.get("question_id")}


def nq_open(row: Row) -> dict[str, Any]:
    """Return a question with the list of its accepted answers."""
    return {"question": row["question"], "answer": row.get("answer")}


def beaver_tails(row: Row) -> dict[str, Any]:
    """Return a request, unchanged; `kind` is the judgement of its answer, safe or unsafe.

    Of several rows with the same request the first is used. `harms` lists the marked categories.
    """
    category = row.get("category") or {}
    harms = sorted(name for name, marked in category.items() if marked)
    return {"orbit": [row["prompt"]], "kind": "safe" if row["is_safe"] else "unsafe", "harms": ", ".join(harms)}


def xs_test(row: Row) -> dict[str, Any]:
    """Return a request, unchanged; `kind` is safe, or unsafe for the contrasts, which a model should refuse."""
    label = row.get("label") or ("unsafe" if str(row["type"]).startswith("contrast_") else "safe")
    return {"orbit": [row["prompt"]], "kind": label, "type": row["type"], "focus": row.get("focus")}


SETS: dict[str, DataSet] = {
    "gsm8k": DataSet("openai/gsm8k", "main", "train", gsm8k, "last_number"),
    "svamp": DataSet("ChilleD/SVAMP", None, "train", svamp, "last_number"),
    "math_qa": DataSet("regisss/math_qa", None, "train", math_qa, "choice"),
    "trivia_qa": DataSet("mandarjoshi/trivia_qa", "rc.nocontext", "train", trivia_qa, "text", distinct=True),
    "nq_open": DataSet("google-research-datasets/nq_open", None, "train", nq_open, "text", distinct=True),
    "beaver_tails": DataSet("PKU-Alignment/BeaverTails", None, "30k_train", beaver_tails, "text", distinct=True),
    "xstest": DataSet("Paul/XSTest", None, "train", xs_test, "text"),
}
"""Data sets by the names that recipes use."""


def set_named(name: str) -> DataSet | None:
    """Return a public data set by its name, by its id on the hub, or by its name without hyphens, underscores and case.

    >>> set_named("MathQA").hub, set_named("openai/gsm8k").split
    ('regisss/math_qa', 'train')
    """
    plain = name.lower().replace("-", "").replace("_", "")
    for known, public in SETS.items():
        if name == public.hub or plain == known.replace("_", ""):
            return public
    return None


def read_as(public: DataSet, place: str, row: Any) -> dict[str, Any]:
    """Return a row of a public data set as its loader converts it, without empty values."""
    if not isinstance(row, Mapping):
        raise DataError(f"{place}: a row must be a JSON object, not {type(row).__name__}.")
    try:
        return {key: value for key, value in public.read(row).items() if value is not None}
    except KeyError as error:
        listed = ", ".join(map(repr, list(row)[:6])) or "none"
        raise DataError(
            f"{place}: no column {error.args[0]!r}, which rows of {public.hub} have; the row has {listed}."
        ) from error
    except (TypeError, AttributeError) as error:
        raise DataError(f"{place}: not a row of {public.hub}: {error}.") from error
