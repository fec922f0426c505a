"""I.14, I.14a: the geometric mean is the common marginal of coherent views, not the target that leads to it."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

import mpmath as mp
import numpy as np
from scipy.optimize import minimize

from dagames import AlignmentGame, CoupledGame, solve_coupled
from dagames.functionals import Linear
from dagames.games.couplings import Coherence
from proofs_check import oracles
from proofs_check.attack import simplex
from proofs_check.claim import Claim, Evidence, Formula, Reading

Views = Sequence[Sequence[Fraction]]


def stated(views: Views) -> list[list[Any]]:
    """The geometric mean of the views, for each of them."""
    mean = [mp.fsum(oracles.log(nu[z]) for nu in views) / len(views) for z in range(len(views[0]))]
    return [oracles.normalised(mean) for _ in views]


def near_miss(views: Views) -> list[list[Any]]:
    """The exponent one percent too large."""
    return [oracles.normalised([mp.mpf("1.01") * mp.log(p) for p in q]) for q in stated(views)]


def arithmetic(views: Views) -> list[list[Any]]:
    """The arithmetic mean of the views, for each of them."""
    mean = [sum((nu[z] for nu in views), Fraction(0)) / len(views) for z in range(len(views[0]))]
    return [[oracles.number(p) for p in mean] for _ in views]


def amended(views: Views) -> list[list[Any]]:
    """The targets that the library finds."""
    n = len(views[0])
    prompts = AlignmentGame([[float(p) for p in nu] for nu in views], list(range(n)), Linear([0.0] * n), 1.0)
    found = solve_coupled(CoupledGame(prompts, Coherence()))
    return [[mp.mpf(float(p)) for p in q] for q in np.exp(found.log_q)]


def amended_near(views: Views) -> list[list[Any]]:
    """The library's targets with an exponent one percent too large."""
    return [oracles.normalised([mp.mpf("1.01") * mp.log(m) for m in q]) for q in amended(views)]


def whatever_beta(views: Views, beta: Fraction) -> list[list[Any]]:  # noqa: ARG001 - no beta in it
    """The geometric mean of the views, for each of them."""
    return stated(views)


def between(views: Views, beta: Fraction) -> list[list[Any]]:
    """The marginal (mean nu_0^beta)^(1 / (1 + beta)) of each view."""
    b = oracles.number(beta)
    pairs = zip(views, stated(views), strict=True)
    return [
        oracles.normalised([(mp.log(m) + b * oracles.log(p)) / (1 + b) for p, m in zip(nu_0, mean, strict=True)])
        for nu_0, mean in pairs
    ]


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Respond to the targets by pi_0 q, and check that the views are coherent, at the least mean divergence.

    Args:
        formula: The target of each view.
        rng: Source of randomness.

    Yields:
        The largest KL(response of view 0 || response), and by how much the mean divergence to the views exceeds the
        least one of a coherent marginal: searched, and bounded by convexity.
    """
    for views in _instances(rng):
        targets = formula(views)
        answers = [
            oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(nu, q, strict=True)])
            for nu, q in zip(views, targets, strict=True)
        ]
        means = [_text(targets[0]), "; ".join(map(_text, answers))]
        words = (
            f"Take the views {_names(views)}. Their geometric mean is {means[0]}. With this mean as the target of "
            f"each, the responses nu ~ nu_0 q are {means[1]}. These are not coherent."
        )
        yield from _compared(views, answers, words)


def evidence_of_marginals(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Take the targets as the views' marginals, and check that these are coherent, at the least mean divergence.

    Args:
        formula: The target of each view.
        rng: Source of randomness.

    Yields:
        The largest KL(marginal of view 0 || marginal), and by how much the mean divergence to the views exceeds the
        least one of a coherent marginal: searched, and bounded by convexity.
    """
    for views in _instances(rng):
        yield from _compared(views, formula(views))


