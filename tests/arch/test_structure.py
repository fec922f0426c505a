"""Rules of the repository that no other tool checks."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import dagames.functionals
import dagames.targets
from tests.cases import FUNCTIONALS
from tests.target_cases import TARGETS

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    p for folder in ("dagames", "dagames_llm", "proofs_check", "figures") for p in (ROOT / folder).rglob("*.py")
)


def subclasses(package, base) -> set[str]:
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    # Other tests define classes in modules without a file.
    own = {cls for cls in all_subclasses(base) if cls.__module__.startswith("dagames.") and has_file(cls)}
    return {cls.__name__ for cls in own if not inspect.isabstract(cls)}


def has_file(cls) -> bool:
    return hasattr(sys.modules.get(cls.__module__), "__file__")


def all_subclasses(base) -> set[type]:
    return {cls for child in base.__subclasses__() for cls in (child, *all_subclasses(child))}


def test_every_functional_and_target_is_put_through_the_laws():
    assert subclasses(dagames.functionals, dagames.functionals.Functional) == {name.split()[0] for name in FUNCTIONALS}
    assert subclasses(dagames.targets, dagames.targets.Target) == {name.split()[0] for name in TARGETS}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_readable(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert path.stem.strip("_") not in {"utils", "helpers", "misc", "common"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            statements = node.body[1:] if ast.get_docstring(node) else node.body
            length = statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0
            assert length <= 60, f"{node.name} is {length} lines long"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_code_runs_what_a_model_wrote(path):
    called = {
        n.func.id
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not called & {"eval", "exec", "compile", "__import__"}
    imported = {
        alias.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Import) for alias in n.names
    }
    assert not imported & {"pickle", "dill", "cloudpickle", "marshal", "shelve"}


def test_every_dependency_is_pinned():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {d.split(">=")[0].split("[")[0].lower().replace("_", "-") for d in wanted} - {"dagames"}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert all("==" in line and "://" not in line for line in lines)
    assert names <= pins, names - pins


def test_the_architecture_page_names_every_room_and_no_other():
    page = (ROOT / "docs" / "architecture.md").read_text()
    cells = [row.split("|")[1] for row in page.partition("## Rooms")[2].splitlines() if row.startswith("| ")]
    named = [name for cell in cells for name in re.findall(r"`dagames/(\w+)/?`", cell)]
    there = [
        path.stem
        for path in (ROOT / "dagames").iterdir()
        if path.name not in {"__init__.py", "__pycache__", "py.typed"}
    ]
    assert sorted(named) == sorted(there)


def test_the_layers_of_the_page_are_those_of_the_contract():
    page = (ROOT / "docs" / "architecture.md").read_text().partition("## Rooms")[0]
    rows = [re.findall(r"`(\w+)`", row.split("|")[2]) for row in page.splitlines() if row.startswith("| ")]
    contract = (ROOT / ".importlinter").read_text().partition("layers =\n")[2].partition("\n\n")[0]
    assert [row for row in rows if row] == [re.findall(r"\w+", line) for line in contract.splitlines()]
