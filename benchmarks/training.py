"""Reward tables of the log judged by what a finite run of training ends at, in games whose equilibrium is known.

Run `python -m benchmarks.training`; it takes half an hour on one core, and writes training.json and a picture. Every
table sees the same draws. Decision 10, on the default table, is read from here.
"""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import log_softmax

from benchmarks.candidates import candidates, is_monotone
from dagames._files import write_text

Array = NDArray[np.float64]
SIZES = (4, 8, 16, 32, 64)
"""Groups of two are left out: whatever the table, they move nothing."""

RATES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
BETAS = (0.05, 0.2, 1.0)
STEPS = (100, 400)
"""Lengths of a run; what it ends at is the mean over its last tenth."""

SEEDS, BLOCKS = 40, 10
"""Runs, and the blocks of them that are left out in turn for the standard errors."""


def zipf(n_answers: int, power: float) -> tuple[float, ...]:
    """Return the reference whose masses fall like a power of the rank."""
    masses = 1.0 / np.arange(1, n_answers + 1) ** power
    return tuple((masses / masses.sum()).tolist())


REFERENCES: dict[str, tuple[float, ...]] = {
    "2 answers": (0.9, 0.1),
    "4 answers": (0.7, 0.2, 0.08, 0.02),
    "5 answers": (0.7, 0.15, 0.1, 0.04, 0.01),
    "5 answers, one peak": (0.96, 0.01, 0.01, 0.01, 0.01),
    "6 equal answers": (1 / 6,) * 6,
    "12 answers": zipf(12, 1.5),
    "50 answers": zipf(50, 1.2),
}


class Game(NamedTuple):
    """The entropy game with weight 1."""

    nu_0: Array
    beta: float

    @property
    def log_equilibrium(self) -> Array:
        """Log of nu* in proportion to nu_0^(beta / (1 + beta)), [Z]."""
        return np.asarray(log_softmax(self.beta / (1 + self.beta) * np.log(self.nu_0)))

    def distance(self, log_nu: Array) -> Array:
        """Compute KL(nu || nu*) from log nu, [*x, Z]: the suboptimality over 1 + beta."""
        return np.asarray((np.exp(log_nu) * (log_nu - self.log_equilibrium)).sum(axis=-1))


