"""The benchmarks run, at sizes where their ratios mean nothing; what they measure is certified all the same."""

import numpy as np

from benchmarks import estimators, starting, training
from benchmarks.clock import exponent
from benchmarks.core import print_table, run
from dagames import AlignmentGame
from dagames.estimators import plugin_table, recommended_table
from dagames.functionals import NegativeEntropy
from dagames.grpo import GroupTask, Grpo, simulate
from dagames.grpo.group_rewards import ByCount


def test_the_core_benchmark_runs(capsys):
    results = run(quick=True)
    duels = [row for row in results["ratios"] if "our_gap" in row]
    assert len(results["ratios"]) == 5
    assert len(duels) == 3
    for row in duels:
        assert 0 <= row["our_gap"] <= 1e-12 < row["their_gap"] < 1e-3
    print_table(results)
    assert "np.exp over the batch" in capsys.readouterr().out


def test_the_benchmark_of_starting_runs(capsys):
    rows = {row["what"]: row for row in starting.run(quick=True)}
    assert {*starting.ALLOWED_RATIO, *starting.ALLOWED_SECONDS} <= set(rows) == set(starting.STARTS)
    assert rows["import numpy"]["to_numpy"] == rows["import cvxpy"]["to_cvxpy"] == 1.0
    assert all(row["seconds"] > 0 for row in rows.values())
    starting.print_table(list(rows.values()))
    assert "dagames --help" in capsys.readouterr().out


def test_the_exponent_is_that_of_the_larger_sizes():
    assert abs(exponent([1, 10, 100, 1000, 10000], [5.0, 5.0, 1.0, 10.0, 100.0]) - 1.0) < 1e-12


def test_the_benchmark_of_tables_runs():
    rows = estimators.run(quick=True)
    widths = [row["width"] for row in rows if "width" in row]
    assert len(widths) == 2
    assert max(widths) <= 1e-8
    excesses = [row["excess"] for row in rows if "excess" in row]
    assert all(1.0 <= excess < 1.01 for excess in excesses)
    assert len(rows) == len(widths) + len(excesses) + 2


def test_the_benchmark_of_training_takes_the_steps_of_the_library():
    game = training.Game(np.array([0.7, 0.2, 0.08, 0.02]), 0.2)
    tables = [recommended_table(8), plugin_table(8, counts="centred")]
    ends = training.train(game, np.array([table.coefficients for table in tables]), 0.5, (20, 60), 3)
    for table, end in zip(tables, ends, strict=True):
        task = GroupTask(
            AlignmentGame(game.nu_0, range(4), NegativeEntropy(1.0), game.beta), ByCount(-table.coefficients)
        )
        course = simulate(task, Grpo(0.5), steps=60, group_size=8, n_seeds=3)
        distances = game.distance(np.log(course.nu))
        np.testing.assert_allclose(end[:, 0], distances[:, 18:20].mean(axis=1), rtol=1e-9)
        np.testing.assert_allclose(end[:, 1], distances[:, 54:].mean(axis=1), rtol=1e-9)


def test_the_benchmark_of_training_runs(capsys):
    result = training.compare(6, quick=True)
    training.print_results([result])
    rows = {row["table"]: row for row in result["tables"]}
    assert rows["Taylor"]["after 40 steps"]["best rate"] == 1.0
    assert rows["plug-in"]["after 40 steps"]["best rate, error"] > 0
    assert rows["plug-in"]["monotone"]
    assert "K = 6" in capsys.readouterr().out
