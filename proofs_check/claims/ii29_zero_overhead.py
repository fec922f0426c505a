"""II.29: whether a look-up has an overhead over the logarithm that it replaces, in operations."""

from collections.abc import Iterator
from math import log
from typing import NamedTuple

import numpy as np

from proofs_check.claim import Claim, Evidence, Formula, Reading


class Counted:
    """A number that counts the operations made on it.

    Attributes:
        value: The number.
        tally: Operations so far by name, shared by all results.
    """

    def __init__(self, value: float, tally: dict[str, int]) -> None:
        self.value, self.tally = value, tally

    def __truediv__(self, other: float) -> "Counted":
        """Divide, and count it."""
        self.tally["arithmetic"] += 1
        return Counted(self.value / other, self.tally)

    def __float__(self) -> float:
        """Convert to float as an argument of a function, and count it."""
        self.tally["arithmetic"] += 1
        return float(self.value)

    def __index__(self) -> int:
        """Convert to an index, and count it as a read."""
        self.tally["reads"] += 1
        return int(self.value)


class Cost(NamedTuple):
    """The operations for one reward.

    Attributes:
        arithmetic: Divisions and functions.
        reads: Numbers read from memory, without the count.
    """

    arithmetic: int
    reads: int


def stated() -> Cost:
    """No arithmetic and one read."""
    return Cost(0, 1)


def near_miss() -> Cost:
    """One operation."""
    return Cost(1, 1)


def sabotage() -> Cost:
    """The operations of the logarithm."""
    return Cost(2, 0)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Run the look-up and the logarithm with numbers that count the operations on them.

    Args:
        formula: The operations of a look-up.
        rng: Source of the counts.

    Yields:
        For groups of 4, 16 and 256 the operations of a look-up; and its arithmetic operations against the logarithm's.
    """
    for K in (4, 16, 256):
        table, x = [-1.0] * (K + 1), int(rng.integers(1, K + 1))
        looked, taken = ({"arithmetic": 0, "reads": 0} for _ in range(2))
        table[Counted(x, looked)]
        log(Counted(x, taken) / K)
        instance = {"K": K, "look-up": str(looked), "logarithm": str(taken)}
        sentence = (
            f"One reward in a group of {K}: the look-up reads {looked['reads']} stored number and makes "
            f"{looked['arithmetic']} arithmetic operations; log(X / K) makes {taken['arithmetic']}, a division and a "
            "logarithm."
        )
        for name, claimed in formula()._asdict().items():
            yield Evidence(claimed, looked[name], "equal", 0.0, instance | {"what": name}, size=K, sentence=sentence)
        yield Evidence(taken["arithmetic"], looked["arithmetic"], "at most", 0.0, instance, size=K, sentence=sentence)


II29 = Claim(
    id="II.29",
    title="No overhead of a look-up",
    whose="slides",
    place="Solution 2: Optimal Approximation for KL Games, Practical cost",
    plain="Reading a reward from a short list costs no more than computing a logarithm.",
    statement=(
        "Replacing log(X / K) by the look-up of c_X has no overhead online, that is apart from the linear program, "
        "which is solved once for each K before training."
    ),
    printed="log(X / K) -> c_X:  zero online overhead",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=stated,
            sabotage=sabotage,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "K + 1 numbers are stored. The look-up also takes no longer, in numpy and in plain Python (claim II.12). Both "
        "are negligible compared with the sampling of traces."
    ),
)

CLAIMS = (II29,)
