"""Planted errors in what keeps certificates right at the edges of float64, and in cutting planes."""

SUITE = (
    "tests/unit/test_float_errors.py",
    "tests/unit/test_kinks.py",
    "tests/unit/test_from_convex.py",
    "tests/unit/test_extremes.py",
    "tests/unit/test_certificate.py",
    "tests/unit/test_bad_input.py",
    "tests/property/test_extreme_laws.py",
    "tests/property/test_functional_laws.py",
)
"""Tests of this room, quick ones first; one of them must notice each error."""

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("dagames/functionals/prior.py", "p * np.log1p(step)", "q * np.log1p(step)"),
    ("dagames/functionals/prior.py", "rel_entr(p, q)) - difference", "rel_entr(p, q)) + difference"),
    ("dagames/functionals/prior.py", "array / array.sum(axis=-1, keepdims=True)", "array"),
    ("dagames/functionals/kl_to_prior.py", "near = excess > -0.5", "near = excess > 2.0"),
    ("dagames/functionals/kl_to_prior.py", "near = excess > -0.5", "near = excess > -2.0"),
    ("dagames/functionals/chi_square.py", "np.where(nu > 0, np.inf, 0.0)", "0.0 * nu"),
    ("dagames/functionals/separable.py", "while not np.isfinite(masses := self._masses(u, c)).all()", "while False"),
    ("dagames/numerics/roots.py", "wide = high - low > _WIDE", "wide = high - low > np.inf"),
    ("dagames/games/alignment.py", "-self.beta * self._log_mass(shifted) - ", "-"),
    ("dagames/games/alignment.py", "self._where_reachable(log_q, 0.0) - log_mass", "self._where_reachable(log_q, 0.0)"),
    ("dagames/games/certificate.py", "np.asarray(np.abs(gap))", "np.asarray(np.maximum(gap, 0.0) * 0)"),
    ("dagames/games/certificate.py", "        if of.foreign\n", "        if not of.foreign\n"),
    ("dagames/solvers/path.py", "better = other.gap < certificate.gap", "better = other.gap < -1.0"),
    (
        "dagames/solvers/path.py",
        "early := response_gap(game, play)) > tolerance",
        "early := response_gap(game, play)) > 1",
    ),
    ("dagames/solvers/path.py", "if fault := nonconvexity(", "if fault := None and nonconvexity("),
    ("dagames/solvers/path.py", "<= tolerance < reached", "<= tolerance < 0 * reached"),
    ("dagames/functionals/convexity.py", "- at_mu) / size", "+ at_mu) / size"),
    ("dagames/functionals/convexity.py", "worst, sentence = 0.0, None", "worst, sentence = np.inf, None"),
    ("dagames/functionals/laws.py", "except CertificateError as error:", "except ZeroDivisionError as error:"),
    ("dagames/solvers/cutting_planes.py", "(nu * slope).sum(axis=-1) - value)", "(nu * slope).sum(axis=-1) + value)"),
    ("dagames/solvers/cutting_planes.py", "-self._log_mass(self.weights) - (", "-self._log_mass(self.weights) + ("),
    (
        "dagames/solvers/cutting_planes.py",
        "self._log_mass_hessian, -self.heights",
        "self._log_mass_hessian, self.heights",
    ),
    ("dagames/solvers/cutting_planes.py", "np.asarray(-(self.slopes @ nu", "np.asarray((self.slopes @ nu"),
    ("dagames/solvers/cutting_planes.py", "better = objective < self.upper", "better = objective > self.upper"),
    ("dagames/solvers/cutting_planes.py", "model.worst <= _MARGIN * tolerance", "model.worst <= 1e3 * tolerance"),
    ("dagames/solvers/cutting_planes.py", "        dual=model.lower,", "        dual=model.lower - 1e-6,"),
    ("dagames/solvers/accelerated_ascent.py", "_LONGEST = 2.0**20", "_LONGEST = 2.0**-20"),
    ("dagames/solvers/auto.py", "min(max_iterations, _SMOOTH_STEPS)", "max_iterations"),
    ("dagames/numerics/float_errors.py", 'under="ignore")', 'under="raise")'),
    (
        "dagames/numerics/float_errors.py",
        "            with _default():\n                step = next(steps, end)",
        "            _default().__enter__()\n            step = next(steps, end)",
    ),
    ("dagames/numerics/float_errors.py", 'divide="warn"', 'divide="ignore"'),
)
