"""Verdicts as plain data: between processes, on disk while a run goes on, and as the result of one."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from proofs_check.claim import Claim, Evidence, Result, Settled
from proofs_check.show import MEANING, REFERENCES, SOURCES, attack_text, evidence_text, tally, verdict_text, verdicts_of

SCHEMA = 3
"""Version of the JSON form, described in docs/claims.md; it grows by new keys only."""

Record: TypeAlias = dict[str, Any]


def as_record(result: Result) -> Record:
    """Write down what was computed, without what the claim's file says.

    Args:
        result: The result.

    Returns:
        Plain data, of which `from_record` makes the result again.
    """
    return {
        "id": result.claim.id,
        "readings": [_settled(found) for found in result.readings],
        "seconds": result.seconds,
    }


def from_record(claim: Claim, record: Record) -> Result:
    """Read a result back.

    Args:
        claim: The claim that was settled.
        record: What `as_record` wrote, perhaps through JSON.

    Returns:
        The result.
    """
    return Result(claim, tuple(map(_settled_again, record["readings"])), record["seconds"])


def _settled(found: Settled) -> Record:
    return {
        "outcome": found.outcome,
        "comparisons": found.comparisons,
        "failures": found.failures,
        "evidence": _evidence(found.shown),
        "attack": _evidence(found.attacked),
        "noted": [_evidence(evidence) for evidence in found.noted],
        "error": found.error,
    }


def _settled_again(record: Record) -> Settled:
    return Settled(
        record["outcome"],
        record["comparisons"],
        record["failures"],
        _read(record["evidence"]),
        _read(record["attack"]),
        tuple(evidence for evidence in map(_read, record["noted"]) if evidence is not None),
        record["error"],
    )


def as_json(results: Sequence[Result], seed: int, rounds: int = 1) -> Record:
    """Write the verdicts as plain data.

    Args:
        results: The results.
        seed: Seed of the search.
        rounds: How many seeds were tried, from `seed` on.

    Returns:
        The verdicts, as docs/claims.md says. Times are left out, so that two runs with one seed are equal.
    """
    return {
        "schema": SCHEMA,
        "seed": seed,
        "rounds": rounds,
        "sources": REFERENCES,
        "names": SOURCES,
        "meaning": MEANING,
        "counts": tally(verdicts_of(results)),
        "claims": [_claim_json(result) for result in results],
    }


def _claim_json(result: Result) -> Record:
    claim = result.claim
    pairs = zip(claim.readings, result.readings, strict=True)
    return {
        "id": claim.id,
        "title": claim.title,
        "whose": claim.whose,
        "place": claim.place,
        "plain": claim.plain,
        "statement": claim.statement,
        "printed": claim.printed,
        "kind": claim.kind,
        "verdict": result.verdict,
        "in_words": verdict_text(result),
        "expected": claim.expected,
        "as_expected": result.as_expected,
        "missing": claim.missing,
        "amendment": claim.amendment,
        "remark": claim.remark,
        "readings": [
            {"supposes": reading.supposes, "expected": reading.expected, "measured_by": reading.measured_by}
            | _settled(found)
            | {"tight": found.is_tight, "in_words": evidence_text(found), "attack_in_words": attack_text(found)}
            for reading, found in pairs
        ],
    }


def _evidence(evidence: Evidence | None) -> Record | None:
    if evidence is None:
        return None
    return {
        "claimed": _plain(float(evidence.claimed)),
        "measured": _plain(float(evidence.measured)),
        "relation": evidence.relation,
        "tolerance": _plain(float(evidence.tolerance)),
        "instance": _plain(evidence.instance),
        "size": evidence.size,
        "ratio": _plain(evidence.ratio),
        "noted": evidence.noted,
        "sentence": evidence.sentence,
    }


def _read(record: Record | None) -> Evidence | None:
    if record is None:
        return None
    # JSON has no infinity: such numbers come as words.
    return Evidence(
        float(record["claimed"]),
        float(record["measured"]),
        record["relation"],
        float(record["tolerance"]),
        record["instance"],
        record["size"],
        None if record["ratio"] is None else float(record["ratio"]),
        record["noted"],
        record["sentence"],
    )


def _plain(value: Any) -> Any:
    """Turn what an instance may hold into what JSON holds."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"an instance holds {value!r}; numbers, words, lists and rationals can be written down.")
