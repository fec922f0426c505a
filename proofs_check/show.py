"""Verdicts in words: a terminal table and a Markdown page."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from proofs_check.claim import Evidence, Result

_COLOUR = {"holds": "green", "false": "red", "open": "yellow", "error": "bold red"}


def as_table(results: Sequence[Result]) -> Table:
    """Lay the verdicts out for a terminal.

    Args:
        results: The results.

    Returns:
        A rich table.
    """
    table = Table(title="Claims")
    for heading in ("id", "claim", "as written", "comparisons", "worst ratio", "repair"):
        table.add_column(heading, no_wrap=heading not in {"claim", "as written"})
    for result in results:
        colour = _COLOUR[result.as_written]
        surprise = "" if result.as_expected else f" (expected {result.claim.expected})"
        failures = f"{result.failures} of {result.comparisons} fail"
        table.add_row(
            escape(result.claim.id),
            escape(result.claim.title),
            f"[{colour}]{result.as_written}[/{colour}]{surprise}",
            failures if result.failures else str(result.comparisons),
            ratio_text(result),
            result.claim.amendment or "",
        )
    return table


def print_results(results: Sequence[Result], console: Console) -> None:
    """Print the table, and under it the counterexample of each claim that does not hold.

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
    label = "counterexample" if result.as_written == "false" else "nearest to failing"
    return f"{label}: {comparison_text(result.shown)}; {instance_text(result.shown)}"


def comparison_text(evidence: Evidence) -> str:
    """Say what was compared with what, in numbers.

    Args:
        evidence: The comparison.

    Returns:
        One line.
    """
    return (
        f"measured {evidence.measured:.6g}, claimed {evidence.relation} {evidence.claimed:.6g} "
        f"(tolerance {evidence.tolerance:g})"
    )


def instance_text(evidence: Evidence) -> str:
    """Say where, so that it can be typed in again.

    Args:
        evidence: The comparison.

    Returns:
        One line.
    """
    return ", ".join(f"{name} = {value}" for name, value in evidence.instance.items())


def ratio_text(result: Result) -> str:
    """Say how near an attack came to breaking the inequality.

    Args:
        result: The result.

    Returns:
        The worst ratio, with "tight" where the bound is touched; nothing where nothing was attacked.
    """
    if result.attacked is None or result.attacked.ratio is None:
        return ""
    return f"{result.attacked.ratio:.6g}" + (", tight" if result.is_tight else "")


def as_markdown(results: Sequence[Result], seed: int, rounds: int = 1) -> str:
    """Write the verdicts as a page: a table, then a section for each claim.

    Args:
        results: The results.
        seed: Seed of the search.
        rounds: How many seeds were tried, from `seed` on.

    Returns:
        Markdown.
    """
    tried = f"seed {seed}" if rounds == 1 else f"seeds {seed} to {seed + rounds - 1}"
    lines = ["# Claims", "", f"Settled by computation ({tried}). A verdict is about the statement as written.", ""]
    lines += ["| id | claim | as written | worst ratio | amendment |", "|---|---|---|---|---|"]
    for result in results:
        claim = result.claim
        verdict = result.as_written + ("" if result.as_expected else f" (expected {claim.expected})")
        cells = (claim.id, claim.title, verdict, ratio_text(result), claim.amendment or "")
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines + [line for result in results for line in _section(result, seed)]) + "\n"


def _section(result: Result, seed: int) -> list[str]:
    claim = result.claim
    lines = ["", f"## {claim.id} {claim.title}: {result.as_written}", "", claim.statement, ""]
    lines += [f"{claim.source}; {claim.kind}.", "", claim.remark]
    lines += [f"Repaired by {claim.amendment}."] if claim.amendment else []
    lines += ["", f"How it is measured: {claim.measured_by}"]
    lines += ["", f"{result.comparisons} comparisons, {result.failures} of which break the relation.", ""]
    if result.shown is None:
        return [*lines, evidence_text(result)]
    lines += _block("counterexample" if result.failures else "nearest to failing", result.shown)
    if result.attacked is not None:
        lines += ["", *_block(f"worst ratio of the attack, {ratio_text(result)}", result.attacked)]
    for evidence in result.noted:
        lines += ["", *_block("noted", evidence)]
    return [*lines, "", f"Again: `dagames verify {claim.id} --seed {seed}`"]


def _block(label: str, evidence: Evidence) -> list[str]:
    return ["```text", f"{label}: {comparison_text(evidence)}", instance_text(evidence).replace("`", "'"), "```"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
