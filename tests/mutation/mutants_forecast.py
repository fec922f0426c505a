"""Wrong signs and dropped factors in the forecast: each entry is a file, the right text, and the wrong one."""

SUITE = ("tests/llm/test_forecast.py", "tests/llm/test_forecast_command.py", "tests/llm/test_forecast_samples.py")
"""Tests of this room; one of them must notice each error."""

VOTE, COUNT, COURSE, MEASURES = (
    f"dagames_llm/forecast/{name}.py" for name in ("vote_chances", "count_chances", "answer_dynamics", "measures")
)

MUTANTS: tuple[tuple[str, str, str], ...] = (
    (VOTE, "own_reward - (group_reward - own_reward) / (K - 1)", "own_reward + (group_reward - own_reward) / (K - 1)"),
    (VOTE, "group_reward += c * (bounded - bounded_before)", "group_reward += bounded - bounded_before"),
    (VOTE, "bounded_before[..., -1:] = _read(unread_factor, grid)", "pass"),
    (VOTE, "below - (1 - node) * term", "below"),
    (VOTE, "n = 2 * (size // 2) + 2", "n = 2"),
    (COUNT, "reward_of_answer - effect_on_others / (K - 1)", "reward_of_answer"),
    (COUNT, "size * nu[:, y, :-1]", "nu[:, y, :-1]"),
    (COURSE, "log_nu_0 + expected.advantage / beta, share", "log_nu_0 - expected.advantage / beta, share"),
    (COURSE, "[active] + expected.advantage / beta", "[active] - expected.advantage / beta"),
    (COURSE, "[active] + expected.advantage / beta", "[active] + expected.advantage"),
    (MEASURES, "(right_mass_before >= CHANGED) & (right_mass < CHANGED)", "right_mass >= CHANGED"),
    ("dagames_llm/forecast/drawn_groups.py", "of_trace - rest / (K - 1)", "of_trace"),
    ("dagames_llm/forecast/place.py", "(1 - fraction) * path[after - 1]", "fraction * path[after - 1]"),
)
