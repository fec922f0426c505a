"""The picture of a solution shows what it says, beside its data, and no name can break it."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, DomainError, solve
from dagames.cli.result import as_result
from dagames.cli.solve import solve as solve_command
from dagames.functionals import Gini, KLFromPrior
from dagames.pictures.panels import check_can_plot
from dagames.pictures.solution import describe, draw

STATED = {"Gini": {"weight": 1.3}}


@pytest.fixture(autouse=True)
def _as_a_user():
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def solution_of(n_prompts: int = 0, n_answers: int = 3, method: str = "auto", **options):
    rng = np.random.default_rng(0)
    pi_0 = rng.dirichlet(np.ones(2 * n_answers), size=n_prompts or None)
    return solve(AlignmentGame(pi_0, np.arange(2 * n_answers) % n_answers, Gini(1.3), 0.2), method, **options)


def words_of(svg: bytes) -> str:
    return " ".join("".join(ET.fromstring(svg).itertext()).split())  # noqa: S314 - drawn by us


def test_one_prompt_is_drawn_with_labels_title_and_caption():
    solution = solution_of()
    picture = describe(solution, STATED)
    words = words_of(draw(picture, "svg"))
    for label in ("reference nu_0", "equilibrium nu", "target q", "answer z (index)", "probability"):
        assert label in words
    assert "Gini(weight = 1.3), beta = 0.2" in words
    assert f"newton, relative duality gap {solution.certificate.worst:.1e}" in words
    assert "nu is proportional to nu_0 q" in words
    (bars,) = picture["data"]["answers"]
    assert bars["answer"] == [0, 1, 2]
    for name, side in (("nu_0", solution.game.nu_0), ("nu", solution.nu), ("q", solution.q)):
        assert bars[name] == side.tolist()
    assert "step" not in words


def test_the_course_of_the_gap_is_drawn_where_there_is_one():
    last = words_of(draw(describe(solution_of(method="mirror_descent"), STATED), "svg"))
    assert "relative duality gap" in last.split("probability")[1]
    assert "last iterate" in last
    assert "mean of iterates" not in last
    picture = describe(solution := solution_of(method="no_regret"), STATED)
    assert "mean of iterates" in words_of(draw(picture, "svg"))
    assert picture["data"]["history"] == list(solution.history)
    assert picture["data"]["average_history"] == list(solution.average_history)


@pytest.mark.parametrize(("n_prompts", "panels"), [(1, 1), (4, 4), (5, 1)])
def test_up_to_four_prompts_have_a_panel_each_and_more_are_averaged(n_prompts, panels):
    solution = solution_of(n_prompts)
    picture = describe(solution, STATED)
    words = words_of(draw(picture, "svg"))
    bars = picture["data"]["answers"]
    assert len(bars) == panels
    if n_prompts == 5:
        assert "mean over 5 prompts" in words
        assert "prompts, sorted by gap" in words
        np.testing.assert_allclose(bars[0]["nu"], solution.nu.mean(axis=0))
        assert picture["data"]["gaps"] == solution.certificate.gap.tolist()
    else:
        assert f"prompt {n_prompts - 1}" in words
        assert bars[-1]["q"] == solution.q[-1].tolist()


def test_of_many_answers_the_largest_are_drawn_and_the_others_summed():
    solution = solution_of(n_answers=50)
    (bars,) = describe(solution, STATED)["data"]["answers"]
    assert len(bars["answer"]) == 20
    assert bars["answer"] == sorted(bars["answer"])
    largest = np.maximum(np.maximum(solution.game.nu_0, solution.nu), solution.q)
    assert min(largest[bars["answer"]]) >= max(np.delete(largest, bars["answer"]))
    assert bars["others"]["answers"] == 30
    for name in ("nu_0", "nu", "q"):
        assert sum(bars[name]) + bars["others"][name] == pytest.approx(1.0)
    assert "the other 30 answers" in words_of(draw(describe(solution, STATED), "svg"))


@pytest.mark.parametrize(
    "name",
    ["$\\frac{$", "<script>alert(1)</script>", "a & b", "\x00\x1b[31m", "\ud800", "_{^", "--> ]]>", "名" * 300, "%s"],
)
def test_no_name_breaks_a_picture(name):
    picture = describe(solution_of(), [{name: {name: name}}, {"Gini": {"weight": [1.0] * 10**5}, "weight": 2}])
    words = words_of(draw(picture, "svg"))
    assert "relative duality gap" in words
    assert "2 Gini(weight = [1.0, 1.0, 1.0, 1.0, ...)" in words
    assert draw(picture, "png").startswith(b"\x89PNG")


def test_gaps_of_zero_and_infinity_are_drawn():
    picture = describe(solution_of(method="mirror_descent"), STATED)
    picture["data"]["history"] = [None, 1e-3, 0.0]
    assert "0 is drawn at 1e-17" in words_of(draw(picture, "svg"))
    picture["data"]["history"] = [None]
    assert draw(picture, "svg")


def test_the_same_picture_gives_the_same_file_in_every_format():
    picture = describe(solution_of(), STATED)
    for kind, head in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert draw(picture, kind).startswith(head)
        assert draw(picture, kind) == draw(picture, kind)


def test_matplotlib_is_asked_for_by_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setattr("dagames.pictures.panels.find_spec", lambda _: None)
    with pytest.raises(DomainError, match=re.escape("pip install 'dagames[report]'")):
        check_can_plot(tmp_path / "a.svg")


def test_only_formats_that_can_be_drawn_are_taken(tmp_path):
    for name in ("a.SVG", "a.b.png", "a.pdf"):
        check_can_plot(tmp_path / name)
    for name in ("a.jpg", "a", ".svg", "svg"):
        with pytest.raises(DomainError, match=re.escape("must end in one of .svg, .png, .pdf")):
            check_can_plot(tmp_path / name)


def game_file(folder, **changes):
    content = {"pi_0": [0.5, 0.3, 0.2], "E": [0, 1, 1], "functional": STATED, "beta": 0.7} | changes
    (folder / "game.json").write_text(json.dumps(content))
    return folder / "game.json"


def test_picture_and_data_stand_side_by_side(tmp_path):
    path = game_file(tmp_path)
    (tmp_path / "sub").mkdir()
    solve_command(path, out=tmp_path / "result.json", plot=tmp_path / "sub" / "picture.svg")
    assert {p.name for p in (tmp_path / "sub").iterdir()} == {"picture.svg", "picture.json"}
    data = json.loads((tmp_path / "sub" / "picture.json").read_text())
    assert data["name"] == "picture"
    assert data["data"]["answers"][0]["answer"] == [0, 1]
    assert json.loads((tmp_path / "result.json").read_text())["functional"] == STATED


def test_nothing_is_written_over_anything(tmp_path):
    path = game_file(tmp_path)
    with pytest.raises(DomainError, match="would overwrite the game"):
        solve_command(path, plot=tmp_path / "game.svg", overwrite=True)
    with pytest.raises(DomainError, match="would overwrite the game"):
        solve_command(path, out=path, overwrite=True)
    with pytest.raises(DomainError, match=r"the data of --plot have the picture's name with the ending \.json"):
        solve_command(path, out=tmp_path / "a.json", plot=tmp_path / "a.svg")
    (tmp_path / "a.json").write_text("kept")
    for options in ({"out": tmp_path / "a.json"}, {"plot": tmp_path / "a.svg"}):
        with pytest.raises(DomainError, match=r"a\.json exists already"):
            solve_command(path, **options)
    with pytest.raises(DomainError, match="is a folder"):
        solve_command(path, out=tmp_path, overwrite=True)
    assert {p.name for p in tmp_path.iterdir()} == {"game.json", "a.json"}
    assert (tmp_path / "a.json").read_text() == "kept"
    solve_command(path, out=tmp_path / "a.json", overwrite=True)
    assert json.loads((tmp_path / "a.json").read_text())["method"] == "newton"


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    path = game_file(tmp_path)
    for option, name in (("out", "a.json"), ("plot", "a.svg")):
        with pytest.raises(DomainError, match=f"--{option}: cannot write .*{name}: there is no folder"):
            solve_command(path, **{option: tmp_path / "new" / name})
    assert [p.name for p in tmp_path.iterdir()] == ["game.json"]


@pytest.mark.parametrize("method", ["newtonn", "Newton", "nwton"])
def test_the_nearest_choice_is_suggested_whatever_its_case(tmp_path, method):
    with pytest.raises(DomainError, match=rf"not '{method}'\. Did you mean newton\?"):
        solve_command(game_file(tmp_path), method=method)
    with pytest.raises(DomainError, match=r"not 'xyz'\.$"):
        solve_command(game_file(tmp_path), method="xyz")


def test_the_result_is_finite_numbers_and_null():
    game = AlignmentGame([0.5, 0.5, 0.0], [0, 1, 2], KLFromPrior([0.5, 0.5, 0.0]), 1.0)
    result = as_result(solve(game), {"KLFromPrior": {"prior": [0.5, float("inf"), float("nan")]}})
    assert result["functional"] == {"KLFromPrior": {"prior": [0.5, None, None]}}
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["nu"][2] == 0.0


def test_the_result_says_how_it_was_reached():
    solution = solution_of(2, method="no_regret", tolerance=1e-2)
    result = as_result(solution, STATED)
    assert result["method"] == "no_regret"
    assert result["beta"] == 0.2
    assert result["history"] == list(solution.history)
    assert result["average_history"] == list(solution.average_history)
    assert result["average_gap"] == solution.average.certificate.gap.tolist()
    assert result["gap"] == solution.certificate.gap.tolist()
    assert result["value"] == solution.value.tolist()
    assert result["dual"] == solution.certificate.dual.tolist()
    assert f"{solution.certificate.worst:.1e} above its minimum at each of 2 prompts" in result["certificate"]
    assert as_result(solution_of(), STATED)["average_gap"] is None


def test_a_large_policy_is_left_out_unless_asked_for(monkeypatch):
    ragged = AlignmentGame.ragged([[1.0], [0.5, 0.5]], [[0], [0, 1]], Gini(1.0), 1.0)
    solution = solve(ragged)
    assert as_result(solution, STATED)["pi"] == [row.tolist() for row in solution.pi]
    assert as_result(solution, STATED, policy=False)["pi"] is None
    monkeypatch.setattr("dagames.cli.result.POLICY_SIZE", 3)
    assert as_result(solution, STATED)["pi"] is not None
    monkeypatch.setattr("dagames.cli.result.POLICY_SIZE", 2)
    assert as_result(solution, STATED)["pi"] is None
    assert as_result(solution, STATED, policy=True)["pi"] == [row.tolist() for row in solution.pi]


def test_a_terminal_gets_a_line_and_a_pipe_does_not(tmp_path, monkeypatch, capsys):
    path = game_file(tmp_path)
    solve_command(path)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    solve_command(path, policy=False)
    written = capsys.readouterr()
    assert re.search(r"newton: gap \d\.\de.\d\d after \d+ iterations, \d+\.\d\d s\n", written.err)
    assert json.loads(written.out)["pi"] is None
    monkeypatch.setattr("dagames.cli.result.POLICY_SIZE", 2)
    solve_command(path)
    assert "--policy lists it" in capsys.readouterr().err


def test_whoever_waits_sees_a_clock(monkeypatch, capsys):
    import time

    from dagames.cli.terminal import spinner

    monkeypatch.setattr("dagames.cli.terminal._SECONDS", 0.02)
    for forced, seen in (("1", True), ("", False)):
        monkeypatch.setenv("FORCE_COLOR", forced)
        with spinner("solving game.yaml"):
            time.sleep(0.3)
        assert ("solving game.yaml" in capsys.readouterr().err) is seen
    monkeypatch.setattr("dagames.cli.terminal._SECONDS", 60.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with spinner("solving game.yaml"):
        pass
    assert "solving game.yaml" not in capsys.readouterr().err


def test_a_folder_that_takes_no_file_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    from dagames._files import check_new_file

    check_new_file(tmp_path / "new" / "a.json", overwrite=False)
    assert not any(tmp_path.iterdir())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(DomainError, match=r"a\.json cannot be written: no file can be made in .*No space left"):
        check_new_file(tmp_path / "a.json", overwrite=False)
