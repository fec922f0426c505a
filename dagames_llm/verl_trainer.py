"""verl's trainers that pass the answers to the estimator, and orbits as rows of a data set.

`trainer.v1.trainer_mode=dagames_sync` (or `dagames_colocate_async`, `dagames_separate_async`) extends verl's trainer of
that mode: before it computes advantages, it fetches the fields that `dagames_llm.verl.score` returned for each
completion. So it can use every target: with distances between texts, priors over answers, reference answers, schedules.

verl loads this module through the entry-point group `verl.plugins`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import transfer_queue as tq
from verl.experimental.agent_loop.agent_loop import register
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop
from verl.trainer.ppo.v1 import get_trainer_cls, register_trainer

from dagames_llm._errors import GroupError
from dagames_llm.engines import trace
from dagames_llm.orbits import check_views, turn_of, view_of_slot
from dagames_llm.verl import traces_passed

if TYPE_CHECKING:
    from dagames_llm.grouping import Trace


class PassesAnswers:
    """The common part of the three trainers; the next base class is a trainer of verl."""

    mode: str

    def __init__(self, config: Any) -> None:
        """Set the mode of verl's trainer."""
        config.trainer.v1.trainer_mode = self.mode
        super().__init__(config)  # type: ignore[call-arg]

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        fetched = tq.kv_batch_get(
            keys=batch.keys, partition_id=batch.partition_id, select_fields=["extra_fields", "response_mask"]
        )
        traces = traces_of(fetched.pop("extra_fields").tolist(), batch.keys)
        with traces_passed(traces, int(self.global_steps)):  # type: ignore[attr-defined]
            return super()._compute_advantage(batch, metrics=metrics)  # type: ignore[misc]


def traces_of(extra_fields: Sequence[Any], keys: Sequence[str]) -> list[Trace]:
    """Return the traces of a batch.

    Args:
        extra_fields: The extra fields of each completion in verl, [rows].
        keys: verl's `uid_session_output` of each, [rows].

    Returns:
        The traces, [rows].

    Raises:
        GroupError: If a completion was scored by another function than `dagames_llm.verl.score`, or a session has more
            than one output.
    """
    traces = []
    for row, (fields, key) in enumerate(zip(extra_fields, keys, strict=True)):
        stored = fields.get("reward_extra_info") if isinstance(fields, Mapping) else None
        if not isinstance(stored, Mapping) or not {"answer", "read", "view", "text"} <= stored.keys():
            raise GroupError(
                f"row {row} ({key}) has no answer: it was not scored by dagames_llm.verl. Set "
                "reward.custom_reward_function.path=pkg://dagames_llm.verl and .name=score, and no reward model."
            )
        if not key.endswith("_0"):
            raise GroupError(
                f"row {row} ({key}) is a further output of its session, so that one completion would vote more than "
                "once. Use an agent loop with one output, such as single_turn_agent or dagames_orbit."
            )
        answer = stored["answer"] if stored["read"] else None
        traces.append(trace(key, answer, int(stored["view"]), stored["text"], stored.get("gold")))
    return traces


for _mode in ("sync", "colocate_async", "separate_async"):
    register_trainer(f"dagames_{_mode}")(
        type(f"Dagames_{_mode}", (PassesAnswers, get_trainer_cls(_mode)), {"mode": _mode, "__module__": __name__})
    )


@register("dagames_orbit")
class OrbitAgentLoop(SingleTurnAgentLoop):  # type: ignore[misc]
    """verl's single-turn loop, with the view of a completion's slot in the group as its prompt.

    A row of the data set is an orbit: `extra_info.orbit`, a list of views, each a text or a list of messages. The first
    view is also the row's prompt. A row without it, as in a validation file, has its own prompt.
    """

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> Any:
        """Generate one completion."""
        orbit = (kwargs.get("extra_info") or {}).get("orbit")
        if orbit is None:
            return await super().run(sampling_params, **kwargs)
        views = check_views(list(orbit), "`extra_info.orbit` of a row")
        size = int(self.rollout_config.n)
        turn = turn_of(views) + int(kwargs.get("global_steps") or 0)
        view = view_of_slot(int(kwargs["session_id"]) % size, len(views), size, turn)
        messages = [{"role": "user", "content": views[view]}] if isinstance(views[view], str) else views[view]
        output = await super().run(sampling_params, **{**kwargs, "raw_prompt": messages})
        output.extra_fields["view"] = view
        return output
