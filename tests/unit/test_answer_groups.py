"""What an `AnswerGroup` holds, and what it refuses."""

from collections import Counter
from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagames import DomainError, ShapeError
from dagames.targets import AnswerGroup

traces = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from([-2, 0, 7])), min_size=1, max_size=12
)


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@given(traces)
def test_tallies_are_counts(drawn):
    answers, views = zip(*drawn, strict=True)
    group = AnswerGroup(answers, views)
    count = Counter(a for a in answers if a is not None)
    assert group.distinct == tuple(count)
    assert group.totals.tolist() == list(count.values())
    assert group.counts.tolist() == [count[a] for a in answers]
    assert group.parsed.tolist() == [a is not None for a in answers]
    assert [None if c < 0 else group.distinct[c] for c in group.codes] == list(answers)
    known = sorted(set(views))
    assert [known[v] for v in group.view_codes] == list(views)
    assert group.view_sizes.tolist() == [views.count(v) for v in known]
    assert group.view_totals.tolist() == [[drawn.count((a, v)) for a in count] for v in known]
    per_answer = group.by_answer(group.totals.astype(float), -1.0)
    assert per_answer.tolist() == [count[a] if a else -1.0 for a in answers]


def test_fields_are_kept_and_cannot_be_changed():
    distances, cost = np.array([[0.0, 0.25], [0.25, 0.0]]), np.array([1.0, 2.0])
    group = AnswerGroup(["a", "b"], distances=distances, costs={"length": cost}, texts=["x", "y"], gold="a")
    distances[0, 1], cost[0] = 0.9, 9.0
    assert group.distances.tolist() == [[0.0, 0.25], [0.25, 0.0]]
    assert group.costs["length"].tolist() == [1.0, 2.0]
    assert (group.texts, group.gold, group.views) == (("x", "y"), "a", (0, 0))
    for array in (group.distances, group.costs["length"], group.codes, group.counts, group.totals, group.view_totals):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(TypeError):
        group.costs["other"] = cost
    merged = group.with_answers(["c", "c"])
    assert merged.counts.tolist() == [2, 2]
    assert group.counts.tolist() == [1, 1]
    assert merged.distances is group.distances
    assert AnswerGroup(["a"]).costs == {}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_rounding_in_distances_is_removed(dtype):
    """Distances from cosines in a coarse type miss symmetry, 0 and 1 by a few roundings."""
    eps = float(np.finfo(dtype).eps)
    rough = np.array([[-eps, 1 + eps, 0.3], [1.0, eps, 0.5], [0.3 + eps / 4, 0.5, 0.0]]).astype(dtype)
    clean = AnswerGroup(["a", "b", "c"], distances=rough).distances
    assert clean.dtype == np.float64
    np.testing.assert_array_equal(clean, clean.T)
    np.testing.assert_array_equal(np.diagonal(clean), 0.0)
    assert clean.min() >= 0.0
    assert clean.max() <= 1.0
    np.testing.assert_allclose(clean, rough, atol=3 * eps)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"distances": [[0.0, 1.5], [1.5, 0.0]]}, r"`distances\[0, 1\]` is 1\.5, which is outside \[0, 1\]\. Divide"),
        ({"distances": [[0.0, -0.1], [-0.1, 0.0]]}, r"`distances\[0, 1\]` is -0\.1, which is outside"),
        (
            {"distances": [[0.0, 0.2], [0.3, 0.0]]},
            r"`distances\[0, 1\]` is 0\.2, which differs from the transposed entry\. Average",
        ),
        ({"distances": [[1.0, 0.2], [0.2, 1.0]]}, r"`distances\[0, 0\]` is 1, not 0.*If these are similarities"),
        ({"distances": [[0.0, np.nan], [np.nan, 0.0]]}, r"`distances\[0, 1\]` is nan"),
        (
            {"distances": [[0.0]]},
            r"`distances` has shape \(1, 1\); it must have one distance per pair of traces, \(2, 2\)",
        ),
        ({"distances": [[0.0, 0.1], [0.1]]}, "`distances` is not a rectangular array"),
        ({"distances": "cosine"}, "`distances` must be real numbers"),
        ({"costs": [1.0, 2.0]}, "`costs` must map names to one number per trace, not list"),
        (
            {"costs": {"toxicity": [1.0]}},
            r"`costs\['toxicity'\]` has shape \(1,\); it must have one number per trace, \(2,\)",
        ),
        ({"costs": {"toxicity": [1.0, np.inf]}}, r"`costs\['toxicity'\]\[1\]` is inf"),
        ({"costs": {"toxicity": [1.0, None]}}, r"`costs\['toxicity'\]\[1\]` must be a real number, not None"),
        ({"costs": {3: [1.0, 2.0]}}, "`costs` has the name 3; names of costs must be str"),
        ({"texts": "xy"}, "`texts` must be a list of texts, one per trace, not str"),
        ({"texts": ["x"]}, "`texts` has 1 entries for 2 answers"),
        ({"texts": ["x", b"y"]}, r"`texts\[1\]` must be a str, not b'y'. Decode"),
        ({"gold": ["a"]}, r"`gold` is \['a'\], which is not equal to itself or not hashable"),
        ({"views": [0]}, "`views` has 1 entries for 2 answers"),
        ({"views": ["a", "b"]}, "`views` must be real numbers, not text"),
        ({"views": [0.5, 1.0]}, r"`views` must be integers, one per trace, not \[0\.5, 1\.0\]"),
        ({"views": 3}, "`views` must be a list of view numbers, one per trace, not int"),
    ],
)
def test_wrong_fields_are_named(fields, message):
    with pytest.raises((DomainError, ShapeError), match=message):
        AnswerGroup(["a", "b"], **fields)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (np.array("a"), "`answers` must be a list of answers, one per trace, not ndarray"),
        ({"a": 1}, "`answers` must be a list of answers, one per trace, not dict"),
        (["a", {}], r"`answers\[1\]` is {}, which is not equal to itself or not hashable"),
        (
            np.ma.masked_array([1, 2], [False, True]),
            "`answers` has masked entries.*use None for an answer that could not be read",
        ),
        (["a", np.float32("nan")], r"`answers\[1\]` is .*nan"),
    ],
)
def test_wrong_answers_are_named(answers, message):
    with pytest.raises((DomainError, ShapeError), match=message):
        AnswerGroup(answers)


def test_a_missing_field_is_named_with_the_target_that_needs_it():
    group = AnswerGroup(["a", "b"], costs={"length": [1.0, 2.0]})
    with pytest.raises(DomainError, match="Centrality needs `distances`, which the group does not have"):
        group.required("distances", "Centrality")
    with pytest.raises(DomainError, match="Safety needs the cost 'toxicity', but the group's `costs` are 'length'"):
        group.cost("toxicity", "Safety")
    with pytest.raises(ShapeError, match="`answers` has 1 entries for 2 traces"):
        group.with_answers(["a"])
