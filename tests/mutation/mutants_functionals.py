"""Planted errors in quadratic, combined, numerical and non-convex functionals."""

SUITE = (
    "dagames/functionals",
    "tests/unit/test_per_prompt.py",
    "tests/unit/test_quadratic.py",
    "tests/unit/test_from_convex.py",
    "tests/unit/test_nonconvex.py",
    "tests/property/test_combination_laws.py",
    "tests/property/test_functional_laws.py",
    "tests/property/test_game_laws.py",
)
"""Tests of this room, quick ones first; one of them must notice each error."""

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("dagames/functionals/quadratic.py", "0.5 * self._times(nu) + self.linear", "self._times(nu) + self.linear"),
    (
        "dagames/functionals/quadratic.py",
        "self._times(nu) + self.linear)\n\n    def hessian",
        "self._times(nu))\n\n    def hessian",
    ),
    ("dagames/functionals/quadratic.py", "- 2.0 * matrix)", "+ 2.0 * matrix)"),
    ("dagames/functionals/quadratic.py", ".max(axis=(-2, -1)) / 4.0", ".max(axis=(-2, -1)) / 5.0"),
    ("dagames/functionals/quadratic.py", "rows - rows.mean(axis=-2", "rows + rows.mean(axis=-2"),
    ("dagames/functionals/quadratic.py", "np.linalg.eigh(on_sum_zero(matrix))", "np.linalg.eigh(matrix)"),
    ("dagames/functionals/conjugates/interior_point.py", "gain - cost + gap + top", "gain - cost + top"),
    ("dagames/functionals/conjugates/interior_point.py", "gain - cost + gap + top", "gain - cost + gap"),
    ("dagames/functionals/conjugates/interior_point.py", "grad - tau[..., None], nu, slack", "grad, nu, slack"),
    (
        "dagames/functionals/conjugates/interior_point.py",
        "found[..., 0] + tau[..., None] * found[..., 1]",
        "found[..., 0]",
    ),
    ("dagames/functionals/conjugates/numeric_conjugate.py", "if not (gap <= self.tolerance).all()", "if False"),
    (
        "dagames/functionals/conjugates/numeric_conjugate.py",
        "np.where(open_, self._certified(u).upper, -np.inf)",
        "self._certified(u).upper",
    ),
    (
        "dagames/functionals/conjugates/nested_roots.py",
        "gain - functional.value(nu) + gap",
        "gain - functional.value(nu) - gap",
    ),
    (
        "dagames/functionals/conjugates/nested_roots.py",
        "np.where(taken, np.log(np.maximum(rest, 0.0)), log_nu)",
        "log_nu",
    ),
    (
        "dagames/functionals/conjugates/nested_roots.py",
        "self.beta * t + c - self.u",
        "self.beta * t - c - self.u",
    ),
    (
        "dagames/functionals/conjugates/simplicial.py",
        "(nu * linear).sum(axis=-1) - tilt - smooth",
        "(nu * linear).sum(axis=-1) - smooth",
    ),
    ("dagames/functionals/conjugates/simplicial.py", "ceiling - tilt + price", "ceiling - tilt - price"),
    (
        "dagames/functionals/conjugates/cutting_planes.py",
        ".max() - weights @ np.array(heights)",
        ".max() + weights @ np.array(heights)",
    ),
    (
        "dagames/functionals/conjugates/cutting_planes.py",
        "cost - float(slope @ point[face])",
        "cost + float(slope @ point[face])",
    ),
    ("dagames/functionals/conjugates/cutting_planes.py", "if gap >= -_tolerances.ROUNDING * size else np.inf", ""),
    ("dagames/functionals/conjugates/numeric_supremum.py", "H = G - nu[..., None, :] @ G", "H = G"),
    (
        "dagames/functionals/scaled.py",
        "self.functional.conjugate(u / self.weight[..., None])",
        "self.functional.conjugate(u)",
    ),
    (
        "dagames/functionals/scaled.py",
        "self.weight * self.functional.relative_smoothness",
        "self.functional.relative_smoothness",
    ),
    (
        "dagames/functionals/scaled.py",
        "self.weight[..., None, None] * self.functional.hessian",
        "self.functional.hessian",
    ),
    ("dagames/functionals/sums.py", "np.asarray(u - sum(slopes))", "np.asarray(u + sum(slopes))"),
    ("dagames/functionals/sums.py", "reduce(np.logical_and", "reduce(np.logical_or"),
    ("dagames/functionals/scaled.py", "factor * self.weight)", "factor)"),
    ("dagames/functionals/linear.py", "factor[..., None] * self.rewards", "self.rewards"),
    ("dagames/functionals/from_convex.py", "np.isnan(array) | (array == -np.inf)", "array == -np.inf"),
    ("dagames/functionals/from_convex.py", "/ (2 * h)", "/ h"),
    (
        "dagames/functionals/convexified.py",
        "self.threshold * (log_nu + 1.0)",
        "self.threshold * log_nu * 2",
    ),
    (
        "dagames/functionals/pairwise_incoherence.py",
        "self.weight * float(self.distances.max())",
        "self.weight * float(self.distances.max()) / 2",
    ),
    (
        "dagames/functionals/pairwise_incoherence.py",
        "self.weight * float(self.distances.max())",
        "self.weight * float(self.distances.max()) * 2",
    ),
    (
        "dagames/functionals/pairwise_incoherence.py",
        "2.0 * self.weight * self._means(nu)",
        "self.weight * self._means(nu)",
    ),
    (
        "dagames/functionals/entropy_minimisation.py",
        "-self.weight * (np.log(nu) + 1.0)",
        "self.weight * (np.log(nu) + 1.0)",
    ),
    ("dagames/functionals/nonconvex.py", "if not beta > self.threshold", "if not beta >= self.threshold"),
    (
        "dagames/functionals/convexified.py",
        "np.asarray(self.function.value(nu) + self.threshold *",
        "np.asarray(self.function.value(nu) + self.function.threshold *",
    ),
    ("dagames/functionals/parameters.py", "arrays <= axes_of(self).keys()", "True"),
    ("dagames/functionals/parameters.py", "all(part.is_divisible for", "all(True for"),
    ("dagames/functionals/parameters.py", "shape not in {shared, (*batch, *shared)}", "shape[1:] != shared[1:]"),
    (
        "dagames/functionals/parameters.py",
        "                    part.check_fits(batch, n_answers)",
        "                    pass",
    ),
    ("dagames/games/nonconvex.py", "beta - functional.threshold, n_answers", "beta, n_answers"),
    ("dagames/games/nonconvex.py", "Linear(functional.threshold * np.where", "Linear(-functional.threshold * np.where"),
    ("dagames/solvers/conic.py", "(row + _row(functional.linear", "(0 * row + _row(functional.linear"),
    ("dagames/solvers/conic.py", "* as_expression(functional.functional", "+ as_expression(functional.functional"),
)
