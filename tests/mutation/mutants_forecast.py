"""Wrong signs and dropped factors in the forecast: each entry is a file, the right text, and the wrong one."""

SUITE = ("tests/llm/test_forecast.py", "tests/llm/test_forecast_command.py", "tests/llm/test_forecast_samples.py")
"""Tests of this room; one of them must notice each error."""

VOTE, COUNT, COURSE = (
    f"dagames_llm/forecast/{name}.py" for name in ("vote_chances", "count_chances", "answer_dynamics")
)

MUTANTS: tuple[tuple[str, str, str], ...] = (
    (VOTE, "pay - (total - pay) / (K - 1)", "pay + (total - pay) / (K - 1)"),
    (VOTE, "total += c * (within - reached)", "total += within - reached"),
    (VOTE, "reached[..., -1:] = _read(silent, shape)", "pass"),
    (VOTE, "below - (1 - node) * term", "below"),
    (VOTE, "n = 2 * (size // 2) + 2", "n = 2"),
    (COUNT, "pay - moved / (K - 1)", "pay"),
    (COUNT, "size * nu[:, y, :-1]", "nu[:, y, :-1]"),
    (COURSE, "log_nu_0 + expected.advantage / beta, share", "log_nu_0 - expected.advantage / beta, share"),
    (COURSE, "[active] + expected.advantage / beta", "[active] - expected.advantage / beta"),
    (COURSE, "[active] + expected.advantage / beta", "[active] + expected.advantage"),
    ("dagames_llm/forecast/measures.py", "(before >= CHANGED) & (now < CHANGED)", "now >= CHANGED"),
    ("dagames_llm/forecast/drawn_groups.py", "of_trace - rest / (K - 1)", "of_trace"),
    ("dagames_llm/forecast/place.py", "(1 - part) * path[after - 1]", "part * path[after - 1]"),
)
