"""All figures: computed, or read from the data beside the picture, then drawn and written."""

import hashlib
import json
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from rich.console import Console
from rich.progress import track

import dagames
from dagames._choices import as_choice
from dagames._files import write_text
from figures import style
from figures.results import MissingResultsError

NAMES = (
    "game_loop",
    "equilibria",
    "best_response",
    "variance_reduction",
    "bias_rates",
    "bias_profile",
    "frontiers",
    "table_entries",
    "training_with_tables",
    "direction_error",
    "standardised_rest",
    "collapse_phases",
    "hellinger_and_js",
    "safety_multipliers",
    "forecast_outcome",
    "language_models",
)
"""The modules of the figures, in the order of the report. Each has TITLE, compute(), draw() and caption()."""


def title_of(name: str) -> str:
    """Return the title of a figure.

    >>> title_of("best_response")[:30]
    'Alternating best response need'
    """
    title: str = import_module(f"figures.{name}").TITLE
    return title


def draw_figures(
    out: Path, names: Sequence[str] = NAMES, formats: Collection[str] = style.FORMATS, *, recompute: bool = False
) -> list[dict[str, Any]]:
    """Draw figures into a folder: NAME.svg, NAME.pdf, NAME.png, and NAME.json with data and caption.

    A figure whose NAME.json is in the folder is drawn from it, if it was computed by the same code.

    Args:
        out: The folder, made if missing.
        names: Some of `NAMES`.
        formats: Some of "svg", "pdf" and "png".
        recompute: Whether to ignore data in the folder.

    Returns:
        Name, title, caption and command of each; `missing`, a sentence, in place of the caption of a figure whose
        result files are absent.

    Raises:
        DomainError: If there is no such figure or format.
        OSError: If the folder cannot be written.
    """
    for name in names:
        as_choice(name, "figure", NAMES)
    for kind in formats:
        as_choice(kind, "format", style.FORMATS)
    out.mkdir(parents=True, exist_ok=True)
    style.use_style()
    stored = {} if recompute else {name: _stored(out / f"{name}.json", name) for name in names}
    known = {name: data for name, data in stored.items() if data is not None}
    drawn = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        computed = {name: pool.submit(_compute, name) for name in names if name not in known}
        for name in track(names, "figures", console=Console(stderr=True), transient=True):
            arrays = known[name] if name in known else computed[name].result()
            drawn.append(_draw(name, arrays, out, formats))
    return drawn


def fingerprint(name: str) -> str:
    """Return a hash of the code that computes a figure: its module, the core, and the numerical packages."""
    return hashlib.sha256((Path(__file__).with_name(f"{name}.py").read_text() + _core()).encode()).hexdigest()


@cache
def _core() -> str:
    folder = Path(dagames.__file__).parent
    sources = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))]
    return "\n".join([*sources, version("numpy"), version("scipy")])


def _stored(path: Path, name: str) -> dict[str, Any] | None:
    """Return the data of a file written by the same code; None if there is no such file, or only a part of it."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        arrays = stored["data"] if stored["code"] == fingerprint(name) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return arrays if isinstance(arrays, dict) else None


def _compute(name: str) -> dict[str, Any]:
    """Compute a figure's data, in a process of its own: modules cannot be sent, names can."""
    try:
        computed: dict[str, Any] = import_module(f"figures.{name}").compute()
    except MissingResultsError as error:
        return {"missing": str(error)}
    return computed


def _draw(name: str, arrays: dict[str, Any], out: Path, formats: Collection[str]) -> dict[str, Any]:
    module = import_module(f"figures.{name}")
    described = {"name": name, "title": module.TITLE, "command": f"dagames figures {name}"}
    if "missing" in arrays:
        return described | {"missing": arrays["missing"]}
    described["caption"] = module.caption(arrays)
    # The data first: an interrupted drawing continues from them.
    stored = described | {"code": fingerprint(name), "data": arrays}
    write_text(out / f"{name}.json", json.dumps(stored, allow_nan=False) + "\n")
    figure = module.draw(arrays)
    style.save(figure, out / name, formats)
    plt.close(figure)
    return described
