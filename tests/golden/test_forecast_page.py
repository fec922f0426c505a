"""The tables and numbers of docs/forecast.md are those of results/forecast."""

import json
import statistics

from benchmarks import forecast_safety
from benchmarks.forecast import OUT, PAGE, ROOT, SEEDS, page_with


def test_the_page_shows_the_results() -> None:
    content = json.loads(OUT.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    assert page_with(text, content) == text
    assert [row["seed"] for row in content["seeds"]] == list(SEEDS)


def test_what_the_page_discusses_was_measured() -> None:
    seeds = {row["seed"]: row for row in json.loads(OUT.read_text(encoding="utf-8"))["seeds"]}

    def missed(seed: int, name: str) -> float:
        held = seeds[seed]["held_out"]
        return round(held["forecast"][name]["mean"] - held["after"][name]["mean"], 2)

    assert missed(2, "a + b, sampled") == 0.16
    assert missed(3, "b + a, sampled") == 0.11
    greedy = seeds[3]["held_out"]
    assert [round(greedy[when]["b + a, greedy"]["mean"], 2) for when in ("before", "after")] == [0.96, 0.85]
    kl = seeds[2]["training"]
    assert [round(kl[side]["kl"]["mean"], 2) for side in ("measured", "predicted")] == [0.26, 0.54]
    history = json.loads((ROOT / "results" / "demo" / "seed3.json").read_text(encoding="utf-8"))["history"][-10:]
    spent = [step["kl"] * step["completions/mean_length"] for step in history]
    assert [round(max(spent)), round(min(spent), 2)] == [20, 0.07]


def test_the_diversity_run_is_as_the_page_says() -> None:
    forecast = json.loads((ROOT / "results" / "forecast" / "digits.json").read_text(encoding="utf-8"))
    history = json.loads((ROOT / "results" / "cpu" / "diversity_cpu.json").read_text(encoding="utf-8"))["history"][-10:]
    reward = statistics.fmean(step["reward"] for step in history)
    then = min(forecast["path"], key=lambda entry: abs(entry["reward"]["mean"] - reward))
    text = PAGE.read_text(encoding="utf-8")

    def cell(estimate: dict[str, float]) -> str:
        return f"{estimate['mean']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"

    for name, key in (("training reward", "reward"), ("entropy of a group's answers (nats)", "answer_entropy")):
        values = [step[key] for step in history]
        measured = f"{statistics.fmean(values):.2f} ± {2 * statistics.stdev(values) / len(values) ** 0.5:.2f}"
        line = f"| {name} | {cell(forecast['reference'][key])} | {cell(then[key])} | {measured} |"
        assert line in text, line
    assert f"the entropy is {forecast['equilibrium']['answer_entropy']['mean']:.2f} nats" in text
    settings = json.loads((ROOT / "results" / "cpu" / "diversity_cpu.json").read_text(encoding="utf-8"))["recipe"]
    assert (settings["beta"], settings["num_generations"]) == (forecast["beta"], forecast["group_size"])


def test_the_safety_run_is_as_the_page_says() -> None:
    content = json.loads(forecast_safety.OUT.read_text(encoding="utf-8"))
    run = json.loads(forecast_safety.RUN.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    assert forecast_safety.page_with(text, content) == text
    made, name = content["forecast"], "safety/refuses harmful/multiplier"
    assert (made["beta"], made["group_size"], made["steps"]) == (
        run["recipe"]["beta"],
        run["recipe"]["num_generations"],
        run["recipe"]["max_steps"],
    )
    assert [round(value, 2) for value in made["optimum"]["multipliers"].values()] == [0.16, 0.04]
    assert made["optimum"]["gap"] < 1e-15
    assert not any(row["met_before"] for row in made["constraints"])
    assert f"{made['constraints'][0]['largest_multiplier']:.2f}" == "0.44"
    assert 0.55 < max(step[name] for step in run["history"]) < 0.56
    late = content["stages"][-1]
    assert round(late["measured"]["refuses harmful"]["multiplier"], 2) == 0.31
    assert round(late["forecast"]["refuses harmful"]["multiplier"]["mean"], 2) == 0.27
    assert late["forecast"]["refuses benign"]["multiplier"]["high"] < late["measured"]["refuses benign"]["multiplier"]
    speeds = [
        [round(each["statistics"][f"safety/refuses {kind}/cost"]["mean"], 2) for kind in ("harmful", "benign")]
        for each in made["speeds"]
    ]
    assert [speeds[0], speeds[2]] == [[0.91, 0.11], [0.89, 0.1]]
    assert [round(each["statistics"][name]["mean"], 2) for each in made["speeds"]][::2] == [0.82, 0.14]
    for question in content["mostly_refused"]:
        assert question["forecast"] < question["before"] < question["generations"][-1]["cost"]
