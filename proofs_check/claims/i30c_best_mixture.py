"""I.30c: the policy step on the mean of the views, each from its reference, leads to the references' best mixture."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims import i30_projecting_on_the_mean as i30


def best_on_average(views: i30.Views) -> list[Any]:
    """The q with the largest mean <nu_k, q>, a single answer."""
    return i30.best_mixture(views, 1.0)


def best_nearly(views: i30.Views) -> list[Any]:
    """The q with the largest mean <nu_k, q>^.02, which is nearly the logarithm."""
    return i30.best_mixture(views, 0.02)


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Run the loop with the policy step, and search for the best mixture; for more answers, test its conditions.

    Args:
        formula: The target at the end, by the references' marginals of two answers.
        rng: Source of randomness.

    Yields:
        The largest distance of the views at the end from the best responses to q, for two answers; for three and four,
        the largest mean nu_k(z) / <nu_k, q> minus 1, where q is the mean at the end.
    """
    for policies, E, _ in i30.instances(rng):
        views = [oracles.marginal(pi, E, max(E) + 1) for pi in policies]
        if all(nu == views[0] for nu in views):
            continue  # then every q is best
        size, instance = oracles.complexity(*views), {"views": "; ".join(oracles.as_text(nu) for nu in views)}
        table, _ = i30.loop(views)
        if len(views[0]) <= 2:
            wanted = np.array([[float(p) for p in row] for row in i30.responses_to(views, formula(views))])
            here = instance | {
                "compared": ("distance of the views at the end from the best responses to the best mixture")
            }
            yield Evidence(0.0, float(np.abs(table - wanted).max()), "equal", 1e-7, here, size)
        else:
            reference, q = np.array([[float(p) for p in nu] for nu in views]), table.mean(axis=0)
            excess = (reference / (reference @ q)[:, None]).mean(axis=0).max() - 1
            here = instance | {"compared": "largest mean of nu_k(z) / <nu_k, q>, minus 1"}
            yield Evidence(0.0, float(excess), "at most", 1e-4, here, size)


I30C = Claim(
    id="I.30c",
    title="The policy step on the arithmetic mean",
    whose="ours",
    place="repair of claim I.30",
    plain=(
        "The policy step on the average of the views converges to the mixture with the largest mean log-likelihood of "
        "the references."
    ),
    statement=(
        "If every round sets nu_k proportional to nu_0k times the mean of all views, from positive references, the "
        "mean converges to a q with the largest mean log <nu_0k, q>, and the views to nu_0k q / <nu_0k, q>. These "
        "limits agree only if the references have the same odds on the answers of q, as on a single answer."
    ),
    printed="q* = argmax_q 1/K sum_k log <nu_0k, q>,  nu_k -> nu_0k q* / <nu_0k, q*>",
    kind="convergence",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=i30.best_mixture,
            sabotage=best_on_average,
            near_miss=best_nearly,
            evidence=evidence,
        ),
    ),
    remark=(
        "The loop is expectation-maximisation for the weights of a mixture: q(z) <- q(z) mean nu_0k(z) / <nu_0k, q>. "
        "Each round raises the mean log, which is concave in q. At references (2/3, 1/3) and (1/3, 2/3) the first "
        "mean is already the best q."
    ),
)

CLAIMS = (I30C,)
