"""Wrong tables and wrong proofs of them: each entry is a file, the right text, and the wrong one."""

SUITE = (
    "dagames/estimators",
    "tests/unit/test_tables.py",
    "tests/property/test_recommended_laws.py",
    "tests/property/test_table_laws.py",
    "tests/property/test_group_laws.py",
    "tests/property/test_callable_laws.py",
    "tests/unit/test_callable_rewards.py",
    "tests/unit/test_aqp.py",
    "tests/property/test_frontier_laws.py",
)
"""Tests of this room, quick ones first; one of them must notice each error."""

_TABLE, _MINIMAX = "dagames/estimators/reward_table.py", "dagames/estimators/minimax.py"

MUTANTS: tuple[tuple[str, str, str], ...] = (
    # One coefficient off by 1e-6, a shifted index, and the table for K on counts that contain the trace.
    (_MINIMAX, "    stored.flags", "    stored[len(stored) // 2] += 1e-6\n    stored.flags"),
    (_MINIMAX, "    stored.flags", "    stored = np.roll(stored, 1)\n    stored.flags"),
    (_TABLE, '"self-inclusive": 1, "centred": 2', '"self-inclusive": 0, "centred": 2'),
    (_TABLE, '"self-inclusive": 1, "centred": 2', '"self-inclusive": 1, "centred": 1'),
    (_TABLE, "np.append(inner[0], inner)", "np.append(inner, inner[-1])"),
    (_TABLE, "np.append(coefficients, estimates(np.ones(1)))", "np.append(coefficients, 1.0)"),
    (_TABLE, 'first = 0 if self.counts == "independent" else 1', "first = 0"),
    (_TABLE, "_SQUARE * (square - mean * mean)", "_SQUARE * square"),
    (_TABLE, "fmpq(K, 2) * max", "fmpq(K - 1, 2) * max"),
    (_TABLE, "abs(a - 2 * b + d)", "abs(a - b)"),
    (_TABLE, "[fmpq(k, K) * c[k] for", "[c[k] for"),
    ("dagames/estimators/table_file.py", "if tuple(claimed) != tuple(proved):", "if tuple(claimed) == tuple(proved):"),
    ("dagames/estimators/loaded_table.py", "slack = _SAME * proved.upper", "slack = proved.upper"),
    ("dagames/estimators/loaded_table.py", "named.terms == reward.terms", "named.terms"),
    ("dagames/estimators/gram.py", "columns[i // 2] * columns[(i + 1) // 2]", "columns[i // 2] * columns[i // 2]"),
    (
        "dagames/estimators/gram.py",
        "np.outer(self._binomials, self._binomials)",
        "np.ones((n + 1, n + 1), dtype=object)",
    ),
    ("dagames/estimators/interior_point.py", "4 * np.outer(c, c)", "2 * np.outer(c, c)"),
    ("dagames/estimators/interior_point.py", "start = Start(start.c)", "start = start"),
    ("dagames/estimators/callable_reward.py", "max(self._scale, self.size.lower)", "self._scale"),
    ("dagames/estimators/rewards.py", "1 / a, (Fraction(0), 0): -1 / a", "1 / a, (Fraction(0), 0): 1 / a"),
    ("dagames/estimators/log_polynomial.py", "(power - alpha) * b", "power * b"),
    ("dagames/estimators/log_polynomial.py", "+ m * b", "+ b"),
    ("dagames/estimators/bernstein.py", "row[0] * comb(n, j)", "row[0]"),
    ("dagames/estimators/plugin.py", "np.arange(1, K + 1) / K", "np.arange(1, K + 1) / (K + 1)"),
    ("dagames/estimators/plugin.py", "-math.log(2 * K)", "-math.log(K)"),
    ("dagames/estimators/taylor.py", "goal(x) - goal.second", "goal(x) + goal.second"),
    ("dagames/estimators/taylor.py", "x * (1 - x) / (2 * n)", "x * (1 - x) / n"),
    ("dagames/estimators/ustatistics.py", "harmonic - harmonic[-1]", "harmonic"),
    ("dagames/estimators/elevated.py", "size = K // 2 if", "size = K - 1 if"),
    ("dagames/estimators/recommended.py", "NOISE = 1.5", "NOISE = 1.7"),
    ("dagames/estimators/recommended.py", "self._p**2 * (", "("),
    ("dagames/estimators/recommended.py", "(middle, beyond) if fits", "(part, middle) if fits"),
    ("dagames/estimators/exchange.py", "(-1) ** i", "1"),
    ("dagames/estimators/exchange.py", "1 if i % 2 == 0 else -1", "1"),
    ("dagames/estimators/dual_bound.py", "-pull * pull / (4 * m)", "-pull * pull / (8 * m)"),
    ("dagames/estimators/dual_bound.py", "- arb(budget) * np.abs", "+ arb(budget) * np.abs"),
    ("dagames/estimators/budgeted.py", "c[k] + 2 * error - before", "c[k] - 2 * error - before"),
    ("dagames/estimators/supremum.py", "math.nextafter(float(best.upper), math.inf)", "float(best.lower)"),
    ("dagames/grpo/update_error.py", "step - truth, axis", "step, axis"),
    ("dagames/grpo/update_error.py", "_unit(step) - _unit(truth)", "_unit(step) - truth"),
)
