"""Targets of `dagames` on a language model, as rewards of TRL's GRPO and RLOO.

Names are loaded when they are first used: torch is not loaded before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagames_llm.multipliers import Constraint
    from dagames_llm.orbits import prompts_to_orbits
    from dagames_llm.rewards import PairwiseReward, TargetReward
    from dagames_llm.safety import SafetyReward
    from dagames_llm.trainer import OrbitGRPOTrainer, OrbitRLOOTrainer

_PLACES = {
    "Constraint": "multipliers",
    "OrbitGRPOTrainer": "trainer",
    "OrbitRLOOTrainer": "trainer",
    "PairwiseReward": "rewards",
    "SafetyReward": "safety",
    "TargetReward": "rewards",
    "prompts_to_orbits": "orbits",
}

__all__ = [
    "Constraint",
    "OrbitGRPOTrainer",
    "OrbitRLOOTrainer",
    "PairwiseReward",
    "SafetyReward",
    "TargetReward",
    "prompts_to_orbits",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
