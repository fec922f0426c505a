"""The installed commands, as a user types them: right input, wrong input, exit codes, nothing half-written.

Long lists of wrong input run in this process, without a second of imports for each line.
"""

import itertools
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

from dagames.cli.main import main
from dagames.cli.result import POLICY_SIZE
from dagames.estimators import METHODS, RewardTable
from dagames.targets import AnswerGroup, InverseFrequency

ROOT = Path(__file__).parents[2]
DAGAMES = str(Path(sys.executable).with_name("dagames"))


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DAGAMES, *map(str, arguments)], capture_output=True, text=True, cwd=cwd)


def refused(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Run a command that must be refused with one message, exit code 2 and no traceback."""
    done = run(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.fixture
def refused_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """Return `refused` for this process, where the run-time type checker, which users do not have, is off."""

    # The usage line names the program, which is not pytest.
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)

    def run_here(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["dagames", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == 2, printed.err
        assert "Traceback" not in printed.err
        assert printed.out == ""
        return printed.err

    jaxtyping.config.update("jaxtyping_disable", True)
    yield run_here
    jaxtyping.config.update("jaxtyping_disable", False)


def test_wrong_input_is_refused_alike_in_a_process_of_its_own(tmp_path, refused_here):
    (tmp_path / "game.yaml").write_text("beta: 1")
    for arguments in (
        ("solve", tmp_path / "game.yaml"),
        ("table", "-K", "1.5"),
        ("pareto", "-K", "4", "--plot", "p.gif"),
        ("verify", "II.5c"),
    ):
        assert refused(*arguments) == refused_here(*arguments)


def test_verify_prints_a_verdict_per_claim(tmp_path):
    done = run("verify", "I.5", "I.7", "I.19", "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    assert "I.5 Approximate equilibria are near-optimal: false" in done.stdout
    assert "Take " in done.stdout
    verdicts = {c["id"]: c["verdict"] for c in json.loads((tmp_path / "out.json").read_text())["claims"]}
    assert verdicts == {"I.5": "false", "I.7": "false", "I.19": "holds"}
    assert list(tmp_path.iterdir()) == [tmp_path / "out.json"]


def test_the_module_is_the_same_command():
    done = subprocess.run([sys.executable, "-m", "proofs_check", "I.1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "I.1" in done.stdout


def test_verify_under_sabotage_turns_every_verdict():
    done = run("verify", "I.1", "I.19", "--sabotage", "--jobs", "1")
    assert done.returncode == 0
    assert "2 of 2 verdicts turn" in done.stdout


def test_verify_refuses_what_it_does_not_know(tmp_path, refused_here):
    assert "there is no claim 'I.4x'" in refused_here("verify", "I.4x")
    assert "Invalid value" in refused_here("verify", "--seed", "-1")
    assert "No such option" in refused_here("verify", "--sed", "1")
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run("verify", "I.19", "--json", blocked / "out.json")
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert done.stdout == ""


def test_figures_and_report_never_replace_what_is_there(tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    for command in ("figures", "report"):
        assert "exists already" in refused(command, "--out", tmp_path)
        assert "is a file" in refused(command, "--out", tmp_path / "kept.txt")
        assert "kept.txt is a file" in refused(command, "--out", tmp_path / "kept.txt" / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.long
def test_the_report_binds_verdicts_and_figures(tmp_path):
    """All of `make reproduce` once more; what the page shows is tested with the page."""
    done = run("report", "--out", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report" / "index.html").read_text()
    claims = json.loads((tmp_path / "report" / "claims.json").read_text())["claims"]
    for claim in claims:
        assert f'href="#{claim["id"]}"' in page
        assert f'id="{claim["id"]}"' in page
    for stem in ("best_response", "variance_reduction"):
        assert f'src="figures/{stem}.svg"' in page
        figure = json.loads((tmp_path / "report" / "figures" / f"{stem}.json").read_text())
        assert figure["caption"][:60] in page
        assert (tmp_path / "report" / "figures" / f"{stem}.png").stat().st_size > 10_000
    assert "http" not in page.replace("http-equiv", "")
    assert not [p for p in (tmp_path / "report").rglob("*") if p.name.startswith((".", "tmp"))]


def test_solve_prints_a_certified_solution(tmp_path):
    game = tmp_path / "game.yaml"
    game.write_text("pi_0: [0.5, 0.3, 0.2]\nE: [0, 1, 1]\nfunctional: {NegativeEntropy: {weight: 1.3}}\nbeta: 0.7\n")
    done = run("solve", game)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["gap"] < 1e-10
    expected = np.array([0.5, 0.5]) ** (0.7 / 2.0)
    np.testing.assert_allclose(answer["nu"], expected / expected.sum(), atol=1e-9)


GOOD = {"pi_0": [0.5, 0.5], "E": [0, 1], "functional": {"Gini": {"weight": 1.0}}, "beta": 1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pi_0": [1.5, -0.5]}, "`pi_0[1]` is negative: -0.5"),
        ({"pi_0": [0.5, 0.6]}, "`pi_0` sum to 1.1, not 1"),
        ({"pi_0": [0.5, float("nan")]}, "`pi_0[1]` is nan"),
        ({"pi_0": "half"}, "`pi_0` is 'half'; it must be a number, a list"),
        ({"pi_0": "half.npy"}, "half.npy: No such file"),
        ({"E": [0, -3]}, "`E[1]` is -3"),
        ({"E": [0, 5], "n_answers": 2}, "out of range for 2 answers"),
        ({"beta": 0}, "`beta` must be a finite number above 0, not 0"),
        ({"beta": float("nan")}, "`beta` must be a finite number above 0, not nan"),
        ({"beta": "x"}, "`beta` must be a number above 0, not 'x'"),
        ({"functional": {"Shannon": {}}}, "`functional` must be one of ChiSquare, Gini, Hellinger"),
        ({"functional": {"Gini": {"wieght": 1.0}}}, "Gini does not take the arguments"),
        ({"functional": {"Linear": {"rewards": [1.0, float("nan")]}}}, "`rewards[1]` is nan"),
        ({"functional": {"LogScore": {"answer": 7}}}, "`answer` is 7, but the game has the answers 0 to 1"),
        ({"functional": {"LogScore": {"answer": "x"}}}, "`answer` must be real numbers, not 'x'"),
        ({"functional": {"Tsallis": {"order": 1}}}, "`order` must not be 1"),
        ({"functional": {"KLToPrior": {"prior": [0.9, 0.2]}}}, "`prior` sum to 1.1, not 1"),
        ({"functional": {"Hellinger": {"prior": [1.0]}}}, "`prior` has shape (1,)"),
        ({"functional": {"Point": {"answer": 2}}, "n_answers": 3}, "no trace of the reference gives answer 2"),
        ({"temperature": 1.0}, "unknown: temperature"),
        ({"n_answers": "two"}, "`n_answers` must be an integer of at least 1, not 'two'"),
    ],
)
def test_solve_refuses_a_wrong_game(tmp_path, change, message, refused_here):
    game = tmp_path / "game.yaml"
    game.write_text(json.dumps(GOOD | change).replace("NaN", ".nan"))
    assert message in refused_here("solve", game)


def test_solve_refuses_what_is_no_game(tmp_path, refused_here):
    assert "No such file" in refused_here("solve", tmp_path / "missing.yaml")
    assert "Is a directory" in refused_here("solve", tmp_path)
    broken = tmp_path / "broken.yaml"
    for text, message in (("pi_0: [", "is not YAML"), ("- 1", "must hold the keys"), ("beta: 1", "missing: E, ")):
        broken.write_text(text)
        assert message in refused_here("solve", broken)
    broken.write_text("!!python/object/apply:os.system ['true']")
    assert "is not YAML" in refused_here("solve", broken)
    broken.write_text(json.dumps(GOOD))
    assert "`method` must be one of" in refused_here("solve", broken, "--method", "simplex")
    assert "not 'newtonn'. Did you mean newton?" in refused_here("solve", broken, "--method", "newtonn")
    broken.write_text(json.dumps(GOOD | {"functional": {"KLtoPrior": {}}}))
    assert "Did you mean KLToPrior?" in refused_here("solve", broken)
    broken.write_text(json.dumps(GOOD))
    assert "`tolerance` must be a finite number above 0" in refused_here("solve", broken, "--tolerance", "-1")


def test_solve_reads_arrays_from_files_and_writes_a_picture_with_its_data(tmp_path):
    np.savez(tmp_path / "game.npz", pi_0=[[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], E=[0, 1, 1])
    game = tmp_path / "game.yaml"
    game.write_text("pi_0: game.npz:pi_0\nE: game.npz:E\nfunctional: {Gini: {weight: 1.3}}\nbeta: 0.7\n")
    done = run("solve", "game.yaml", "--plot", "a.svg", "--out", "b.json", "--method", "mirror_descent", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {p.name for p in tmp_path.iterdir()} == {"game.npz", "game.yaml", "a.svg", "a.json", "b.json"}
    assert "relative duality gap" in (tmp_path / "a.svg").read_text()
    result = json.loads((tmp_path / "b.json").read_text())
    assert max(result["gap"]) < 1e-10
    assert result["functional"] == {"Gini": {"weight": 1.3}}
    assert len(result["history"]) == result["iterations"] + 1
    before = (tmp_path / "b.json").read_bytes()
    assert "b.json exists already" in refused("solve", game, "--out", tmp_path / "b.json")
    assert "a.svg exists already" in refused("solve", game, "--plot", tmp_path / "a.svg")
    assert "must end in one of .svg" in refused("solve", game, "--plot", tmp_path / "a.gif")
    assert (tmp_path / "b.json").read_bytes() == before


def test_solve_prints_strict_json_for_unequal_prompts_and_zero_masses(tmp_path):
    game = tmp_path / "game.yaml"
    game.write_text("pi_0: [[1, 0], [0.5, 0.25, 0.25]]\nE: [[0, 1], [0, 1, 2]]\nfunctional: {Gini: }\nbeta: 1e-2\n")
    done = run("solve", game)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout, parse_constant=pytest.fail)
    assert list(map(len, result["pi"])) == [2, 3]
    assert json.loads(run("solve", game, "--no-policy").stdout)["pi"] is None


def test_solve_leaves_nothing_behind_when_it_fails(tmp_path):
    game = tmp_path / "game.yaml"
    game.write_text(json.dumps(GOOD))
    outputs = ("--out", tmp_path / "b.json", "--plot", tmp_path / "a.svg")
    steps = ("--method", "mirror_descent", "--max-iterations", "0", "--tolerance", "1e-300")
    game.write_text(json.dumps(GOOD | {"pi_0": [0.9, 0.1]}))
    assert "mirror_descent stopped after 0 steps" in refused("solve", game, *outputs, *steps)
    game.write_text(json.dumps(GOOD | {"pi_0": [0.9, 0.2]}))
    assert "`pi_0` sum to 1.1" in refused("solve", game, *outputs)
    (tmp_path / "objects.npy").write_bytes(b"\x93NUMPY")
    game.write_text(json.dumps(GOOD | {"pi_0": "objects.npy"}))
    assert "objects.npy is damaged" in refused("solve", game, *outputs)
    assert {p.name for p in tmp_path.iterdir()} == {"game.yaml", "objects.npy"}


def test_the_version_is_that_of_the_package():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"dagames {version('dagames')}\n", "")


def test_a_mistyped_command_or_option_is_answered_by_the_nearest():
    assert "No such command 'tabel'. Did you mean 'table'?" in refused("tabel")
    assert "--policy" in refused("solve", "game.yaml", "--polcy")
    assert "Did you mean I.5a?" in refused("verify", "I.5aa")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("solve game.yaml", "--out"),
        ("solve game.yaml", "--plot"),
        ("table -K 512", "--out"),
        ("pareto -K 64", "--out"),
        ("pareto -K 64", "--plot"),
        ("verify", "--json"),
        ("verify", "--markdown"),
    ],
)
def test_an_output_in_a_folder_that_is_not_there_is_refused_before_the_work(
    command, option, tmp_path, monkeypatch, refused_here
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    output = "new/deep/a.svg" if option == "--plot" else "new/deep/a.json"
    words = " ".join(refused_here(*command.split(), option, output).split())
    assert f"{option}: cannot write {output}: there is no folder new/deep. Make it (mkdir -p new/deep)" in words
    within = output.replace("new/deep", "file")
    assert f"{option}: cannot write {within}: file is a file" in refused_here(*command.split(), option, within)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_missing_folder_is_refused_in_a_process_of_its_own(tmp_path):
    assert "--out: cannot write" in refused("solve", ROOT / "examples/gini.yaml", "--out", tmp_path / "new" / "a.json")
    assert "--json: cannot write" in refused("verify", "--json", tmp_path / "new" / "a.json")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["--help", "--version", "table -K 2", "solve examples/gini.yaml", "verify I.1"])
def test_a_full_standard_output_gives_one_line(command):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([DAGAMES, *command.split()], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("cannot write to standard output: No space left on device.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["dagames", "dagames.cli.main"])
def test_the_modules_are_the_same_command(module):
    done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"dagames {version('dagames')}\n", "")


def test_a_reader_that_goes_away_is_no_error():
    with subprocess.Popen([DAGAMES, "solve", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


INTERRUPTED_AT = """
import importlib.abc, os, signal, sys

class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["dagames", "solve", "examples/gini.yaml"]
from dagames.cli.main import main
main()
print("not interrupted")
"""


@pytest.mark.parametrize("module", ["typer", "dagames.cli.table", "yaml", "dagames.solvers.newton", "numpy"])
def test_an_interrupt_during_imports_ends_the_command_without_a_traceback(module):
    """SIGINT arrives while a module is looked for, before the command's body runs and within it."""
    code = INTERRUPTED_AT.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("command", ["solve", "table", "pareto"])
def test_help_fills_the_lines_of_a_terminal(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = [line[1:].rstrip() for line in run(command, "--help").stdout.partition("╭")[0].splitlines()]
    ragged = [
        line
        for line, following in itertools.pairwise(lines)
        if line and following and not following.startswith(" ") and not line.endswith(":")
        if len(line) + 1 + len(following.split()[0]) <= 78
    ]
    assert not ragged


def test_the_methods_of_a_table_are_listed_in_two_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("table", "--help").stdout.partition("Methods:")[2].partition("Rewards:")[0].splitlines()
    assert {len(line) - len(line.lstrip()) for line in lines if line.strip()} == {5, 18}
    assert [line.split()[0] for line in lines if line.startswith(" " * 5) and line[5:].strip() and line[5] != " "] == [
        *METHODS
    ]


def test_help_teaches():
    for command, words in (
        ((), ("solve",)),
        (("solve",), ("functional: {Gini", "no_regret", "KLToPrior", f"up to {POLICY_SIZE} traces")),
        (("verify",), ("I.5",)),
        (("report",), ("index",)),
    ):
        done = run(*command, "--help")
        assert done.returncode == 0
        page = " ".join(done.stdout.replace("│", " ").split())
        assert all(word in page for word in words)


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
    assert "worst weighted variance" in drawn
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
