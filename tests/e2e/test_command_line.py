"""The installed commands, as a user types them: right input, wrong input, exit codes, nothing half-written.

Long lists of wrong input run in this process, without a second of imports for each line.
"""

import itertools
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from dagames.cli.result import POLICY_SIZE
from dagames.estimators import METHODS
from tests.e2e.commands import DAGAMES, ROOT, refused, run


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
