"""The groups of the completions of a step, on one or several processes.

TRL calls a reward function with the rows of one process, and a group can have rows on two processes. The processes
exchange the answers of their rows, in the order of the processes, in which TRL concatenates the rewards afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from accelerate import PartialState
from accelerate.utils import gather_object

from dagames_llm._errors import GroupError, RecipeError

Result = TypeVar("Result")
Prompt = Any
"""A text, or a conversation: a list of messages with `role` and `content`."""


class Trace(NamedTuple):
    """The data of one completion that the processes exchange.

    Attributes:
        question: Digest of its prompt, or of all views of its orbit.
        orbit_id: Value of the column `orbit_id`, or None.
        view: Index of the view that it answers; None if views are identified by their prompts.
        answer: The extracted answer, or None.
        truncated: Whether it ended at the length limit.
        text: The text if the target needs texts, distances or costs; else empty.
        gold: The canonical reference answer if the target needs it; else None.
        first_view: Text of the first view if a monitor has reference answers; else empty.
    """

    question: str
    orbit_id: Hashable
    view: int | None
    answer: Hashable
    truncated: bool = False
    text: str = ""
    gold: Hashable = None
    first_view: str = ""


@dataclass(frozen=True)
class Step:
    """The traces of one generation, of all processes, cut into groups.

    Attributes:
        traces: In the order of the processes.
        groups: Places of each group's traces, in increasing order.
        start: Place of the first trace of this process.
        stop: Place after the last trace of this process.
    """

    traces: Sequence[Trace]
    groups: Sequence[Sequence[int]]
    start: int
    stop: int

    def of_this_process(self) -> list[Sequence[int]]:
        """Return the groups with at least one trace on this process."""
        return [group for group in self.groups if any(self.start <= place < self.stop for place in group)]


def together(action: Callable[[], Result]) -> Result:
    """Run `action` on every process, and raise on all if it fails on one; the others would otherwise wait for it."""
    result: Result | None = None
    failure: Exception | None = None
    try:
        result = action()
    except Exception as error:  # noqa: BLE001, raised below, after the exchange for which the others wait
        failure = error
    if PartialState().num_processes > 1:
        messages = gather_object([None if failure is None else f"{type(failure).__name__}: {failure}"])
        for process, message in enumerate(messages):
            if failure is None and message is not None:
                raise GroupError(f"process {process} could not score its completions. {message}")
    if failure is not None:
        raise failure
    return cast("Result", result)


def check_lengths(number: int, columns: Mapping[str, Sequence[Any] | None]) -> None:
    """Check that prompts and grouping columns have one value for each completion."""
    for name in ("prompts", "orbit_id"):
        values = columns.get(name)
        if values is not None and len(values) != number:
            raise GroupError(f"there are {len(values)} `{name}` for {number} completions; pass one for each.")


def gather_step(local: Sequence[Trace], group_size: int | None, same_question: bool = True) -> Step:
    """Exchange the traces of all processes and cut them into groups."""
    shares: list[list[Trace]] = gather_object([list(local)])
    traces = [trace for share in shares for trace in share]
    start = sum(map(len, shares[: PartialState().process_index]))
    if any(trace.orbit_id is not None for trace in traces):
        groups = groups_by_id(traces)
    elif group_size is None:
        raise GroupError(
            "the size of a group is not known: this trainer does not pass `log_metric`, through which its settings are "
            "found, to the reward function. Pass `group_size=` with the trainer's `num_generations`."
        )
    else:
        groups = groups_by_place(traces, group_size, same_question)
    return Step(traces, groups, start, start + len(local))


def groups_by_place(traces: Sequence[Trace], group_size: int, same_question: bool = True) -> list[range]:
    """Cut traces into runs of `group_size`, as TRL repeats its prompts."""
    if len(traces) % group_size:
        raise GroupError(
            f"{len(traces)} completions are not a multiple of the group size {group_size}. `group_size` must be the "
            "trainer's `num_generations` (`num_generations_eval` in evaluation), and the number of completions of all "
            "processes in a step must be a multiple of it."
        )
    groups = [range(start, start + group_size) for start in range(0, len(traces), group_size)]
    for group in groups if same_question else ():
        different = next((i for i in group if traces[i].question != traces[group.start].question), None)
        if different is not None:
            raise GroupError(
                f"completions {group.start} and {different} of this step are in one group of {group_size} by position, "
                "but answer different prompts; their answers must not be pooled. If the prompts are paraphrases, give "
                "the rows a column `orbit_id`, or group them with `prompts_to_orbits` and use `OrbitGRPOTrainer`; "
                "otherwise `group_size` is not the number of completions of a prompt."
            )
    return groups


def groups_by_id(traces: Sequence[Trace]) -> list[list[int]]:
    """Collect the traces of each `orbit_id`, at any places of the step."""
    groups: dict[Hashable, list[int]] = {}
    for place, trace in enumerate(traces):
        if trace.orbit_id is None:
            raise GroupError(
                f"completion {place} of this step has no `orbit_id`, but others have: give one to every row of the "
                "data set, and a unique one to a prompt without paraphrases."
            )
        groups.setdefault(trace.orbit_id, []).append(place)
    return list(groups.values())


def check_hash(answer: Any) -> None:
    """Raise if an answer is not hashable, has the hash of its address in memory, or is not equal to itself."""
    hash(answer)
    array = hasattr(answer, "__array__") and not isinstance(answer, np.generic)
    if array or (type(answer).__hash__ is object.__hash__ and answer is not None):
        raise TypeError(f"{type(answer).__name__} objects of equal content have different hashes")
    if bool(answer != answer):
        raise ValueError(f"the answer {answer!r} is not equal to itself")


def views_of(traces: Sequence[Trace]) -> tuple[int, ...]:
    """Return the index of each trace's view within its group."""
    seen: dict[str, int] = {}
    return tuple(seen.setdefault(trace.question, len(seen)) if trace.view is None else trace.view for trace in traces)


def prompt_text(prompt: Prompt) -> str:
    """Return the text of a prompt: itself, or that of the last message of a conversation."""
    return prompt if isinstance(prompt, str) else _content(prompt[-1]) if prompt else ""


def digest(prompts: Sequence[Prompt]) -> str:
    """Return a short key that is equal for equal prompts, and only for these."""
    parts: list[str] = []
    for prompt in prompts:
        parts.append("text" if isinstance(prompt, str) else "conversation")
        parts += [prompt] if isinstance(prompt, str) else [f"{m.get('role')}:{_content(m)}" for m in prompt]
    return _digest(tuple(parts))


@lru_cache(maxsize=256)
def _digest(parts: tuple[str, ...]) -> str:
    """Hash each part with its length; cached, because completions of a prompt are adjacent."""
    key = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        key.update(len(content).to_bytes(8, "big") + content)
    return key.hexdigest()


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str) or content is None:
        return content or ""
    return "\n".join(part.get("text") or "" for part in content if part.get("type") == "text")


def as_identity(value: Any, row: int) -> Hashable:
    """Return an `orbit_id` in a form that is equal on every process; None if it is missing."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, sort_keys=True, default=str)
    raise RecipeError(f"`orbit_id` of completion {row} is {value!r}; it must be an integer or a text.")
