"""Statistics of the answers to one question: accuracy, votes, maj@k, pass@k, EM and F1, coherence, diversity.

An answer is the result of an extractor for a completion, or None. Gold answers are the answer and its aliases.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np

from dagames_llm._errors import DataError
from dagames_llm.counted import counted
from dagames_llm.distances import normalised_tokens
from dagames_llm.extract import Answer

Answers = Sequence[Answer | None]


def majority_ratio(answers: Answers) -> float:
    """Return the share of a group's completions that give its most frequent answer.

    Args:
        answers: one per completion; None counts as a completion, and not as an answer.

    Returns:
        A share between 0 (no answers) and 1.
    """
    counts = Counter(answer for answer in answers if answer is not None)
    return max(counts.values(), default=0) / len(answers)


def answer_entropy(answers: Answers) -> float:
    """Return the entropy of a group's empirical distribution of answers.

    Args:
        answers: one per completion; all None together count as one answer.

    Returns:
        The entropy in nats, between 0 and the logarithm of the group's size.
    """
    shares = [count / len(answers) for count in Counter(answers).values()]
    return max(0.0, -sum(share * math.log(share) for share in shares))


def share_right(answers: Answers, gold: Collection[Answer]) -> float:
    """Return the share of completions whose answer is one of the accepted ones."""
    return sum(answer in gold for answer in answers if answer is not None) / len(answers)


def majority_hit(answers: Answers, gold: Collection[Answer]) -> float:
    """Return the probability that the majority answer, ties broken evenly, is one of the accepted ones.

    Aliases are separate answers in the vote, as in training.
    """
    read = [answer for answer in answers if answer is not None]
    counts = {answer: read.count(answer) for answer in read}
    winners = [answer for answer, count in counts.items() if count == max(counts.values())]
    return sum(winner in gold for winner in winners) / len(winners) if winners else 0.0


def pass_at(answers: Answers, gold: Collection[Answer], k: int) -> float:
    """Return pass@k, unbiased: the probability that k completions, drawn without replacement, include a right one.

    Args:
        answers: n answers.
        gold: The accepted ones.
        k: From 1 to n.

    Returns:
        1 - C(n - c, k) / C(n, k) for c right answers.

    Raises:
        DataError: k is out of range.

    Source: Chen et al. 2021, Evaluating Large Language Models Trained on Code, eq. 1.

    >>> pass_at(["7", "8", None, "9"], {"7"}, 2)
    0.5
    """
    n = _checked_k(answers, k)
    right = sum(answer in gold for answer in answers if answer is not None)
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)


def majority_at(answers: Answers, gold: Collection[Answer], k: int) -> float:
    """Return maj@k: the mean of `majority_hit` over all k of the completions, drawn without replacement.

    Args:
        answers: n answers.
        gold: The accepted ones.
        k: From 1 to n.

    Returns:
        The exact mean over the C(n, k) subsets; `majority_hit` at k = n, and `share_right` at k = 1.

    Raises:
        DataError: k is out of range.

    >>> majority_at(["7", "7", "8"], {"7"}, 2)  # {7, 7} wins, {7, 8} twice is a tie
    0.6666666666666666
    """
    _checked_k(answers, k)
    counts = Counter(answers)
    unread = counts.pop(None, 0)
    accepted = tuple(sorted(count for answer, count in counts.items() if answer in gold))
    others = tuple(sorted(count for answer, count in counts.items() if answer not in gold))
    return _chance_of_majority(accepted, others, unread, k)


def _checked_k(answers: Answers, k: int) -> int:
    if not 1 <= k <= len(answers):
        raise DataError(
            f"k is {k}; with {counted(len(answers), 'completion')} of a prompt it must be between 1 and {len(answers)}."
        )
    return len(answers)


@lru_cache(maxsize=1 << 14)
def _chance_of_majority(accepted: tuple[int, ...], others: tuple[int, ...], unread: int, k: int) -> float:
    n = sum(accepted) + sum(others) + unread
    # Counts of subsets of more than about a thousand completions overflow float64; use integers.
    exact = n > 1000
    ways: float | Fraction = 0
    for i, count in enumerate(accepted):
        rivals = accepted[:i] + accepted[i + 1 :] + others
        for votes in range(1, min(count, k) + 1):
            by_ties = _ways(rivals, unread, k - votes, votes, object if exact else np.float64)
            # A tie with w rivals is won with chance 1 / (w + 1).
            shares = (Fraction(way, w + 1) if exact else way / (w + 1) for w, way in enumerate(by_ties))
            ways += math.comb(count, votes) * sum(shares)
    return float(ways / math.comb(n, k))


def _ways(rivals: tuple[int, ...], unread: int, size: int, votes: int, kind: type) -> list[Any]:
    """Count the subsets of `size` in which no rival has more than `votes`, by the number of rivals with that many."""
    ties = size // votes
    table = np.zeros((size + 1, ties + 1), dtype=kind)
    table[0, 0] = 1
    for count in rivals:
        with_rival = table.copy()
        for j in range(1, min(count, votes, size) + 1):
            ways = math.comb(count, j) * table[: size + 1 - j]
            if j < votes:
                with_rival[j:] += ways
            else:
                with_rival[j:, 1:] += ways[:, :-1]
        table = with_rival
    ways_unread = [math.comb(unread, size - taken) for taken in range(size + 1)]
    return [sum(ways_unread[taken] * table[taken, w] for taken in range(size + 1)) for w in range(ties + 1)]


def token_f1(answer: Answer | None, gold: Answer) -> float:
    """Return the F1 of the tokens that an answer shares with a gold one, as in SQuAD's evaluation.

    Args:
        answer: An answer; None has F1 0.
        gold: A gold answer.

    Returns:
        2 P R / (P + R), tokens counted with multiplicity; 1 if both answers have no tokens, 0 if only one has none.

    Source: Rajpurkar et al. 2016, SQuAD, section 6.1.

    >>> token_f1("the Nile river", "Nile")
    0.6666666666666666
    """
    if answer is None:
        return 0.0
    tokens, gold_tokens = normalised_tokens(answer), normalised_tokens(gold)
    if not tokens or not gold_tokens:
        return float(tokens == gold_tokens)
    shared = (Counter(tokens) & Counter(gold_tokens)).total()
    return 2 * shared / (len(tokens) + len(gold_tokens))


def exact_match(answer: Answer | None, gold: Answer) -> float:
    """Return 1 if an answer has the same tokens as a gold one in the same order, as in SQuAD's evaluation, else 0.

    >>> exact_match("The Nile.", "nile")
    1.0
    """
    return float(answer is not None and normalised_tokens(answer) == normalised_tokens(gold))


@dataclass(frozen=True)
class Answered:
    """A question and the answers of its completions.

    Attributes:
        question: Its first wording.
        gold: The accepted answers; empty if unknown.
        greedy: The answer of each view.
        sampled: The answers of each view, n of each.
        measures: Further statistics of the sampled completions, by name.
    """

    question: str
    gold: tuple[Answer, ...]
    greedy: tuple[Answer | None, ...]
    sampled: tuple[tuple[Answer | None, ...], ...]
    measures: Mapping[str, float] = field(default_factory=dict)


def default_ks(samples: int) -> list[int]:
    """Return the powers of two from 2 up to the number of samples, and that number.

    >>> default_ks(12)
    [2, 4, 8, 12]
    """
    return sorted({2**i for i in range(1, samples.bit_length()) if 2**i <= samples} | ({samples} - {1}))


def view_scores(question: Answered, view: int, ks: Iterable[int]) -> dict[str, float]:
    """Return the accuracies of one view of a question with a gold answer."""
    gold, drawn = set(question.gold), question.sampled[view]
    scores = {"greedy": share_right([question.greedy[view]], gold), "sampled": share_right(drawn, gold)}
    for k in ks:
        scores[f"maj@{k}"] = majority_at(drawn, gold, k)
        scores[f"pass@{k}"] = pass_at(drawn, gold, k)
    return scores


def question_scores(question: Answered, ks: Iterable[int], words: bool) -> dict[str, float]:
    """Return the statistics of a question over all of its views.

    Args:
        question: The question.
        ks: Each from 1 to the number of samples of a view.
        words: Whether answers are words; otherwise EM and F1 are omitted, as SQuAD's normalisation identifies -5 and 5.

    Returns:
        If gold is known, the means over views of `view_scores`, `majority` (the vote pooled over views) and, for
        words, `exact_match`, `f1` of the greedy answers and `f1_sampled`. For questions of several views `coherence`
        (1 if the greedy answers of all views exist and are equal) and `coherence_sampled` (the probability that
        completions of two different views have the same answer). Always `majority_ratio`, `answer_entropy` (nats),
        `distinct_answers` and `unparsed` of the pooled samples, and the question's measures.
    """
    pooled = [answer for view in question.sampled for answer in view]
    scores = _right(question, pooled, list(ks), words) if question.gold else {}
    if len(question.sampled) > 1:
        scores["coherence"] = float(None not in question.greedy and len(set(question.greedy)) == 1)
        scores["coherence_sampled"] = fmean(_agreement(a, b) for a, b in combinations(question.sampled, 2))
    return {
        **scores,
        "majority_ratio": majority_ratio(pooled),
        "answer_entropy": answer_entropy(pooled),
        "distinct_answers": float(len(set(pooled) - {None})),
        "unparsed": pooled.count(None) / len(pooled),
        **question.measures,
    }


def _right(question: Answered, pooled: Answers, ks: Sequence[int], words: bool) -> dict[str, float]:
    views = [view_scores(question, v, ks) for v in range(len(question.sampled))]
    scores = {name: fmean(view[name] for view in views) for name in views[0]}
    scores["majority"] = majority_hit(pooled, set(question.gold))
    if words:
        scores["exact_match"] = _best(exact_match, question.greedy, question.gold)
        scores["f1"] = _best(token_f1, question.greedy, question.gold)
        scores["f1_sampled"] = _best(token_f1, pooled, question.gold)
    return scores


def _best(score: Callable[[Answer | None, Answer], float], answers: Answers, gold: Sequence[Answer]) -> float:
    """Return the mean over answers of the best score over the accepted ones."""
    return fmean(max(score(answer, accepted) for accepted in gold) for answer in answers)


def _agreement(one: Answers, other: Answers) -> float:
    """Return the probability that one answer of each exists and both are equal."""
    counts, others = Counter(one), Counter(other)
    return sum(counts[answer] * others[answer] for answer in counts if answer is not None) / (len(one) * len(other))
