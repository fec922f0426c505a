"""How a table is made by name, as on the command line and in recipes."""

from typing import NamedTuple


class TableMethod(NamedTuple):
    """A function that makes a table for groups of K, with the keyword argument `counts` and the `options`.

    Attributes:
        function: Name of the function in `dagames.estimators`, after that of its module if it is not exported.
        description: The line of the method in help texts.
        options: Other keyword arguments of the function: "reward", "bias" and "unit", "method".
    """

    function: str
    description: str
    options: tuple[str, ...] = ("reward",)
