"""Wrong signs and dropped factors in the forecast: each entry is a file, the right text, and the wrong one."""

SUITE = ("tests/llm/test_forecast.py",)
"""Tests of this room; one of them must notice each error."""

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("dagames_llm/vote_chances.py", "pay - (total - pay) / (K - 1)", "pay + (total - pay) / (K - 1)"),
    ("dagames_llm/vote_chances.py", "total += c * (within - reached)", "total += within - reached"),
    ("dagames_llm/vote_chances.py", "reached[..., -1:] = _read(silent, shape)", "pass"),
    ("dagames_llm/vote_chances.py", "below - (1 - node) * term", "below"),
    ("dagames_llm/vote_chances.py", "n = 2 * (size // 2) + 2", "n = 2"),
    ("dagames_llm/count_chances.py", "pay - moved / (K - 1)", "pay"),
    ("dagames_llm/count_chances.py", "size * nu[:, y, :-1]", "nu[:, y, :-1]"),
    (
        "dagames_llm/answer_dynamics.py",
        "log_nu_0 + found.advantage / beta, share",
        "log_nu_0 - found.advantage / beta, share",
    ),
    (
        "dagames_llm/answer_dynamics.py",
        "log_nu_0[active] + found.advantage / beta",
        "log_nu_0[active] + found.advantage",
    ),
    ("dagames_llm/forecast_measures.py", "now < before - CHANGED", "now > before - CHANGED"),
    ("dagames_llm/drawn_groups.py", "own - rest / (K - 1)", "own"),
    ("dagames_llm/forecast.py", "(1 - part) * self.path[after - 1]", "part * self.path[after - 1]"),
)
