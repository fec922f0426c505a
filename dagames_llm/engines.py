"""Functions shared by the adapters to engines other than TRL: a reward from settings, and advantages of traces.

An engine is configured by text. Therefore a reward is given as a mapping of a recipe's keys (`target`, `distance`,
`baseline`, ...), or as the import path of a `TargetReward`, `my_package.my_module:reward`. The rewards of groups are
computed by `TargetReward`.
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
from dagames_llm.counted import counted
from dagames_llm.extract import as_extractor

if TYPE_CHECKING:
    from dagames_llm.grouping import Trace
    from dagames_llm.rewards import TargetReward

KEYS = ("target", "target_options", "distance", "baseline", "over", "reward")
"""Keys of the settings."""


def reward_of(settings: Any, place: str) -> TargetReward:
    """Return the reward of settings; the same object for the same settings."""
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
    """Return the reward; cached, because its distance may contain a model."""
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
    # The name of the column is not used: the traces contain the engine's label.
    gold = "label" if "gold" in target.needs else None
    return TargetReward(target, distance=None if distance is None else _distance(distance), gold=gold, **settings)


def _distance(setting: Any) -> Any:
    from dagames_llm.distances import distance_named

    options = dict(setting) if isinstance(setting, Mapping) else {"name": setting}
    return distance_named(str(options.pop("name", None)), **options)


def extractor_of(extract: Any) -> Callable[[str], str | None]:
    """Return an extractor: a function, or one by its name or import path, `my_package.my_module:function`."""
    return as_extractor(_loaded(extract, "extract") if isinstance(extract, str) and ":" in extract else extract)


def read_answer(extract: Any, text: str) -> str | None:
    """Extract the answer of a completion; None if it has none."""
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
        traces: Traces of any number of groups, identified by `orbit_id`.
        step: Number of the training step, for a target that follows a schedule.

    Returns:
        Advantages, and rewards before the mean of the group is subtracted, [traces] each. Both are 0 for the traces of
        a group that is smaller than the target needs.

    Raises:
        GroupError: If every group is smaller than the target needs, or has a single trace.
    """
    from dagames_llm.grouping import Step, groups_by_id

    target = reward.target.at(step)
    least = max(2, target.least_group_size)
    all_groups = groups_by_id(traces)
    groups = [places for places in all_groups if len(places) >= least]
    if all_groups and not groups:
        raise GroupError(
            f"the largest group has {counted(max(map(len, all_groups)), 'completion')}; {type(target).__name__} needs "
            f"at least {least}. Sample more completions of each prompt (`actor_rollout_ref.rollout.n`, "
            "`--n-samples-per-prompt`); a group is identified by its uid, which must be equal for all completions of a "
            "prompt."
        )
    rewards = reward._score(target, Step(traces, groups, 0, len(traces)))[1]
    centred = rewards.copy()
    if reward.baseline == "group" and reward.over == "orbit":
        for places in groups:
            centred[places] -= rewards[places].mean()
    return centred, rewards


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
    """Return a trace in the form that rewards use."""
    from dagames_llm.grouping import Trace

    return Trace(question=str(view), orbit_id=group, view=view, answer=answer, text=text, gold=gold)
