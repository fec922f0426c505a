"""Safety-GRPO in any TRL trainer: the penalty as a reward function, and the callback that keeps its multipliers.

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
from dagames_llm.multipliers import Constraint, DualAscent

RECORD = "dagames_llm.multipliers"
"""The entry of a trainer's state, and so of each checkpoint's `trainer_state.json`, that holds the multipliers."""

SEVERAL = (
    "the trainer has several `SafetyReward`s, but a checkpoint holds the multipliers of one. Put all constraints into "
    "one: SafetyReward([first, second])."
)


def _no_model() -> None:
    """Stand for the model until a trainer has the callback."""


class SafetyCallback(TrainerCallback):
    """Keeps the multipliers of a `SafetyReward` in the checkpoints, and knows whether the model is in training.

    The multipliers go into the trainer's state, which transformers writes with each checkpoint and reads on resuming
    from wherever it lies, before `on_train_begin`; no checkpoint can be without them. A copy for readers,
    `multipliers.json`, is put beside it.
    """

    def __init__(self, dual: DualAscent) -> None:
        """Take the multipliers."""
        self.dual = dual
        self._model: Callable[[], Any] = _no_model

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: the multipliers; the model is noted anew when a trainer has the copy."""
        return {"dual": self.dual}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.dual, self._model = state["dual"], _no_model

    @property
    def training(self) -> bool:
        """Whether the trainer's model is in training mode, which is what TRL goes by."""
        model = self._model()
        if model is None:
            raise ConstraintError(
                "a `SafetyReward` is called by a trainer that lacks its callback: its multipliers would be neither "
                "updated nor saved. Build the trainer with `callbacks=[safety.callback]`."
            )
        return bool(model.training)

    def _see(self, model: Any) -> None:
        if model is not None:
            self._model = weakref.ref(model)

    def on_init_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Note the model."""
        self._see(model)

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Take over the multipliers of the checkpoint that is resumed from."""
        self._see(model)
        saved = state.stateful_callbacks.get(RECORD)
        if (
            saved is not None
            and state.global_step == 0
            and sorted(saved["constraints"]) != sorted(self.dual.multipliers)
        ):
            raise ConstraintError(SEVERAL)  # no checkpoint: another callback of this run put them there
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
        """Note the model, which may have been wrapped since."""
        self._see(model)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the multipliers into the trainer's state, of which a checkpoint may follow."""
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
            f"{', '.join(scaled)} divides rewards by their deviation: with a single constraint and no other reward the "
            "update then does not depend on the multiplier at all (claim B.7), and with others its weight against them "
            'and the KL changes from group to group. Use scale_rewards="none" (GRPO) or '
            "normalize_advantages=False (RLOO).",
            UserWarning,
            stacklevel=3,
        )


class SafetyReward:
    """-sum_i lambda_i c_i for each completion, over the constraints that apply to its row (Algorithm 4, eq. 14).

    A TRL reward function. The multipliers are updated once for each training generation, after its rewards were
    computed with the old ones, from the costs on all processes; in evaluation they are used and not updated. Mean costs
    and multipliers go to the trainer's log as `safety/<name>/cost` and `safety/<name>/multiplier`.

    A second call of `train` on the same trainer goes on with the multipliers where they are; resuming from a checkpoint
    takes the checkpoint's.

    Attributes:
        dual: The constraints and their multipliers.
        callback: To be given to the trainer: `callbacks=[safety.callback]`.
    """

    def __init__(self, constraints: Constraint | Sequence[Constraint]) -> None:
        """Take the constraints.

        Args:
            constraints: One or several, with different names.

        Raises:
            ConstraintError: If they are something else.
        """
        if not isinstance(constraints, Constraint | Sequence):
            raise ConstraintError(f"`constraints` is {constraints!r}; it is a `Constraint` or a list of these.")
        self.dual = DualAscent([constraints] if isinstance(constraints, Constraint) else constraints)
        self.callback = SafetyCallback(self.dual)
        self.__name__ = "safety"

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float]:
        """Return the penalty of each row of this process.

        Args:
            prompts: Of these rows.
            completions: Texts, or assistant messages.
            log_metric: TRL's hook for metrics.
            columns: The data set's other columns, and what else TRL passes.

        Returns:
            One finite number a row, at most 0 for costs of at least 0.

        Raises:
            CostError: If a cost failed, on this or another process.
            ConstraintError: If the trainer lacks the callback, or a row lacks a column by which rows are selected.
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
            # Raised below, on every process: the others wait in the exchange.
            failure = error
        sums, counts = exchanged(costs, failure)
        self._log(log_metric, sums, counts, training=training)
        if training:
            self.dual.update(sums, counts, report=PartialState().is_main_process)
        return rewards

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
    """Return each row's columns; what TRL passes that is no column is left out."""
    size = len(completions)
    lists = {name: values for name, values in columns.items() if isinstance(values, list) and len(values) == size}
    return [
        {"prompt": prompts[k], "completion": completions[k], **{name: values[k] for name, values in lists.items()}}
        for k in range(size)
    ]


def exchanged(costs: Sequence[Sequence[float]], failure: Exception | None) -> tuple[list[float], list[int]]:
    """Return the sums and numbers of the costs of all processes, the same on each.

    The sums are exact up to one rounding, so they do not depend on how the rows lie on the processes.

    Args:
        costs: This process's costs, a list a constraint.
        failure: Why this process has none.

    Returns:
        Sums and counts, [d] each.

    Raises:
        CostError: If another process has none.
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
    """Return the sum of costs, correctly rounded; raise CostError if it is none that float64 holds."""
    try:
        return math.fsum(costs)
    except OverflowError:
        raise CostError(
            f"the sum of {len(costs)} costs, the largest {max(costs, key=abs):.3g}, overflows. Scale the cost, for "
            "texts that cannot be scored too."
        ) from None
