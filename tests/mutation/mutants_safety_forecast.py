"""Wrong signs and dropped factors in the forecast with budgets: a file, the right text, and the wrong one."""

SUITE = ("tests/llm/test_safety_forecast.py", "tests/llm/test_safety_forecast_command.py")
"""Tests of this room; one of them must notice each error."""

COURSE, BATCH, REST, WHOLE = (
    f"dagames_llm/forecast/safety_{name}.py" for name in ("course", "batch", "rest", "forecast")
)

MUTANTS: tuple[tuple[str, str, str], ...] = (
    (COURSE, "return -np.einsum(", "return np.einsum("),
    (COURSE, "+ constraint.step * violation", "- constraint.step * violation"),
    (COURSE, "+= p * (goal", "+= (goal"),
    (COURSE, "log_nu_0 + (penalty + advantage) / beta", "log_nu_0 - (penalty + advantage) / beta"),
    (COURSE, "1 - math.comb(N - n, drawn)", "math.comb(N - n, drawn)"),
    (BATCH, "c.sign * c.budget", "c.budget"),
    (BATCH, "question.costs * signs", "question.costs"),
    (BATCH, "/ sum(sizes[n])", ""),
    (REST, "nats @ allowed\n", "0.0\n"),
    (REST, "allowed - scaled_costs @", "allowed + scaled_costs @"),
    (REST, "fixed_rewards = fixed_rewards - np.einsum", "fixed_rewards = fixed_rewards + np.einsum"),
    (REST, "batch.budgets * batch.concerned[0]", "batch.budgets"),
    (WHOLE, "(K / (K - 1) if", "((K - 1) / K if"),
    (WHOLE, "plan.step_size * plan.beta / plan.beta_of_game", "plan.step_size"),
    (WHOLE, "c.sign * float(b) / float(mass)", "float(b) / float(mass)"),
    (WHOLE, "constraint.violation(least) <=", "constraint.violation(least) >"),
)
