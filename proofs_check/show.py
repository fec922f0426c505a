"""Verdicts as text: a table on the terminal, a claim in full, and a Markdown page."""

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from proofs_check.claim import Claim, Evidence, Reading, Result, Settled, Verdict, Whose

SOURCES: dict[str, str] = {
    "paper": "the paper",
    "slides": "the slides",
    "practice": "common practice",
    "ours": "this project",
}
"""Names of the sources of claims."""

REFERENCES: dict[str, str] = {
    "paper": "M. Mohri, J. Schneider, Y. Wu. Distributional Alignment Games for Answer-Level Fine-Tuning. 2026.",
    "slides": (
        "M. Mohri. Distributional Alignment Games for Answer-Level Fine-Tuning. Slides of a talk, LTSS Copenhagen "
        "Workshop, 27 June 2026. Joint work with J. Schneider, Y. Wu and Y. Zhong. Slides are shorter than a paper: an "
        "assumption that they omit gives a reading and is not counted as an error."
    ),
}
"""References of the two sources."""

MEANING: dict[str, str] = {
    "holds": "no comparison violates the claim, in any fair reading",
    "false": "a counterexample violates the claim, in every fair reading",
    "depends": "the claim holds in one fair reading and is false in another; each reading is named",
    "open": "the source does not give what a check needs; the result of a check is reported without a verdict",
}
"""Meaning of each verdict."""

_COLOUR = {"holds": "green", "false": "red", "depends": "magenta", "open": "yellow", "error": "bold red"}
_IN_FULL = 5
"""Largest number of claims that are shown in full on the terminal."""


def print_results(results: Sequence[Result], console: Console) -> None:
    """Print a few claims in full, or many as a table with the counts by source.

    Args:
        results: The results.
        console: Console to print on.
    """
    if len(results) <= _IN_FULL:
        for result in results:
            console.print("\n".join(in_full(result)) + "\n", markup=False, highlight=False)
        return
    console.print(as_table(results))
    for result in results:
        if result.verdict == "error":
            console.print(f"{result.claim.id}: {result.error}", markup=False, highlight=False)
    console.print(_counts_table(results))
    console.print("`dagames verify I.5` shows a claim in full: the statement, its place and the evidence.")


