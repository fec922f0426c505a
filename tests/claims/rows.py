"""The statements that have to be settled, and those that are not, with the reason."""

ROWS = (
    *(f"I.{number}" for number in range(1, 35)),
    "I.17a",
    "I.17b",
    *(f"II.{number}" for number in range(1, 13)),
    *(f"B.{number}" for number in range(1, 9)),
)
"""Every numbered statement of the paper (I), of the slides (II) and beyond them (B); amendments come on top."""

WAIVERS: dict[str, str] = {}
"""Statements without a file, each with the reason in words."""
