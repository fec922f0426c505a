"""The forecast of the demo, made from samples before training, beside what training did: five seeds.

`python -m benchmarks.forecast --draw` samples the embedded model on all 66 questions (some minutes on a CPU);
`python -m benchmarks.forecast` solves them, compares each seed with results/demo and writes results/forecast/demo.json
and the tables of docs/forecast.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "results" / "forecast" / "addition.jsonl"
OUT = ROOT / "results" / "forecast" / "demo.json"
PAGE = ROOT / "docs" / "forecast.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
SEEDS = range(5)
BETA, GROUP_SIZE, LAST = 0.02, 8, 10
VIEWS = ("a + b", "b + a")
TRAINING = {"sampled": "accuracy", "answer_entropy": "answer_entropy", "kl": "kl"}
"""Statistics of the forecast and of the run's log."""


def compare() -> dict[str, Any]:
    """Forecast every seed and put what was measured beside it."""
    from dagames.targets import MajorityVote
    from dagames_llm.data import addition
    from dagames_llm.extract import extractor_named
    from dagames_llm.forecast.answers_forecast import Plan, solve_question, summarise
    from dagames_llm.forecast.choices import collapse_threshold, directions
    from dagames_llm.forecast.reference_games import load_samples

    plan = Plan(MajorityVote(), BETA, GROUP_SIZE)
    questions = {q.views: q for q in load_samples(SAMPLES, extractor_named("first_number"))}
    solved = {views: solve_question(question, plan) for views, question in questions.items()}
    everything = summarise(list(solved.values()), plan)
    seeds = []
    for seed in SEEDS:
        task = addition(seed)
        run = json.loads((ROOT / "results" / "demo" / f"seed{seed}.json").read_text())
        trained = summarise([solved[orbit.views] for orbit in task.train], plan)
        held = summarise([solved[orbit.views] for orbit in task.held_out], plan)
        reward = late(run["history"], "reward")
        place = trained.where("reward", reward["mean"])
        seeds.append({
            "seed": seed,
            "step": place["step"],
            "reached": place["reached"],
            "training": {
                "reward": reward,
                "before": {name: trained.path[0][name] for name in TRAINING},
                "predicted": {name: place["statistics"][name] for name in TRAINING},
                "measured": {name: late(run["history"], key) for name, key in TRAINING.items()},
                "at_rest": {name: trained.equilibrium[name] for name in (*TRAINING, "extinct", "gains", "loses")},
                "vote_before": trained.path[0]["vote"],
            },
            "held_out": {
                "forecast": on_held_out(held.where("step", place["step"])["statistics"]),
                "forecast_before": on_held_out(held.path[0]),
                "at_rest": on_held_out(held.equilibrium),
                "before": measured(run["before"]),
                "after": measured(run["after"]),
            },
        })
    return {
        "beta": BETA,
        "group_size": GROUP_SIZE,
        "samples": 64,
        "seeds": seeds,
        "all_questions": {
            "before": everything.path[0],
            "equilibrium": everything.equilibrium,
            "collapse": collapse_threshold(list(questions.values()), plan),
            "directions": directions(list(questions.values()), plan),
        },
    }


def late(history: list[dict[str, float]], key: str) -> dict[str, float]:
    """Return the mean of a statistic over the last steps, with twice its standard error; KL in nats a completion."""
    steps = history[-LAST:]
    values = [s["kl"] * s["completions/mean_length"] if key == "kl" else s[key] for s in steps]
    mean, error = fmean(values), stdev(values) / len(values) ** 0.5
    return {"mean": mean, "low": mean - 2 * error, "high": mean + 2 * error}


def on_held_out(statistics: dict[str, Any]) -> dict[str, Any]:
    """Return what an evaluation measures, by the names of the page."""
    named = {f"{view}, sampled": statistics[f"sampled, view {v}"] for v, view in enumerate(VIEWS, start=1)}
    named |= {f"{view}, greedy": statistics[f"greedy, view {v}"] for v, view in enumerate(VIEWS, start=1)}
    return named | {"vote": statistics["vote"]}


