"""The bound of the interior-point method holds for every number of steps, not only at convergence."""

import numpy as np
import pytest

from dagames.functionals import Quadratic
from dagames.functionals.conjugates import interior_point as module
from tests.cases import random_distribution


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("seed", range(4))
def test_the_bound_holds_however_early_the_steps_stop(steps, seed, monkeypatch):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(5, 5))
    R, u = Quadratic(factor @ factor.T, rng.normal(size=5)), 3 * rng.normal(size=5)
    best = module.interior_point(R.value, R.gradient, R.hessian, u)
    monkeypatch.setattr(module, "_STEPS", steps)
    found = module.interior_point(R.value, R.gradient, R.hessian, u)
    attained = found.nu @ u - R.value(found.nu)
    assert found.upper >= best.upper - 1e-12
    np.testing.assert_allclose(found.upper - attained, found.gap, rtol=1e-9, atol=1e-12)
    for _ in range(20):
        nu = random_distribution(rng, 5)
        assert nu @ u - R.value(nu) <= found.upper + 1e-12
    assert found.gap > 1e-4 or steps == 50
