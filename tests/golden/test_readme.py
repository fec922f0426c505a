"""What the README says was measured is what the committed results say, and its code runs."""

import json
import re
from pathlib import Path

import numpy as np

from dagames import solve
from dagames.cli.game_file import load_game

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SEEDS = range(5)


def result_of(seed: int) -> dict:
    return json.loads((ROOT / "results" / "demo" / f"seed{seed}.json").read_text())


def cell(estimate: dict[str, float]) -> str:
    return f"{estimate['mean']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


def row(seed: int) -> str:
    result = result_of(seed)
    cells = [
        f"{cell(result['before']['views'][view]['sampled'])} to {cell(result['after']['views'][view]['sampled'])}"
        for view in ("a + b", "b + a")
    ]
    cells += [
        f"{result['before']['orbit'][name]['mean']:.2f} to {result['after']['orbit'][name]['mean']:.2f}"
        for name in ("majority_ratio", "answer_entropy")
    ]
    return f"| {seed} | " + " | ".join(cells) + " |"


def test_the_demo_table_is_what_was_measured():
    for seed in SEEDS:
        assert row(seed) in README, row(seed)


CPU = [
    ("pairwise_cpu", "sampled", "accuracy of a sample"),
    ("pairwise_cpu", "majority", "accuracy of the vote"),
    ("pairwise_cpu", "mean distance", "distance of two answers"),
    ("diversity_cpu", "answer_entropy", "entropy of answers (nats; log 10 is 2.30)"),
    ("safety_cpu", "mean cost, refuses harmful", "refused, harmful (budget: at least 0.9)"),
    ("safety_cpu", "mean cost, refuses benign", "refused, benign (budget: at most 0.1)"),
]


def test_the_table_of_the_other_recipes_is_what_was_measured():
    for name, statistic, shown in CPU:
        result = json.loads((ROOT / "results" / "cpu" / f"{name}.json").read_text())
        before, after = (cell(result[when]["orbit"][statistic]) for when in ("before", "after"))
        line = f"| `{name}` | {shown} | {before} | {after} |"
        assert line in README, line


def test_the_demo_runs_share_their_settings():
    recipes = [{k: v for k, v in result_of(seed)["recipe"].items() if k != "seed"} for seed in SEEDS]
    assert all(recipe == recipes[0] for recipe in recipes)
    assert recipes[0]["beta"] > 0
    assert recipes[0]["scale_rewards"] == "none"


def test_the_first_example_of_the_readme_runs():
    code = re.search(r"## Solve a game\n\n```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    names: dict = {}
    exec(code.group(1), names)
    solution = names["solution"]
    assert solution.certificate.gap < 1e-10
    expected = names["game"].nu_0 ** (0.7 / 2.0)
    np.testing.assert_allclose(solution.nu, expected / expected.sum(), atol=1e-9)


def test_the_file_of_the_readme_is_solved(tmp_path):
    section = re.search(r"## Solve a game from a file\n(.*?)\n## ", README, re.DOTALL)
    assert section is not None
    files = re.findall(r"```yaml\n(.*?)```", section.group(1), re.DOTALL)
    np.save(tmp_path / "reference.npy", np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]))
    (tmp_path / "traces.csv").write_text("answer\n0\n1\n1\n")
    games = []
    for text in files:
        (tmp_path / "game.yaml").write_text(text)
        games.append(load_game(tmp_path / "game.yaml"))
        assert solve(games[-1]).certificate.worst < 1e-10
    assert [game.batch for game in games] == [(), (2,)]


def test_the_example_files_state_one_game():
    inline, in_files = (solve(load_game(ROOT / "examples" / name)) for name in ("gini.yaml", "gini_arrays.yaml"))
    np.testing.assert_array_equal(inline.pi, in_files.pi)
    assert inline.certificate.worst < 1e-10
    assert inline.nu[0] < inline.game.nu_0[0]


def test_the_target_example_of_the_readme_runs():
    code = re.search(r"### The same objects without a model\n\n```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    names: dict = {}
    exec(code.group(1), names)
    np.testing.assert_array_equal(names["MajorityVote"]().rewards(names["group"]), [1, 1, 0, 0])


def test_the_rewards_of_the_four_algorithms_are_made_as_the_readme_says():
    code = re.search(r"### The four algorithms\n\n```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    names: dict = {}
    exec(code.group(1), names)
    texts = ["So it is 7.", "#### 7", "8"]
    columns = {"prompts": ["q"] * 3, "completions": texts}
    for name in ("coherence", "pairwise", "diversity"):
        names[name].group_size = 3
        assert len(names[name](**columns)) == 3
    assert names["coherence"](**columns) == [1.0, 1.0, 0.0]
    assert [constraint.budget for constraint in names["safety"].dual.constraints] == [0.1, 0.5]
