"""A forecast with budgets as a table and as sentences; every number is taken from its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from dagames_llm.forecast.words import cell, show_lines

if TYPE_CHECKING:
    from dagames_llm.forecast.costed_questions import CostedQuestion
    from dagames_llm.forecast.safety_forecast import SafetyPlan

SAFETY_CAVEATS = (
    (
        "Each question is solved by itself. A model shares its parameters: what it learns on the questions of one "
        "constraint carries over to those of another, which no forecast on completions knows."
    ),
    (
        "Multipliers move once a generation, which is known; how far an optimiser moves the policy in that time is "
        "not. The speeds show what depends on it."
    ),
    (
        "The mean course is followed. The mean cost of one generation is noisy, and a multiplier near 0 is pushed up "
        "by it and cannot be pushed below 0, so that a run's multiplier lies above the forecast's there."
    ),
    "A completion that was not sampled has probability 0 in the forecast and cannot be won.",
)
"""Limits of a forecast with budgets, printed with it and stored in its JSON."""


def run_safety(
    questions: Sequence[CostedQuestion],
    plan: SafetyPlan,
    place: tuple[str, float] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Forecast with a bar, and return all that is known as plain data."""
    from dagames_llm.forecast.place import place_on
    from dagames_llm.forecast.safety_forecast import safety_forecast
    from dagames_llm.progress import progress_bar

    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("solving", total=None)
        content = safety_forecast(questions, plan, lambda done, total: bar.update(task, completed=done, total=total))
    if place is not None:
        content["match"] = {"statistic": place[0], "value": place[1], **place_on(content["path"], *place)}
    content["caveats"] = [*SAFETY_CAVEATS, *notes]
    return content


def safety_table(content: Mapping[str, Any]) -> Table:
    """Return the statistics now, after the steps and at rest, side by side."""
    reward = "budgets alone" if content["target"] is None else f"{content['target']} and budgets"
    title = (
        f"Forecast: {reward}, beta {content['beta']:g}, groups of {content['group_size']}, {content['questions']} "
        f"questions, {content['completions']['all']} completions"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.caption = "95 % intervals: questions and completions drawn again"
    stages = {"now": content["reference"], f"{content['steps']} steps": content["after_steps"]}
    if content["equilibrium"] is not None:
        stages["rest"] = content["equilibrium"]
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
    """Return what follows from a forecast with budgets, in words."""
    found = [_of(row, content) for row in content["constraints"]]
    optimum, rest = content["optimum"], content["rest"]
    if rest is None:
        found.append("With a target whose reward depends on the policy, where the run rests is not computed.")
    elif optimum is not None and not optimum["feasible"]:
        nearest = ", ".join(f"{name} {value:.3g}" for name, value in optimum["nearest_budgets"].items())
        found.append(f"No policy on the sampled completions keeps all budgets together; the nearest are {nearest}.")
    if rest is not None and rest["gap"] is not None:
        found.append(
            f"Where the run rests was solved a second time by `dagames`: relative duality gap {rest['gap']:.1e}."
        )
    shown = [
        f"{', '.join(_cost(each, row) for row in content['constraints'])} at {each['step_size']:g}"
        for each in content["speeds"]
    ]
    found.append(f"Costs after {content['steps']} steps by the policy's step size: {'; '.join(shown)}.")
    return found


def _cost(speed: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    name = f"safety/{row['name']}/cost"
    return f"{speed['statistics'][name]['mean']:.2f}"


def _of(row: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    before = cell(content["reference"][f"safety/{row['name']}/cost"])
    state = "met" if row["met_before"] else "not met"
    text = (
        f"{row['name']}, {row['sense']} {row['budget']:g}, {row['questions']} questions: {before} before training, "
        f"{state}; {'met' if row['met_after'] else 'not met'} after {content['steps']} steps."
    )
    if not row["can_be_met"]:
        text += f" It cannot be met: the sampled completions reach {row['best_attainable']:.3g} at best."
    if "multiplier_at_rest" not in row:
        return text
    price = cell(row["multiplier_at_rest"])
    if row["at_cap"]:
        kept = "met" if row["met_at_rest"] else "not met"
        return f"{text} At rest its multiplier is at the cap {row['cap']:g} and the budget {kept}."
    if row["multiplier_at_rest"]["mean"] <= 1e-9:
        return f"{text} At rest it is met at a multiplier of 0 ({price})."
    return f"{text} At rest it is met exactly, at a multiplier of {price}; the cap is {row['cap']:g}."


def show_safety(content: Mapping[str, Any], console: Console) -> None:
    """Print a forecast with budgets."""
    console.print(safety_table(content))
    show_lines(content, safety_sentences(content), console)
