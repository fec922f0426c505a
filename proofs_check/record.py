"""Verdicts as plain data: between processes, in the checkpoint file, and as the JSON result of a run."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from proofs_check.claim import Claim, Evidence, Result, Settled
from proofs_check.show import MEANING, REFERENCES, SOURCES, attack_text, evidence_text, tally, verdict_text, verdicts_of

SCHEMA = 3
"""Version of the JSON format in docs/claims.md; a version may add keys, but not change or remove them."""

Record: TypeAlias = dict[str, Any]


def as_record(result: Result) -> Record:
    """Convert the computed part of a result to plain data, without the texts of the claim.

    Args:
        result: The result.

    Returns:
        Plain data, from which `from_record` restores the result.
    """
    return {
        "id": result.claim.id,
        "readings": [_settled_record(settled) for settled in result.readings],
        "seconds": result.seconds,
    }


def from_record(claim: Claim, record: Record) -> Result:
    """Restore a result from plain data.

    Args:
        claim: The claim that was settled.
        record: The output of `as_record`, or a copy of it read from JSON.

    Returns:
        The result.
    """
    return Result(claim, tuple(map(_read_settled, record["readings"])), record["seconds"])


def _settled_record(settled: Settled) -> Record:
    return {
        "outcome": settled.outcome,
        "comparisons": settled.comparisons,
        "failures": settled.failures,
        "evidence": _evidence_record(settled.shown),
        "attack": _evidence_record(settled.attacked),
        "noted": [_evidence_record(evidence) for evidence in settled.noted],
        "error": settled.error,
    }


def _read_settled(record: Record) -> Settled:
    return Settled(
        record["outcome"],
        record["comparisons"],
        record["failures"],
        _read_evidence(record["evidence"]),
        _read_evidence(record["attack"]),
        tuple(evidence for evidence in map(_read_evidence, record["noted"]) if evidence is not None),
        record["error"],
    )


def as_json(results: Sequence[Result], seed: int, rounds: int = 1) -> Record:
    """Convert the verdicts to the JSON format.

    Args:
        results: The results.
        seed: First seed of the search.
        rounds: Number of seeds, starting at `seed`.

    Returns:
        The verdicts in the format of docs/claims.md, without times, so that two runs with one seed give equal files.
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
            | _settled_record(settled)
            | {"tight": settled.is_tight, "in_words": evidence_text(settled), "attack_in_words": attack_text(settled)}
            for reading, settled in pairs
        ],
    }


def _evidence_record(evidence: Evidence | None) -> Record | None:
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


def _read_evidence(record: Record | None) -> Evidence | None:
    if record is None:
        return None
    # JSON has no infinity and no NaN: these numbers are strings, which float() reads.
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
    """Convert the values of an instance to types of JSON."""
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
    raise TypeError(f"an instance contains {value!r}; values must be numbers, strings, lists or rationals.")
