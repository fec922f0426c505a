"""I.14, I.14a: the geometric mean is what coherent views agree on, not the target that brings them there."""

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
    """Their exponent one percent too large."""
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
    """Answer the targets by pi_0 q, and ask whether the views are coherent then, and at the least price.

    Args:
        formula: The target of each view.
        rng: Source of randomness.

    Yields:
        The largest KL(answer of view 0 || answer), and by how much the mean divergence to the views exceeds the least
        one of a coherent answer: searched, and bounded by convexity.
    """
    for views in _instances(rng):
        targets = formula(views)
        answers = [
            oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(nu, q, strict=True)])
            for nu, q in zip(views, targets, strict=True)
        ]
        means = [_text(targets[0]), "; ".join(map(_text, answers))]
        words = (
            f"Take the views {_names(views)}. Their geometric mean is {means[0]}. As the target of each, it is"
            " answered by"
            f" nu ~ nu_0 q: {means[1]}. These are not coherent."
        )
        yield from _compared(views, answers, words)


def evidence_of_marginals(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Take the targets as the views' marginals, and ask whether these are coherent, and at the least price.

    Args:
        formula: The target of each view.
        rng: Source of randomness.

    Yields:
        The largest KL(marginal of view 0 || marginal), and by how much the mean divergence to the views exceeds the
        least one of a coherent answer: searched, and bounded by convexity.
    """
    for views in _instances(rng):
        yield from _compared(views, formula(views))


def evidence_of_divergence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Search the least J of a view whose functional is the mean of KL(nu || nu_k) over the views.

    Args:
        formula: The target of each view, from the views and beta; taken as the marginal to be matched, and as the q
            that pi_0 q answers.
        rng: Source of randomness.

    Yields:
        For each view J of the nearer of the two less the searched least J, beta being 1 and 1/2.
    """
    for views in islice(_instances(rng), 5):
        for beta in (Fraction(1), Fraction(1, 2)):
            for nu_0, q in zip(views, formula(views, beta), strict=True):
                yield _of_divergence(views, nu_0, beta, q)


def _of_divergence(views: Views, nu_0: Sequence[Fraction], beta: Fraction, q: Sequence[Any]) -> Evidence:
    def objective(nu: Sequence[Any]) -> Any:
        return price(views, nu) + oracles.number(beta) * oracles.kl(nu, nu_0)

    answer = oracles.normalised([oracles.log(p) + mp.log(m) for p, m in zip(nu_0, q, strict=True)])
    best = _search(objective, len(q), lambda nu: _slope(views, nu, nu_0, float(beta)))
    least, at_mean, at_answer = objective(best), objective(q), objective(answer)
    words = (
        f"Take the views {_names(views)}, with geometric mean {_text(q)}, and beta = {beta}. For the view"
        f" {oracles.as_text(nu_0)} J = mean_k KL(nu || nu_k) + beta KL(nu || nu_0) is least at nu = {_text(best)},"
        f" where it is {mp.nstr(least, 3)}. It is {mp.nstr(at_mean, 3)} at the mean, and {mp.nstr(at_answer, 3)} at"
        f" the answer to it, nu ~ nu_0 q = {_text(answer)}."
    )
    return Evidence(
        claimed=0.0,
        measured=float(min(at_mean, at_answer) - least),
        relation="equal",
        tolerance=1e-11,
        instance=_instance(views, [best]) | {"beta": str(beta), "compared": "J less the least J"},
        size=oracles.complexity(*views, [beta]),
        sentence=words,
    )


def price(views: Views, nu: Sequence[Any]) -> Any:
    """Compute the mean divergence of a marginal to the views."""
    return mp.fsum(oracles.kl(nu, view) for view in views) / len(views)


def _slope(views: Views, nu: Any, own: Sequence[Fraction], beta: float) -> Any:
    logs = np.log(np.array([[float(p) for p in view] for view in views])).mean(axis=0)
    return (1 + beta) * np.log(nu) - logs - beta * np.log([float(p) for p in own])


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
    what = {"compared": "price of the first marginal, excess by convexity"}
    yield Evidence(0.0, float(mp.fdot(nu, slope) - min(slope)), "at most", 1e-14, here | what, size)
    best = _search(lambda nu: price(views, nu), len(nu), lambda nu: _slope(views, nu, views[0], 0.0))
    what = {"compared": "price of the first marginal less the searched one"}
    yield Evidence(0.0, float(price(views, nu) - price(views, best)), "at most", 1e-14, here | what, size)


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
    plain="If all phrasings of a question are to be answered alike, the target is the geometric mean of the answers.",
    statement=(
        "For the indicator of equal marginals over an orbit, a slight generalisation of the framework, the consensus "
        "target q* is the geometric mean of the views' marginals, normalised. The target is what the policy attempts "
        "to match."
    ),
    printed="q*(z) = (1/Z) prod_k nu_k(z)^(1/K)",
    kind="equality",
    expected="depends",
    readings=(
        Reading(
            supposes="the target is the q of Theorem 2.1, which the policy answers by pi_0 q",
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss="The sabotage is the true target; no mean that is the same for all views is.",
            evidence=evidence,
        ),
        Reading(
            supposes=(
                "the target is the marginal that each view is to match, the mean being that of the reference's views"
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
            near_miss="The true marginal depends on beta and on the view; no mean of the views does.",
            evidence=evidence_of_divergence,
        ),
    ),
    remark=(
        "Matched by each view, the mean is coherent, and no coherent answer is nearer to the reference; the mean of "
        "the matched views is the same again. Answered by pi_0 q it brings each view to nu_0 times itself, so that "
        "views which agree already are moved. For the expected divergence the best marginal is (mean nu_0^beta)^(1 / "
        "(1 + beta)): between the mean and the view's own."
    ),
    amendment="I.14a",
)

I14A = Claim(
    id="I.14a",
    title="Target of coherence for a view",
    whose="ours",
    place="repair of claim I.14",
    plain="The views meet at the geometric mean, and each has a target of its own, the mean over its reference.",
    statement=(
        "For the indicator of equal marginals over an orbit the common marginal is the geometric mean of the views' "
        "reference marginals, and the target of view x is that mean over nu_0x, normalised."
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
        "sum_x KL(nu || nu_0x) is K KL(nu || mean) plus a constant, and q_x = mean / nu_0x makes the mean the answer "
        "of view x."
    ),
)

CLAIMS = (I14, I14A)
