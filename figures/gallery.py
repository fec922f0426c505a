"""All figures: computed, drawn, and written with their data."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

from matplotlib import pyplot as plt
from rich.console import Console
from rich.progress import track

from dagames._files import write_text
from figures import (
    best_response,
    bias_profile,
    bias_rates,
    direction_error,
    frontiers,
    style,
    table_entries,
    training_with_tables,
    variance_reduction,
)

FIGURES: tuple[ModuleType, ...] = (
    best_response,
    variance_reduction,
    bias_rates,
    bias_profile,
    frontiers,
    table_entries,
    training_with_tables,
    direction_error,
)


def draw_all(out: Path) -> list[dict[str, Any]]:
    """Draw every figure into a folder: NAME.svg, NAME.png, and NAME.json with its data and caption.

    Args:
        out: The folder, made if missing.

    Returns:
        Name, title and caption of each.
    """
    style.use_style()
    drawn = []
    for module in track(FIGURES, "figures", console=Console(stderr=True), transient=True):
        name = module.__name__.rpartition(".")[2]
        arrays = module.compute()
        figure = module.draw(arrays)
        style.save(figure, out / name)
        plt.close(figure)
        described = {"name": name, "title": module.TITLE, "caption": module.caption(arrays)}
        write_text(out / f"{name}.json", json.dumps(described | {"data": arrays}, allow_nan=False) + "\n")
        drawn.append(described)
    return drawn
