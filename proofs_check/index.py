"""The index of the sources: their statements, with the claims that cover each, or the reason why none does.

`python -m proofs_check.index`, in a checkout, writes the index to docs/claims-index.md and the counts of verdicts to
README.md.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from dagames._files import write_text
from proofs_check.claim import Claim, Whose
from proofs_check.known import load_claims
from proofs_check.show import REFERENCES, SOURCES, counts_markdown

Source = Literal["paper", "slides"]
Kind = Literal["statement", "equation", "table", "figure", "prose"]


@dataclass(frozen=True)
class Item:
    """A statement of a source.

    Attributes:
        place: Place in the source: section, number, title of the slide.
        gist: Summary of the statement.
        kind: Kind of statement.
        claims: Ids of the claims that cover it.
        reason: Why no claim covers it, or which part the claims do not cover.
    """

    place: str
    gist: str
    kind: Kind
    claims: tuple[str, ...] = ()
    reason: str = ""


def load_index(source: Source) -> list[Item]:
    """Read the index of a source.

    Args:
        source: The source.

    Returns:
        The items, in the order of the source.
    """
    text = files("proofs_check").joinpath("sources", f"{source}.toml").read_text(encoding="utf-8")
    return [Item(**entry | {"claims": tuple(entry.get("claims", ()))}) for entry in tomllib.loads(text)["item"]]


def index_markdown(claims: Mapping[str, Claim]) -> str:
    """Write the index of both sources as a Markdown page.

    Args:
        claims: All claims by id.

    Returns:
        Markdown: for each source a table of its items with the claims that cover them and their verdicts.
    """
    indices = {source: load_index(source) for source in get_args(Source)}
    lines = ["# Index of the sources", "", _INTRODUCTION, "", counts_markdown(expected_verdicts(claims)), ""]
    for source, items in indices.items():
        covered = sum(bool(item.claims) for item in items)
        lines += [f"## {SOURCES[source].capitalize()}", "", REFERENCES[source], ""]
        lines += [f"{len(items)} entries, {covered} of them covered by a claim.", ""]
        lines += ["| place | what it says | claims and verdicts | why not, or what is left out |", "|---|---|---|---|"]
        lines += [_row(item, claims) for item in items]
        lines.append("")
    return "\n".join(lines)


_INTRODUCTION = (
    "Every numbered statement, equation, table and figure of the two sources, and every claim in prose that could be "
    "true or false, in the order in which they stand there and in our words. `dagames verify I.5` shows one in full; "
    "[claims](claims.md) says what the verdicts mean. This page is written by `python -m proofs_check.index`."
)


def _row(item: Item, claims: Mapping[str, Claim]) -> str:
    covered = ", ".join(f"{name} ({claims[name].expected})" for name in item.claims)
    return "| " + " | ".join(_cell(text) for text in (item.place, item.gist, covered, item.reason)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ")


def uncovered(items: Sequence[Item]) -> list[Item]:
    """List the items without claims and without a reason.

    Args:
        items: The index of a source.

    Returns:
        These items.
    """
    return [item for item in items if not item.claims and not item.reason]


def with_counts(readme: str, claims: Mapping[str, Claim]) -> str:
    """Replace the counts of verdicts in a text.

    Args:
        readme: The text, with the counts between the marks `BEGIN` and `END`.
        claims: All claims by id.

    Returns:
        The text with the present counts.
    """
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{counts_markdown(expected_verdicts(claims))}\n{END}{after}"


def expected_verdicts(claims: Mapping[str, Claim]) -> list[tuple[Whose, str]]:
    """List the source of each claim, and the verdict that its file expects."""
    return [(claim.whose, claim.expected) for claim in claims.values()]


BEGIN, END = "<!-- verdicts: begin -->", "<!-- verdicts: end -->"


if __name__ == "__main__":
    all_claims = load_claims()
    write_text(Path("docs/claims-index.md"), index_markdown(all_claims))
    readme = Path("README.md")
    write_text(readme, with_counts(readme.read_text(encoding="utf-8"), all_claims))
