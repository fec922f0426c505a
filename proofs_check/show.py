"""Verdicts in words: a terminal table, a claim in full, and a Markdown page."""

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
"""Who states a claim, in words."""

REFERENCES: dict[str, str] = {
    "paper": "M. Mohri, J. Schneider, Y. Wu. Distributional Alignment Games for Answer-Level Fine-Tuning. 2026.",
    "slides": (
        "M. Mohri. Distributional Alignment Games for Answer-Level Fine-Tuning. Slides of a talk, LTSS Copenhagen "
        "Workshop, 27 June 2026. Joint work with J. Schneider, Y. Wu and Y. Zhong. Slides are shorter than a paper: "
        "what they leave out counts as a reading, not as a fault."
    ),
}
"""The sources in full."""

MEANING: dict[str, str] = {
    "holds": "no comparison breaks it, in any fair reading",
    "false": "in every fair reading a counterexample breaks it",
    "depends": "it holds in one fair reading and is false in another; each is named",
    "open": "the source does not give what a check needs; what is seen is reported, and decides nothing",
}
"""What each verdict means."""

_COLOUR = {"holds": "green", "false": "red", "depends": "magenta", "open": "yellow", "error": "bold red"}
_IN_FULL = 5
"""Up to so many claims are shown in full in a terminal."""


def print_results(results: Sequence[Result], console: Console) -> None:
    """Print a few claims in full, or many as a table with the counts by source.

    Args:
        results: The results.
        console: Where to.
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
    console.print("`dagames verify I.5` shows a claim in full: what is stated, where, and what decides.")


def as_table(results: Sequence[Result]) -> Table:
    """Lay the verdicts out for a terminal of 80 columns.

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
    """Count verdicts by who states the claim.

    Args:
        verdicts: For each claim who states it, and its verdict.

    Returns:
        For each source the number of each verdict; errors are counted where there are any.
    """
    pairs = list(verdicts)
    counts: dict[str, dict[str, int]] = {}
    for whose in get_args(Whose):
        found = [verdict for source, verdict in pairs if source == whose]
        if found:
            kinds = [*get_args(Verdict), *(["error"] if "error" in found else [])]
            counts[whose] = {kind: found.count(kind) for kind in kinds}
    return counts


def verdicts_of(results: Sequence[Result]) -> list[tuple[Whose, str]]:
    """List who states each claim, and the verdict that was computed."""
    return [(result.claim.whose, result.verdict) for result in results]


def counts_markdown(verdicts: Iterable[tuple[Whose, str]]) -> str:
    """Write the counts by source as a Markdown table.

    Args:
        verdicts: For each claim who states it, and its verdict.

    Returns:
        The table, without a line break at its end.
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
    """Describe a claim as text: what is stated, by whom and where, the verdict, what decides, and the repair.

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
    for reading, found in zip(claim.readings, result.readings, strict=True):
        yield from _reading_lines(claim, reading, found)
    yield ""
    yield claim.remark + _see(claim)


def _reading_lines(claim: Claim, reading: Reading, found: Settled) -> Iterator[str]:
    if len(claim.readings) > 1:
        yield f"- Read so that {reading.supposes}: {found.outcome}."
    yield evidence_text(found)
    if text := attack_text(found):
        yield text


def verdict_text(result: Result) -> str:
    """Say the verdict in a sentence.

    Args:
        result: The result.

    Returns:
        The verdict, what it means, and how much was tried.
    """
    if result.verdict == "error":
        return f"Error: {result.error}"
    if result.verdict == "open":
        missing = result.claim.missing
        not_given = f"the source does not give {missing[0].lower()}{missing[1:]}" if missing else ""
        return f"Open: {not_given or result.error or 'there is no evidence.'}"
    tried = f"{result.comparisons} comparison{'s' if result.comparisons != 1 else ''}"
    if result.verdict == "holds":
        return f"Holds: {tried}, none of which breaks it."
    if result.verdict == "depends":
        return f"Depends on the reading, of which there are {len(result.readings)} ({tried})."
    several = " in every fair reading" if len(result.readings) > 1 else ""
    return f"False{several}."


