"""Instructions for the format of an answer, by extractor."""

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
    """An instruction for the format of an answer.

    Attributes:
        short: a short wording of the instruction.
        long: a longer wording.
        obeyed: end of a completion that follows the instruction, with `{answer}` for the answer.
        kind: noun for a question in prompts.
    """

    short: str
    long: str
    obeyed: str
    kind: str = "problem"

    def frames(self, question: str) -> tuple[str, ...]:
        """Return a question with its instruction, in several wordings of the instruction.

        Args:
            question: text of the question.

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
"""Instruction for each extractor."""

REPHRASINGS = FORMS[last_number].frames("{question}")[:2]
"""Wordings of a question with a numeric answer and no paraphrases, with different instructions."""


def frames_of(extractor: Extractor, question: str) -> tuple[str, ...]:
    r"""Return prompts of a question with instructions for an extractor.

    Args:
        extractor: extractor of answers. For a user-defined extractor the prompts contain no instruction for the format.
        question: text of the question.

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
