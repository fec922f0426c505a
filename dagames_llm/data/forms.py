"""The form in which a question is asked: that which the recipe's extractor reads."""

from __future__ import annotations

from dataclasses import dataclass

from dagames_llm.extract import (
    Extractor,
    choice,
    first_number,
    last_number,
    math_expression,
    normalised_text,
)


@dataclass(frozen=True)
class Form:
    """How an answer is asked for.

    Attributes:
        short: the instruction in one wording.
        long: the same in another.
        obeyed: how a completion that follows the instruction ends, with `{answer}` for the answer.
        kind: what a question is called.
    """

    short: str
    long: str
    obeyed: str
    kind: str = "problem"

    def frames(self, question: str) -> tuple[str, ...]:
        """Return a question with its instruction, in several wordings of the instruction.

        Args:
            question: what is asked.

        Returns:
            Four different prompts.
        """
        question, verb = question.strip(), "Solve" if self.kind == "problem" else "Answer"
        return (
            f"{question}\n{self.short}",
            f"{verb} the following {self.kind}.\n\n{self.kind.capitalize()}: {question}\n\n{self.long}",
            f"{self.short}\n\n{question}",
            f"{self.long}\n\n{self.kind.capitalize()}: {question}",
        )


FORMS: dict[Extractor, Form] = {
    last_number: Form(
        "Think step by step, then write the final answer on a last line as '#### <number>'.",
        "Show your reasoning and finish with one line that reads '#### <number>'.",
        "#### {answer}",
    ),
    first_number: Form(
        "Reply with the number only.",
        "Write the number that answers it, and nothing before the number.",
        "{answer}",
    ),
    choice: Form(
        "Think step by step, then write the letter of the right option on a last line as 'Answer: <letter>'.",
        "Show your reasoning and finish with one line that reads 'Answer: <letter>'.",
        "Answer: {answer}",
        "question",
    ),
    normalised_text: Form(
        "Reply with the answer only, in a few words.",
        "Write the answer alone, as short as it can be.",
        "{answer}",
        "question",
    ),
    math_expression: Form(
        "Think step by step, then write the final answer on a last line as '\\boxed{<answer>}'.",
        "Show your reasoning and finish with one line that reads '\\boxed{<answer>}'.",
        "\\boxed{{{answer}}}",
    ),
}
"""The form that each extractor reads."""

REPHRASINGS = FORMS[last_number].frames("{question}")[:2]
"""The wordings of a question of numbers that comes without paraphrases: only the instruction changes."""


def frames_of(extractor: Extractor, question: str) -> tuple[str, ...]:
    r"""Return a question as prompts that ask for the form that an extractor reads.

    Args:
        extractor: reads the completions. Of a function of the user's the form is not known: nothing is added to the
            question but a line that announces it.
        question: what is asked.

    Returns:
        Prompts, the plainest first.

    >>> frames_of(normalised_text, "Who wrote Emma?")[0]
    'Who wrote Emma?\nReply with the answer only, in a few words.'
    """
    form = FORMS.get(extractor)
    if form is not None:
        return form.frames(question)
    question = question.strip()
    return (question, f"Answer the following question.\n\n{question}", f"Here is a question.\n\n{question}")
