"""I.17b: an estimate of the divergence per token omits the effect of early tokens on later ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import mpmath as mp
import numpy as np

from dagames.grpo import true_update
from proofs_check import oracles
from proofs_check.claim import Claim, Evidence, Formula, Reading
from proofs_check.claims.i17a_penalty_as_loss import SMALL, Losses, apart

Tokens = tuple[tuple[tuple[int, ...], int], ...]
"""The tokens of a trace, each after its context."""


@dataclass(frozen=True)
class Sequences:
    """An autoregressive policy and reference.

    Attributes:
        pi: Probabilities of the next token after each context, the tokens before; a context that is not in `pi` ends
            the trace.
        ref: Probabilities of the reference.
    """

    pi: dict[tuple[int, ...], list[Fraction]]
    ref: dict[tuple[int, ...], list[Fraction]]

    @cached_property
    def traces(self) -> list[Tokens]:
        """List all traces."""
        done: list[Tokens] = []
        open_: list[tuple[int, ...]] = [()]
        while open_:
            prefix = open_.pop()
            if prefix not in self.pi:
                done.append(tuple((prefix[:i], token) for i, token in enumerate(prefix)))
            open_ += [(*prefix, token) for token in range(len(self.pi.get(prefix, [])))]
        return sorted(done)

    @cached_property
    def logs(self) -> dict[tuple[int, ...], list[Any]]:
        """Log-probabilities of the policy's tokens."""
        return {context: [oracles.log(p) for p in row] for context, row in self.pi.items()}

    def rows(self, logs: dict[tuple[int, ...], list[Any]]) -> list[list[Any]]:
        """List the log-probabilities of every trace's tokens."""
        return [[logs[context][token] for context, token in trace] for trace in self.traces]

    def slopes(self, formula: Formula) -> dict[str, list[Any]]:
        """Differentiate the expected loss in all logits, with traces drawn from the policy and held fixed."""
        old = self.rows(self.logs)
        ref = self.rows({context: [oracles.log(p) for p in row] for context, row in self.ref.items()})
        masses = [mp.exp(mp.fsum(row)) for row in old]
        found: dict[str, list[Any]] = {}
        for context, token in [(c, t) for c in sorted(self.pi) for t in range(len(self.pi[c]))]:
            each = [formula(*rows) for rows in zip(self.rows(self._moved(context, token)), old, ref, strict=True)]
            for name in each[0]:
                mean = mp.fsum(p * loss[name] for p, loss in zip(masses, each, strict=True))
                found.setdefault(name, []).append(mp.im(mean) / SMALL)
        return found

    def _moved(self, context: tuple[int, ...], token: int) -> dict[tuple[int, ...], list[Any]]:
        """Move one logit into the complex plane."""
        row = [a + mp.mpc(0, SMALL) * (i == token) for i, a in enumerate(self.logs[context])]
        total = mp.log(mp.fsum(mp.exp(a) for a in row))
        return self.logs | {context: [a - total for a in row]}

    def library(self) -> list[float]:
        """Compute the library's step for the reward log(pi / pi_0), in the logits of traces, and map it to tokens."""
        names = ("pi", "ref")
        pi, ref = (np.array([float(self._mass(getattr(self, name), trace)) for trace in self.traces]) for name in names)
        step = true_update(pi, np.log(pi / ref))
        return [
            # A step in the log of a trace moves a token's logit by the token's indicator minus its probability.
            sum(
                float(s) * ((token == taken) - float(self.pi[context][token]))
                for s, trace in zip(step, self.traces, strict=True)
                for where, taken in trace
                if where == context
            )
            for context in sorted(self.pi)
            for token in range(len(self.pi[context]))
        ]

    @staticmethod
    def _mass(rows: dict[tuple[int, ...], list[Fraction]], trace: Tokens) -> Fraction:
        mass = Fraction(1)
        for context, token in trace:
            mass *= rows[context][token]
        return mass


def divergence(new: Sequence[Any], old: Sequence[Any], ref: Sequence[Any]) -> Losses:
    """KL(pi || pi_0) of traces from its definition: its term for a trace, over the mass that draws it."""
    return {"KL": mp.exp(mp.fsum(new) - mp.fsum(old)) * (mp.fsum(new) - mp.fsum(ref))}


def k3(new: Any, ref: Any) -> Any:
    """The estimate rho - log rho - 1, rho = pi_0 / pi, of one token."""
    return mp.exp(ref - new) - (ref - new) - 1


