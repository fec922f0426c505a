"""The point of a forecast's path at which a statistic has the value measured in a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dagames_llm._errors import DataError
from dagames_llm.forecast.resampling import Estimates


def place_on(path: Sequence[Estimates], name: str, value: float) -> dict[str, Any]:
    """Interpolate a path at the first point at which a statistic has a value.

    Args:
        path: estimates at each step, [T + 1].
        name: the statistic, such as "reward" or "kl", or "step".
        value: the value measured in a run.

    Returns:
        `step` (interpolated linearly between two steps), `reached` (whether the path attains the value) and the other
        statistics.

    Raises:
        DataError: there is no such statistic on the path.
    """
    if name != "step" and name not in path[0]:
        raise DataError(f"the forecast has no statistic {name!r}; it has {', '.join(path[0])}.")
    means = range(len(path)) if name == "step" else (point[name]["mean"] for point in path)
    course = np.array([*means], dtype=np.float64)
    rising = course[-1] >= course[0]
    reached = np.flatnonzero(course >= value if rising else course <= value)
    if not reached.size:
        return {"step": float(len(path) - 1), "reached": False, "statistics": path[-1]}
    after = int(reached[0])
    if after == 0:
        return {"step": 0.0, "reached": True, "statistics": path[0]}
    fraction = float((value - course[after - 1]) / (course[after] - course[after - 1]))
    between = {
        key: {end: (1 - fraction) * path[after - 1][key][end] + fraction * path[after][key][end] for end in ENDS}
        | {"n": path[after][key]["n"]}
        for key in path[after]
    }
    return {"step": after - 1 + fraction, "reached": True, "statistics": between}


ENDS = ("mean", "low", "high")
