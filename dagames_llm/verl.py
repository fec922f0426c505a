"""Targets on verl: a reward function that extracts answers, and the advantage estimator `dagames`.

verl scores each completion separately, in other processes than the one that computes advantages. It passes to an
estimator only the scores (one float32 per completion), the mask, the uid of each completion's row and the
configuration. So `score` returns a code of the answer and of its view, and `advantages` decodes it. This suffices for
targets that depend only on which answers are equal; for the others `dagames_llm.verl_trainer` passes the answers and
texts.

verl loads this module through the entry-point group `verl.plugins`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from verl.trainer.ppo.core_algos import register_adv_est

from dagames_llm._errors import GroupError, RecipeError

if TYPE_CHECKING:
    from dagames_llm.grouping import Trace

PLACE = "algorithm.dagames"
CODES = 1 << 23
"""Number of codes: the odd numbers that float32 represents exactly. Two answers collide with probability 2^-23."""

MOST_VIEWS = 64

RELABELLED = frozenset({
    "MajorityVote",
    "ConsensusVote",
    "SoftConsensus",
    "CrossedVote",
    "InverseFrequency",
    "GiniDiversity",
})
"""Targets that depend only on which answers are equal, so that codes can replace answers."""

_passed: list[tuple[Sequence[Trace], int]] = []


def score(
    data_source: Any = None,  # noqa: ARG001
    solution_str: str = "",
    ground_truth: Any = None,
    extra_info: Mapping[str, Any] | None = None,
    *,
    extract: Any = "last_number",
    **_others: Any,
) -> dict[str, Any]:
    """Read the answer of a completion: verl's `reward.custom_reward_function`."""
    from dagames_llm.engines import read_answer

    answer = read_answer(extract, solution_str)
    gold = None if ground_truth in {None, ""} else read_answer(extract, str(ground_truth))
    view = int((extra_info or {}).get("view") or 0)
    fields = {
        "score": encode(answer, view),
        "answer": answer or "",
        "read": float(answer is not None),
        "view": view,
        "text": solution_str,
        "gold": gold,
    }
    return fields if gold is None else {**fields, "acc": float(answer == gold)}


def encode(answer: str | None, view: int = 0) -> float:
    """Return an answer and its view as one number that float32 represents exactly: an odd number times 2^view."""
    if not 0 <= view < MOST_VIEWS:
        raise GroupError(f"view {view} of an orbit: an orbit has at most {MOST_VIEWS} views on verl. Split it.")
    code = 0
    if answer is not None:
        hashed = hashlib.blake2b(answer.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        code = 1 + int.from_bytes(hashed, "big") % (CODES - 1)
    return math.ldexp(2 * code + 1, view)


def decode(score: float, row: int) -> tuple[int | None, int]:
    """Return the code of the answer, None if there is none, and the view."""
    number = int(score) if math.isfinite(score) and score >= 1 and score == int(score) else 0
    view = (number & -number).bit_length() - 1
    code = number >> max(view, 0) >> 1
    if not number or view >= MOST_VIEWS or code >= CODES:
        raise GroupError(
            f"the score of row {row} is {score!r}, not a code of an answer. With algorithm.adv_estimator=dagames "
            "set reward.custom_reward_function.path=pkg://dagames_llm.verl and .name=score, leave "
            "reward.reward_manager.name at naive, and add no reward model, length penalty or KL to the score."
        )
    return code or None, view


@contextmanager
def traces_passed(traces: Sequence[Trace], step: int = 0) -> Iterator[None]:
    """Pass the traces, in the order of the rows, to the estimator, which then does not decode the scores."""
    _passed.append((traces, step))
    try:
        yield
    finally:
        _passed.pop()


@register_adv_est("dagames")
def advantages(
    token_level_rewards: torch.Tensor,
    response_mask: torch.Tensor,
    index: Sequence[Any] | None = None,
    config: Any = None,
    **_others: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute a target's rewards minus the baseline: verl's `algorithm.adv_estimator=dagames`.

    Args:
        token_level_rewards: Scores, nonzero at one token of each row, [rows, tokens].
        response_mask: 1 at the tokens in the loss, [rows, tokens]. If all rows of a uid have none, they are padding
            that verl added, and are left out.
        index: The uid of each row, [rows]; the rows with one uid, in any order, are a group.
        config: The section `algorithm` of verl's configuration, with the target's settings under `dagames`.

    Returns:
        The advantages, equal for all tokens of a row and 0 where masked, [rows, tokens]; and again as the returns.

    Raises:
        GroupError: If the uids are missing, or the passed traces are of another batch.
    """
    from dagames_llm import engines

    reward = engines.reward_of(_settings(config), PLACE)
    if index is None or any(uid is None for uid in index):
        raise GroupError("the batch has no `uid`, which identifies the groups: verl's trainers give one to every row.")
    uids = [str(uid) for uid in index]
    learned = response_mask.bool().any(dim=-1).tolist()
    real = {uid for uid, any_token in zip(uids, learned, strict=True) if any_token}
    rows = [i for i, uid in enumerate(uids) if uid in real]
    traces, step = _traces(token_level_rewards, uids, rows, type(reward.target).__name__)
    values = np.zeros(len(uids))
    values[rows] = engines.advantages(reward, traces, step)[0]
    per_row = torch.as_tensor(values, dtype=token_level_rewards.dtype, device=token_level_rewards.device)
    per_token = per_row.unsqueeze(-1) * response_mask
    return per_token, per_token


def _traces(scores: torch.Tensor, uids: list[str], rows: list[int], target: str) -> tuple[list[Trace], int]:
    from dagames_llm.engines import trace

    if _passed:
        passed, step = _passed[-1]
        if len(passed) != len(uids):
            raise GroupError(f"{len(passed)} traces were passed for {len(uids)} rows; pass one for each row.")
        return [passed[i]._replace(orbit_id=uids[i]) for i in rows], step
    if target not in RELABELLED:
        raise RecipeError(
            f"{target} depends on more than which answers are equal, which is all that a score can hold. Set "
            "trainer.v1.trainer_mode=dagames_sync (or dagames_colocate_async, dagames_separate_async), which passes "
            "the answers and texts; see docs/engines.md."
        )
    totals = scores.double().sum(dim=-1).tolist()
    return [trace(uids[i], *decode(totals[i], i)) for i in rows], 0


def _settings(config: Any) -> Any:
    config = {} if config is None else config
    if config.get("use_kl_in_reward", False):
        raise RecipeError(
            "algorithm.use_kl_in_reward=True adds a KL to the score, from which the answers are read. Set it to False "
            "and actor_rollout_ref.actor.use_kl_loss=True."
        )
    settings = config.get("dagames")
    if settings is not None and not isinstance(settings, dict):
        from omegaconf import OmegaConf

        settings = OmegaConf.to_container(settings, resolve=True)
    return settings
