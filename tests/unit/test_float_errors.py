"""What the caller has chosen for floating-point errors neither reaches the package nor is changed by it."""

import numpy as np
import pytest

from dagames import AlignmentGame, solve
from dagames.functionals import Gini, KLToPrior
from dagames.numerics.float_errors import with_default_errors
from dagames.solvers import mirror_descent_path


def test_a_mass_of_1e_200_underflows_in_silence():
    nu_0 = np.array([1e-200, 0.4, 0.6])
    with np.errstate(all="raise"):
        solution = solve(AlignmentGame(nu_0, [0, 1, 2], Gini(1.0), beta=0.5))
        assert Gini(1.0).value(nu_0) == pytest.approx(0.26)
        assert KLToPrior([0.5, 0.25, 0.25]).conjugate(np.array([0.0, -1e4, -2e4])) == pytest.approx(np.log(0.5))
    assert solution.certificate.worst <= 1e-10


def test_a_path_leaves_the_callers_choice_alone_between_steps():
    game = AlignmentGame([1e-200, 0.4, 0.6], [0, 1, 2], Gini(1.0), beta=0.5)
    with np.errstate(all="raise"):
        path = mirror_descent_path(game)
        for _ in range(3):
            next(path)
            with pytest.raises(FloatingPointError):
                np.float64(1e-200) * np.float64(1e-200)


def test_other_signals_still_warn():
    @with_default_errors
    def divided(x):
        return np.float64(x) / np.float64(0.0)

    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="divide by zero"):
        divided(1.0)
