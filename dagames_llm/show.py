"""Terminal output: the progress of a run and the tables of its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from transformers import TrainerCallback

from dagames_llm.counted import counted
from dagames_llm.data import Orbit
from dagames_llm.evaluation.evaluate import Decoding, Draw, Measure, evaluate
from dagames_llm.evaluation.journal import Journal
from dagames_llm.evaluation.statistic_names import STATISTICS, statistics_in_order
from dagames_llm.extract import Extractor
from dagames_llm.progress import progress_bar

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerControl, TrainerState, TrainingArguments

SHOWN = {
    "reward": "reward",
    "majority_ratio": "majority ratio",
    "answer_entropy": "answer entropy",
    "view_disagreement": "disagreement of views",
    "flip_rate": "votes that flipped",
    "extinct": "right answers lost",
    "kl": "KL",
    "accuracy": "true accuracy",
}
LIVE = {
    "reward": "reward",
    "majority_ratio": "majority",
    "answer_entropy": "entropy",
    "kl": "KL",
    "flip_rate": "flips",
    "unparsed": "unread",
    "truncated": "truncated",
    "accuracy": "accuracy",
}


@dataclass(frozen=True)
class Examination:
    """An evaluation of several models on the same questions with the same settings, with a progress bar.

    Attributes:
        orbits: the questions.
        extractor: extracts answers.
        decoding: settings of the completions.
        tokenizer: tokenizer of all models.
        views: names of the wordings.
        console: console of the bar.
        measures: other statistics of the sampled completions, by name.
        ks: the k of maj@k and pass@k; powers of two if empty.
        journal: file of completions for continuing after an interruption, or None.
    """

    orbits: Sequence[Orbit]
    extractor: Extractor
    decoding: Decoding
    tokenizer: PreTrainedTokenizerBase
    views: Sequence[str] | None
    console: Console
    measures: Mapping[str, Measure] = field(default_factory=dict)
    ks: Sequence[int] = ()
    journal: Journal | None = None

    def of(self, name: str, model: PreTrainedModel | None, draw: Draw | None = None) -> dict[str, Any]:
        """Return the result of `evaluate`, labelled `name`; `draw`, if given, completes prompts for the model."""
        if self.journal is not None:
            self.journal.part = name
        with progress_bar(self.console) as bar:
            task = bar.add_task(f"evaluating {name}")
            return evaluate(
                model,
                self.tokenizer,
                self.orbits,
                self.extractor,
                self.decoding,
                self.views,
                lambda done, total: bar.update(task, completed=done, total=total),
                self.measures,
                ks=self.ks,
                journal=self.journal,
                draw=draw,
            )


class ShowSteps(TrainerCallback):
    """Print each step's statistics, with a progress bar on a terminal."""

    def __init__(self, console: Console) -> None:
        """Write to a console."""
        self.console = console
        self.bar = progress_bar(console)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the bar, at the step from which a resumed run continues."""
        if state.is_world_process_zero:
            self.task = self.bar.add_task("training", total=state.max_steps, completed=state.global_step)
            self.bar.start()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Print a step's statistics."""
        if state.is_world_process_zero and logs and "reward" in logs:
            self.bar.update(self.task, completed=state.global_step)
            shown = "  ".join(f"{name} {logs[key]:.3f}" for key, name in live_names(logs) if logs.get(key) is not None)
            self.console.print(f"step {state.global_step:>3}  {shown}", highlight=False)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop the bar."""
        self.bar.stop()


def live_names(logs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the entries of a step's log that are printed during a run, with their labels."""
    safety = [(key, key.removeprefix("safety/").replace("/", " ")) for key in sorted(logs) if key.startswith("safety/")]
    return [*LIVE.items(), *safety]


def interval(estimate: Mapping[str, float]) -> str:
    """Return a mean with its interval: `.91 [.85, .96]`."""
    return f"{estimate['mean']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


def evaluation_table(title: str, columns: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return evaluations side by side."""
    first = next(iter(columns.values()))
    table = Table(title=title, title_justify="left")
    table.caption = "95 % intervals over questions: Wilson's for one binary outcome per question, else bootstrap"
    table.add_column("")
    for name, result in columns.items():
        size = f"{counted(result['n_orbits'], 'question')}\n{counted(result['n_prompts'], 'prompt')}"
        table.add_column(f"{name}\n{size}", justify="right")
    for view in first["views"]:
        for kind in ("greedy", "sampled"):
            cells = [interval(result["views"][view][kind]) for result in columns.values()]
            table.add_row(f"{view}, {kind} accuracy", *cells)
    table.add_section()
    for kind in statistics_in_order(dict.fromkeys(kind for result in columns.values() for kind in result["orbit"])):
        cells = [interval(result["orbit"][kind]) if kind in result["orbit"] else "-" for result in columns.values()]
        table.add_row(STATISTICS.get(kind, kind), *cells)
    return table


def mean_of(history: Sequence[Mapping[str, float]], key: str) -> str:
    """Return the mean of a statistic over some steps, or a dash."""
    values = [step[key] for step in history if key in step]
    return f"{sum(values) / len(values):.2f}" if values else "-"


def steps_table(history: Sequence[Mapping[str, float]], window: int = 5) -> Table:
    """Return the statistics of the first and last training steps."""
    table = Table(title="On training questions; true accuracy was measured and not rewarded", title_justify="left")
    table.add_column("")
    table.add_column(f"first {window} steps", justify="right")
    table.add_column(f"last {window} steps", justify="right")
    for key, name in SHOWN.items():
        table.add_row(name, mean_of(history[:window], key), mean_of(history[-window:], key))
    return table


def summary_table(live: Mapping[str, Any] | None, committed: Sequence[Mapping[str, Any]]) -> Table:
    """Return this run and the committed runs, before and after training, each on the held-out questions of the run."""
    title = "Held-out questions of each run; training reward: first and last steps"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for name in ("run", "", *SUMMARY, "training\nreward"):
        table.add_column(name, justify="left" if name in ("run", "") else "right", no_wrap=True)
    if live is not None:
        table.add_row(
            f"this run\nseed {live['seed']}", "before\nafter", *_summary(live), style="bold", end_section=True
        )
    if committed:
        table.caption = "earlier: results committed with the code, with other seeds"
    for result in committed:
        table.add_row(f"earlier\nseed {result['seed']}", "before\nafter", *_summary(result), end_section=True)
    return table


SUMMARY = {
    "a + b\ngreedy": ("views", "a + b", "greedy"),
    "a + b\nsampled": ("views", "a + b", "sampled"),
    "b + a\ngreedy": ("views", "b + a", "greedy"),
    "b + a\nsampled": ("views", "b + a", "sampled"),
    "majority\nratio": ("orbit", "majority_ratio"),
    "answer\nentropy": ("orbit", "answer_entropy"),
}


def _summary(result: Mapping[str, Any]) -> list[str]:
    """Return the cells of a run, its two numbers above each other."""
    pairs = [
        tuple(f"{reduce(getitem, path, result[end])['mean']:.2f}" for end in ("before", "after"))
        for path in SUMMARY.values()
    ]
    pairs.append((mean_of(result["history"][:5], "reward"), mean_of(result["history"][-5:], "reward")))
    return ["\n".join(pair) for pair in pairs]
