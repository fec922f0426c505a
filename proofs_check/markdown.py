"""Verdicts as a Markdown page."""

from collections.abc import Sequence

from proofs_check.claim import Evidence, Result
from proofs_check.output import comparison_text, evidence_text, instance_text, ratio_text


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
