"""All figures: computed, drawn, and written with their data."""

import json
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
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
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        computed = pool.map(_compute, [module.__name__ for module in FIGURES])
        shown = track(FIGURES, "figures", console=Console(stderr=True), transient=True)
        for module, arrays in zip(shown, computed, strict=True):
            drawn.append(_draw(module, arrays, out))
    return drawn


def _compute(name: str) -> dict[str, Any]:
    """Compute a figure's data, in a process of its own: modules cannot be sent, names can."""
    computed: dict[str, Any] = import_module(name).compute()
    return computed


def _draw(module: ModuleType, arrays: dict[str, Any], out: Path) -> dict[str, Any]:
    name = module.__name__.rpartition(".")[2]
    figure = module.draw(arrays)
    style.save(figure, out / name)
    plt.close(figure)
    described = {"name": name, "title": module.TITLE, "caption": module.caption(arrays)}
    write_text(out / f"{name}.json", json.dumps(described | {"data": arrays}, allow_nan=False) + "\n")
    return described
