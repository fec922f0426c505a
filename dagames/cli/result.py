"""A solution as plain data for JSON: finite numbers, lists, texts and null."""

import math
from typing import Any

import numpy as np

from dagames.pictures.solution import game_of
from dagames.solvers import Solution

POLICY_SIZE = 10_000
"""Number of traces up to which a result lists the policy by default."""


def as_result(solution: Solution, functional: Any, *, policy: bool | None = None) -> dict[str, Any]:
    """Return a solution as plain data; numbers that JSON lacks are None, infinite multipliers are texts."""
    certificate = solution.certificate
    result = {
        "method": solution.method,
        "functional": functional,
        "beta": game_of(solution).beta,
        "iterations": solution.iterations,
        "value": certificate.primal.tolist(),
        "dual": certificate.dual.tolist(),
        "gap": certificate.gap.tolist(),
        "certificate": certificate_words(solution),
        "nu_0": game_of(solution).nu_0.tolist(),
        "nu": solution.nu.tolist(),
        "q": solution.q.tolist(),
        "pi": _policy(solution) if lists_policy(solution, policy) else None,
        "history": list(solution.history),
        "average_gap": None if solution.average is None else solution.average.certificate.gap.tolist(),
        "average_history": list(solution.average_history),
    }
    if solution.multipliers.size:
        result["multipliers"] = _infinite_as_text(solution.multipliers.tolist())
        result["slack"] = solution.slack.tolist()
    finite: dict[str, Any] = _finite(result)
    return finite


def lists_policy(solution: Solution, policy: bool | None) -> bool:
    """Return the option --policy, or without it, whether the policy has at most `POLICY_SIZE` traces."""
    return game_of(solution).reference.values.size <= POLICY_SIZE if policy is None else policy


def certificate_words(solution: Solution) -> str:
    """Return a sentence that explains the gap."""
    prompts = f" at each of {game_of(solution).batch[0]} prompts" if game_of(solution).batch else ""
    return (
        f"J(pi) is at most {solution.certificate.worst:.1e} above its minimum{prompts}, relative to "
        "max(1, |R|, beta KL(pi || pi_0)); the bound is the dual value at q, computed independently of the solver."
    )


def _policy(solution: Solution) -> list[Any]:
    pi = solution.pi
    policy: list[Any] = pi.tolist() if isinstance(pi, np.ndarray) else [row.tolist() for row in pi]
    return policy


def _infinite_as_text(value: Any) -> Any:
    """Convert infinite multipliers to texts: JSON has no infinity, and null would hide an active constraint."""
    if isinstance(value, list):
        return [_infinite_as_text(entry) for entry in value]
    return value if math.isfinite(value) else "infinity" if value > 0 else "-infinity"


def _finite(value: Any) -> Any:
    """Replace infinite numbers and NaN by None, since JSON has neither."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
