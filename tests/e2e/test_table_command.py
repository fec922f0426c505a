"""`dagames table` and `dagames pareto`: proofs, pictures, and what cannot be made."""

import json
import re
import signal
import subprocess

import numpy as np
import pytest

from dagames.estimators import RewardTable
from dagames.targets import AnswerGroup, InverseFrequency
from tests.e2e.commands import DAGAMES, refused, run


def test_table_prints_its_proof_and_keeps_it(tmp_path):
    minimax = ("table", "--group-size", "16", "--method", "minimax")
    done = run(*minimax, "--out", tmp_path / "table.json")
    assert done.returncode == 0, done.stderr
    assert "self-inclusive" in done.stdout
    assert "0.00126868213" in done.stdout
    words = " ".join(done.stdout.split())
    assert "unusable alone: second moment 1.2e+04" in words
    assert "use --method recommended --counts self-inclusive, with bias 0.006" in words
    assert "not monotone: between counts 6 and 7 it changes by 253" in words
    assert "pooling adds at most 2004 s^2" in words
    table = RewardTable.load(tmp_path / "table.json")
    assert table.bias.upper < 0.00126869
    printed = run(*minimax, "--json")
    assert json.loads(printed.stdout) == json.loads((tmp_path / "table.json").read_text())
    usable = run("table", "-K", "16", "--method", "variance", "--bias", "4", "--counts", "independent")
    assert "usable: its worst variance" in " ".join(usable.stdout.split())
    assert "independent" in usable.stdout


def test_table_solves_the_programs_of_the_papers():
    made = run("table", "-K", "8", "--method", "aqp", "--bias", "2", "--solver", "cvxpy", "--json")
    assert made.returncode == 0, made.stderr
    table = json.loads(made.stdout)
    assert table["method"] == "aqp, cvxpy"
    assert table["second_moment"][1] == pytest.approx(14.1885, rel=1e-3)
    assert table["bias"][1] <= 2 * table["optimum"][1]
    least = json.loads(run("table", "-K", "8", "--method", "minimax", "--solver", "cvxpy", "--json").stdout)
    assert least["optimum"][0] <= least["bias"][1] <= 1.002 * least["optimum"][1]
    same = [run("table", "-K", "4", "--method", "minimax", *solver).stdout for solver in ((), ("--solver", "exchange"))]
    assert same[0] == same[1]


def test_without_a_method_the_command_makes_the_default_of_the_target(tmp_path):
    made = run("table", "-K", "16", "--out", tmp_path / "t.json")
    words = " ".join(made.stdout.split())
    assert "as in GRPO" in words
    assert "monotone in the count usable: it is the Taylor table" in words
    table, group = RewardTable.load(tmp_path / "t.json"), AnswerGroup(("a",) * 9 + ("b",) * 5 + ("c",) * 2)
    assert table.counts == "centred"
    np.testing.assert_array_equal(InverseFrequency(table=table).rewards(group), InverseFrequency().rewards(group))
    pair = run("table", "-K", "2")
    assert "centred counts in a group of 2 carry no information" in " ".join(pair.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-K", "0"], "`K` must be an integer of at least 1"),
        (["-K", "1.5"], "Invalid value"),
        ([], "Missing option"),
        (["-K", "300", "--method", "minimax"], "up to 256 traces"),
        (["-K", "100000"], "certified for tables of up to 512 traces"),
        (["-K", "1", "--method", "elevated"], "--group-size is 1; the method elevated takes the table of half a group"),
        (["-K", "8", "--method", "minmax"], "Did you mean minimax?"),
        (["-K", "8", "--reward", "lgo"], "Did you mean log?"),
        (["-K", "8", "--method", "plugin", "--reward", "sqrt"], "supports only the reward log"),
        (["-K", "8", "--method", "taylor", "--bias", "2"], "does not take --bias"),
        (["-K", "8", "--method", "aqp", "--bias", "0.5"], "below the optimum, 0.00506057"),
        (["-K", "8", "--method", "aqp", "--bias", "nan"], "finite number above 0"),
        (["-K", "8", "--method", "aqp", "--unit", "opt"], "`unit` must be one of"),
        (["-K", "8", "--counts", "own"], "`counts` must be one of"),
        (["-K", "8", "--counts", "centered"], "not 'centered'. Did you mean centred?"),
        (["-K", "8", "--method", "aqp", "--unit", "optimal"], "Did you mean optimum?"),
        (["-K", "8", "--precision", "bfloat"], "Did you mean bfloat16?"),
        (["-K", "8", "--precision", "float8"], "`precision` must be one of"),
        (
            ["-K", "8", "--method", "minimax", "--solver", "cvxpi"],
            "exchange, cvxpy, not 'cvxpi'. Did you mean cvxpy?",
        ),
        (["-K", "8", "--solver", "cvxpy"], "the method recommended does not take --solver; minimax, aqp, variance do."),
        (["-K", "100", "--method", "aqp", "--solver", "cvxpy"], "up to 64 other traces, not 99"),
    ],
)
def test_table_refuses_what_it_cannot_make(arguments, message, tmp_path, monkeypatch, refused_here):
    monkeypatch.chdir(tmp_path)
    assert message in " ".join(refused_here("table", *arguments).split())
    assert list(tmp_path.iterdir()) == []


