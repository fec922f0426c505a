"""A comparison of two evaluations, as a table and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from dagames_llm.counted import counted
from dagames_llm.evaluation.statistic_names import STATISTICS, statistics_in_order


def show_comparison(comparison: Mapping[str, Any]) -> None:
    """Print a result of `compare`."""
    first, second = comparison["names"]
    table = Table(title=f"{counted(comparison['n_questions'], 'question')}, paired", title_justify="left")
    table.caption = "95 % intervals: paired bootstrap over questions"
    table.add_column("")
    for name in (first, second, "difference"):
        table.add_column(name, justify="right")
    for name in statistics_in_order(comparison["differences"]):
        row = comparison["differences"][name]
        change = row["difference"]
        text = f"{change['mean']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}]"
        table.add_row(STATISTICS.get(name, name), f"{row['first']:.3f}", f"{row['second']:.3f}", text)
    console = Console()
    console.print(table)
    for sentence in comparison["words"]:
        console.print(sentence, highlight=False)