def evidence_of_divergence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search the least J of a view whose functional is the mean of KL(nu || nu_k) over the views.

    Args:
        formula: The target of each view, from the views and beta; taken as the marginal to be matched, and as the q
            of the response pi_0 q.
        rng: Source of randomness.

    Yields:
        For each view the smaller J of these two marginals minus the searched least J, for beta 1 and 1/2.
    """
    for views in islice(_instances(rng), 5):
        for beta in (Fraction(1), Fraction(1, 2)):
            for nu_0, q in zip(views, formula(views, beta), strict=True):
                yield _of_divergence(views, nu_0, beta, q)


def _of_divergence(views: Views, nu_0: Sequence[Fraction], beta: Fraction, q: Sequence[Any]) -> Evidence:
    def objective(nu: Sequence[Any]) -> Any:
        return mean_divergence(views, nu) + oracles.number(beta) * oracles.kl(nu, nu_0)

    answer = oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(nu_0, q, strict=True)])
    best = _search(objective, len(q), lambda nu: _slope(views, nu, nu_0, float(beta)))
    least, at_mean, at_answer = objective(best), objective(q), objective(answer)
    words = (
        f"Take the views {_names(views)}, with geometric mean {_text(q)}, and beta = {beta}. For the view "
        f"{oracles.as_text(nu_0)} J = mean_k KL(nu || nu_k) + beta KL(nu || nu_0) is least at nu = {_text(best)}, "
        f"where it is {mp.nstr(least, 3)}. J is {mp.nstr(at_mean, 3)} at the mean, and {mp.nstr(at_answer, 3)} at the "
        f"response to the mean, nu ~ nu_0 q = {_text(answer)}."
    )
    return Evidence(
        claimed=0.0,
        measured=float(min(at_mean, at_answer) - least),
        relation="equal",
        tolerance=1e-11,
        instance=_instance(views, [best]) | {"beta": str(beta), "compared": "J minus the least J"},
        size=oracles.complexity(*views, [beta]),
        sentence=words,
    )


def mean_divergence(views: Views, nu: Sequence[Any]) -> Any:
    """Compute the mean divergence of a marginal to the views."""
    return mp.fsum(oracles.kl(nu, view) for view in views) / len(views)


def _slope(views: Views, nu: Any, nu_0: Sequence[Fraction], beta: float) -> Any:
    logs = np.log(np.array([[float(p) for p in view] for view in views])).mean(axis=0)
    return (1 + beta) * np.log(nu) - logs - beta * np.log([float(p) for p in nu_0])


def _search(objective: Callable[[Any], Any], n: int, slope: Callable[[Any], Any]) -> list[Any]:
    """Search the least of a convex function: by thirds for two answers, by a general optimiser, to 1e-7, for more."""
    if n == 1:
        return [mp.mpf(1)]
    if n == 2:
        t = oracles.by_thirds(lambda t: objective([1 - t, t]))
        return [1 - t, t]

    def value(logits: Any) -> tuple[float, Any]:
        nu = simplex(logits)
        s = slope(nu)
        # The functions here are <nu, slope>.
        return float(nu @ s), nu * (s - nu @ s)

    found = minimize(value, np.zeros(n), jac=True, method="BFGS", options={"gtol": 1e-10}).x
    return oracles.normalised([mp.mpf(float(a)) for a in found])


def _compared(views: Views, marginals: Sequence[Sequence[Any]], words: str = "") -> Iterator[Evidence]:
    here, size = _instance(views, marginals), oracles.complexity(*views)
    apart = max(mp.fsum(p * mp.log(p / m) for p, m in zip(marginals[0], nu, strict=True)) for nu in marginals)
    what = {"compared": "largest KL(nu of view 0 || nu of view k)"}
    yield Evidence(
        0.0, float(apart), "equal", 1e-20, here | what, size, sentence=words if apart > mp.mpf("1e-9") else ""
    )
    nu = marginals[0]
    slope = [mp.log(p) - mp.fsum(oracles.log(view[z]) for view in views) / len(views) for z, p in enumerate(nu)]
    what = {"compared": "mean divergence of the first marginal to the views, bound on its excess"}
    yield Evidence(0.0, float(mp.fdot(nu, slope) - min(slope)), "at most", 1e-14, here | what, size)
    best = _search(lambda nu: mean_divergence(views, nu), len(nu), lambda nu: _slope(views, nu, views[0], 0.0))
    what = {"compared": "mean divergence of the first marginal to the views minus the searched least one"}
    yield Evidence(
        0.0, float(mean_divergence(views, nu) - mean_divergence(views, best)), "at most", 1e-14, here | what, size
    )


def _text(nu: Sequence[Any]) -> str:
    return "(" + ", ".join(mp.nstr(p, 3) for p in nu) + ")"


def _names(views: Views) -> str:
    return " and ".join(oracles.as_text(nu) for nu in views)


def _instance(views: Views, marginals: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return {
        "nu_0 of the views": "; ".join(oracles.as_text(nu) for nu in views),
        "nu": "; ".join(", ".join(mp.nstr(p, 6) for p in nu) for nu in marginals),
    }


def _instances(rng: np.random.Generator) -> Iterator[list[list[Fraction]]]:
    half = [Fraction(1, 2)] * 2
    yield [half, [Fraction(1, 5), Fraction(4, 5)]]
    yield [half, half]
    for i in range(12):
        yield [oracles.random_distribution(rng, 2 + i % 3, 9) for _ in range(2 + i % 2)]


I14 = Claim(
    id="I.14",
    title="Target of coherence",
    whose="paper",
    place=(
        "section 4.1 and appendix F.1, eq. 15; also the slides, Consensus Targets: From Geometric Mean to Majority "
        "Vote, and Instantiations: One Game, Many Alignment Goals"
    ),
    plain=(
        "If all phrasings of a question must have the same answer distribution, the target is the geometric mean of "
        "theirs."
    ),
    statement=(
        "For the indicator of equal marginals over an orbit, a slight generalisation of the framework, the consensus "
        "target q* is the geometric mean of the views' marginals, normalised. The policy attempts to match the target."
    ),
    printed="q*(z) = (1/Z) prod_k nu_k(z)^(1/K)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the target is the q of Theorem 2.1, to which the policy responds by pi_0 q",
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss="The sabotage is the true target; no mean that is the same for all views is the true target.",
            evidence=evidence,
        ),
        Reading(
            supposes=(
                "the target is the marginal that each view must match, and the mean is that of the reference's views"
            ),
            expected="holds",
            stated=stated,
            sabotage=arithmetic,
            near_miss=near_miss,
            evidence=evidence_of_marginals,
        ),
        Reading(
            supposes="R is an expected divergence, the mean of KL(nu || nu_k), as in the slides' table, and beta > 0",
            expected="false",
            stated=whatever_beta,
            sabotage=between,
            near_miss="The true marginal depends on beta and on the view; no mean of the views depends on them.",
            evidence=evidence_of_divergence,
        ),
    ),
    remark=(
        "If each view has the geometric mean as its marginal, the views are coherent, and no coherent marginal is "
        "nearer to the reference; the mean of the matched views is the same again. The response pi_0 q gives each "
        "view nu_0 times the mean, so that views which agree already are changed. For the expected divergence the "
        "best marginal is (mean nu_0^beta)^(1 / (1 + beta)), between the mean and the view's reference marginal."
    ),
    amendment="I.14a",
)

I14A = Claim(
    id="I.14a",
    title="Target of coherence for a view",
    whose="ours",
    place="repair of claim I.14",
    plain=(
        "The common marginal of the views is the geometric mean, and the target of each view is this mean divided by "
        "the view's reference."
    ),
    statement=(
        "For the indicator of equal marginals over an orbit the common marginal is the geometric mean of the views' "
        "reference marginals, and the target of view x is this mean divided by nu_0x, normalised."
    ),
    printed="nu* ~ prod_x nu_0x^(1/K),  q_x* ~ nu* / nu_0x",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            near_miss=amended_near,
            evidence=evidence,
        ),
    ),
    remark=(
        "sum_x KL(nu || nu_0x) is K KL(nu || mean) plus a constant, and with q_x = mean / nu_0x the response of view "
        "x is the mean."
    ),
)

CLAIMS = (I14, I14A)
