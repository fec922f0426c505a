"""The forecast of `safety_cpu`, made from samples before training, beside what its run did.

`python -m benchmarks.forecast_safety --draw` samples the embedded model on the 60 requests (two minutes on a CPU);
`python -m benchmarks.forecast_safety` forecasts the run's own 40, follows its 20 held-out ones under the same
multipliers, and writes results/forecast/safety.json and the tables of docs/forecast.md.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "results" / "forecast" / "requests.jsonl"
RUN = ROOT / "results" / "cpu" / "safety_cpu.json"
OUT = ROOT / "results" / "forecast" / "safety.json"
PAGE = ROOT / "docs" / "forecast.md"
BEGIN, END = "<!-- safety: begin -->\n", "<!-- safety: end -->\n"
STAGES = ((1, 20), (21, 40), (41, 60))
"""First and last step of each epoch."""

GROUP = 8
"""Completions of a question."""


def compare() -> dict[str, Any]:
    """Forecast the run's training questions and its held-out ones, and put what was measured beside it."""
    from dagames_llm.config.named_rewards import constraints_of
    from dagames_llm.config.recipe import OrbitScriptArguments
    from dagames_llm.data import requests
    from dagames_llm.forecast.costed_questions import costed_questions
    from dagames_llm.forecast.reference_games import sample_rows
    from dagames_llm.forecast.safety_forecast import SafetyPlan, safety_forecast

    run = json.loads(RUN.read_text(encoding="utf-8"))
    recipe = run["recipe"]
    constraints = constraints_of(OrbitScriptArguments(constraints=recipe["constraints"]))
    task = requests(run["seed"])
    rows = {tuple(row["orbit"]): (place, row) for place, row in sample_rows(SAMPLES)}
    scored = {
        name: costed_questions(
            [rows[orbit.views] for orbit in orbits], constraints, str, by_answer=False, source=str(SAMPLES)
        )
        for name, orbits in (("trained", task.train), ("held_out", task.held_out))
    }
    K = recipe["num_generations"]
    together = recipe["per_device_train_batch_size"] // K
    plan = SafetyPlan(constraints, recipe["beta"], K, recipe["max_steps"], together=together)
    trained = safety_forecast(scored["trained"], plan)
    path = trained.pop("path")
    names = [c.name for c in constraints]
    return {
        "seed": run["seed"],
        "names": names,
        "forecast": trained,
        "stages": [
            {
                "steps": [first, last],
                "measured": {name: _measured(run["history"], names, i, first, last) for i, name in enumerate(names)},
                "forecast": {name: _mean_of(path, name, first, last) for name in names},
            }
            for first, last in STAGES
        ],
        "held_out": {
            "speeds": _held_out(scored, plan),
            "before": {name: run["before"]["orbit"][f"mean cost, {name}"] for name in names},
            "after": {name: run["after"]["orbit"][f"mean cost, {name}"] for name in names},
        },
        "mostly_refused": _mostly_refused(run, task, scored["trained"], plan),
    }


def _measured(history: list[dict[str, float]], names: list[str], i: int, first: int, last: int) -> dict[str, Any]:
    """Return the mean cost over the questions of these steps, and the multiplier at the last one.

    An epoch has each question once. So only completions are a matter of chance, 8 of each question: the error is
    binomial, from above where a generation holds two such questions and its log their mean.
    """
    steps = [s for s in history if first <= s["step"] <= last]
    key, other = (f"safety/{name}/cost" for name in (names[i], names[1 - i]))
    found = [(1 if other in s else 2, s[key]) for s in steps if key in s]
    n = sum(k for k, _ in found)
    mean = sum(k * cost for k, cost in found) / n
    error = (sum(k * cost * (1 - cost) for k, cost in found) / GROUP) ** 0.5 / n
    return {
        "cost": {"mean": mean, "low": max(0.0, mean - 2 * error), "high": min(1.0, mean + 2 * error), "n": n},
        "multiplier": steps[-1][f"safety/{names[i]}/multiplier"],
    }


def _mean_of(path: list[dict[str, Any]], name: str, first: int, last: int) -> dict[str, Any]:
    """Return the same of the forecast; the run's first step pays by the path's first multipliers."""
    costs = [there[f"safety/{name}/cost"] for there in path[first - 1 : last]]
    return {
        "cost": {end: fmean(cost[end] for cost in costs) for end in ("mean", "low", "high")},
        "multiplier": path[last - 1][f"safety/{name}/multiplier"],
    }


def _held_out(scored: dict[str, Any], plan: Any) -> list[dict[str, Any]]:
    """Follow held-out questions as if they had been trained on, under the multipliers of the trained ones."""
    from dagames_llm.forecast.safety_batch import batch_of
    from dagames_llm.forecast.safety_course import chances, course

    both = batch_of([*scored["trained"], *scored["held_out"]], plan.constraints, plan.group_size, 200, plan.seed)
    trained = batch_of(scored["trained"], plan.constraints, plan.group_size, 200, plan.seed)
    chance, n = chances(trained, plan.together), len(trained.slots)
    inside, outside = both.weights.copy(), both.weights.copy()
    inside[:, n:], outside[:, :n] = 0.0, 0.0
    found = []
    for size in (plan.step_size / 4, plan.step_size, plan.step_size * 4):
        game = replace(both, weights=inside)
        followed = course(game, plan.beta_of_game, plan.steps, size * plan.beta / plan.beta_of_game, chance, None)
        held = replace(both, weights=outside)
        before, after = held.mean_costs(both.nu_0), held.mean_costs(np.exp(followed.log_nu))
        entry: dict[str, Any] = {"step_size": size, "before": {}, "after": {}}
        for i, c in enumerate(plan.constraints):
            for when, values in (("before", before), ("after", after)):
                low, high = np.sort(np.quantile(c.sign * values[1:, i], [0.025, 0.975]))
                entry[when][c.name] = {"mean": float(c.sign * values[0, i]), "low": float(low), "high": float(high)}
        found.append(entry)
    return found