def measured(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return the same of an evaluation of the demo."""
    named = {f"{view}, {kind}": evaluation["views"][view][kind] for kind in ("sampled", "greedy") for view in VIEWS}
    return named | {"vote": evaluation["orbit"]["majority"]}


def cell(estimate: dict[str, float]) -> str:
    """Return a mean with its interval."""
    return f"{estimate['mean']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


def inside(predicted: dict[str, float], found: dict[str, float]) -> bool:
    """Tell whether the intervals of a forecast and of a measurement meet."""
    return predicted["low"] <= found["high"] and found["low"] <= predicted["high"]


def tables(content: dict[str, Any]) -> str:
    """Return the tables of the page."""
    heads = "before | accuracy: forecast | measured | entropy: forecast | measured | KL: forecast | measured"
    lines = [
        "Training questions, last 10 steps, read where the forecast's reward is the run's:",
        "",
        f"| seed | reward reached | mean-field step | accuracy {heads} |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in content["seeds"]:
        part = row["training"]
        cells = [cell(part["before"]["sampled"])]
        cells += [cell(part[side][name]) for name in TRAINING for side in ("predicted", "measured")]
        lines.append(
            f"| {row['seed']} | {part['reward']['mean']:.3f} | {row['step']:.1f} | " + " | ".join(cells) + " |"
        )
    lines += [
        "",
        "Held-out questions, as if they had been trained on, at the same mean-field step:",
        "",
        "| seed | | before, forecast's samples | before, measured | forecast | measured | intervals meet |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in content["seeds"]:
        held = row["held_out"]
        for name, predicted in held["forecast"].items():
            found = held["after"][name]
            cells = [held["forecast_before"][name], held["before"][name], predicted, found]
            met = "yes" if inside(predicted, found) else "no"
            lines.append(f"| {row['seed']} | {name} | " + " | ".join(map(cell, cells)) + f" | {met} |")
    return "\n".join([*lines, "", *summary(content)]) + "\n"


def summary(content: dict[str, Any]) -> list[str]:
    """Return sentences with the numbers that the page discusses."""
    every = content["all_questions"]
    seeds = content["seeds"]
    trained = [(s["training"]["predicted"]["sampled"], s["training"]["measured"]["sampled"]) for s in seeds]
    sampled = [
        (s["held_out"]["forecast"][f"{view}, sampled"], s["held_out"]["after"][f"{view}, sampled"])
        for s in seeds
        for view in VIEWS
    ]
    naive = [(s["training"]["vote_before"], s["training"]["measured"]["sampled"]) for s in seeds]
    naive_held = [
        (s["held_out"]["forecast_before"]["vote"], s["held_out"]["after"][f"{view}, sampled"])
        for s in seeds
        for view in VIEWS
    ]
    directions = ", ".join(f"{row['error']['mean']:.3f} at K = {row['group_size']}" for row in every["directions"])
    before, rest, threshold = every["before"], every["equilibrium"], every["collapse"]["threshold"]
    first = f"- Accuracy on training questions, forecast minus measured: {error_of(trained)}."
    second = f"- Sampled accuracy on held-out questions, forecast minus measured: {error_of(sampled)}."
    third = f"- Before training the vote is wrong for {1 - before['vote']['mean']:.0%} of the 66 questions"
    fourth = f"- At rest sampled accuracy is {cell(rest['sampled'])}: the right answer gains in"
    rule = f"- The rule of thumb that sampled accuracy becomes that of the vote before training: {error_of(naive)}"
    return [
        first,
        second,
        f"{rule}; on held-out questions {error_of(naive_held)}.",
        f"{third}, and the right answer was never sampled for {before['unseen']['mean']:.0%}.",
        f"{fourth} {rest['gains']['mean']:.0%} and goes extinct in {rest['extinct']['mean']:.0%} of the questions.",
        f"- Collapse threshold: beta {threshold:.2g}; the runs have {content['beta']:g}.",
        f"- Direction error of the first step: {directions}.",
    ]


def error_of(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> str:
    """Return the mean difference, the root mean square and how often intervals meet."""
    differences = [predicted["mean"] - found["mean"] for predicted, found in pairs]
    met = sum(inside(*pair) for pair in pairs)
    held = sum(predicted["low"] <= found["mean"] <= predicted["high"] for predicted, found in pairs)
    root = fmean(d * d for d in differences) ** 0.5
    inner = f"the measured mean lies in the forecast's interval {held} of {len(pairs)} times"
    return f"{fmean(differences):+.3f} on average, {root:.3f} root mean square; {inner}, the intervals meet {met} times"


def page_with(text: str, content: dict[str, Any]) -> str:
    """Return the page with its tables replaced."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + tables(content) + END + rest.split(END)[1]


def main() -> None:
    """Draw, or compare and write."""
    from dagames._files import write_json, write_text

    if "--draw" in sys.argv[1:]:
        from benchmarks.forecast_samples import draw

        draw(SAMPLES)
        return
    write_json(OUT, compare())
    write_text(PAGE, page_with(PAGE.read_text(encoding="utf-8"), json.loads(OUT.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
