"""I.45: the probabilities of the geometric mean need its partition function; the advantages do not."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading

Views = Sequence[Sequence[Fraction]]
Group = tuple[int, ...]


def stated(n_answers: int, group: Group) -> int:  # noqa: ARG001 - whatever was drawn
    """All answers: they are summed in Z."""
    return n_answers


def near_miss(n_answers: int, group: Group) -> int:  # noqa: ARG001 - whatever was drawn
    """All answers but one."""
    return n_answers - 1


def drawn(n_answers: int, group: Group) -> int:  # noqa: ARG001 - however many there are
    """The answers that were drawn."""
    return len(set(group))


def evidence_of_probabilities(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Change the views' mass of each answer in turn, and count the answers that change q* of the answers drawn.

    Args:
        formula: The number of answers that matter, from the number of all answers and the answers drawn.
        rng: Source of randomness.

    Yields:
        One comparison per orbit and group, exact counts from sums at 50 digits.
    """
    for views, group in _instances(rng):
        yield _counted(formula, views, group, _probabilities, "q* of the answers drawn")


def evidence_of_advantages(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Change the views' mass of each answer in turn, and count the answers that change a reward less the mean reward.

    Args:
        formula: The number of answers that matter, from the number of all answers and the answers drawn.
        rng: Source of randomness.

    Yields:
        One comparison per orbit and group, exact counts from sums at 50 digits.
    """
    for views, group in _instances(rng):
        yield _counted(formula, views, group, _centred, "log q* less its mean in the group")


def _probabilities(logs: Sequence[Any], group: Group) -> list[Any]:
    q = oracles.normalised(logs)
    return [q[z] for z in group]


def _centred(logs: Sequence[Any], group: Group) -> list[Any]:
    q = oracles.normalised(logs)
    rewards = [mp.log(q[z]) for z in group]
    mean = mp.fsum(rewards) / len(rewards)
    return [r - mean for r in rewards]


def _counted(
    formula: Formula, views: Views, group: Group, wanted: Callable[[Sequence[Any], Group], list[Any]], name: str
) -> Evidence:
    logs = [mp.fsum(oracles.log(nu[z]) for nu in views) / len(views) for z in range(len(views[0]))]
    before, matter = wanted(logs, group), []
    for w in range(len(logs)):
        changed = [a + mp.mpf(z == w) / 10 for z, a in enumerate(logs)]
        if max(abs(a - b) for a, b in zip(wanted(changed, group), before, strict=True)) > mp.mpf("1e-30"):
            matter.append(w)
    first, second = sorted(set(group))[:2]
    n, claimed = len(logs), formula(len(logs), group)
    return Evidence(
        claimed=float(claimed),
        measured=float(len(matter)),
        relation="equal",
        tolerance=0.0,
        instance={
            "views": "; ".join(map(oracles.as_text, views)),
            "answers drawn": str(group),
            "compared": f"number of answers whose mass changes {name}",
        },
        size=oracles.complexity(*views) + len(group),
        sentence=(
            f"Take the views {' and '.join(map(oracles.as_text, views))}, and a group with the answers {group}. The "
            f"rewards log q* of answers {first} and {second} differ by {mp.nstr(logs[first] - logs[second], 3)}, the "
            f"difference of the mean logarithms: Z cancels. The rewards less their mean depend on {len(matter)} of the "
            f"{n} answers, those drawn."
            if len(matter) < claimed
            else ""
        ),
    )


def _instances(rng: np.random.Generator) -> Iterator[tuple[list[list[Fraction]], Group]]:
    half, quarter, eighth = Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)
    yield [[half, quarter, quarter], [half, eighth, 3 * eighth]], (0, 0, 1)
    for i in range(15):
        n = 3 + i % 4
        views = [oracles.random_distribution(rng, n, 9) for _ in range(2)]
        group = tuple(int(z) for z in rng.integers(0, n, size=4))
        yield views, (*group, (group[0] + 1) % n)


I45 = Claim(
    id="I.45",
    title="Intractable partition function",
    whose="paper",
    place=("section 4.2 and appendix F.1, C; also the slides, Consensus Targets: From Geometric Mean to Majority Vote"),
    plain=(
        "The geometric mean cannot be computed for many answers, because its normalisation is a sum over all answers."
    ),
    statement=(
        "The geometric mean is computationally intractable for large answer spaces: its partition function Z is a "
        "sum over all answers. (Appendix F.1 names a second reason, that samples are sparse.)"
    ),
    printed="q*(z) = (1/Z) prod_k nu_k(z)^(1/K),  Z = sum_z' prod_k nu_k(z')^(1/K)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the probabilities q*(z) are needed",
            expected="holds",
            stated=stated,
            sabotage=drawn,
            near_miss=near_miss,
            evidence=evidence_of_probabilities,
        ),
        Reading(
            supposes="the advantages of a group with rewards log q* are needed, as in section 3",
            expected="false",
            stated=stated,
            sabotage=drawn,
            near_miss=(
                "The sabotage is the true number; any other number that grows with the answer space fails as well."
            ),
            evidence=evidence_of_advantages,
        ),
    ),
    remark=(
        "log q* = mean_k log nu_k - log Z, and log Z is the same for all answers to a prompt. It cancels in the reward "
        "less the group's mean, and so in the advantages of eq. 5. The second reason is the difficulty: nu_k of an "
        "answer that does not occur in a view's sample (claim I.33)."
    ),
)

CLAIMS = (I45,)
