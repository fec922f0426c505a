"""Safety-GRPO in any TRL trainer: the penalty as a reward function, and the callback that saves its multipliers.

safety = SafetyReward([Constraint(Refusal(), budget=0.1, applies_to={"kind": "benign"}), ...])
GRPOTrainer(..., reward_funcs=[task_reward, safety], callbacks=[safety.callback])
"""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from dagames_llm._errors import ConstraintError, CostError
from dagames_llm.costs import costs_of
from dagames_llm.extract import completion_text
from dagames_llm.multipliers import PATIENCE, Constraint, DualAscent
from dagames_llm.selectors import Occurring, collect_values, explain_no_row, merged

RECORD = "dagames_llm.multipliers"
"""The entry of a trainer's state, and so of `trainer_state.json` in checkpoints, with the multipliers."""

SEVERAL = (
    "the trainer has several `SafetyReward`s, but a checkpoint holds the multipliers of one only. Put all constraints "
    "into one: SafetyReward([first, second])."
)


def _no_model() -> None:
    """Return None in place of the model, until a trainer has the callback."""


class SafetyCallback(TrainerCallback):
    """Saves the multipliers of a `SafetyReward` in each checkpoint, and holds a reference to the model.

    The multipliers are part of the trainer's state, which transformers writes with each checkpoint and reads before
    `on_train_begin` when it resumes. A readable copy, `multipliers.json`, is written into the checkpoint's folder.
    """

    def __init__(self, dual: DualAscent) -> None:
        """Set the multipliers to save."""
        self.dual = dual
        self._model: Callable[[], Any] = _no_model

    def __getstate__(self) -> dict[str, Any]:
        """Return the multipliers, the state of a copy; the trainer of the copy sets its model."""
        return {"dual": self.dual}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.dual, self._model = state["dual"], _no_model

    @property
    def training(self) -> bool:
        """Whether the trainer's model is in training mode, the condition that TRL uses."""
        model = self._model()
        if model is None:
            raise ConstraintError(
                "a `SafetyReward` is called by a trainer without its callback, so that its multipliers would be "
                "neither updated nor saved. Build the trainer with `callbacks=[safety.callback]`."
            )
        return bool(model.training)

    def _store_model(self, model: Any) -> None:
        if model is not None:
            self._model = weakref.ref(model)

    def on_init_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Store a reference to the model."""
        self._store_model(model)

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Restore the multipliers of the checkpoint from which the run resumes."""
        self._store_model(model)
        saved = state.stateful_callbacks.get(RECORD)
        if (
            saved is not None
            and state.global_step == 0
            and sorted(saved["constraints"]) != sorted(self.dual.multipliers)
        ):
            raise ConstraintError(SEVERAL)  # without a checkpoint, only another callback of this run can have set them
        if saved is not None:
            self.dual.load_state_dict(saved)
        elif state.global_step > 0:
            warnings.warn(
                f"the checkpoint of step {state.global_step} holds no multipliers: it was written without the safety "
                "callback. They start at 0.",
                UserWarning,
                stacklevel=2,
            )
        self._record(state)
        _warn_of_scaling(args)

    def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Update the reference to the model, which may have been wrapped."""
        self._store_model(model)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Store the multipliers in the trainer's state, for a checkpoint of this step."""
        self._record(state)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write `multipliers.json` into the checkpoint that was just written."""
        folder = Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
        if state.is_world_process_zero and folder.is_dir():
            self.dual.save(folder)

    def _record(self, state: Any) -> None:
        state.stateful_callbacks[RECORD] = self.dual.state_dict()


def _warn_of_scaling(args: Any) -> None:
    scaled = [
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}"
        for name, without in (
            ("scale_rewards", "none"),
            ("normalize_advantages", False),
            ("multi_objective_aggregation", "sum_then_normalize"),
        )
        if (value := getattr(args, name, without)) != without
    ]
    if scaled:
        warnings.warn(
            f"{', '.join(scaled)} divides rewards by their standard deviation: with a single constraint and no other "
            "reward the update does not depend on the multiplier (claim B.7), and with other rewards the weight of the "
            'penalty relative to them and to the KL changes from group to group. Use scale_rewards="none" (GRPO) or '
            "normalize_advantages=False (RLOO).",
            UserWarning,
            stacklevel=3,
        )


class SafetyReward:
    """-sum_i lambda_i c_i for each completion, over the constraints that apply to its row (Algorithm 4, eq. 14).

    This is a TRL reward function. After each training generation the multipliers are updated once, from the costs on
    all processes; the rewards of that generation use the multipliers before the update. In evaluation the multipliers
    are constant. The trainer's log has the mean costs and the multipliers as `safety/<name>/cost` and
    `safety/<name>/multiplier`.

    A second call of `train` on the same trainer continues with the present multipliers; a run that resumes from a
    checkpoint continues with those of the checkpoint.

    Attributes:
        dual: The constraints and their multipliers.
        callback: The callback that the trainer needs: `callbacks=[safety.callback]`.
    """

    def __init__(self, constraints: Constraint | Sequence[Constraint]) -> None:
        """Set the constraints, with multipliers of 0.

        Args:
            constraints: One constraint, or several with different names.

        Raises:
            ConstraintError: If an element is not a `Constraint`, two names are equal, or two bounds contradict.
        """
        if isinstance(constraints, str) or not isinstance(constraints, Constraint | Sequence):
            raise ConstraintError(
                f"`constraints` is {constraints!r}; it must be a `Constraint` or a list of these, such as "
                "SafetyReward([Constraint(Refusal(), budget=0.1)])."
            )
        self.dual = DualAscent([constraints] if isinstance(constraints, Constraint) else constraints)
        self.callback = SafetyCallback(self.dual)
        self.__name__ = "safety"
        self._generations = 0
        self._occurring: Occurring = {}

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float]:
        """Return the penalty of each row of this process.

        Args:
            prompts: The prompt of each row.
            completions: Texts, or lists of assistant messages.
            log_metric: TRL's function for numbers of its log.
            columns: The data set's other columns, and other arguments of TRL.

        Returns:
            One finite number for each row; at most 0 if all costs are at least 0 and all constraints "at most".

        Raises:
            CostError: If a cost failed, on this or another process.
            ConstraintError: If the trainer lacks the callback, or a row lacks a column of `applies_to`.
        """
        self._check_alone(log_metric)
        training = self.callback.training
        multipliers = self.dual.state.multipliers
        rewards = [0.0] * len(completions)
        costs: list[list[float]] = [[] for _ in multipliers]
        failure: Exception | None = None
        try:
            rows = rows_of(prompts, completions, columns)
            texts = [completion_text(completion) for completion in completions]
            for i, constraint in enumerate(self.dual.constraints):
                chosen = [k for k, row in enumerate(rows) if constraint.applies(row)]
                costs[i] = costs_of(constraint.cost, [texts[k] for k in chosen], chosen).tolist()
                for k, cost in zip(chosen, costs[i], strict=True):
                    rewards[k] -= multipliers[i] * constraint.sign * cost
        except Exception as error:  # noqa: BLE001
            # Raised after the exchange, on every process: the others are waiting in it.
            failure = error
        sums, counts = exchanged(costs, failure)
        self._log(log_metric, sums, counts, training=training)
        if training:
            self.dual.update(sums, counts, report=PartialState().is_main_process)
            self._warn_of_unused(prompts, completions, columns)
        return rewards

    def _warn_of_unused(self, prompts: Sequence[Any], completions: Sequence[Any], columns: Mapping[str, Any]) -> None:
        """Warn once of constraints that have applied to no row in the first generations: they have no effect."""
        if self._generations >= PATIENCE:
            return
        self._generations += 1
        rows = rows_of(prompts, completions, columns)
        unused = [c for c, n in zip(self.dual.constraints, self.dual.state.generations, strict=True) if n == 0]
        for constraint in unused:
            collect_values(constraint.applies_to, rows, self._occurring)
        # The state is equal on all processes, so that all of them exchange values, or none.
        if self._generations == PATIENCE and unused:
            self._occurring = merged(gather_object([self._occurring]))
        if self._generations == PATIENCE and PartialState().is_main_process:
            for constraint in unused:
                selector = "" if callable(constraint.applies_to) else f", {dict(constraint.applies_to or {})!r:.80}"
                warnings.warn(
                    f"constraint {constraint.name!r} applied to no row in the first {PATIENCE} generations, so that it "
                    f"has no effect: `applies_to`{selector}. {explain_no_row(constraint.applies_to, self._occurring)}",
                    UserWarning,
                    stacklevel=3,
                )

    def _check_alone(self, log_metric: Callable[[str, float], None] | None) -> None:
        """Raise for a second `SafetyReward` of the trainer: a checkpoint and the log hold the multipliers of one."""
        functions = getattr(getattr(log_metric, "__self__", None), "reward_funcs", None) or ()
        if sum(isinstance(function, SafetyReward) for function in functions) > 1:
            raise ConstraintError(SEVERAL)

    def _log(
        self, log_metric: Callable[[str, float], None] | None, sums: list[float], counts: list[int], *, training: bool
    ) -> None:
        if log_metric is None:
            return
        parts = zip(self.dual.constraints, self.dual.state.multipliers, sums, counts, strict=True)
        for constraint, multiplier, total, count in parts:
            if count:
                log_metric(f"safety/{constraint.name}/cost", total / count)
            if training:
                log_metric(f"safety/{constraint.name}/multiplier", multiplier)


def rows_of(prompts: Sequence[Any], completions: Sequence[Any], columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each row's columns, without the arguments of TRL that are not columns."""
    size = len(completions)
    lists = {name: values for name, values in columns.items() if isinstance(values, list) and len(values) == size}
    return [
        {"prompt": prompts[k], "completion": completions[k], **{name: values[k] for name, values in lists.items()}}
        for k in range(size)
    ]


