"""I.34a: each table agrees with itself, within rounding; the two versions of the safety table do not agree."""

from proofs_check.claim import Claim
from proofs_check.claims import i34_reported_numbers as i34

CLAIM = Claim(
    id="I.34a",
    title="The reported numbers, table by table",
    statement=(
        "Every printed improvement is that of some entries which round to the printed ones; the accuracies on GSM8K "
        "are those of whole numbers of 1319 questions and their intervals Wilson's, at 95 %; the safety rates are of "
        "whole numbers of 200 and 100 prompts. Five improvements on GSM8K are a last digit away from those of the "
        "whole numbers. The slides' toxic rate is two generations below the paper's; no row of the sweep has the pair."
    ),
    source="amendment of claim I.34",
    kind="equality",
    expected="holds",
    stated=i34.amended,
    sabotage=i34.stated,
    evidence=i34.evidence,
    remark=(
        "The five: +9.18 and 12.46 % for Phi-3 (1093 - 972 right answers make 9.17 and 12.45), +5.30 and 7.06 % for "
        "Qwen (5.31 and 7.07), 4.80 % for Llama (4.81): computed from rounded accuracies. Most exact matches on "
        "TriviaQA are none of 1319 questions: its test set has another size, which is not stated."
    ),
)
