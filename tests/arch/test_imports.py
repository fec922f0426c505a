"""What an import loads, and that exports which are imported late are complete."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import dagames

ROOT = Path(__file__).parents[2]
HEAVY = {"cvxpy", "flint", "matplotlib", "mpmath", "rich", "scipy", "torch", "typer"}
UNUSED = {"cvxpy", "flint", "jinja2", "matplotlib", "mpmath", "torch"} | {
    f"scipy.{part}" for part in ("linalg", "optimize", "sparse", "special", "stats")
}
"""What solving a game by Newton's method has no use for."""
LAZY = (
    "dagames",
    "dagames.bregman",
    "dagames.estimators",
    "dagames.functionals",
    "dagames.grpo",
    "dagames.orbits",
    "dagames.solvers",
)

each_lazy = pytest.mark.parametrize("package", LAZY)


def loaded_by(statements: str) -> set[str]:
    """Return the packages, of any depth, that a fresh interpreter holds after some statements."""
    code = f"{statements}\nimport sys\nprint(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_targets_load_nothing_heavy():
    modules = loaded_by("import dagames.targets")
    assert "dagames.targets" in modules
    assert not HEAVY & modules


def test_scoring_a_group_loads_nothing_heavy():
    modules = loaded_by(
        "from dagames.targets import *\n"
        "group = AnswerGroup(['1', '2', '2', None])\n"
        "for target in (MajorityVote(), GiniDiversity()):\n"
        "    target.rewards(group), target.log_density([0.7, 0.3], 1.0)"
    )
    assert not HEAVY & modules


def test_the_package_alone_loads_no_array_library():
    assert not (HEAVY | {"numpy"}) & loaded_by("import dagames")


def test_building_the_commands_loads_nothing_that_computes():
    modules = loaded_by("from dagames.cli.main import whole_app\nwhole_app()")
    assert {"dagames.cli.solve", "dagames.cli.table", "dagames.cli.pareto", "proofs_check.command"} <= modules
    assert not (HEAVY - {"typer"} | {"numpy", "yaml"}) & modules


def run_command(*arguments: str) -> str:
    return (
        "import contextlib, io, sys\n"
        f"sys.argv = {['dagames', *arguments]}\n"
        "from dagames.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "assert len(printed.getvalue()) > 500, printed.getvalue()"
    )


@pytest.mark.parametrize("command", ["", "table", "pareto", "verify", "report", "figures"])
def test_help_loads_nothing_that_computes(command):
    """`rich` lays the page out; `dagames solve --help` lists functionals and methods, and so imports them."""
    assert not (HEAVY - {"typer", "rich"} | {"numpy"}) & loaded_by(run_command(*command.split(), "--help"))


def test_solving_a_game_loads_only_what_it_uses():
    modules = loaded_by(run_command("solve", "examples/gini.yaml"))
    assert {"dagames.solvers.newton", "numpy"} <= modules
    assert not (UNUSED | {"rich"}) & modules


def statements(package: str) -> list[ast.stmt]:
    return ast.parse(Path(importlib.import_module(package).__file__).read_text()).body


@each_lazy
def test_type_checkers_see_what_the_interpreter_finds(package):
    """The imports under TYPE_CHECKING, the homes of the late exports, and `__all__` name the same things."""
    module = importlib.import_module(package)
    branch = next(node for node in statements(package) if isinstance(node, ast.If))
    declared = {(node.module.removeprefix(f"{package}."), alias.name) for node in branch.body for alias in node.names}
    homes = ast.literal_eval(branch.orelse[0].value.args[1])
    assert {(home, name) for home, names in homes.items() for name in names} == declared
    assert {name for _, name in declared} <= set(module.__all__)
    for name in module.__all__:
        value = getattr(module, name)
        assert vars(module)[name] is value
        assert not inspect.ismodule(value)
    assert set(module.__all__) <= set(dir(module))


@each_lazy
@pytest.mark.parametrize("name", ["Nothing", "_nothing"])
def test_unknown_names_are_refused_as_usual(package, name):
    module = importlib.import_module(package)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute '{name}'"):
        getattr(module, name)
    with pytest.raises(ImportError, match=f"cannot import name '{name}'"):
        exec(f"from {package} import {name}")


def test_subpackages_are_found_by_name():
    assert "dagames.grpo" in loaded_by("import dagames\nassert dagames.grpo.Grpo")
    assert dagames.functionals.Gini().weight == 1.0


def test_a_function_keeps_its_name_beside_its_module():
    """Importing the module `from_convex` binds that name in the package, where the function has to be."""
    loaded_by(
        "import dagames.functionals.sums\n"
        "from dagames.functionals import from_convex\n"
        "assert callable(from_convex), from_convex"
    )
