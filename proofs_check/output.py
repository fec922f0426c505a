"""Verdicts as a terminal table and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from proofs_check.claim import Result

SCHEMA = 1
"""Version of the JSON form."""

_COLOUR = {"holds": "green", "false": "red", "open": "yellow", "error": "bold red"}


def as_table(results: Sequence[Result]) -> Table:
    """Lay the verdicts out for a terminal; the evidence of each fits on a line of its own below.

    Args:
        results: The results.

    Returns:
        A rich table.
    """
    table = Table(title="Claims")
    for heading in ("id", "claim", "as_written", "expected", "comparisons", "amendment"):
        table.add_column(heading)
    for result in results:
        colour = _COLOUR[result.as_written]
        table.add_row(
            result.claim.id,
            result.claim.title,
            f"[{colour}]{result.as_written}[/{colour}]",
            result.claim.expected,
            f"{result.failures} of {result.comparisons} fail" if result.failures else str(result.comparisons),
            result.claim.amendment or "",
        )
    return table


def print_results(results: Sequence[Result], console: Console) -> None:
    """Print the table, and under it the counterexample of each claim that is false.

    Args:
        results: The results.
        console: Where to.
    """
    console.print(as_table(results))
    for result in results:
        if result.as_written != "holds":
            console.print(f"{result.claim.id} {evidence_text(result)}", markup=False, highlight=False, soft_wrap=True)


def evidence_text(result: Result) -> str:
    """Describe the comparison that a verdict rests on.

    Args:
        result: The result.

    Returns:
        One line: the counterexample of a false claim, the nearest miss of one that holds.
    """
    if result.shown is None:
        return result.error or "no evidence"
    shown = result.shown
    place = ", ".join(f"{name} = {value}" for name, value in shown.instance.items())
    label = "counterexample" if result.as_written == "false" else "nearest to failing"
    return (
        f"{label}: measured {shown.measured:.6g}, claimed {shown.relation} {shown.claimed:.6g} "
        f"(tolerance {shown.tolerance:g}); {place}"
    )


def as_json(results: Sequence[Result], seed: int) -> dict[str, Any]:
    """Write the verdicts as plain data.

    Args:
        results: The results.
        seed: Seed of the search.

    Returns:
        {"schema", "seed", "claims": [{"id", "title", "statement", "source", "kind", "as_written", "expected",
        "amendment", "remark", "comparisons", "failures", "evidence", "error"}]}. Times are left out, so that two
        runs with one seed are equal.
    """
    return {"schema": SCHEMA, "seed": seed, "claims": [_claim_json(result) for result in results]}


def _claim_json(result: Result) -> dict[str, Any]:
    claim, shown = result.claim, result.shown
    return {
        "id": claim.id,
        "title": claim.title,
        "statement": claim.statement,
        "source": claim.source,
        "kind": claim.kind,
        "as_written": result.as_written,
        "expected": claim.expected,
        "amendment": claim.amendment,
        "remark": claim.remark,
        "comparisons": result.comparisons,
        "failures": result.failures,
        "evidence": None
        if shown is None
        else {
            "claimed": shown.claimed,
            "measured": shown.measured,
            "relation": shown.relation,
            "tolerance": shown.tolerance,
            "instance": shown.instance,
        },
        "error": result.error,
    }
