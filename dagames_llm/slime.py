"""Any Target on slime: `--group-rm --custom-rm-path dagames_llm.slime.reward`.

With `--group-rm`, slime calls its reward function once a group, with the samples of one prompt. The settings are the
mapping `dagames` of the file that `--custom-config-path` names: the keys of `dagames_llm.engines`, `extract`, and
`truncated` ("vote", or "abstain": a truncated sample counts as one without an answer).

In slime's source (github.com/THUDM/slime) the reward function is called in `slime/rollout/rm_hub/__init__.py`, `Sample`
is in `slime/utils/types.py`, and the mean is subtracted in `slime/ray/rollout.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagames._choices import did_you_mean
from dagames_llm._errors import GroupError, RecipeError
from dagames_llm.engines import advantages, read_answer, reward_of, trace
from dagames_llm.orbits import check_views, turn_of, view_of_slot

if TYPE_CHECKING:
    from dagames_llm.grouping import Trace

PLACE = "dagames"

_log = logging.getLogger("dagames_llm")
_warned: list[str] = []


async def reward(args: Any, samples: Sequence[Any], **_others: Any) -> list[float]:
    """Compute the rewards of the samples of one prompt.

    The mean of the group is subtracted already, so that slime's subtraction has no effect. The reward before the
    subtraction is stored in `metadata["raw_reward"]`, which slime logs.

    Args:
        args: slime's arguments.
        samples: slime's samples, with `response`, `status`, `label`, `metadata` and `group_index`.

    Returns:
        One finite number per sample, in order.

    Raises:
        RecipeError: If the settings are missing or wrong, or slime would undo the baseline.
        GroupError: If these are not the samples of one prompt.
    """
    settings = dict(_settings(args))
    extract, truncated = settings.pop("extract", "last_number"), settings.pop("truncated", "vote")
    if truncated not in {"vote", "abstain"}:
        hint = did_you_mean(truncated, ("vote", "abstain"))
        raise RecipeError(f"`{PLACE}.truncated` is {truncated!r}; known are 'vote' and 'abstain'.{hint}")
    target_reward = reward_of(settings, PLACE)
    _check_normalisation(args, target_reward.baseline)
    _check_group(samples)
    needs_gold = "gold" in target_reward.target.needs
    traces = [_trace(sample, extract, truncated == "abstain", needs_gold) for sample in samples]
    centred, rewards = advantages(target_reward, traces)
    for sample, value in zip(samples, rewards.tolist(), strict=True):
        sample.metadata = {**(sample.metadata or {}), "raw_reward": value}
    return list(centred.tolist())


def _trace(sample: Any, extract: Any, abstain: bool, needs_gold: bool) -> Trace:
    status = str(getattr(sample.status, "value", sample.status)).lower()
    without_answer = status in {"aborted", "failed"} or (status == "truncated" and abstain)
    gold = read_answer(extract, str(sample.label)) if needs_gold and sample.label is not None else None
    view = (sample.metadata or {}).get("view", 0)
    answer = None if without_answer else read_answer(extract, sample.response)
    return trace("group", answer, int(view), sample.response, gold)


def _settings(args: Any) -> Mapping[str, Any]:
    settings = getattr(args, PLACE, None)
    if not isinstance(settings, Mapping):
        raise RecipeError(
            f"slime's arguments have no mapping `{PLACE}`. Write one into a YAML file, `{PLACE}: {{target: "
            "majority_vote, extract: last_number}`, and pass --custom-config-path with its path."
        )
    return settings


def _check_normalisation(args: Any, baseline: str) -> None:
    if not getattr(args, "rewards_normalization", True):
        return
    if baseline == "decoupled":
        raise RecipeError(
            "`baseline` is 'decoupled', but slime subtracts the group's mean from every reward, which undoes it. Pass "
            "--disable-rewards-normalization, or use baseline='leave_one_out'."
        )
    if getattr(args, "grpo_std_normalization", True) and not _warned:
        _warned.append(PLACE)
        _log.warning(
            "slime divides the rewards of each group by their standard deviation. The direction of the step then "
            "differs from the game's (claims I.17, B.3). Pass --disable-grpo-std-normalization."
        )


def _check_group(samples: Any) -> None:
    if not isinstance(samples, list | tuple):
        raise GroupError(
            "slime passed one sample, but a target compares the samples of a prompt. Pass --group-rm; slime's "
            "evaluation has no groups, so that --eval-interval must be left out."
        )
    if any(isinstance(sample, list | tuple) for sample in samples):
        raise GroupError(
            "a rollout returned several samples, which would vote more than once; it must return one sample."
        )
    indices = {sample.group_index for sample in samples}
    if len(indices) > 1:
        listed = ", ".join(sorted(map(str, indices))[:4])
        raise GroupError(f"the samples are of the groups {listed}; their answers must not be pooled.")


async def generate(args: Any, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """Generate a completion of the view of a sample's slot: `--custom-generate-function-path`.

    A row of the data is an orbit: `metadata["orbit"]`, a list of prompts as slime sends them (texts, with the chat
    template applied). A sample that continues after an abort keeps its view; a row without an orbit is unchanged.

    Args:
        args: slime's arguments.
        sample: slime's sample, with `index` counting the samples of a group up.
        sampling_params: slime's.

    Returns:
        slime's sample.
    """
    from slime.rollout.sglang_rollout import generate as slime_generate

    metadata = sample.metadata or {}
    if metadata.get("orbit") is not None and "view" not in metadata:
        views = check_views(metadata["orbit"], "`metadata.orbit` of a row")
        size = int(args.n_samples_per_prompt)
        turn = turn_of(views) + int(sample.group_index or 0)
        view = view_of_slot(int(sample.index) % size, len(views), size, turn)
        sample.prompt, sample.metadata = views[view], {**metadata, "view": view}
    return await slime_generate(args, sample, sampling_params)
