"""Statistics of a run by step; they do not affect rewards.

Only monitors have gold answers, by the first view of their orbit.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from dagames_llm.evaluation.scores import answer_entropy, majority_ratio
from dagames_llm.extract import Answer

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments


Groups = Sequence[Sequence[Answer | None]]
"""The answers of each group."""


def accuracy(answers: Sequence[Answer | None], gold: Answer) -> float:
    """Return the share of completions whose answer is the gold one."""
    return sum(answer == gold for answer in answers) / len(answers)


_log = logging.getLogger(__name__)


WINDOW = 10
"""Steps over which the alarms average."""

RECORD = "dagames_llm.votes"
"""The entry of a trainer's state, and so of `trainer_state.json` in checkpoints, with the votes."""


def disagreement(answers: Sequence[Answer | None], views: Sequence[int]) -> float | None:
    """Return the probability that two completions of different views have different answers."""
    by_view = Counter(views)
    pairs = len(views) ** 2 - sum(n * n for n in by_view.values())
    if pairs == 0:
        return None
    of_answer = Counter(answer for answer in answers if answer is not None)
    within = Counter((a, v) for a, v in zip(answers, views, strict=True) if a is not None)
    equal = sum(n * n for n in of_answer.values()) - sum(n * n for n in within.values())
    return 1.0 - equal / pairs


class Votes(TrainerCallback):
    """The last vote of each question of a run, from which flips and extinctions are computed.

    A callback of the trainer, `callbacks=[reward.monitor.votes]`, which saves the votes in the checkpoints.

    A vote flips if the answer that was most frequent when the question was last seen is not among the most frequent
    now. A right answer is extinct if it was given before and is not given now.
    """

    def __init__(self) -> None:
        """Start without a vote."""
        self.seen: dict[str, list[Any]] = {}
        self.is_callback = False

    def observe(
        self, questions: Sequence[str], groups: Sequence[Sequence[Answer | None]], gold: Sequence[Answer | None]
    ) -> dict[str, float]:
        """Store the votes of a step; return the shares of flipped votes and of extinct right answers."""
        flips, extinct = [], []
        for question, group, right in zip(questions, groups, gold, strict=True):
            counts = Counter(str(answer) for answer in group if answer is not None)
            modes = [answer for answer, count in counts.items() if count == max(counts.values())]
            vote, was_right = self.seen.get(question, [None, False])
            if question in self.seen:
                flips.append(vote not in modes if modes else vote is not None)
            is_right = right is not None and right in group
            if was_right:
                extinct.append(not is_right)
            self.seen[question] = [vote if vote in modes else min(modes, default=None), was_right or is_right]
        shares = {"flip_rate": flips, "extinct": extinct}
        return {name: sum(values) / len(values) for name, values in shares.items() if values}

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Restore the votes of the checkpoint from which the run resumes."""
        self.is_callback = True
        saved = state.stateful_callbacks.get(RECORD)
        if saved is not None:
            self.seen = {question: list(entry) for question, entry in saved.items()}

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Store the votes in the trainer's state, for a checkpoint of this step."""
        state.stateful_callbacks[RECORD] = self.seen


@dataclass(frozen=True)
class Monitor:
    """Statistics of the groups of one step.

    Attributes:
        gold: canonical answers by the first view of their orbit; empty if unknown.
        votes: the votes of earlier steps, saved in checkpoints if this is a callback of the trainer.
    """

    gold: Mapping[str, Answer] = field(default_factory=dict)
    votes: Votes = field(default_factory=Votes)

    def follow(self, keys: Sequence[str], questions: Sequence[str], groups: Groups) -> dict[str, float]:
        """Return the result of `Votes.observe` for a training step; empty if `votes` is no callback of the trainer."""
        if not self.votes.is_callback:
            # A resumed run would lack the earlier votes, and its log would differ from that of an uninterrupted run.
            return {}
        return self.votes.observe(questions, groups, [self.gold.get(key) for key in keys])

    def measure(self, keys: Sequence[str], groups: Groups, views: Sequence[Sequence[int]] = ()) -> dict[str, float]:
        """Return the step's statistics, each a mean over groups."""
        pooled = [answer for group in groups for answer in group]
        measured = {
            "majority_ratio": sum(map(majority_ratio, groups)) / len(groups),
            "answer_entropy": sum(map(answer_entropy, groups)) / len(groups),
            "unparsed": sum(answer is None for answer in pooled) / len(pooled),
            "commonest_answer": majority_ratio(pooled),
        }
        known = [(group, self.gold[key]) for key, group in zip(keys, groups, strict=True) if key in self.gold]
        disagreements = [disagreement(group, of_group) for group, of_group in zip(groups, views, strict=bool(views))]
        shares = [share for share in disagreements if share is not None]
        if shares:
            measured["view_disagreement"] = sum(shares) / len(shares)
        if known:
            measured["accuracy"] = sum(accuracy(group, gold) for group, gold in known) / len(known)
        return measured


def unread_reason(history: Sequence[Mapping[str, Any]], window: int = WINDOW, share: float = 0.5) -> str | None:
    """Return why the votes of a run are unreliable, from its log: most completions have no answer or are truncated."""
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
    history: Sequence[Mapping[str, Any]], window: int = WINDOW, common: float = 0.6, drop: float = 0.15
) -> str | None:
    """Return why a run looks collapsed, from its log: one answer to many questions, or a fall of the accuracy alone."""
    steps = [entry for entry in history if "commonest_answer" in entry]
    if len(steps) < window:
        return None
    share = fmean(step["commonest_answer"] for step in steps[-window:])
    if share > common:
        return f"one answer has {share:.0%} of the completions of the last {window} steps, over all questions"
    with_accuracy = [step for step in steps if "accuracy" in step]
    earlier = [with_accuracy[i : i + window] for i in range(len(with_accuracy) - 2 * window + 1)]
    if not earlier:
        return None
    best = max(earlier, key=lambda steps: fmean(step["accuracy"] for step in steps))
    return _fall(best, with_accuracy[-window:], drop)


def _fall(best: Sequence[Mapping[str, float]], last: Sequence[Mapping[str, float]], drop: float) -> str | None:
    accuracies_before, accuracies_now = ([step["accuracy"] for step in steps] for steps in (best, last))
    error = math.sqrt((variance(accuracies_before) + variance(accuracies_now)) / len(last))
    reward_gain = fmean(step["reward"] for step in last) - fmean(step["reward"] for step in best)
    if fmean(accuracies_before) - fmean(accuracies_now) <= max(drop, 3 * error) or reward_gain < 0:
        return None
    return f"accuracy fell from {fmean(accuracies_before):.2f} to {fmean(accuracies_now):.2f} while the reward did not"


class CollapseAlarm(TrainerCallback):
    """Warn once when a run looks collapsed, and once when most completions are unread or truncated.

    It uses the log, which checkpoints contain, so that a resumed run gives the warnings of an uninterrupted one.
    """

    def __init__(self, stop: bool = False) -> None:
        """Start without an alarm."""
        self.stop = stop
        self.collapsed_at: int | None = None
        self._open = {"the run looks collapsed": collapse_reason, "its votes cannot be trusted": unread_reason}

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Check the log after each entry."""
        for what, reason_of in list(self._open.items()):
            reason = reason_of(state.log_history)
            if reason is None:
                continue
            del self._open[what]
            if state.is_world_process_zero:
                _log.warning("step %d: %s: %s", state.global_step, what, reason)
            if reason_of is collapse_reason:
                self.collapsed_at = state.global_step
                if self.stop:
                    control.should_training_stop = True
