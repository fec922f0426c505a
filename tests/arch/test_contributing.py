"""The examples of CONTRIBUTING.md run and obey the laws."""

import doctest
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

from dagames import AlignmentGame, estimators, solve, targets
from dagames.estimators.table_method import TableMethod
from dagames.functionals import Gini, broken_laws
from dagames.targets import AnswerGroup

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n# ([\w/]+)\.py\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
EXAMPLES = {path.rpartition("/")[2]: (path, code) for path, code in BLOCKS}


@pytest.fixture
def example(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The module of an example, by the last part of its name."""
    # Not under the name of the package, whose functionals and targets other tests count.
    name, code = f"contributing.{request.param}", EXAMPLES[request.param][1]
    module = ModuleType(name)
    sys.modules[name] = module
    exec(code, module.__dict__)  # the page's own code
    yield module
    del sys.modules[name]


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [name], indirect=True)


def run(path: str) -> dict[str, Any]:
    """Run a file again, and return what it defines."""
    return runpy.run_path(str(ROOT / path))


@pytest.mark.parametrize("example", sorted(EXAMPLES), indirect=True)
def test_the_examples_are_new_and_their_doctests_hold(example):
    path, _ = EXAMPLES[example.__name__.rpartition(".")[2]]
    assert not (ROOT / f"{path}.py").exists()
    assert doctest.testmod(example).failed == 0


@of("cosh")
def test_the_functional_obeys_the_laws_and_is_solved(example):
    R = example.Cosh(2.0)
    assert list(broken_laws(R, 3)) == []
    game = AlignmentGame([0.6, 0.3, 0.1], [0, 1, 2], R, beta=0.5)
    assert solve(game).method == "newton"
    for method in ("mirror_descent", "conic"):
        np.testing.assert_allclose(solve(game).nu, solve(game, method).nu, atol=1e-5)


@of("halved_response")
def test_the_solver_agrees_with_newton(example):
    game = AlignmentGame([0.6, 0.3, 0.1], [0, 1, 2], Gini(1.0), beta=0.5)
    np.testing.assert_allclose(example.solve_halved_response(game).value, solve(game, "newton").value, atol=1e-10)


@of("laplace")
def test_the_bias_of_the_table_is_that_of_its_mean(example):
    table, p = example.laplace_table(4, counts="independent"), np.linspace(0.001, 1, 1000)
    mean = sum(
        c * m * p**k * (1 - p) ** (4 - k)
        for k, (c, m) in enumerate(zip(table.coefficients, (1, 4, 6, 4, 1), strict=True))
    )
    worst = np.abs(p * (mean - np.log(p))).max()
    assert worst <= table.bias.upper <= 1.001 * worst


@of("laplace")
def test_the_table_becomes_a_method_of_the_command_and_of_recipes(example, monkeypatch):
    monkeypatch.setattr(estimators, "laplace_table", example.laplace_table, raising=False)
    monkeypatch.setitem(estimators.METHODS, "laplace", TableMethod("laplace_table", "Laplace's estimate", ()))
    command, recipes = (run("dagames/cli/table.py"), run("dagames_llm/config/named_rewards.py"))
    assert "    laplace      Laplace's estimate\n" in command["HELP"]
    expected = example.laplace_table(4)
    for made in (command["_make_table"]("laplace", 4, "self-inclusive", {}), recipes["_table"]("laplace", 4)):
        np.testing.assert_array_equal(made.coefficients, expected.coefficients)


@of("agreement")
def test_the_target_becomes_a_name_in_recipes(example, monkeypatch):
    monkeypatch.setattr(targets, "Agreement", example.Agreement, raising=False)
    monkeypatch.setattr(targets, "__all__", [*targets.__all__, "Agreement"])
    assert run("dagames_llm/config/named_rewards.py")["TARGETS"]["agreement"] is example.Agreement
    rows = run("tests/target_cases.py")["TARGETS"]
    assert isinstance(rows["Agreement"](3), example.Agreement)


@of("agreement")
def test_the_rewards_of_the_target_converge_to_the_exact_ones(example):
    target, group = example.Agreement(), AnswerGroup(("a",) * 70 + ("b",) * 30)
    np.testing.assert_allclose(target.rewards(group)[[0, -1]], target.exact_rewards(np.array([0.7, 0.3])))


@of("best_target")
def test_the_figure_is_drawn_from_its_data(example):
    data = example.compute()
    assert data["q"] == sorted(data["q"], reverse=True)
    figure = example.draw(data)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), data["q"])
    plt.close(figure)
    assert f"{data['q'][0]:.3f}" in example.caption(data)


def test_there_is_an_example_for_each_kind():
    assert sorted(EXAMPLES) == ["agreement", "best_target", "cosh", "halved_response", "laplace"]
