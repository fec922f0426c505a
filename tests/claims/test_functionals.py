"""A functional of one's own is put through the claims about all functionals, which catch one that is wrong."""

import numpy as np
import pytest

from dagames import DomainError
from dagames.functionals import (
    Functional,
    Gini,
    KLToPrior,
    Linear,
    LogScore,
    NegativeEntropy,
    Point,
    Polytope,
    from_convex,
)
from proofs_check import one_functional
from proofs_check.claim import Result
from proofs_check.known import load_claims
from proofs_check.one_functional import load_functional
from tests.claims.settled import without_type_checks

ABOUT_ALL = ("I.2", "I.3", "I.5", "I.5a", "I.6", "I.8")


def steep(smoothness: float = 12.0) -> Functional:
    return from_convex(lambda nu: (nu**4).sum(axis=-1), lambda nu: 4 * nu**3, smoothness=smoothness, name="steep")


class Flipped(Gini):
    """The gradient has the wrong sign."""

    def gradient(self, nu):
        return -super().gradient(nu)


class Above(Gini):
    """The conjugate is off by a constant."""

    def conjugate(self, u):
        return super().conjugate(u) + 0.1


class Below(Gini):
    def conjugate(self, u):
        return super().conjugate(u) - 0.1


class Concave(Gini):
    """The collision probability itself is to be large: only the value's sign is wrong."""

    def value(self, nu):
        return -super().value(nu)


class Understated(Gini):
    """L is a tenth of what it is."""

    @property
    def relative_smoothness(self):
        return 0.1 * super().relative_smoothness


def check_claims_of(R: Functional, **options) -> list[Result]:
    with without_type_checks():
        return one_functional.check_claims_of(R, **options)


def verdicts(R: Functional) -> dict[str, str]:
    return {result.claim.id: result.verdict for result in check_claims_of(R)}


@pytest.mark.parametrize(
    "R",
    [Gini(0.7), NegativeEntropy(1.3), KLToPrior([0.5, 0.3, 0.2]), Linear([0.0, 1.0, 0.3, 2.0, 1.0]), steep()],
    ids=["Gini", "NegativeEntropy", "KLToPrior", "Linear of five", "from_convex"],
)
def test_a_right_functional_has_every_expected_verdict(R):
    results = check_claims_of(R)
    assert tuple(result.claim.id for result in results) == ABOUT_ALL
    assert all(result.as_expected for result in results), results
    assert all(result.comparisons > 0 for result in results)


@pytest.mark.parametrize("R", [LogScore(2), Polytope([0.0, 1.0, 0.5], 0.3)], ids=["LogScore", "Polytope"])
def test_what_has_no_relative_smoothness_leaves_one_claim_open(R):
    results = {result.claim.id: result for result in check_claims_of(R)}
    assert {name for name, result in results.items() if not result.as_expected} == {"I.8"}
    assert results["I.8"].verdict == "open"
    assert "states no finite relative smoothness" in results["I.8"].error


def test_a_functional_that_leaves_no_choice_leaves_all_open():
    results = check_claims_of(Point(0))
    assert {result.verdict for result in results} == {"open"}
    assert all("the search takes no more answers" in result.error for result in results)


@pytest.mark.parametrize(
    ("R", "caught_by"),
    [
        (Flipped(), {"I.8"}),
        (Above(), {"I.2", "I.3"}),
        (Below(), {"I.2", "I.3", "I.5a", "I.6"}),
        (Concave(), {"I.2", "I.3", "I.6"}),
        (Understated(), {"I.8"}),
        (steep(1.0), {"I.8"}),
    ],
    ids=["gradient", "conjugate above", "conjugate below", "concave", "smoothness", "smoothness of from_convex"],
)
def test_a_wrong_functional_is_caught_and_the_claim_named(R, caught_by):
    """Each claim that catches it fails; what is found of a claim does not depend on the other claims."""
    results = check_claims_of(R, ids=caught_by)
    assert {result.claim.id for result in results} == caught_by
    assert not any(result.as_expected for result in results)


