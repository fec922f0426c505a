"""The checker passes every functional of the package and names what is wrong with a broken one."""

import hypothesis
import numpy as np
import pytest

from dagames import DomainError
from dagames.functionals import Gini, broken_laws
from tests.cases import FUNCTIONALS

EXAMPLES = min(hypothesis.settings.default.max_examples, 30)
"""Random instances of each law; more of them with the profile `explore`."""


@pytest.mark.parametrize("n_answers", [1, 5])
@pytest.mark.parametrize("make", FUNCTIONALS.values(), ids=FUNCTIONALS.keys())
def test_the_package_s_own_functionals_pass(make, n_answers):
    functional = make(np.random.default_rng(1), n_answers)
    found = broken_laws(functional, n_answers, examples=EXAMPLES)
    assert [(v.law, v.excess) for v in found] == []


class Halved(Gini):
    def conjugate(self, u):
        return np.asarray(0.5 * super().conjugate(u))


class Swapped(Gini):
    def gradient(self, nu):
        return -super().gradient(nu)


class Concave(Gini):
    def value(self, nu):
        return -super().value(nu)


class Unnormalised(Gini):
    def conjugate_gradient(self, u):
        return 1.001 * super().conjugate_gradient(u)

    def conjugate(self, u):
        return Gini(self.weight).conjugate(u)


class Boastful(Gini):
    @property
    def relative_smoothness(self):
        return np.asarray(0.01)


class Loose(Gini):
    def conjugate(self, u):
        return np.asarray(super().conjugate(u) + 0.1)


class Silent(Gini):
    def value(self, nu):
        return np.asarray(np.nan * nu.sum(axis=-1))


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Halved, "R*(u + c) = R*(u) + c"),
        (Halved, "R(nu) + R*(u) >= <nu, u>"),
        (Swapped, "gradient is the slope of value"),
        (Swapped, "gradient is a subgradient"),
        (Swapped, "the gradient attains the value"),
        (Concave, "value is convex"),
        (Unnormalised, "conjugate_gradient is a distribution"),
        (Boastful, "relative_smoothness bounds the curvature"),
        (Loose, "conjugate_gradient attains the conjugate"),
        (Loose, "the gradient attains the value"),
        (Silent, "value is convex"),
    ],
)
def test_what_is_wrong_is_named(kind, law):
    found = {violation.law: violation for violation in broken_laws(kind(2.0), 4, examples=50)}
    assert law in found
    assert not found[law].excess <= 0
    assert found[law].at.shape == (4,)


def test_a_wrong_gradient_in_log_space_is_named():
    class Stale(Gini):
        def gradient_at_log(self, log_nu):
            return 0.5 * super().gradient_at_log(log_nu)

    assert [violation.law for violation in broken_laws(Stale(2.0), 3)] == ["gradient_at_log is the gradient"]


def test_wrong_sizes_are_refused():
    with pytest.raises(DomainError, match="must be at least 1, not 0"):
        broken_laws(Gini(1.0), 0)