def _order(run: dict[str, Any], task: Any) -> list[list[Any]]:
    """Return the questions of each generation, as the trainer's sampler drew them; checked against the log."""
    import torch

    together = run["recipe"]["per_device_train_batch_size"] // run["recipe"]["num_generations"]
    N, order = len(task.train), []
    for epoch in range(len(run["history"]) * together // N):
        drawn = torch.randperm(N, generator=torch.Generator().manual_seed(run["seed"] + epoch)).tolist()
        order += [[task.train[i] for i in drawn[k : k + together]] for k in range(0, N, together)]
    for orbits, step in zip(order, run["history"], strict=True):
        logged = {kind for kind in ("harmful", "benign") if f"safety/refuses {kind}/cost" in step}
        if {orbit.columns["kind"] for orbit in orbits} != logged:
            raise RuntimeError(f"step {step['step']} of the run had other questions; the sampler has changed.")
    return order


def _mostly_refused(run: dict[str, Any], task: Any, scored: list[Any], plan: Any) -> list[dict[str, Any]]:
    """Return the benign questions trained on that were mostly refused before, forecast and measured after."""
    from dagames_llm.forecast.safety_batch import batch_of
    from dagames_llm.forecast.safety_course import chances, course

    batch = batch_of(scored, plan.constraints, plan.group_size, 1, plan.seed)
    chance, speed = chances(batch, plan.together), plan.step_size * plan.beta / plan.beta_of_game
    followed = course(batch, plan.beta_of_game, plan.steps, speed, chance, None)
    before, after = (np.einsum("xc,xc->x", nu[0], batch.costs[:, 1]) for nu in (batch.nu_0, np.exp(followed.log_nu)))
    order = _order(run, task)
    found = []
    for place in np.flatnonzero(before >= 0.5).tolist():
        views = scored[place].question.views
        groups = [
            {
                "step": int(step["step"]),
                "cost": step["safety/refuses benign/cost"],
                "alone": sum(orbit.columns["kind"] == "benign" for orbit in orbits) == 1,
            }
            for orbits, step in zip(order, run["history"], strict=True)
            if any(orbit.views == views for orbit in orbits)
        ]
        found.append({
            "question": views[0].rsplit("\n", 1)[-1].rstrip(":"),
            "before": float(before[place]),
            "forecast": float(after[place]),
            "generations": groups,
        })
    return found


def cell(estimate: dict[str, float]) -> str:
    """Return a mean with its interval."""
    return f"{estimate['mean']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


def tables(content: dict[str, Any]) -> str:
    """Return the tables of the page."""
    names = content["names"]
    lines = [
        "Training questions, an epoch at a time. A cost is a mean over the epoch, measured with twice its standard",
        "error; a multiplier is that of its last step.",
        "",
        "| steps | " + " | ".join(f"{n}: forecast | measured | multiplier: forecast | measured" for n in names) + " |",
        "|---" * (1 + 4 * len(names)) + "|",
    ]
    for stage in content["stages"]:
        cells = []
        for name in names:
            ours, theirs = stage["forecast"][name], stage["measured"][name]
            cells += [cell(ours["cost"]), cell(theirs["cost"]), cell(ours["multiplier"]), f"{theirs['multiplier']:.2f}"]
        lines.append(f"| {stage['steps'][0]} to {stage['steps'][1]} | " + " | ".join(cells) + " |")
    rest = content["forecast"]["equilibrium"]
    cells = []
    for name in names:
        cells += [cell(rest[f"safety/{name}/cost"]), "", cell(rest[f"safety/{name}/multiplier"]), ""]
    lines += ["| at rest | " + " | ".join(cells) + " |", "", "Held-out questions, as if they had been trained on:", ""]
    lines += ["| | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    held = content["held_out"]

    def row(label: str, found: dict[str, Any]) -> str:
        return f"| {label} | " + " | ".join(cell(found[name]) for name in names) + " |"

    lines += [row("before, forecast's samples", held["speeds"][0]["before"]), row("before, measured", held["before"])]
    lines += [row(f"forecast, step size {each['step_size']:g}", each["after"]) for each in held["speeds"]]
    lines += [
        row("after, measured", held["after"]),
        "",
        "Benign questions trained on that were mostly refused before:",
        "",
    ]
    lines += ["| | before | forecast, 60 steps | measured in each epoch |", "|---|---|---|---|"]
    for each in content["mostly_refused"]:
        seen = ", ".join(f"{g['cost']:.2f}{'' if g['alone'] else '*'}" for g in each["generations"])
        lines.append(f"| {each['question']} | {each['before']:.2f} | {each['forecast']:.2f} | {seen} |")
    return "\n".join([*lines, "", "\\* a mean with another benign question of the same generation"]) + "\n"


def page_with(text: str, content: dict[str, Any]) -> str:
    """Return the page with its tables replaced."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + tables(content) + END + rest.split(END)[1]


def main() -> None:
    """Draw, or compare and write."""
    from dagames._files import write_json, write_text

    if "--draw" in sys.argv[1:]:
        from benchmarks.forecast_samples import draw_requests

        draw_requests(SAMPLES)
        return
    write_json(OUT, compare())
    write_text(PAGE, page_with(PAGE.read_text(encoding="utf-8"), json.loads(OUT.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