def evidence_text(found: Settled) -> str:
    """Describe the comparison that an outcome rests on.

    Args:
        found: What was found for a reading.

    Returns:
        The smallest counterexample of what is false, the nearest miss of what holds; in words where it has a sentence.
    """
    if found.shown is None:
        return found.error or "There is no evidence."
    if found.shown.sentence:
        return found.shown.sentence
    label = "Counterexample" if found.outcome == "false" else "Nearest to failing"
    return f"{label}: {comparison_text(found.shown)}; {instance_text(found.shown)}"


def comparison_text(evidence: Evidence) -> str:
    """Say what was compared with what, in numbers.

    Args:
        evidence: The comparison.

    Returns:
        One line.
    """
    slack = f" (tolerance {evidence.tolerance:g})" if evidence.tolerance else ""
    return f"measured {evidence.measured:.6g}, claimed {evidence.relation} {evidence.claimed:.6g}{slack}"


def instance_text(evidence: Evidence) -> str:
    """Say where, so that it can be typed in again.

    Args:
        evidence: The comparison.

    Returns:
        One line.
    """
    return ", ".join(f"{name} = {value}" for name, value in evidence.instance.items())


def attack_text(found: Settled) -> str:
    """Say how near an attack came to breaking the inequality.

    Args:
        found: What was found for a reading.

    Returns:
        A sentence; nothing where nothing was attacked.
    """
    if found.attacked is None or found.attacked.ratio is None:
        return ""
    ratio = found.attacked.ratio
    if found.is_tight:
        return "A search touched the bound, to a millionth: no better constant holds."
    if found.attacked.holds:
        return f"The worst case that a search found uses {ratio:.4g} of the bound."
    return f"The worst case that a search found is {ratio:.4g} times the bound."


def as_markdown(results: Sequence[Result], seed: int, rounds: int = 1) -> str:
    """Write the verdicts as a page: what the words mean, the counts, a table, then a section for each claim.

    Args:
        results: The results.
        seed: Seed of the search.
        rounds: How many seeds were tried, from `seed` on.

    Returns:
        Markdown.
    """
    tried = f"seed {seed}" if rounds == 1 else f"seeds {seed} to {seed + rounds - 1}"
    lines = ["# Claims", "", f"Settled by computation ({tried}). The sources:", ""]
    lines += [f"- {SOURCES[name]}: {reference}" for name, reference in REFERENCES.items()]
    lines += ["", "What a verdict means:", ""]
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
    for reading, found in zip(claim.readings, result.readings, strict=True):
        if len(claim.readings) > 1:
            yield from (f"**Read so that {reading.supposes}: {found.outcome}.**", "")
        yield from _found_lines(found)
        yield from (f"How it is measured: {reading.measured_by}", "")
    yield claim.remark + _see(claim)
    yield from ("", f"Again: `dagames verify {claim.id} --seed {seed}`")


def _see(claim: Claim) -> str:
    """Name the claim that repairs this one, or that goes on from it."""
    if claim.amendment is None:
        return ""
    return f" {'Repaired by' if claim.expected in {'false', 'depends'} else 'See also'} {claim.amendment}."


def _found_lines(found: Settled) -> Iterator[str]:
    if found.shown is None:
        yield from (evidence_text(found), "")
        return
    if found.shown.sentence:
        yield from (found.shown.sentence, "")
    label = "counterexample" if found.outcome == "false" else "nearest to failing"
    yield from (*_block(label, found.shown), "")
    if text := attack_text(found):
        yield from (text, "")
    for evidence in found.noted:
        yield from (*_block("noted", evidence), "")


def _block(label: str, evidence: Evidence) -> list[str]:
    return ["```text", f"{label}: {comparison_text(evidence)}", instance_text(evidence).replace("`", "'"), "```"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
