"""`dagames solve`: certified solutions, pictures with their data, and games that are refused."""

import json

import numpy as np
import pytest

from tests.e2e.commands import refused, run


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
    for text, message in (("pi_0: [", "is not YAML"), ("- 1", "must contain the keys"), ("beta: 1", "missing: E, ")):
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
