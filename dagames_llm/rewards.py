"""TRL reward functions that evaluate a Target of `dagames.targets`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from accelerate import PartialState
from accelerate.utils import gather_object
from numpy.typing import NDArray

from dagames._choices import did_you_mean
from dagames.targets import AnswerGroup, Centrality, Target
from dagames_llm._errors import ExtractError, RecipeError
from dagames_llm.baselines import Baseline, Over, baseline_rewards, checked_rewards
from dagames_llm.costs import Cost, costs_of
from dagames_llm.data.orbit import canonical_letter, view_letters
from dagames_llm.distances import Distance, distance_named, distances_of
from dagames_llm.extract import Extractor, completion_text, extractor_named
from dagames_llm.grouping import (
    Step,
    Trace,
    as_identity,
    check_hash,
    check_lengths,
    digest,
    gather_step,
    prompt_text,
    together,
    views_of,
)
from dagames_llm.monitors import Monitor
from dagames_llm.settings import TrainerSettings, check_baseline, check_columns, find_settings, warn_of_standardised
from dagames_llm.target_checks import check_costs, check_kind, check_tables

Truncated = Literal["follow", "vote", "abstain"]

PATIENCE = 10
"""Number of generations with equal rewards within every group after which a warning is given."""

_log = logging.getLogger("dagames_llm")


class TargetReward:
    """A TRL reward function: the reward of each completion is the target's reward of its answer within its group.

    The function works in TRL's `GRPOTrainer` and `RLOOTrainer`, alone or with other rewards, on one or several
    processes. A group is the `num_generations` completions of one prompt, by position and not by equal text. If the
    data set has a column `orbit_id`, a group is all completions of a step with one `orbit_id`. In `OrbitGRPOTrainer`
    and `OrbitRLOOTrainer` a group is the completions of one orbit.

    At each step the function writes to the trainer's log: the share of completions without an answer, and of truncated
    ones; the share of the most frequent answer, within groups and over the step; the entropy of answers (nats); and the
    mean reward before a baseline is subtracted. The answers are a column of TRL's table of completions.

    >>> from dagames.targets import MajorityVote
    >>> reward = TargetReward(MajorityVote(), extract="last_number", group_size=3)
    >>> reward(prompts=["1 + 1?"] * 3, completions=["It is 2.", "#### 2", "3"])
    [1.0, 1.0, 0.0]
    """

    def __init__(
        self,
        target: Target,
        *,
        extract: str | Extractor = "last_number",
        group_size: int | None = None,
        distance: str | Distance | None = None,
        costs: Mapping[str, Cost] | None = None,
        gold: str | None = None,
        truncated: Truncated = "follow",
        baseline: Baseline = "group",
        over: Over = "orbit",
        monitor: Monitor | None = None,
        name: str | None = None,
    ) -> None:
        """Set the target, the extractor and the baseline.

        Args:
            target: A target of `dagames.targets`.
            extract: Extractor of the answer from a completion's text: a name of `dagames_llm.extract.EXTRACTORS`, or a
                function from a text to a hashable answer, or to None if there is no answer.
            group_size: Number of completions K of a group; by default that of the trainer (TRL 1.0 and later).
            distance: Distances between the traces of a group, for a target that needs them: "exact", "token_f1",
                "embedding", or one of `dagames_llm.distances`, or any function from texts and answers, [K] each, to
                [K, K].
            costs: Costs of completions by name, for a target that needs them.
            gold: Column of the data set with the reference answer, for a target that needs it. The extractor is applied
                to it as to completions. Other targets do not use it.
            truncated: Treatment of completions cut at the length limit. With "vote" their answers count; with
                "abstain" they count as completions without an answer; "follow" is "abstain" if TRL's
                `mask_truncated_completions` excludes them from the loss, and else "vote".
            baseline: The baseline subtracted from a trace's reward: "group", the mean of its group, which TRL
                subtracts; "leave_one_out", the mean of the others; "decoupled", the mean of the others recomputed
                without the trace (claim B.2), which needs an orbit trainer.
            over: The traces in that mean: all of the "orbit", or those of the same "view".
            monitor: The statistics of each step, with the accuracy if reference answers are known. They are logged, and
                do not affect rewards.
            name: Name in TRL's log; by default the target's class.

        Raises:
            RecipeError: If the value of an argument is not allowed, or an argument that the target needs is missing.
        """
        self.target = target
        self.extract = extractor_named(extract, "extract") if isinstance(extract, str) else extract
        self.group_size = group_size
        self.distance = distance_named(distance) if isinstance(distance, str) else distance
        self.costs = {} if costs is None else costs
        self.gold = gold
        self.truncated = truncated
        self.baseline = baseline
        self.over = over
        self.monitor = Monitor() if monitor is None else monitor
        self.__name__ = type(target).__name__ if name is None else name
        self._trainer: int | None = None
        self._flat_steps: int | None = 0
        self._check_kinds()
        self._check()

    def _check(self) -> None:
        check_kind(self.target)
        if not callable(self.extract):
            raise RecipeError(f"`extract` must be a name or a function, not {self.extract!r}.")
        size = self.group_size
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
            raise RecipeError(f"`group_size` is {size!r}; it must be an integer number of completions, at least 1.")
        if not isinstance(self.costs, Mapping) or not all(map(callable, self.costs.values())):
            raise RecipeError(
                f"`costs` must map names to functions of texts, {{'length': Length()}}, not {self.costs!r}."
            )
        for key, choices in {"truncated": Truncated, "baseline": Baseline, "over": Over}.items():
            value, known = getattr(self, key), get_args(choices)
            if value not in known:
                hint = did_you_mean(value, known)
                raise RecipeError(f"`{key}` is {value!r}; known are {', '.join(map(repr, known))}.{hint}")
        available = {"distances": callable(self.distance), "costs": bool(self.costs), "gold": self.gold is not None}
        for need, argument in {"distances": "distance", "costs": "costs", "gold": "gold"}.items():
            if need in self.target.needs and not available[need]:
                raise RecipeError(f"{type(self.target).__name__} needs {need}: pass `{argument}=` to TargetReward.")
        check_costs(self.target, self.costs)
        if size is not None:
            check_tables(self.target, size)

    def _check_kinds(self) -> None:
        if not isinstance(self.__name__, str) or not isinstance(self.gold, str | None):
            raise RecipeError(f"`name` is {self.__name__!r} and `gold` is {self.gold!r}; each must be a text or None.")
        if not isinstance(self.monitor, Monitor):
            raise RecipeError(f"`monitor` is {self.monitor!r:.60}; it must be a Monitor or None.")
        if not (self.distance is None or callable(self.distance)):
            raise RecipeError(
                f"`distance` is {self.distance!r:.60}; it must be a name, a function of texts and answers, or None."
            )

    def __call__(
        self,
        /,
        *,
        completions: Sequence[Any],
        prompts: Sequence[Any] | None = None,
        completion_ids: Sequence[Sequence[int]] | None = None,
        trainer_state: Any = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        environments: Sequence[Any] | None = None,
        **columns: Sequence[Any],
    ) -> list[float]:
        """Return the rewards of this process's completions.

        Args:
            completions: Texts, or lists of assistant messages.
            prompts: The prompt of each completion.
            completion_ids: The tokens of each completion, which show whether it is truncated.
            trainer_state: TRL's state, whose step selects the target of a schedule.
            log_extra: TRL's function for columns of its table of completions.
            log_metric: TRL's function for numbers of its log, a method of the trainer.
            environments: TRL's environments, which may change the prompts of a group.
            columns: The data set's other columns.

        Returns:
            One finite reward per completion of this process.

        Raises:
            GroupError: If the completions cannot be put into groups.
            ExtractError: If the extractor fails.
        """
        settings = find_settings(log_metric, self.group_size)
        self._check_trainer(settings, columns)
        check_lengths(len(completions), {"prompts": prompts, **columns})
        target = self.target.at(int(getattr(trainer_state, "global_step", 0) or 0))
        cut = self._truncated(completion_ids, settings, len(completions))
        local = together(lambda: self._read(completions, prompts, cut, settings, columns))
        # The argument may also be a column of the data set with this name.
        changed = environments if settings.trainer is None else getattr(settings.trainer, "environments", None)
        step = gather_step(local, settings.group_size, same_question=changed is None)
        raw, rewards = together(lambda: self._score(target, step))
        self._warn_of_flat_rewards(raw, step, settings)
        self._report(step, raw, settings, log_extra, log_metric)
        return list(rewards.tolist())

    def _check_trainer(self, settings: TrainerSettings, columns: Mapping[str, Sequence[Any]]) -> None:
        """Check the trainer's settings at its first call; several trainers may share one reward."""
        if settings.trainer is None:
            return
        check_baseline(self, settings.trainer)
        if self._trainer != id(settings.trainer):
            self._trainer, self._flat_steps = id(settings.trainer), 0
            warn_of_standardised(settings.trainer)
            check_columns(settings.trainer, columns)

    def _warn_of_flat_rewards(self, raw: NDArray[np.float64], step: Step, settings: TrainerSettings) -> None:
        """Warn once if the rewards are equal within every group of the first steps, so that nothing is learned."""
        if self._flat_steps is None or settings.trainer is None or not settings.trainer.model.training:
            return
        places_by_group = [np.asarray(places) for places in step.of_this_process()]
        local_places = [
            places[(places >= step.start) & (places < step.stop)] - step.start for places in places_by_group
        ]
        # All processes count the same steps, so that all of them take part in this exchange, or none.
        if any(gather_object([any(bool(np.ptp(raw[places]) > 0) for places in local_places)])):
            self._flat_steps = None
            return
        self._flat_steps += 1
        if self._flat_steps == PATIENCE and PartialState().is_main_process:
            _log.warning(
                "%s gave all traces of each group the same reward in the first %d generations: nothing is learned. "
                "Look at `unparsed` and at the column `answer`; a target that compares views needs prompts with "
                "paraphrases (an `orbit_id`, or OrbitGRPOTrainer).",
                self.__name__,
                PATIENCE,
            )
        if self._flat_steps == PATIENCE:
            self._flat_steps = None

    def _truncated(
        self, completion_ids: Sequence[Sequence[int]] | None, settings: TrainerSettings, number: int
    ) -> list[bool]:
        ends = settings.end_tokens
        if completion_ids is None or not ends:
            if self.truncated == "abstain":
                raise RecipeError(
                    "`truncated` is 'abstain', but the trainer passes no `completion_ids`, or its end tokens are not "
                    "known, so that truncated completions cannot be identified. Use truncated='vote'."
                )
            return [False] * number
        return [len(ids) == 0 or ids[-1] not in ends for ids in completion_ids]

    def _read(
        self,
        completions: Sequence[Any],
        prompts: Sequence[Any] | None,
        cut: Sequence[bool],
        settings: TrainerSettings,
        columns: Mapping[str, Sequence[Any]],
    ) -> list[Trace]:
        abstain = self.truncated == "abstain" or (self.truncated == "follow" and settings.masks_truncated)
        # With other trainers `view` and `orbit` are columns of the data set.
        numbered = "view" in columns and "orbit" in columns and (settings.trainer is None or settings.over_orbits)
        by_id = columns.get("orbit_id") if not numbered else None
        gold = self._gold(columns, len(completions))
        with_text = not self.target.needs.isdisjoint({"texts", "distances", "costs"})
        traces = []
        for i, completion in enumerate(completions):
            text = completion_text(completion)
            views = columns["orbit"][i] if numbered else [prompts[i]] if prompts is not None else []
            traces.append(
                Trace(
                    question=digest(views),
                    orbit_id=None if by_id is None else as_identity(by_id[i], i),
                    view=int(columns["view"][i]) if numbered else None if by_id is not None else 0,
                    answer=None
                    if cut[i] and abstain
                    else canonical_letter(self._answer(text, i), view_letters(columns, i)),
                    truncated=bool(cut[i]),
                    text=text if with_text else "",
                    gold=gold[i],
                    first_view=prompt_text(views[0]) if self.monitor.gold and views else "",
                )
            )
        return traces

    def _gold(self, columns: Mapping[str, Sequence[Any]], number: int) -> list[Hashable]:
        if "gold" not in self.target.needs or self.gold is None:
            return [None] * number
        if self.gold not in columns:
            listed = ", ".join(["prompt", *sorted(columns)])
            raise RecipeError(
                f"`gold` is {self.gold!r}, but the data set has no such column; it has {listed}. "
                "With `remove_unused_columns=True` the trainer drops it."
            )
        read = [None if value is None else self._answer(str(value), i) for i, value in enumerate(columns[self.gold])]
        for i, (value, answer) in enumerate(zip(columns[self.gold], read, strict=True)):
            if answer is None:
                raise ExtractError(
                    f"no answer is read in `{self.gold}` of row {i}, {value!r:.80}. Remove rows without a reference "
                    "answer, or choose `extract` to fit."
                )
        return list(read)

    def _answer(self, text: str, row: int) -> Hashable:
        try:
            answer = self.extract(text)
            check_hash(answer)
        except Exception as error:
            name = getattr(self.extract, "__name__", type(self.extract).__name__)
            raise ExtractError(
                f"the extractor {name} failed on completion {row}, which begins {text[:80]!r}: "
                f"{type(error).__name__}: {error}. An extractor returns a hashable answer, or None for no answer."
            ) from error
        return answer

    def _score(self, target: Target, step: Step) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the rewards of this process's rows, before and after the baseline, [rows] each."""
        raw, rewards = np.zeros(len(step.traces)), np.zeros(len(step.traces))
        places = step.of_this_process()
        for where, group in zip(places, self._groups(target, step, places), strict=True):
            of_group = checked_rewards(target, group)
            raw[where] = of_group
            rewards[where] = baseline_rewards(target, group, of_group, self.baseline, self.over)
        return raw[step.start : step.stop], rewards[step.start : step.stop]

    def _groups(self, target: Target, step: Step, places: Sequence[Sequence[int]]) -> Iterator[AnswerGroup]:
        members = [[step.traces[place] for place in group] for group in places]
        texts = [[trace.text for trace in traces] for traces in members]
        answers = [[trace.answer for trace in traces] for traces in members]
        # All groups at once, so that a sentence encoder has full batches.
        distances = (
            distances_of(self.distance, list(zip(texts, answers, strict=True)))
            if "distances" in target.needs and self.distance is not None
            else [None] * len(members)
        )
        for i, traces in enumerate(members):
            yield AnswerGroup(
                answers[i],
                views_of(traces),
                distances=distances[i],
                costs={name: costs_of(cost, texts[i]) for name, cost in self.costs.items()}
                if "costs" in target.needs
                else None,
                texts=texts[i] if "texts" in target.needs else None,
                gold=traces[0].gold,
            )

    def _report(
        self,
        step: Step,
        raw: NDArray[np.float64],
        settings: TrainerSettings,
        log_extra: Callable[[str, list[Any]], None] | None,
        log_metric: Callable[[str, float], None] | None,
    ) -> None:
        prefix = f"{self.__name__}/" if settings.others(self) else ""
        if log_extra is not None:
            local = step.traces[step.start : step.stop]
            log_extra(f"{prefix}answer", ["" if t.answer is None else str(t.answer) for t in local])
        if log_metric is None:
            return
        answers = [[step.traces[place].answer for place in places] for places in step.groups]
        first_views = [step.traces[places[0]].first_view for places in step.groups]
        views = [views_of([step.traces[place] for place in places]) for places in step.groups]
        measured = self.monitor.measure(first_views, answers, [list(of_group) for of_group in views])
        if settings.trainer is None or settings.trainer.model.training:
            firsts = [step.traces[places[0]] for places in step.groups]
            questions = [first.question if first.orbit_id is None else str(first.orbit_id) for first in firsts]
            measured |= self.monitor.follow(first_views, questions, answers)
        measured["truncated"] = sum(trace.truncated for trace in step.traces) / len(step.traces)
        if self.baseline != "group" or self.over != "orbit":
            measured["target_reward"] = float(raw.mean())
        for name, value in measured.items():
            log_metric(prefix + name, value)


class PairwiseReward(TargetReward):
    """Pairwise-GRPO (Algorithm 2): the reward of a completion is minus its mean distance to the others of its group.

    This is `TargetReward(Centrality(), distance=...)`. Algorithm 2 also counts the distance 0 of a completion to itself
    and adds 1, which only changes the scale, by (K - 1) / K, and the mean, which TRL subtracts.

    >>> reward = PairwiseReward("token_f1", extract="text", group_size=3)
    >>> reward(prompts=["Largest river?"] * 3, completions=["The Amazon", "Amazon", "the Nile"])
    [-0.5, -0.5, -1.0]
    """

    def __init__(
        self, distance: str | Distance = "embedding", *, extract: str | Extractor = "text", **more: Any
    ) -> None:
        """Set the distance.

        Args:
            distance: "exact", "token_f1", "embedding", or any other value that `TargetReward` accepts.
            extract: See `TargetReward`; "embedding" compares numbers and short answers exactly.
            more: See `TargetReward`.
        """
        super().__init__(Centrality(), extract=extract, distance=distance, **more)
