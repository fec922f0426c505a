"""A game in a file is the game in Python, however its arrays are stored; what is wrong is named with its place."""

import io
import json
import os
import zipfile
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, DagamesError, solve
from dagames.cli.game_file import FUNCTIONALS, load_game, read_game
from dagames.functionals import Gini, Linear

PI_0 = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
E = np.array([0, 1, 1])
REWARDS = np.array([1.0, -2.5])


@pytest.fixture(autouse=True)
def _as_a_user():
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def game_of(folder: Path, text: str) -> AlignmentGame:
    (folder / "game.yaml").write_text(text)
    return load_game(folder / "game.yaml")


def refused(folder: Path, text: str) -> str:
    with pytest.raises(DagamesError) as caught:
        game_of(folder, text)
    message = str(caught.value)
    assert "game.yaml" in message
    return message


def stated(functional: str = "{Gini: {weight: 1.3}}", pi_0: str = "[0.5, 0.5]", answers: str = "[0, 1]") -> str:
    return f"pi_0: {pi_0}\nE: {answers}\nfunctional: {functional}\nbeta: 0.7\n"


def store(folder: Path) -> None:
    np.save(folder / "pi_0.npy", PI_0)
    np.save(folder / "E.npy", E.astype(np.int32))
    np.save(folder / "rewards.npy", REWARDS)
    np.savez_compressed(folder / "all.npz", pi_0=PI_0, E=E, rewards=REWARDS)
    np.savez(folder / "E.npz", E=E)
    np.savetxt(folder / "pi_0.csv", PI_0, delimiter=",", fmt="%.17g")
    (folder / "traces.csv").write_text("name,E\n" + "".join(f'"y, {i}",{e}\n' for i, e in enumerate(E)))
    (folder / "plain.csv").write_text("1.0\n-2.5\n")
    (folder / "rewards.csv").write_text("\ufeffreward\n1.0\n-2.5\n\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("pi_0", "answers", "rewards"),
    [
        (json.dumps(PI_0.tolist()), json.dumps(E.tolist()), json.dumps(REWARDS.tolist())),
        ("pi_0.npy", "E.npy", "rewards.npy"),
        ("all.npz:pi_0", "all.npz:E", "all.npz:rewards"),
        ("pi_0.csv", "traces.csv:E", "rewards.csv"),
        ("pi_0.csv", "E.npz:E", "plain.csv"),
        ("[[0.5, 0.3, 0.2], [1e-1, 6E-1, +.3]]", "E.npz", "[1, -2.5]"),
    ],
)
def test_however_arrays_are_stored_the_solution_is_the_same(tmp_path, pi_0, answers, rewards):
    store(tmp_path)
    solution = solve(game_of(tmp_path, stated(f"{{Linear: {{rewards: {rewards}}}}}", pi_0, answers)))
    expected = solve(AlignmentGame(PI_0, E, Linear(REWARDS), 0.7))
    np.testing.assert_array_equal(solution.pi, expected.pi)
    np.testing.assert_array_equal(solution.q, expected.q)


def test_an_npy_file_is_mapped_and_not_copied(tmp_path):
    store(tmp_path)
    game = game_of(tmp_path, stated(pi_0="pi_0.npy", answers="E.npy"))
    assert not game.reference.values.flags.owndata
    assert not game.reference.values.flags.writeable
    assert not game.reference.E.flags.owndata
    assert game.reference.E.dtype == np.int32


def test_names_start_in_the_folder_of_the_game_or_are_absolute(tmp_path, monkeypatch):
    store(tmp_path)
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    for name in ("../pi_0.npy", str(tmp_path / "pi_0.npy")):
        assert game_of(tmp_path / "sub", stated(pi_0=name, answers="../E.npy")).batch == (2,)


def test_logs_and_n_answers_are_read(tmp_path):
    np.save(tmp_path / "logs.npy", [-1e4, 0.0, -np.inf])
    for logs in ("[-1e4, 0.0, -.inf]", "logs.npy"):
        text = stated(pi_0=logs, answers="[0, 1, 2]").replace("pi_0", "log_pi_0") + "n_answers: 4"
        game = game_of(tmp_path, text)
        assert game.log_nu_0.tolist() == [-1e4, 0.0, -np.inf, -np.inf]


