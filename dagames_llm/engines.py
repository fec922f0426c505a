"""Functions shared by the adapters to engines other than TRL: a reward from settings, and advantages of traces.

An engine is configured by text, so that a reward is stated as a mapping of a recipe's keys (`target`, `distance`,
`baseline`, ...), or as the place of a `TargetReward` made in Python, `my_package.my_module:reward`. The rewards of
groups are those of `TargetReward` itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dagames._choices import did_you_mean
from dagames._errors import DagamesError
from dagames_llm._errors import ExtractError, GroupError, RecipeError
from dagames_llm.extract import as_extractor

if TYPE_CHECKING:
    from dagames_llm.grouping import Trace
    from dagames_llm.rewards import TargetReward

KEYS = ("target", "target_options", "distance", "baseline", "over", "reward")
"""Keys of the settings."""


def reward_of(settings: Any, place: str) -> TargetReward:
    """Return the reward that settings state; the same object for the same settings."""
    if not isinstance(settings, Mapping) or not settings.keys() & {"target", "reward"}:
        raise RecipeError(f"`{place}` is {settings!r:.80}; it needs a `target`, such as {{target: majority_vote}}.")
    for key in settings:
        if key not in KEYS:
            hint = did_you_mean(key, KEYS)
            raise RecipeError(f"`{place}` has the unknown key {key!r}; known are {', '.join(KEYS)}.{hint}")
    try:
        return _reward(json.dumps(dict(settings)), place)
    except (DagamesError, TypeError) as error:
        raise RecipeError(f"`{place}`: {error}") from error


@lru_cache(maxsize=8)
def _reward(written: str, place: str) -> TargetReward:
    """Make the reward once: a distance may hold a model."""
    from dagames_llm.config.named_rewards import target_of
    from dagames_llm.config.recipe import OrbitScriptArguments
    from dagames_llm.rewards import TargetReward

    settings = json.loads(written)
    if "reward" in settings:
        reward = _loaded(settings["reward"], f"{place}.reward")
        if len(settings) > 1 or not isinstance(reward, TargetReward):
            raise RecipeError(f"`reward` must be the place of a TargetReward, without other keys, not {reward!r:.60}.")
        return reward
    name, options = settings.pop("target"), settings.pop("target_options", None)
    target = target_of(OrbitScriptArguments(target=name, target_options=options))
    if target is None:
        raise RecipeError("`target` is null: nothing is rewarded.")
    distance = settings.pop("distance", None)
    # The name of the column says nothing here: the engine's label is in the traces.
    gold = "label" if "gold" in target.needs else None
    return TargetReward(target, distance=None if distance is None else _distance(distance), gold=gold, **settings)


def _distance(stated: Any) -> Any:
    from dagames_llm.distances import distance_named

    options = dict(stated) if isinstance(stated, Mapping) else {"name": stated}
    return distance_named(str(options.pop("name", None)), **options)


def extractor_of(extract: Any) -> Callable[[str], str | None]:
    """Return an extractor by its name, by the place of a function, `my_package.my_module:function`, or as it is."""
    return as_extractor(_loaded(extract, "extract") if isinstance(extract, str) and ":" in extract else extract)


def read_answer(extract: Any, text: str) -> str | None:
    """Read the answer of a completion; None where there is none."""
    extractor = extractor_of(extract)
    name = getattr(extractor, "__name__", type(extractor).__name__)
    try:
        answer = extractor(text)
    except Exception as error:
        raise ExtractError(
            f"the extractor {name} failed on the completion that begins {text[:80]!r}: {type(error).__name__}: {error}."
        ) from error
    if answer is not None and not isinstance(answer, str):
        raise ExtractError(
            f"the extractor {name} returned {answer!r:.60}; between processes an answer is a str or None."
        )
    return answer


def advantages(
    reward: TargetReward, traces: Sequence[Trace], step: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the rewards of traces minus their baseline, in the order of the traces.

    Args:
        reward: Target, baseline and distance.
        traces: Of any number of groups, told by `orbit_id`.
        step: Number of the training step, for a target that follows a schedule.

    Returns:
        Advantages and the rewards before the group's mean is subtracted, [traces] each. Both are 0 in a group too small
        to compare its traces, where others are not.

    Raises:
        GroupError: If no group has the traces that the target needs, two at least.
    """
    from dagames_llm.grouping import Step, groups_by_id

    target = reward.target.at(step)
    least = max(2, target.least_group_size)
    every = groups_by_id(traces)
    groups = [places for places in every if len(places) >= least]
    if every and not groups:
        raise GroupError(
            f"the largest group has {max(map(len, every))} of the {least} completions that {type(target).__name__} "
            "needs at least. Sample more of each prompt (`actor_rollout_ref.rollout.n`, `--n-samples-per-prompt`); "
            "groups are told by uid, which all completions of a prompt must share."
        )
    paid = reward._score(target, Step(traces, groups, 0, len(traces)))[1]
    found = paid.copy()
    if reward.baseline == "group" and reward.over == "orbit":
        for places in groups:
            found[places] -= paid[places].mean()
    return found, paid


def _loaded(place: Any, name: str) -> Any:
    module, _, attribute = str(place).partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise RecipeError(
            f"`{name}` is {place!r:.80}, which cannot be loaded ({error}). It is `package.module:name`, importable on "
            "every node: install the package, or add its folder to PYTHONPATH."
        ) from error


def trace(group: Hashable, answer: Hashable, view: int = 0, text: str = "", gold: Hashable = None) -> Trace:
    """Return a trace as the rewards read it."""
    from dagames_llm.grouping import Trace

    return Trace(question=str(view), orbit_id=group, view=view, answer=answer, text=text, gold=gold)
