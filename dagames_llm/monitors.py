"""What a run looks like from outside, step by step: none of it reaches a reward.

Gold answers, where there are any, are held here alone, by the first view of their orbit.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from dagames_llm.extract import Answer
from dagames_llm.scores import answer_entropy, majority_ratio

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments


def accuracy(answers: Sequence[Answer | None], gold: Answer) -> float:
    """Return the share of completions whose answer is the gold one."""
    return sum(answer == gold for answer in answers) / len(answers)


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Monitor:
    """Statistics of the groups of one step.

    Attributes:
        gold: canonical answers by the first view of their orbit; empty where there are none.
    """

    gold: Mapping[str, Answer] = field(default_factory=dict)

    def measure(self, keys: Sequence[str], groups: Sequence[Sequence[Answer | None]]) -> dict[str, float]:
        """Return the step's statistics, each a mean over groups.

        Args:
            keys: the first view of each group's orbit.
            groups: the answers of each group.

        Returns:
            `majority_ratio`, `answer_entropy` (nats), `unparsed` (share), `commonest_answer` (the share of all
            completions of the step taken by one answer), and `accuracy` where the gold of some group is known.
        """
        pooled = [answer for group in groups for answer in group]
        measured = {
            "majority_ratio": sum(map(majority_ratio, groups)) / len(groups),
            "answer_entropy": sum(map(answer_entropy, groups)) / len(groups),
            "unparsed": sum(answer is None for answer in pooled) / len(pooled),
            "commonest_answer": majority_ratio(pooled),
        }
        known = [(group, self.gold[key]) for key, group in zip(keys, groups, strict=True) if key in self.gold]
        if known:
            measured["accuracy"] = sum(accuracy(group, gold) for group, gold in known) / len(known)
        return measured


def unread_reason(history: Sequence[Mapping[str, Any]], window: int = 10, share: float = 0.5) -> str | None:
    """Return why the votes of a run cannot be trusted, from its log: most completions have no answer, or no end.

    Args:
        history: The trainer's log, one mapping a step; entries without these statistics are passed over.
        window: Steps averaged.
        share: Alarm above this share of completions.

    Returns:
        A sentence, or `None` where nothing is wrong or fewer than `window` steps are known.
    """
    for name, meaning, remedy in _SHARES:
        known = [entry[name] for entry in history if isinstance(entry.get(name), float)][-window:]
        if len(known) == window and fmean(known) > share:
            return f"{fmean(known):.0%} of the completions of the last {window} steps {meaning}: {remedy}"
    return None


_SHARES = (
    ("truncated", "ended at the length limit", "raise `max_completion_length`, or prompt for shorter answers"),
    ("unparsed", "have no answer that was read", "look at the column `answer` of the completions, and at `extract`"),
)


def collapse_reason(
    history: Sequence[Mapping[str, Any]], window: int = 10, common: float = 0.6, drop: float = 0.15
) -> str | None:
    """Say why a run looks collapsed, from its log: many questions with one answer, or a vote that left the truth.

    Args:
        history: the trainer's log, one mapping a step; entries without these statistics are passed over.
        window: steps averaged.
        common: alarm above this share of all completions taken by one answer, over different questions.
        drop: alarm where accuracy, when known, is this far and three standard errors below its best, while the
            reward is not below.

    Returns:
        A sentence, or `None` where nothing is wrong or fewer than `window` steps are known.
    """
    steps = [entry for entry in history if "commonest_answer" in entry]
    if len(steps) < window:
        return None
    share = fmean(step["commonest_answer"] for step in steps[-window:])
    if share > common:
        return f"one answer takes {share:.0%} of the completions of the last {window} steps, whatever was asked"
    judged = [step for step in steps if "accuracy" in step]
    earlier = [judged[i : i + window] for i in range(len(judged) - 2 * window + 1)]
    if not earlier:
        return None
    best = max(earlier, key=lambda steps: fmean(step["accuracy"] for step in steps))
    return _fall(best, judged[-window:], drop)


def _fall(best: Sequence[Mapping[str, float]], now: Sequence[Mapping[str, float]], drop: float) -> str | None:
    high, low = ([step["accuracy"] for step in steps] for steps in (best, now))
    error = math.sqrt((variance(high) + variance(low)) / len(now))
    paid = fmean(step["reward"] for step in now) - fmean(step["reward"] for step in best)
    if fmean(high) - fmean(low) <= max(drop, 3 * error) or paid < 0:
        return None
    return f"accuracy fell from {fmean(high):.2f} to {fmean(low):.2f} while the reward did not"


class CollapseAlarm(TrainerCallback):
    """Warn once when a run looks collapsed, and once when most completions are unread or truncated.

    It reads the log, which checkpoints carry, so that a resumed run goes on as the whole one.
    """

    def __init__(self) -> None:
        """Start without an alarm."""
        self._open = {"the run looks collapsed": collapse_reason, "its votes cannot be trusted": unread_reason}

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Look at the log after each entry."""
        for what, reason_of in list(self._open.items()):
            reason = reason_of(state.log_history)
            if reason is not None and state.is_world_process_zero:
                del self._open[what]
                _log.warning("step %d: %s: %s", state.global_step, what, reason)