def test_prompts_of_unequal_sizes_are_a_ragged_batch(tmp_path):
    np.save(tmp_path / "a.npy", [0.5, 0.5])
    expected = AlignmentGame.ragged([[0.5, 0.5], [0.2, 0.3, 0.5]], [[0, 1], [0, 1, 1]], Gini(1.3), 0.7)
    for first in ("[0.5, 0.5]", "a.npy"):
        game = game_of(tmp_path, stated(pi_0=f"[{first}, [0.2, 0.3, 0.5]]", answers="[[0, 1], [0, 1, 1]]"))
        for mine, theirs in zip(solve(game).pi, solve(expected).pi, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    message = refused(tmp_path, stated(pi_0="[[0.0], [-1, -2]]", answers="[[0], [0, 1]]").replace("pi_0:", "log_pi_0:"))
    assert "pad each prompt to the longest with -.inf" in message


def test_parameters_may_vary_by_prompt(tmp_path):
    store(tmp_path)
    game = game_of(tmp_path, stated("{Gini: {weight: [1, 2]}}", "pi_0.csv", "E.npy"))
    assert game.functional.weight.tolist() == [1.0, 2.0]


def test_a_json_file_is_read_with_its_small_numbers(tmp_path):
    content = {"pi_0": [1e-05, 1 - 1e-05], "E": [0, 1], "functional": {"Gini": {"weight": 2e-07}}, "beta": 1e-09}
    for indent in (None, "\t"):
        (tmp_path / "game.json").write_text(json.dumps(content, indent=indent))
        read = read_game(tmp_path / "game.json")
        assert read.game.beta == 1e-09
        assert read.functional == {"Gini": {"weight": 2e-07}}


def test_lists_of_functionals_are_sums_and_numbers_beside_them_factors(tmp_path):
    store(tmp_path)
    parts = "[{Gini: {weight: 1.5}}, {Linear: {rewards: rewards.npy}, weight: 2}, {Gini: , weight: [1, 3]}]"
    game = game_of(tmp_path, stated(parts, "pi_0.csv", "E.npy"))
    nu = np.array([[0.3, 0.7], [0.9, 0.1]])
    expected = 0.5 * np.array([2.5, 4.5]) * (nu**2).sum(axis=-1) - 2.0 * nu @ REWARDS
    np.testing.assert_allclose(game.functional.value(nu), expected, rtol=1e-14)
    assert solve(game).certificate.worst < 1e-10
    assert type(game_of(tmp_path, stated("[{Gini: {weight: 1.5}}]")).functional) is Gini


def test_constraints_may_be_stated(tmp_path):
    game = game_of(tmp_path, stated("{Polytope: {costs: [[0, 1]], budgets: [0.25]}}"))
    assert game.functional.value(np.array([[0.75, 0.25], [0.7, 0.3]])).tolist() == [0.0, np.inf]


def test_every_functional_that_a_file_can_name_is_made_of_numbers():
    assert {"Gini", "Linear", "Tsallis", "LogScore", "KLToPrior"} <= set(FUNCTIONALS)
    assert not {"Sum", "Scaled", "FromConvex", "Separable", "Functional"} & set(FUNCTIONALS)


def test_aliases_share_what_they_name(tmp_path):
    game = game_of(
        tmp_path,
        stated(pi_0="&p [0.4, 0.6]", answers="[0, 1]").replace("{Gini: {weight: 1.3}}", "{KLToPrior: {prior: *p}}"),
    )
    assert game.functional.prior.tolist() == [0.4, 0.6]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["must contain the keys"]),
        ("pi_0", ["must contain the keys"]),
        ("- 1", ["must contain the keys"]),
        ("pi_0: [1, 2", ["is not YAML: line 2, column 1", "did not find"]),
        ("pi_0: '\x01'", ["is not YAML"]),
        (stated() + "beta: 2", ["line 5, column 1", "repeats the key 'beta'"]),
        (stated() + "--- 2", ["line 5", "second document"]),
        (stated() + "? [1]\n: 2", ["line 5, column 3", "key that is not a word"]),
        (stated() + "? {a: 1}\n: 2", ["key that is not a word"]),
        ("!!python/object/apply:os.system ['true']", ["tags are not supported"]),
        ("pi_0: !!float 1", ["line 1, column 7", "tags are not supported"]),
        ("pi_0: " + "[" * 200_000, ["nested more than 50 deep"]),
        ("pi_0: &a [*a]", ["line 1, column 11", "refers to &a"]),
        ("a: &a [1]\nb: [*a, *a]", ["unknown: a"]),
        (stated().replace("beta:", "betta:"), ["line 4, column 1", "unknown: betta", "Did you mean beta?"]),
        (stated().replace("E:", "e:"), ["line 2, column 1", "unknown: e. Did you mean E? The keys are pi_0"]),
        (stated().replace("beta: 0.7", ""), ["missing: beta"]),
        ("beta: 1", ["missing: E, functional, pi_0 (or log_pi_0)"]),
        (stated() + "log_pi_0: [0.0]", ["line 5, column 1", "both give the reference"]),
        (stated() + "n_answers: 0.7", ["line 5", "`n_answers` must be an integer"]),
        (stated() + "n_answers: true", ["line 5", "`n_answers` must be a number, not true"]),
        (
            stated().replace("0.7", "no number"),
            ["line 4, column 1", "`beta` must be a number above 0, not 'no number'"],
        ),
        (stated().replace("0.7", ""), ["line 4", "`beta` must be a number above 0, not None"]),
        (stated(pi_0="half"), ["line 1, column 1", "`pi_0` is 'half'", ".npy, .npz or .csv"]),
        (stated(pi_0=""), ["`pi_0` is empty"]),
        (stated(pi_0="{a: 1}"), ["`pi_0` is a mapping"]),
        (stated(pi_0="[0.5, true]"), ["line 1, column 13", "`pi_0[1]` is true"]),
        (stated(pi_0="[0.5, half]"), ["line 1, column 13", "`pi_0[1]` is 'half'"]),
        (stated(pi_0="[[0.5, 0.5], [0.5, 0,5]]"), ["`pi_0[1]` sum to 5.5"]),
        (stated(pi_0="[0.5, -0.5]"), ["line 1, column 13", "`pi_0[1]` is negative: -0.5"]),
        (stated(pi_0="[[0.5, 0.5], [0.5, -0.5]]"), ["line 1, column 26", "`pi_0[1, 1]` is negative"]),
        (stated(pi_0="[[1], [0.5, -0.5]]", answers="[[0], [0, 1]]"), ["line 1, column 19", "`pi_0[1][1]` is negative"]),
        (stated(pi_0="[0.5, .nan]"), ["`pi_0[1]` is nan"]),
        (stated(pi_0="[1" + "0" * 400 + ", 1]"), ["`pi_0[0]` is inf"]),
        (stated(answers="[0]"), ["line 2, column 1", "`E` has shape (1,)"]),
        (stated(answers="[0, 0.5]"), ["line 2, column 8", "`E[1]` is 0.5"]),
        (stated(answers="[0, 1000000000000]"), ["line 2", "times 1000000000001 answers", "fit into memory"]),
        (stated() + "n_answers: 1000000000000", ["line 5", "times 1000000000000 answers"]),
        (stated(pi_0="[[1], [0.5, 0.5]]", answers="[0, 1]"), ["line 2"]),
        (stated("Gini"), ["line 3, column 1", "`functional` must be one of", "not 'Gini'"]),
        (stated("{Gini: {}, Linear: {}}"), ["`functional` must be one of"]),
        (stated("{gini: {}}"), ["Did you mean Gini?"]),
        (stated("{NegEntropy: {}}"), ["Did you mean NegativeEntropy?"]),
        (stated("{Functional: {}}"), ["`functional` must be one of"]),
        (stated("[]"), ["empty list"]),
        (stated("[{Gini: , weight: [1, 2]}, {Gini: }]"), ["line 3", "`weight` has shape (2,)"]),
        (stated("[Gini]"), ["line 3, column 14", "`functional` must be one of"]),
        (stated("{Gini: [1]}"), ["arguments of Gini must be a mapping"]),
        (
            stated("{Gini: {wieght: 1}}"),
            ["line 3, column 21", "Gini does not take the arguments wieght", "mean weight?"],
        ),
        (stated("{Linear: }"), ["Linear needs the arguments rewards"]),
        (stated("{Gini: {weight: true}}"), ["line 3, column 21", "`weight` is true"]),
        (stated("{Gini: {weight: }}"), ["`weight` is empty"]),
        (stated("{Gini: {weight: -1}}"), ["line 3, column 21", "`weight` must be finite and above 0"]),
        (stated("{Gini: , weight: -1}"), ["line 3, column 22", "`weight` must be finite and above 0, not -1"]),
        (stated("{Linear: {rewards: [1, x]}}"), ["line 3, column 36", "`rewards[1]` is 'x'"]),
        (stated("{Linear: {rewards: [1, .nan]}}"), ["line 3, column 36", "`rewards[1]` is nan"]),
        (stated("{Linear: {rewards: [[1, 2], [3]]}}"), ["`rewards` is not a rectangular array"]),
        (stated("{Linear: {rewards: [1, 2, 3]}}"), ["line 3, column 23", "`rewards` has shape (3,)"]),
        (
            stated("{Hellinger: {prior: uniform}}"),
            ["line 3", "`prior` must be real numbers, not 'uniform'", "A text is read as a file name only if"],
        ),
        (stated("{KLFromPrior: {prior: [0, 0, 1]}}") + "n_answers: 3", ["line 3", "KLFromPrior is infinite"]),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(tmp_path, text, parts):
    message = refused(tmp_path, text)
    for part in parts:
        assert part in message, message