def test_what_the_library_refuses_is_an_error_of_the_claim():
    flipped = from_convex(lambda nu: (nu**2).sum(axis=-1), lambda nu: -2 * nu, name="flipped")
    results = {result.claim.id: result for result in check_claims_of(flipped, ids=["I.3"])}
    assert results["I.3"].verdict == "error"
    assert "`gradient` of flipped disagrees" in results["I.3"].error


def test_a_concave_function_is_shown_to_be_one():
    concave = from_convex(lambda nu: -(nu**2).sum(axis=-1), lambda nu: -2 * nu, name="concave")
    results = {result.claim.id: result for result in check_claims_of(concave, ids=["I.3", "I.6"])}
    assert (results["I.3"].verdict, results["I.6"].verdict) == ("false", "false")
    assert results["I.3"].shown.instance["compared"] == "R at the midpoint, mean of R at both"


@pytest.mark.parametrize("name", [name for name in ABOUT_ALL if name != "I.5"])
def test_a_wrong_formula_is_caught_on_one_functional(name):
    reading = load_claims()[name].readings[0]
    R = NegativeEntropy(2.0)
    found = [e.holds for e in reading.of_functional(R, reading.sabotage, np.random.default_rng(0))]
    assert not all(found)


def test_the_same_seed_gives_the_same_evidence():
    first, second = (check_claims_of(Gini(), seed=4) for _ in range(2))
    assert [result.shown for result in first] == [result.shown for result in second]
    assert [result.shown for result in first] != [result.shown for result in check_claims_of(Gini(), seed=5)]


def test_the_search_finds_kinks_and_corners():
    value, place = one_functional.least(lambda nu: abs(nu[..., 0] - 0.3) + abs(nu[..., 1] - nu[..., 2]), 3)
    assert value < 1e-11
    assert np.abs(place - [0.3, 0.35, 0.35]).max() < 1e-11
    assert one_functional.least(lambda nu: nu @ np.array([1.0, 0.0, 2.0]), 3)[0] == 0
    value, place = one_functional.least(lambda nu: nu[..., 0] ** 2 - nu[..., 0], 2)
    assert abs(value + 0.25) < 1e-15
    assert one_functional.least(lambda nu: np.full(nu.shape[:-1], np.inf), 2)[0] == np.inf


def test_no_functional_and_none_of_any_size_are_refused():
    with pytest.raises(DomainError, match="must be a Functional"):
        check_claims_of(Gini)
    with pytest.raises(DomainError, match="allows no number of answers"):
        one_functional.sizes_of(Linear([1.0]))


def test_a_functional_is_loaded_from_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from dagames.functionals import Gini\n\nFUNCTIONAL = Gini(0.3)\n")
    assert float(load_functional(path).relative_smoothness) == float(Gini(0.3).relative_smoothness)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, r"there is no file .*mine\.py.*FUNCTIONAL = from_convex"),
        ("R = 1\n", r"mine\.py does not define FUNCTIONAL"),
        ("FUNCTIONAL = 3\n", r"FUNCTIONAL of .*mine\.py is 3, not a Functional"),
        ("from dagames.functionals import Gini\nFUNCTIONAL = Gini\n", "Pass an instance, not a class"),
        ("x = 1\n\n\ny = x / 0\n", r"mine\.py, line 4, fails: ZeroDivisionError"),
        ("def f(:\n", r"mine\.py, line 1, fails: SyntaxError"),
        ("from dagames.functionals import Gini\nFUNCTIONAL = Gini(-1.0)\n", r"line 2, fails: `weight`"),
    ],
)
def test_a_file_that_gives_no_functional_is_explained(tmp_path, text, says):
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DomainError, match=says):
        load_functional(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("FUNCTIONAL = 1\n")
    with pytest.raises(DomainError, match=r"a name that ends in \.py"):
        load_functional(path)
