"""Evaluation leaves no trace in training, and its statistics are those of the answers that it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from transformers import TrainerState

from dagames_llm._errors import DataError, OutputError
from dagames_llm.data import Orbit
from dagames_llm.evaluate import (
    Decoding,
    evaluate,
    generate,
    measures_of,
    summary,
)
from dagames_llm.extract import first_number
from dagames_llm.journal import Batch, open_journal
from dagames_llm.monitors import CollapseAlarm, Monitor, collapse_reason, unread_reason
from dagames_llm.multipliers import Constraint
from dagames_llm.scores import Answered


def test_the_monitor_knows_accuracy_only_where_gold_is_known() -> None:
    groups = [["1", "1", "2", None], ["5", "5", "5", "5"]]
    blind = Monitor().measure(["p", "q"], groups)
    assert "accuracy" not in blind
    assert Monitor({"p": "2"}).measure(["p", "q"], groups) == {**blind, "accuracy": 0.25}
    assert blind["majority_ratio"] == pytest.approx((0.5 + 1) / 2)
    assert blind["unparsed"] == pytest.approx(1 / 8)
    assert blind["commonest_answer"] == pytest.approx(4 / 8)


def test_the_alarm_rises_when_most_completions_are_unread_or_cut() -> None:
    def log(unparsed: float, truncated: float, steps: int = 10) -> list[dict[str, float]]:
        return [{"unparsed": unparsed, "truncated": truncated}] * steps

    assert unread_reason(log(0.5, 0.5)) is None
    assert unread_reason(log(0.9, 0.9, steps=9)) is None
    assert "no answer that was read" in str(unread_reason(log(0.6, 0.1)))
    assert "`max_completion_length`" in str(unread_reason(log(0.9, 0.6)))
    assert unread_reason(log(0.9, 0.9) + log(0.0, 0.0)) is None, "only the last steps count"
    assert unread_reason([{"reward": 1.0}] * 10) is None


def test_each_alarm_is_given_once(caplog: pytest.LogCaptureFixture) -> None:
    alarm = CollapseAlarm()
    state = TrainerState(log_history=[{"unparsed": 0.9, "truncated": 0.0, "commonest_answer": 0.9}] * 10)
    for _ in range(3):
        alarm.on_log(None, state, None)
    assert len(caplog.records) == 2


def test_the_alarm_tells_collapse_from_learning() -> None:
    def log(accuracy: list[float], reward: float = 0.9, common: float = 0.2) -> list[dict[str, float]]:
        return [{"accuracy": a, "reward": reward, "commonest_answer": common} for a in accuracy]

    rising = [0.4 + 0.02 * i for i in range(20)]
    assert collapse_reason(log(rising)) is None
    assert collapse_reason(log(rising, common=0.9)) is not None
    assert "accuracy fell" in str(collapse_reason(log(rising[::-1])))
    assert collapse_reason(log(rising, common=0.9)[:9]) is None
    assert collapse_reason(log(rising[::-1], reward=0.9)[:10] + log(rising[::-1], reward=0.5)[10:]) is None
    generator = np.random.default_rng(0)
    noise = [log((generator.binomial(4, 0.85, size=50) / 4).tolist()) for _ in range(200)]
    assert sum(collapse_reason(steps) is not None for steps in noise) <= 4, "four questions a step are noisy"


def test_evaluation_on_a_tiny_model(tiny: Path) -> None:
    import torch

    from dagames_llm.models import load_model

    model, tokenizer = load_model(str(tiny))
    orbits = [Orbit((f"{i} is", f"so {i} and {i}"), str(i)) for i in range(5)]
    decoding = Decoding(samples=4, max_new_tokens=2, batch_size=8)
    state = torch.get_rng_state()
    first = evaluate(model, tokenizer, orbits, first_number, decoding, ["x", "y"])
    assert torch.equal(torch.get_rng_state(), state), "evaluation must not move training's random numbers"
    assert first == evaluate(model, tokenizer, orbits, first_number, decoding, ["x", "y"])
    assert first["n_prompts"] == 10
    assert first["views"]["x"]["sampled"]["n"] == 5
    both = [first["views"][view]["sampled"]["mean"] for view in ("x", "y")]
    assert first["orbit"]["sampled"]["mean"] == pytest.approx(sum(both) / 2)
    with pytest.raises(DataError, match="all of them or of none"):
        evaluate(model, tokenizer, [*orbits, Orbit(("a", "b"))], first_number, decoding)
    with pytest.raises(DataError, match="at least one question"):
        evaluate(model, tokenizer, [], first_number, decoding)
    blind = evaluate(model, tokenizer, [Orbit(orbit.views) for orbit in orbits], first_number, decoding)
    assert blind["views"] == {}
    without_gold = {
        "coherence",
        "coherence_sampled",
        "majority_ratio",
        "answer_entropy",
        "distinct_answers",
        "unparsed",
    }
    assert blind["orbit"] == {name: first["orbit"][name] for name in without_gold}
    with pytest.raises(DataError, match="between 1 and 4"):
        evaluate(model, tokenizer, orbits, first_number, decoding, ks=[5])
    assert first["views"]["x"]["greedy"]["method"] == "wilson"
    assert first["orbit"]["greedy"]["method"] == "bootstrap", "two views of a question are no two questions"
    questions = [Answered(**question) for question in json.loads(json.dumps(first["questions"]))]
    assert summary(questions, first["ks"], first["words"], ["x", "y"])["orbit"] == first["orbit"]
    assert first["ks"] == [2, 4]
    assert [question.gold for question in questions] == [[str(i)] for i in range(5)]


def test_measures_of_constraints_and_distance(tiny: Path) -> None:
    from dagames_llm.models import load_model

    model, tokenizer = load_model(str(tiny))
    orbits = [Orbit((f"{kind} {i}",), columns={"kind": kind}) for i in range(3) for kind in ("good", "bad")]
    given = {name: 0.5 if name == "good" else 0.25 for name in ("good", "bad")}
    constraints = [
        Constraint(lambda texts, value=value: [value] * len(texts), 1.0, name, {"kind": name})
        for name, value in given.items()
    ]
    measures = measures_of(constraints, lambda texts, _: 1.0 - np.eye(len(texts)))
    decoding = Decoding(samples=3, max_new_tokens=1)
    found = evaluate(model, tokenizer, orbits, first_number, decoding, measures=measures)["orbit"]
    assert {name: found[f"mean cost, {name}"]["mean"] for name in given} == given
    assert {found[f"mean cost, {name}"]["n"] for name in given} == {3}
    assert found["mean distance"]["mean"] == pytest.approx(1.0), "a completion's distance to itself does not count"
    assert measures_of([], None) == {}


def test_a_batch_completes_each_prompt_as_if_alone(tiny: Path) -> None:
    from dagames_llm.models import load_model

    model, tokenizer = load_model(str(tiny))
    prompts = ["1", "a longer one 22", "x=", "1 + 1 ="]
    together = generate(model, tokenizer, prompts, Decoding(max_new_tokens=3), sampled=False)
    alone = [generate(model, tokenizer, [p], Decoding(max_new_tokens=3), sampled=False)[0] for p in prompts]
    assert together == alone


def test_kept_completions_are_those_that_would_be_drawn(tiny: Path, tmp_path: Path) -> None:
    from dagames_llm.models import load_model

    model, tokenizer = load_model(str(tiny))
    orbits = [Orbit((f"{i} is", f"so {i} and {i}"), str(i)) for i in range(6)]
    decoding = Decoding(samples=4, max_new_tokens=2, batch_size=8)
    whole = evaluate(model, tokenizer, orbits, first_number, decoding)
    file, header = tmp_path / "x.json.partial", {"seed": 0}
    journal = open_journal(file, header)
    assert evaluate(model, tokenizer, orbits, first_number, decoding, journal=journal) == whole
    lines = file.read_bytes().splitlines(keepends=True)
    for kept in (1, 2, 4, len(lines) - 1):
        file.write_bytes(b"".join(lines[:kept]) + lines[kept][: len(lines[kept]) // 2])
        again = open_journal(file, header)
        assert len(again.batches) == kept - 1
        assert evaluate(model, tokenizer, orbits, first_number, decoding, journal=again) == whole, kept
        assert file.read_bytes().splitlines(keepends=True) == lines


def test_a_journal_of_another_evaluation_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json.partial"
    journal = open_journal(file, {"seed": 0, "ks": (1, 2)})
    assert not file.exists()
    journal.add(True, [0, 1], Batch([["a"], ["b"]], "c3RhdGU="))
    assert open_journal(file, {"seed": 0, "ks": (1, 2)}).find(True, [0, 1]) == Batch([["a"], ["b"]], "c3RhdGU=")
    with pytest.raises(OutputError, match="`seed` was 0 and is 1"):
        open_journal(file, {"seed": 1, "ks": (1, 2)})
    assert open_journal(file, {"seed": 1}, overwrite=True).batches == {}
    assert not file.exists()
    for content in (b"no journal\n", b"[]\n", b'{"seed": 1}\n{"part": 3}\n'):
        file.write_bytes(content)
        with pytest.raises(OutputError, match="unfinished evaluation of something else"):
            open_journal(file, {"seed": 1})
    file.write_bytes(b'{"seed": ')
    assert open_journal(file, {"seed": 1}).batches == {}