def test_aliases_that_grow_are_refused_before_they_do(tmp_path):
    text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    text += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    assert "with aliases expanded there are more than" in refused(tmp_path, text)


def archive(path: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, content)


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def store_damaged(folder: Path) -> None:
    store(folder)
    huge = npy(np.zeros(2)).replace(b"(2,), }" + b" " * 10, b"(99999999999,), }")
    for name, content in {
        "object": npy(np.array([{}, 1], dtype=object)),
        "text": npy(np.array(["a", "b"])),
        "complex": npy(np.array([1j])),
        "truth": npy(np.array([True])),
        "scalar": npy(np.array(1.0)),
        "none": npy(np.zeros((0,))),
        "short": npy(np.zeros(2))[:-3],
        "magic": b"not an array",
        "huge": huge,
        "empty": b"",
    }.items():
        (folder / f"{name}.npy").write_bytes(content)
        archive(folder / f"{name}.npz", f"{name}.npy", content)
    (folder / "zip.npz").write_bytes(b"PK not a zip")
    (folder / "folder.npy").mkdir()
    os.mkfifo(folder / "pipe.npy")
    for name, text in {
        "text": "0.5\nhalf\n",
        "nan": "a,b\n1,2\n3,nan\n",
        "blank": "1,2\n3,\n",
        "wide": "1,2\n3,4,5\n",
        "narrow": "a,b\n1\n",
        "header": "a\n",
        "void": "",
        "lines": "\n\n",
        "twice": "a,a\n1,2\n",
        "quote": 'a\n"1\n',
    }.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "latin.csv").write_bytes(b"\xe9\n1\n")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("missing.npy", ["cannot read", "missing.npy: No such file"]),
        ("missing.npz:a", ["missing.npz: No such file"]),
        ("missing.csv", ["missing.csv: No such file"]),
        ("folder.npy", ["Is a directory"]),
        ("pipe.npy", ["not a regular file"]),
        ('"a\\0.npy"', ["null"]),
        ("object.npy", ["Python objects"]),
        ("object.npz", ["Python objects"]),
        ("text.npy", ["text.npy contains <U1, not real numbers"]),
        ("text.npz", ["text.npz:text contains <U1"]),
        ("complex.npy", ["complex128, not real"]),
        ("truth.npy", ["bool, not real"]),
        ("scalar.npy", ["shape ()"]),
        ("none.npz", ["shape (0,)"]),
        ("none.npy", ["none.npy"]),
        ("short.npy", ["short.npy is damaged"]),
        ("short.npz", ["its header states 16 bytes, but there are 13"]),
        ("magic.npy", ["magic.npy is not an .npy array"]),
        ("magic.npz", ["magic.npz is damaged"]),
        ("huge.npy", ["huge.npy is damaged"]),
        ("huge.npz", ["its header states 799999999992 bytes"]),
        ("empty.npy", ["empty.npy is empty"]),
        ("empty.npz", ["damaged"]),
        ("zip.npz", ["zip.npz is damaged"]),
        ("pi_0.npy:a", ["takes no key"]),
        ("all.npz", ["contains the arrays E, pi_0, rewards; name one, such as all.npz:E"]),
        ("all.npz:reward", ["no array 'reward'; it contains E, pi_0, rewards. Did you mean rewards?"]),
        ("text.csv", ["text.csv, row 2, column 1 is 'half'"]),
        ("nan.csv:b", ["row 3, column 2 is 'nan'"]),
        ("blank.csv", ["row 2, column 2 is ''"]),
        ("wide.csv", ["row 2 has 3 cells, but the first row has 2"]),
        ("narrow.csv:a", ["row 2 has 1 cells"]),
        ("header.csv", ["a header (a) and no rows"]),
        ("void.csv", ["void.csv is empty"]),
        ("lines.csv", ["lines.csv is empty"]),
        ("twice.csv:a", ["more than one column 'a'"]),
        ("quote.csv", ["is not CSV"]),
        ("latin.csv", ["is not CSV"]),
        ("traces.csv", ["has the columns name, E; name one, such as traces.csv:name"]),
        ("traces.csv:e", ["no column 'e'; its header is name, E. Did you mean E?"]),
        ("pi_0.csv:e", ["has no header"]),
    ],
)
def test_a_mistake_in_a_file_of_arrays_is_named(tmp_path, name, parts):
    store_damaged(tmp_path)
    message = refused(tmp_path, stated(pi_0=name, answers="[0, 1]"))
    assert "line 1, column 1: `pi_0`" in message
    for part in parts:
        assert part in message, message


