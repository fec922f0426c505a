"""The benchmarks run, at sizes where their ratios mean nothing; what they measure is certified all the same."""

from benchmarks import estimators
from benchmarks.clock import exponent
from benchmarks.core import print_table, run


def test_the_core_benchmark_runs(capsys):
    results = run(quick=True)
    duels = [row for row in results["ratios"] if "our_gap" in row]
    assert len(results["ratios"]) == 5
    assert len(duels) == 3
    for row in duels:
        assert 0 <= row["our_gap"] <= 1e-12 < row["their_gap"] < 1e-3
    print_table(results)
    assert "np.exp over the batch" in capsys.readouterr().out


def test_the_exponent_is_that_of_the_larger_sizes():
    assert abs(exponent([1, 10, 100, 1000, 10000], [5.0, 5.0, 1.0, 10.0, 100.0]) - 1.0) < 1e-12


def test_the_benchmark_of_tables_runs():
    rows = estimators.run(quick=True)
    widths = [row["width"] for row in rows if "width" in row]
    assert len(widths) == 2
    assert max(widths) <= 1e-8
    excesses = [row["excess"] for row in rows if "excess" in row]
    assert all(1.0 <= excess < 1.01 for excess in excesses)
    assert len(rows) == len(widths) + len(excesses) + 2
