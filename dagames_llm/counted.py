"""A number with its noun, for tables and messages."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number and its noun, in the plural unless the number is 1.

    >>> counted(1, "question"), counted(3, "question"), counted(2, "batch", "batches")
    ('1 question', '3 questions', '2 batches')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