def train(game: Game, tables: Array, rate: float, lengths: tuple[int, ...], n_seeds: int) -> Array:
    """Train all tables on the same draws, as `dagames.grpo.simulate` with `Grpo(rate)` does one of them.

    Args:
        game: The game.
        tables: c_0..c_K of each table, [T, K + 1].
        rate: Learning rate.
        lengths: Lengths of the runs, increasing.
        n_seeds: Number of runs.

    Returns:
        Mean distance over the last tenth of a run of each length, [T, seeds, lengths].
    """
    K, log_nu_0 = tables.shape[1] - 1, np.log(game.nu_0)
    rngs = [np.random.default_rng(seed) for seed in range(n_seeds)]
    logits = np.tile(log_nu_0, (len(tables), n_seeds, 1))
    which, offset = np.arange(len(tables))[:, None, None], np.arange(n_seeds)
    ends = np.zeros((len(tables), n_seeds, len(lengths)))
    for t in range(lengths[-1]):
        log_nu = log_softmax(logits, axis=-1)
        for place, length in enumerate(lengths):
            tenth = max(length // 10, 1)
            if length - tenth <= t < length:
                ends[..., place] += game.distance(log_nu) / tenth
        draws = np.sort([rng.random(K) for rng in rngs], axis=-1)
        counts = _counts(np.exp(log_nu), (draws + offset[:, None]).ravel(), K)
        rewards = -tables[which, counts] - game.beta * (log_nu - log_nu_0)
        mean = (counts * rewards).sum(axis=-1, keepdims=True) / K
        logits += rate / K * counts * (rewards - mean)
    return ends


def _counts(nu: Array, draws: Array, K: int) -> NDArray[np.int64]:
    """Count the draws below each cumulative mass: one sorted search, seed s's draws lying in [s, s + 1)."""
    offset = np.arange(nu.shape[1])
    cumulative = np.cumsum(nu, axis=-1)
    cumulative /= cumulative[..., -1:]
    below = np.searchsorted(draws, (cumulative + offset[:, None]).ravel()).reshape(nu.shape) - K * offset[:, None]
    below[..., -1] = K
    return np.diff(below, axis=-1, prepend=0)


def compare(K: int, *, quick: bool = False) -> dict[str, Any]:
    """Train with every candidate in every game, and compare what is reached with the Taylor table's.

    Args:
        K: Number of traces in a group.
        quick: Whether to take few games, rates and runs, to see that it runs.

    Returns:
        A row per table: whether it is monotone, its certified bias and variance, and for each length of a run the
        ratios to the Taylor table's distance, geometric means over games: at each rate, and each table at its own
        best rate, with standard errors over runs.
    """
    made = candidates(K, programs=not quick)
    names, tables = list(made), list(made.values())
    references = dict(list(REFERENCES.items())[:2]) if quick else REFERENCES
    betas, rates, lengths, n_seeds = ((0.2,), (0.5,), (10, 40), 10) if quick else (BETAS, RATES, STEPS, SEEDS)
    games = [Game(np.array(nu_0), beta) for nu_0 in references.values() for beta in betas]
    stacked, console = np.array([table.coefficients for table in tables]), Console(stderr=True)
    cells = track([(game, rate) for game in games for rate in rates], f"K = {K}", console=console, transient=True)
    ends = np.array([train(game, stacked, rate, lengths, n_seeds) for game, rate in cells])
    ends = ends.reshape(len(games), len(rates), len(tables), n_seeds, len(lengths))
    base = names.index("Taylor")
    rows = []
    for place, (name, table) in enumerate(made.items()):
        row: dict[str, Any] = {"table": name, "monotone": is_monotone(table)}
        row |= {"bias": table.bias.upper, "variance": table.variance.upper}
        for at, length in enumerate(lengths):
            row[f"after {length} steps"] = _summary(ends[..., at], place, base)
        rows.append(row)
    taylor = ends[:, :, base].mean(axis=2).min(axis=1)
    distances = {f"after {length} steps": taylor[:, at].tolist() for at, length in enumerate(lengths)}
    return {"group_size": K, "rates": list(rates), "seeds": n_seeds, "taylor": distances, "tables": rows}


def _summary(ends: Array, place: int, base: int) -> dict[str, Any]:
    """Compare distances at the end, [games, rates, T, seeds], with those of the table at `base`."""

    def ratios(runs: Array) -> Array:
        means = runs.mean(axis=-1)
        by_rate = [_ratio(means[:, r], place, base) for r in range(means.shape[1])]
        return np.array([*by_rate, _ratio(means.min(axis=1), place, base)])

    blocks = np.array_split(np.arange(ends.shape[-1]), BLOCKS)
    left = np.array([ratios(np.delete(ends, block, axis=-1)) for block in blocks])
    errors = np.sqrt((BLOCKS - 1) / BLOCKS * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    *by_rate, tuned = ratios(ends).tolist()
    best = ends.mean(axis=-1).min(axis=1)
    return {
        "by rate": by_rate,
        "by rate, error": errors[:-1].tolist(),
        "best rate": tuned,
        "best rate, error": float(errors[-1]),
        "best rate, worst game": float((best[:, place] / best[:, base]).max()),
    }


def _ratio(distances: Array, place: int, base: int) -> float:
    """Geometric mean over games of a ratio, from [games, T]."""
    return float(np.exp(np.log(distances[:, place] / distances[:, base]).mean()))


def print_results(results: list[dict[str, Any]]) -> None:
    """Print a table for each group size.

    Args:
        results: What `compare` returned for each.
    """
    for result in results:
        columns = [key for key in result["tables"][0] if key.startswith("after")]
        table = Table("table", "monotone", "bias", "variance", *columns, title=f"K = {result['group_size']}")
        for row in result["tables"]:
            ends = [f"{row[c]['best rate']:.3f} +- {row[c]['best rate, error']:.3f}" for c in columns]
            numbers = [f"{row[key]:.3g}" for key in ("bias", "variance")]
            table.add_row(row["table"], "yes" if row["monotone"] else "no", *numbers, *ends)
        Console(width=140).print(table)


def main() -> None:
    """Train, print the ratios, and write them and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"), help="folder of training.json and picture")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="group sizes")
    arguments = parser.parse_args()
    results = [compare(K) for K in arguments.sizes]
    print_results(results)
    write_text(arguments.out / "training.json", json.dumps(results, indent=1) + "\n")

    from benchmarks.draw import draw_training  # matplotlib is needed for the picture only

    draw_training(results, arguments.out)


if __name__ == "__main__":
    main()