def stated(new: Sequence[Any], old: Sequence[Any], ref: Sequence[Any]) -> Losses:  # noqa: ARG001 - no weight
    """Sum k3 over the tokens, without weights."""
    return {"per-token k3": mp.fsum(k3(n, r) for n, r in zip(new, ref, strict=True))}


def weighted(new: Sequence[Any], old: Sequence[Any], ref: Sequence[Any]) -> Losses:
    """Sum k3 over the tokens, each weighted by the token's pi / pi_old."""
    weights = [mp.exp(n - o) for n, o in zip(new, old, strict=True)]
    return {"token weights": mp.fsum(w * k3(n, r) for w, n, r in zip(weights, new, ref, strict=True))}


def amended(new: Sequence[Any], old: Sequence[Any], ref: Sequence[Any]) -> Losses:
    """Weight the sum of k3 by the whole trace's pi / pi_old; or add the whole trace's log-ratio to the reward."""
    weight = mp.exp(mp.fsum(new) - mp.fsum(old))
    total = mp.fsum(k3(n, r) for n, r in zip(new, ref, strict=True))
    return {"summed k3, trace weight": weight * total, "in the reward": weight * (mp.fsum(old) - mp.fsum(ref))}


def near_miss(new: Sequence[Any], old: Sequence[Any], ref: Sequence[Any]) -> Losses:
    """Weight by the power 19/20 of the whole trace's pi / pi_old; and put 19/20 of the log-ratio into the reward."""
    weight = mp.exp(mp.fsum(new) - mp.fsum(old))
    total = mp.fsum(k3(n, r) for n, r in zip(new, ref, strict=True))
    share = mp.mpf("0.95")
    return {
        "summed k3, trace weight": weight**share * total,
        "in the reward": weight * share * (mp.fsum(old) - mp.fsum(ref)),
    }


def evidence(formula: Formula, rng: np.random.Generator) -> Iterator[Evidence]:
    """Differentiate the sampled penalty, and the divergence from its definition, at 50 digits.

    Args:
        formula: Losses of a trace by the name of the estimate, from its tokens' log-probabilities, the same held fixed,
            and those under the reference.
        rng: Source of randomness.

    Yields:
        For each estimate the slope of the first logit, the largest difference of slopes, and the distance from the
        library's step for the log-ratio of whole traces.
    """
    for case in _instances(rng):
        true = case.slopes(divergence)["KL"]
        for name, found in case.slopes(formula).items():
            instance = {
                "pi": _text(case.pi),
                "pi_0": _text(case.ref),
                "penalty": name,
                "slope of the first logit": float(mp.nstr(found[0], 6)),
                "slope of KL in the first logit": float(mp.nstr(true[0], 6)),
            }
            size = oracles.complexity(*case.pi.values(), *case.ref.values())
            here = instance | {"compared": "slope of the first logit"}
            words = _by_hand(name, found[0], true[0]) if case == two_tokens() else ""
            yield Evidence(float(true[0]), float(found[0]), "equal", 1e-15, here, size, sentence=words)
            here = instance | {"compared": "slopes"}
            yield Evidence(0.0, apart(found, true), "equal", 1e-40, here, size + 1)
            here = instance | {"compared": "slopes minus the library's step for whole traces"}
            library = [mp.mpf(s) for s in case.library()]
            yield Evidence(0.0, apart(found, library), "equal", 1e-12, here, size + 1)


def _text(rows: dict[tuple[int, ...], list[Fraction]]) -> str:
    return "; ".join(
        (f"after {' '.join(map(str, context))} " if context else "") + oracles.as_text(row)
        for context, row in sorted(rows.items())
    )


def _by_hand(name: str, found: Any, true: Any) -> str:
    """State the effect that the first token's estimate omits in the instance of two tokens."""
    why = {
        "per-token k3": "The term of the first token alone has the slope pi - pi_0 = 3/5 - 1/2",
        "token weights": "The term of the first token alone has the slope (3/5) (2/5) log(3/2)",
    }.get(name, "The estimate has the slope")
    return (
        "Let the policy stop at once with probability 3/5 and otherwise write a token with probabilities (3/4, 1/4); "
        "the reference has 1/2 and (1/4, 3/4). Stopping adds log((3/5) / (1/2)) - log((2/5) / (1/2)) = log(3/2) and "
        "avoids the second token's divergence, log(3) / 2, so that the divergence's slope in the logit of stopping "
        f"is (3/5) (2/5) (log(3/2) - log(3) / 2) = {float(true):+.4f}. {why} = {float(found):+.4f}: the effect of the "
        "first token on the second is omitted."
    )