def test_an_error_of_the_game_names_the_file_the_numbers_came_from(tmp_path):
    np.save(tmp_path / "bad.npy", [0.5, 0.6])
    message = refused(tmp_path, stated(pi_0="bad.npy"))
    assert "line 1, column 1 (bad.npy): the entries of `pi_0` sum to 1.1" in message
    message = refused(tmp_path, stated("[{Linear: {rewards: bad.npy}}]", "[0.5, 0.3, 0.2]", "[0, 1, 2]"))
    assert "line 3, column 24 (bad.npy): `rewards` has shape (2,)" in message


def test_files_beyond_the_limits_are_refused_unread(tmp_path, monkeypatch):
    store(tmp_path)
    monkeypatch.setattr("dagames.cli.array_files._SIZES", {"npy": 10, "npz": 10, "csv": 10})
    for name in ("pi_0.npy", "all.npz:E", "pi_0.csv"):
        assert "and the limit is 10" in refused(tmp_path, stated(pi_0=name))
    monkeypatch.setattr("dagames.cli.array_files._SIZES", {"npz": 10**4})
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(10**6))
    assert "and the limit of .npz is 10000" in refused(tmp_path, stated(pi_0="bomb.npz"))
    monkeypatch.setattr("dagames.cli.yaml_files._SIZE", 10)
    assert "keep its arrays in .npy files" in refused(tmp_path, stated())