def as_table(results: Sequence[Result]) -> Table:
    """Make the table of verdicts for a terminal of 80 columns.

    Args:
        results: The results.

    Returns:
        A rich table.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("id", "whose", "verdict", "repair"):
        table.add_column(heading, no_wrap=True)
    table.add_column("claim", overflow="fold")
    for result in results:
        colour = _COLOUR[result.verdict]
        surprise = "" if result.as_expected else f" (expected {result.claim.expected})"
        table.add_row(
            escape(result.claim.id),
            result.claim.whose,
            f"[{colour}]{result.verdict}[/{colour}]",
            result.claim.amendment or "",
            escape(result.claim.title) + surprise,
        )
    return table


def tally(verdicts: Iterable[tuple[Whose, str]]) -> dict[str, dict[str, int]]:
    """Count verdicts by source.

    Args:
        verdicts: Source and verdict of each claim.

    Returns:
        The number of each verdict by source; errors are listed if there are any.
    """
    pairs = list(verdicts)
    counts: dict[str, dict[str, int]] = {}
    for whose in get_args(Whose):
        of_source = [verdict for source, verdict in pairs if source == whose]
        if of_source:
            kinds = [*get_args(Verdict), *(["error"] if "error" in of_source else [])]
            counts[whose] = {kind: of_source.count(kind) for kind in kinds}
    return counts


def verdicts_of(results: Sequence[Result]) -> list[tuple[Whose, str]]:
    """List the source and the computed verdict of each claim."""
    return [(result.claim.whose, result.verdict) for result in results]


def counts_markdown(verdicts: Iterable[tuple[Whose, str]]) -> str:
    """Format the counts by source as a Markdown table.

    Args:
        verdicts: Source and verdict of each claim.

    Returns:
        The table, without a final line break.
    """
    counts = tally(verdicts)
    kinds = _kinds(counts)
    lines = ["| stated by | " + " | ".join(kinds) + " |", "|---|" + "---|" * len(kinds)]
    for whose, row in counts.items():
        lines.append(f"| {SOURCES[whose]} | " + " | ".join(str(row.get(kind, 0)) for kind in kinds) + " |")
    return "\n".join(lines)


def _kinds(counts: dict[str, dict[str, int]]) -> list[str]:
    return list(dict.fromkeys(kind for row in counts.values() for kind in row))


def _counts_table(results: Sequence[Result]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    counts = tally(verdicts_of(results))
    kinds = _kinds(counts)
    for heading in ("stated by", *kinds):
        table.add_column(heading, no_wrap=True)
    for whose, row in counts.items():
        table.add_row(SOURCES[whose], *(str(row.get(kind, 0)) for kind in kinds))
    return table


def in_full(result: Result) -> Iterator[str]:
    """Describe a claim as text: statement, source and place, verdict, evidence, and repaired claim.

    Args:
        result: The result.

    Yields:
        Lines.
    """
    claim = result.claim
    yield f"{claim.id} {claim.title}: {result.verdict}" + ("" if result.as_expected else f", not {claim.expected}")
    if claim.plain:
        yield claim.plain
    yield ""
    yield f"Stated by {SOURCES[claim.whose]} ({claim.place}): {claim.statement}"
    if claim.printed:
        yield from ("", f"    {claim.printed}", "")
    yield verdict_text(result)
    for reading, settled in zip(claim.readings, result.readings, strict=True):
        yield from _reading_lines(claim, reading, settled)
    yield ""
    yield claim.remark + _amendment_reference(claim)


def _reading_lines(claim: Claim, reading: Reading, settled: Settled) -> Iterator[str]:
    if len(claim.readings) > 1:
        yield f"- Under the reading that {reading.supposes}: {settled.outcome}."
    yield evidence_text(settled)
    if text := attack_text(settled):
        yield text


def verdict_text(result: Result) -> str:
    """Describe the verdict in a sentence.

    Args:
        result: The result.

    Returns:
        The verdict, with the number of comparisons or the reason.
    """
    if result.verdict == "error":
        return f"Error: {result.error}"
    if result.verdict == "open":
        missing = result.claim.missing
        not_given = f"the source does not give {missing[0].lower()}{missing[1:]}" if missing else ""
        return f"Open: {not_given or result.error or 'there is no evidence.'}"
    comparisons = f"{result.comparisons} comparison{'s' if result.comparisons != 1 else ''}"
    if result.verdict == "holds":
        return f"Holds: {comparisons} without a violation."
    if result.verdict == "depends":
        return f"Depends on the reading: {len(result.readings)} readings, {comparisons}."
    several = " in every fair reading" if len(result.readings) > 1 else ""
    return f"False{several}."


def evidence_text(settled: Settled) -> str:
    """Describe the comparison that determines an outcome.

    Args:
        settled: The outcome of a reading.

    Returns:
        The smallest counterexample, or the comparison nearest to failure if the reading holds; its `sentence` if given.
    """
    if settled.shown is None:
        return settled.error or "There is no evidence."
    if settled.shown.sentence:
        return settled.shown.sentence
    label = "Counterexample" if settled.outcome == "false" else "Nearest to failing"
    return f"{label}: {comparison_text(settled.shown)}; {instance_text(settled.shown)}"


def comparison_text(evidence: Evidence) -> str:
    """Format the two values of a comparison and their relation.

    Args:
        evidence: The comparison.

    Returns:
        A line of text.
    """
    slack = f" (tolerance {evidence.tolerance:g})" if evidence.tolerance else ""
    return f"measured {evidence.measured:.6g}, claimed {evidence.relation} {evidence.claimed:.6g}{slack}"


def instance_text(evidence: Evidence) -> str:
    """Format the instance of a comparison, so that it can be copied.

    Args:
        evidence: The comparison.

    Returns:
        A line of text.
    """
    return ", ".join(f"{name} = {value}" for name, value in evidence.instance.items())


def attack_text(settled: Settled) -> str:
    """Describe the result of the attacks on an inequality.

    Args:
        settled: The outcome of a reading.

    Returns:
        A sentence; empty without an attack.
    """
    if settled.attacked is None or settled.attacked.ratio is None:
        return ""
    ratio = settled.attacked.ratio
    if settled.is_tight:
        return "A search reached equality in the bound to a relative 1e-6: no better constant holds."
    if settled.attacked.holds:
        return f"The worst case that a search found uses {ratio:.4g} of the bound."
    return f"The worst case that a search found is {ratio:.4g} times the bound."


def as_markdown(results: Sequence[Result], seed: int, rounds: int = 1) -> str:
    """Format the verdicts as a page: their meaning, the counts, a table, and a section for each claim.

    Args:
        results: The results.
        seed: First seed of the search.
        rounds: Number of seeds, starting at `seed`.

    Returns:
        Markdown.
    """
    seeds = f"seed {seed}" if rounds == 1 else f"seeds {seed} to {seed + rounds - 1}"
    lines = ["# Claims", "", f"Settled by computation ({seeds}). The sources:", ""]
    lines += [f"- {SOURCES[name]}: {reference}" for name, reference in REFERENCES.items()]
    lines += ["", "Meaning of the verdicts:", ""]
    lines += [f"- **{verdict}**: {meaning}." for verdict, meaning in MEANING.items()]
    lines += ["", counts_markdown(verdicts_of(results)), ""]
    lines += ["| id | claim | stated by | verdict | repaired by |", "|---|---|---|---|---|"]
    for result in results:
        claim = result.claim
        verdict = result.verdict + ("" if result.as_expected else f" (expected {claim.expected})")
        cells = (claim.id, claim.title, SOURCES[claim.whose], verdict, claim.amendment or "")
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines + [line for result in results for line in _section(result, seed)]) + "\n"


def _section(result: Result, seed: int) -> Iterator[str]:
    claim = result.claim
    yield from ("", f"## {claim.id} {claim.title}: {result.verdict}", "")
    if claim.plain:
        yield from (claim.plain, "")
    yield from (f"Stated by {SOURCES[claim.whose]}, {claim.place}: {claim.statement}", "")
    if claim.printed:
        yield from ("```text", claim.printed, "```", "")
    yield from (verdict_text(result), "")
    for reading, settled in zip(claim.readings, result.readings, strict=True):
        if len(claim.readings) > 1:
            yield from (f"**Under the reading that {reading.supposes}: {settled.outcome}.**", "")
        yield from _settled_lines(settled)
        yield from (f"Check: {reading.measured_by}", "")
    yield claim.remark + _amendment_reference(claim)
    yield from ("", f"To repeat: `dagames verify {claim.id} --seed {seed}`")


def _amendment_reference(claim: Claim) -> str:
    """Return the reference to the claim that repairs or extends this one."""
    if claim.amendment is None:
        return ""
    return f" {'Repaired by' if claim.expected in {'false', 'depends'} else 'See also'} {claim.amendment}."


def _settled_lines(settled: Settled) -> Iterator[str]:
    if settled.shown is None:
        yield from (evidence_text(settled), "")
        return
    if settled.shown.sentence:
        yield from (settled.shown.sentence, "")
    label = "counterexample" if settled.outcome == "false" else "nearest to failing"
    yield from (*_block(label, settled.shown), "")
    if text := attack_text(settled):
        yield from (text, "")
    for evidence in settled.noted:
        yield from (*_block("noted", evidence), "")


def _block(label: str, evidence: Evidence) -> list[str]:
    return ["```text", f"{label}: {comparison_text(evidence)}", instance_text(evidence).replace("`", "'"), "```"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