def two_tokens() -> Sequences:
    """Stop at once (token 0), or write one more token, which the policy has moved far from the reference."""
    pi = {(): [Fraction(3, 5), Fraction(2, 5)], (1,): [Fraction(3, 4), Fraction(1, 4)]}
    return Sequences(pi, {(): [Fraction(1, 2)] * 2, (1,): [Fraction(1, 4), Fraction(3, 4)]})


def _instances(rng: np.random.Generator) -> Iterator[Sequences]:
    yield two_tokens()
    for i in range(12):
        contexts: list[tuple[tuple[int, ...], int]] = [((), 2 + i % 2)]
        for depth in range(1 + i // 2 % 2):  # the last token of a row ends the trace in every other case
            contexts += [
                ((*context, token), 2)
                for context, width in contexts
                if len(context) == depth
                for token in range(width - (i % 2))
            ]
        pi, ref = ({c: oracles.random_distribution(rng, width, 9) for c, width in contexts} for _ in range(2))
        yield Sequences(pi, ref)


_NO_NEAR = "The sabotage is the true loss; a slightly different loss has different slopes too (claim I.17e)."

I17B = Claim(
    id="I.17b",
    title="Divergence per token",
    whose="practice",
    place="GRPO as DeepSeekMath published it and as trainers have it, k3 of each token as a loss term",
    plain="The divergence of whole texts can be penalised by an estimate for each token, differentiated separately.",
    statement=(
        "For traces of several tokens, the sum of k3 over the tokens as a loss, with each term differentiated "
        "separately, has the slopes of KL(pi || pi_0) between traces. The paper's equation 4 and the slides contain "
        "the divergence itself."
    ),
    printed="sum_t k3(token t | tokens before)   for   KL(pi || pi_0)",
    kind="equality",
    expected="false",
    readings=(
        Reading(
            expected="false",
            stated=stated,
            sabotage=amended,
            near_miss=_NO_NEAR,
            evidence=evidence,
            supposes="k3 is differentiated as it stands",
        ),
        Reading(
            expected="false",
            stated=weighted,
            sabotage=amended,
            near_miss=_NO_NEAR,
            evidence=evidence,
            supposes="k3 of each token is weighted by that token's pi / pi_old, as in TRL's bias correction",
        ),
    ),
    remark=(
        "Practice states a method; the question here is whether the method solves the objective. The slope of a "
        "token's term omits the probability of the earlier tokens that lead to it. In the instance of two tokens the "
        "slope's sign is wrong too. Without weights each token moreover has the slope of the reversed divergence "
        "(claim I.17a). For traces of one token the weighted form is right (claim I.17d)."
    ),
    amendment="I.17e",
)

I17E = Claim(
    id="I.17e",
    title="Divergence per trace",
    whose="ours",
    place="repair of claim I.17b",
    plain=(
        "The estimate is right if it is weighted by the whole text's probability ratio, or put into the text's reward."
    ),
    statement=(
        "For traces of any lengths, the sum of k3 over the tokens weighted by the whole trace's pi / pi_old, not "
        "divided by the trace's length, has the slopes of KL(pi || pi_0); so has the trace's log(pi_old / pi_0) in "
        "its reward."
    ),
    printed="(pi(y) / pi_old(y)) sum_t k3(token t)   or   -log(pi_old(y) / pi_0(y)) in the reward",
    kind="equality",
    expected="holds",
    readings=(
        Reading(
            expected="holds",
            stated=amended,
            sabotage=stated,
            near_miss=near_miss,
            evidence=evidence,
        ),
    ),
    remark=(
        "Given the tokens before, the mean of a token's k3 is the token's divergence for every pi, so that the "
        "weighted sum has the mean KL(pi || pi_0) for every pi and not only at pi_old: its derivative is right. "
        "Division by the length gives another divergence, unless all lengths are equal: in the instance of I.17b the "
        "first logit's slope is then +.0046, where -.0345 is right. The second form is that of RLOO and of "
        "`Groups.penalised`."
    ),
)

CLAIMS = (
    I17B,
    I17E,
)
