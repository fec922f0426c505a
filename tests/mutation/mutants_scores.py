"""Dropped factors and conditions in the scores of an evaluation: each entry is a file, right text, and wrong one."""

SUITE = ("tests/llm/test_scores.py",)
"""Tests of this room; one of them must notice each error."""

SCORES = "dagames_llm/evaluation/scores.py"

MUTANTS: tuple[tuple[str, str, str], ...] = (
    (SCORES, "1.0 - math.comb(n - right, k) / math.comb(n, k)", "math.comb(right, k) / math.comb(n, k)"),
    (SCORES, "way / (w + 1) for w", "way for w"),
    (SCORES, "Fraction(way, w + 1) if exact", "Fraction(way, 1) if exact"),
    (SCORES, "min(count, votes, size) + 1", "min(count, votes, size)"),
    (SCORES, "range(1, min(count, k) + 1)", "range(1, min(count, k))"),
    (SCORES, "(Counter(tokens) & Counter(gold_tokens)).total()", "len(set(tokens) & set(gold_tokens))"),
    (SCORES, "return float(tokens == gold_tokens)", "return 0.0"),
    (SCORES, "None not in question.greedy and ", ""),
    (SCORES, "if answer is not None) / (len(one) * len(other))", ") / (len(one) * len(other))"),
    (SCORES, "len(set(pooled) - {None})", "len(set(pooled))"),
)
