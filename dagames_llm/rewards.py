"""Any sampled target as a TRL reward function, over whole orbits even where a group straddles processes.

TRL calls a reward function with the rows of its own process. A vote needs the whole group, so each process reads the
answers of its rows, all processes exchange these answers (not the texts), everyone computes the rewards of the whole
groups, and each returns the part that belongs to its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
from accelerate import PartialState
from accelerate.utils import gather_object

from dagames.targets import AnswerGroup, GiniDiversity, InverseFrequency, MajorityVote, Target
from dagames.targets.majority_vote import Ties
from dagames_llm._errors import RecipeError
from dagames_llm.extract import Answer, Extractor, completion_text
from dagames_llm.monitors import Monitor


@dataclass(frozen=True)
class Trace:
    """What the processes tell each other of one completion.

    Attributes:
        key: the first view of its orbit.
        slot: its place in the group; a new group starts at 0.
        view: the view it answers.
        answer: what was read in it.
    """

    key: str
    slot: int
    view: int
    answer: Answer | None


def groups_of(traces: Sequence[Trace]) -> list[list[Trace]]:
    """Cut the traces of a step, in global order, into groups.

    Args:
        traces: of all processes, in the order of the processes.

    Returns:
        The groups, each of one orbit, its slots counting up from 0.

    Raises:
        RuntimeError: the order is not that of whole groups, which would mix the votes of different questions.
    """
    groups: list[list[Trace]] = []
    for trace in traces:
        if trace.slot == 0:
            groups.append([])
        if not groups or trace.slot != len(groups[-1]) or (trace.slot and groups[-1][0].key != trace.key):
            raise RuntimeError(f"the completions of a step do not come in whole groups (slot {trace.slot}).")
        groups[-1].append(trace)
    if len({len(group) for group in groups}) > 1:
        raise RuntimeError("the groups of a step differ in size.")
    return groups


class TargetReward:
    """A TRL reward function that rewards each completion of an orbit by a target's sampled view.

    The rows need `orbit`, and the `view` and `slot` that `OrbitGRPOTrainer` adds. Gold answers play no part; a monitor,
    which may hold some, is shown the answers and can only report.
    """

    def __init__(self, target: Target, extractor: Extractor, monitor: Monitor | None = None) -> None:
        """Bind a target to an extractor.

        Args:
            target: from `dagames.targets`.
            extractor: reads an answer out of a completion's text.
            monitor: told the answers of each step; what it measures goes to the trainer's log.
        """
        self.target = target
        self.extractor = extractor
        self.monitor = monitor
        self.__name__ = type(target).__name__

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        orbit: Sequence[Sequence[Any]],
        view: Sequence[int],
        slot: Sequence[int],
        log_metric: Callable[[str, float], None] | None = None,
        **_: Any,
    ) -> list[float]:
        """Return the rewards of this process's rows.

        Args:
            completions: the texts, or assistant messages, of these rows.
            orbit: the views of each row.
            view: the view each row was given.
            slot: the place of each row in its group.
            log_metric: TRL's hook for what the monitor measured.

        Returns:
            One finite reward a row.
        """
        local = [
            Trace(prompt_text(views[0]), place, shown, self.extractor(completion_text(completion)))
            for completion, views, shown, place in zip(completions, orbit, view, slot, strict=True)
        ]
        groups = groups_of(gather_object(local))
        rewards = np.concatenate([self.target.rewards(answer_group(group)) for group in groups])
        if self.monitor is not None and log_metric is not None:
            answers = [[trace.answer for trace in group] for group in groups]
            for name, value in self.monitor.measure([group[0].key for group in groups], answers).items():
                log_metric(name, value)
        start = PartialState().process_index * len(local)
        return [float(reward) for reward in rewards[start : start + len(local)]]


def prompt_text(prompt: str | Sequence[dict[str, str]]) -> str:
    """Return the text of a prompt given as text or as a conversation."""
    return prompt if isinstance(prompt, str) else prompt[-1]["content"]


def answer_group(traces: Sequence[Trace]) -> AnswerGroup:
    """Return the traces of one orbit as the group a target scores: one vote over all views."""
    return AnswerGroup(
        answers=tuple(trace.answer for trace in traces),
        views=tuple(trace.view for trace in traces),
    )


def target_named(name: str, weight: float = 1.0, ties: str = "split") -> Target:
    """Return the target a recipe names.

    Args:
        name: `majority_vote`, `inverse_frequency` or `gini_diversity`.
        weight: of the two diversity targets.
        ties: how the vote breaks them.

    Returns:
        The target.

    Raises:
        RecipeError: there is no target, or no rule for ties, of that name.
    """
    known: dict[str, Callable[[], Target]] = {
        "majority_vote": lambda: MajorityVote(ties=cast("Ties", ties)),
        "inverse_frequency": lambda: InverseFrequency(weight=weight),
        "gini_diversity": lambda: GiniDiversity(weight=weight),
    }
    if name not in known:
        raise RecipeError(f"`target` is {name!r}; known are {', '.join(known)}.")
    if ties not in get_args(Ties):
        raise RecipeError(f"`ties` is {ties!r}; known are {', '.join(get_args(Ties))}.")
    return known[name]()