def exchanged(costs: Sequence[Sequence[float]], failure: Exception | None) -> tuple[list[float], list[int]]:
    """Return the sums and counts of the costs over all processes, equal on each.

    The sums are correctly rounded, so that they do not depend on the distribution of the rows over the processes.

    Args:
        costs: This process's costs, one list for each constraint.
        failure: The exception of this process, if any.

    Returns:
        Sums and counts, [d] each.

    Raises:
        CostError: If another process failed.
    """
    parts = gather_object([(costs, None if failure is None else f"{type(failure).__name__}: {failure}")])
    if failure is not None:
        raise failure
    for process, (_, message) in enumerate(parts):
        if message is not None:
            raise CostError(f"process {process} could not score its completions. {message}")
    sums = [sum_of([cost for part, _ in parts for cost in part[i]]) for i in range(len(costs))]
    return sums, [sum(len(part[i]) for part, _ in parts) for i in range(len(costs))]


def sum_of(costs: Sequence[float]) -> float:
    """Return the correctly rounded sum of costs; raise a CostError if it overflows float64."""
    try:
        return math.fsum(costs)
    except OverflowError:
        raise CostError(
            f"the sum of {len(costs)} costs, the largest {max(costs, key=abs):.3g}, overflows. Scale the cost, also "
            "for texts that cannot be scored."
        ) from None