def test_pareto_proves_its_points_and_draws_them(tmp_path):
    done = run("pareto", "-K", "5", "--points", "3", "--plot", tmp_path / "p.svg", "--out", tmp_path / "points.json")
    assert done.returncode == 0, done.stderr
    assert "least excess of variance" in done.stdout
    data = json.loads((tmp_path / "points.json").read_text())
    assert data["others"]["plug-in"]["bias"] > 5 * data["optimum"]
    for what, points in data["frontiers"].items():
        assert all(point["bias"] <= point["budget"] for point in points)
        assert all(point["gap"] <= 2e-6 for point in points)
        assert [point["dual_bound"] for point in points] == sorted((p["dual_bound"] for p in points), reverse=True)
        table = RewardTable(5, np.array(points[1]["coefficients"]), "self-inclusive")
        assert table.bias.upper == points[1]["bias"]
        assert getattr(table, what).upper == points[1][what]
    picture = json.loads((tmp_path / "p.json").read_text())
    assert picture["data"] == data
    drawn = (tmp_path / "p.svg").read_text()
    assert "worst excess of p^2" in drawn
    for measure, points in zip(("second_moment", "excess"), data["frontiers"].values(), strict=True):
        for other in data["others"].values():
            # No table is below the line of the measure that is minimised.
            assert other[measure] >= max(point["dual_bound"] for point in points if point["budget"] >= other["bias"])
    assert "mathdefault" not in drawn
    printed = run("pareto", "-K", "5", "--points", "3", "--objective", "variance", "--json")
    assert json.loads(printed.stdout)["frontiers"] == {"variance": data["frontiers"]["variance"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-K", "0"], "`K` must be an integer of at least 1, not 0"),
        (["-K", "4", "--points", "1"], "`points` must be an integer of at least 2, not 1"),
        (["-K", "4", "--least", "0.5"], "must satisfy 1 <= least < largest, not 0.5 and 50.0"),
        (["-K", "4", "--objective", "var"], "`objective` must be one of both, second_moment, variance, not 'var'"),
        (["-K", "4", "--objective", "varience"], "Did you mean variance?"),
        (["-K", "4", "--counts", "centered"], "Did you mean centred?"),
        (["-K", "4", "--plot", "p.gif"], "must end in one of .svg, .png, .pdf"),
        (
            ["-K", "4", "--plot", "p.svg", "--out", "p.json"],
            "p.json would overwrite another result; the data of --plot",
        ),
        (["-K", "4", "--reward", "logg"], "Did you mean log"),
    ],
)
def test_pareto_refuses_what_it_cannot_trace(arguments, message, tmp_path, monkeypatch, refused_here):
    monkeypatch.chdir(tmp_path)
    assert message in " ".join(refused_here("pareto", *arguments).split())


def test_pareto_names_the_option_and_where_a_frontier_begins():
    asked = ["-K", "64", "--points", "2", "--least", "1", "--largest", "1.0001", "--objective", "variance"]
    words = " ".join(refused("pareto", *asked).split())
    assert re.search(r"the least bias, 7\.9\d*e-05, are beyond float64: rounded to it, their bias is 0\.0\d", words)
    assert "Use a larger --least" in words
    shown = run("pareto", "-K", "3", "--points", "2", "--objective", "variance").stderr.splitlines()
    assert [line.split(",")[0] for line in shown] == ["1/2 variance at 1 optima", "2/2 variance at 50 optima"]
    assert all(re.search(r"gap \d.*; \d+\.\d s, about \d+ s to go$", line) for line in shown)


def test_pareto_keeps_what_it_found_when_it_is_interrupted(tmp_path):
    out = tmp_path / "points.json"
    command = [DAGAMES, "pareto", "-K", "24", "--points", "40", "--objective", "variance", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stderr.readline(), process.stderr.readline()]
        process.send_signal(signal.SIGINT)
        printed, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert lines[1].startswith("2/40 variance at")
    assert "interrupted after" in rest
    assert "Traceback" not in rest
    assert "least excess of variance" in printed
    assert 2 <= len(json.loads(out.read_text())["frontiers"]["variance"]) < 40


def test_table_never_replaces_a_file(tmp_path):
    path = tmp_path / "table.json"
    path.write_text("mine")
    assert "exists already" in refused("table", "-K", "4", "--out", path)
    assert path.read_text() == "mine"
    assert run("table", "-K", "4", "--out", path, "--overwrite").returncode == 0
    assert RewardTable.load(path).group_size == 4
