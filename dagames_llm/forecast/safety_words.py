"""A forecast with budgets as a table and as sentences; every number is taken from its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from dagames_llm.counted import counted
from dagames_llm.forecast.words import cell, show_lines

if TYPE_CHECKING:
    from dagames_llm.forecast.costed_questions import CostedQuestion
    from dagames_llm.forecast.safety_forecast import SafetyPlan

SAFETY_CAVEATS = (
    (
        "Given the multipliers, each question is solved separately. Questions share the parameters of the model, so "
        "training on the questions of one constraint also changes the costs of others; this effect is not modelled."
    ),
    (
        "Multipliers are updated once per generation. The change of the policy between two updates depends on the "
        "optimiser and is unknown; costs are also printed for other step sizes of the policy."
    ),
    (
        "The path uses expected costs. In a run the mean cost of a generation is noisy, and a multiplier cannot fall "
        "below 0, so that near 0 the multiplier of a run is larger than that of the forecast."
    ),
    "A completion that was not sampled has probability 0 throughout the forecast.",
)
"""Limits of a forecast with budgets, printed with it and stored in its JSON."""


def run_safety(
    questions: Sequence[CostedQuestion],
    plan: SafetyPlan,
    matched: tuple[str, float] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Compute a forecast with a progress bar, and return it as plain data."""
    from dagames_llm.forecast.place import place_on
    from dagames_llm.forecast.safety_forecast import safety_forecast
    from dagames_llm.progress import progress_bar

    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("solving", total=None)
        content = safety_forecast(questions, plan, lambda done, total: bar.update(task, completed=done, total=total))
    if matched is not None:
        content["match"] = {"statistic": matched[0], "value": matched[1], **place_on(content["path"], *matched)}
    content["caveats"] = [*SAFETY_CAVEATS, *notes]
    return content


def safety_table(content: Mapping[str, Any]) -> Table:
    """Return the statistics before training, after the steps and at the rest point, side by side."""
    reward = "budgets alone" if content["target"] is None else f"{content['target']} and budgets"
    title = (
        f"Forecast: {reward}, beta {content['beta']:g}, groups of {content['group_size']}, "
        f"{counted(content['questions'], 'question')}, {counted(content['completions']['all'], 'completion')}"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.caption = "95 % intervals: questions and completions drawn again"
    stages = {"now": content["reference"], counted(content["steps"], "step"): content["after_steps"]}
    if content["equilibrium"] is not None:
        stages["rest point"] = content["equilibrium"]
    table.add_column("")
    for name in stages:
        table.add_column(name, justify="right", no_wrap=True)
    for row in content["constraints"]:
        key = f"safety/{row['name']}"
        table.add_row(f"cost, {row['name']}", *(cell(stage[f"{key}/cost"]) for stage in stages.values()))
        table.add_row(f"multiplier, {row['name']}", *(cell(stage[f"{key}/multiplier"]) for stage in stages.values()))
    for name, words in (("reward", "training reward"), ("kl", "KL, nats")):
        table.add_row(words, *(cell(stage[name]) for stage in stages.values()))
    return table


def safety_sentences(content: Mapping[str, Any]) -> list[str]:
    """Return the conclusions of a forecast with budgets as sentences."""
    conclusions = [_of(row, content) for row in content["constraints"]]
    optimum, rest = content["optimum"], content["rest"]
    if rest is None:
        conclusions.append("The rest point is not computed: the reward of the target depends on the policy.")
    elif optimum is not None and not optimum["feasible"]:
        nearest = ", ".join(f"{name} {value:.3g}" for name, value in optimum["nearest_budgets"].items())
        conclusions.append(
            f"No policy on the sampled completions meets all budgets; the nearest feasible budgets are {nearest}."
        )
    if rest is not None and rest["gap"] is not None:
        conclusions.append(f"The rest point was also computed by `dagames`: relative duality gap {rest['gap']:.1e}.")
    shown = [
        f"{', '.join(_cost(each, row) for row in content['constraints'])} at {each['step_size']:g}"
        for each in content["speeds"]
    ]
    conclusions.append(
        f"Costs after {counted(content['steps'], 'step')}, for several step sizes of the policy: {'; '.join(shown)}."
    )
    return conclusions


def _cost(speed: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    name = f"safety/{row['name']}/cost"
    return f"{speed['statistics'][name]['mean']:.2f}"


def _of(row: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    before = cell(content["reference"][f"safety/{row['name']}/cost"])
    state = "met" if row["met_before"] else "not met"
    text = (
        f"{row['name']}, {row['sense']} {row['budget']:g}, {counted(row['questions'], 'question')}: {before} before "
        f"training, {state}; {'met' if row['met_after'] else 'not met'} after {counted(content['steps'], 'step')}."
    )
    if not row["can_be_met"]:
        text += f" It cannot be met: the best mean cost on the sampled completions is {row['best_attainable']:.3g}."
    if "multiplier_at_rest" not in row:
        return text
    multiplier = cell(row["multiplier_at_rest"])
    if row["at_cap"]:
        state = "met" if row["met_at_rest"] else "not met"
        return f"{text} At the rest point the multiplier is at its cap {row['cap']:g} and the budget is {state}."
    if row["multiplier_at_rest"]["mean"] <= 1e-9:
        return f"{text} At the rest point it is met with a multiplier of 0 ({multiplier})."
    return f"{text} At the rest point it is met with equality; the multiplier is {multiplier}, its cap {row['cap']:g}."


def show_safety(content: Mapping[str, Any], console: Console) -> None:
    """Print a forecast with budgets."""
    console.print(safety_table(content))
    show_lines(content, safety_sentences(content), console)
