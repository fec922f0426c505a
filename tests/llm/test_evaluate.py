"""Evaluation leaves no trace in training, and its statistics are those of the answers that it keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainerControl, TrainerState

from dagames_llm._errors import DataError, OutputError
from dagames_llm.data import Orbit
from dagames_llm.evaluation.evaluate import (
    Decoding,
    evaluate,
    generate,
    measures_of,
    summary,
)
from dagames_llm.evaluation.journal import Batch, open_journal
from dagames_llm.evaluation.scores import Answered, majority_hit
from dagames_llm.extract import first_number
from dagames_llm.monitors import CollapseAlarm, Monitor, Votes, collapse_reason, disagreement, unread_reason
from dagames_llm.multipliers import Constraint


def test_disagreement_is_the_chance_that_two_views_differ() -> None:
    assert disagreement(["1", "1"], [0, 0]) is None
    assert disagreement(["1", "1", "1"], [0, 1, 1]) == 0
    assert disagreement(["1", "2", "1", None], [0, 0, 1, 1]) == 0.75, "one of the four pairs agrees"


@given(st.lists(st.tuples(st.one_of(st.none(), st.sampled_from("ab")), st.integers(0, 2)), min_size=1, max_size=9))
def test_disagreement_by_enumeration(group: list[tuple[str | None, int]]) -> None:
    pairs = [a is None or a != b for a, v in group for b, w in group if v != w]
    found = disagreement([a for a, _ in group], [v for _, v in group])
    assert found == (pytest.approx(sum(pairs) / len(pairs), abs=1e-12) if pairs else None)


def test_votes_flip_and_right_answers_go_extinct() -> None:
    votes = Votes()
    assert votes.observe(["p", "q"], [["1", "1", "2"], ["3", None, None]], ["2", "3"]) == {}
    # p ties, so that its vote stands, and has lost 2, which is right; q turns and keeps 3.
    seen = votes.observe(["p", "q"], [["1", "5", None], ["4", "4", "3"]], ["2", "3"])
    assert seen == {"flip_rate": 0.5, "extinct": 0.5}
    assert votes.observe(["p"], [["5", "5", "1"]], ["2"]) == {"flip_rate": 1.0, "extinct": 1.0}
    assert votes.observe(["p"], [[None, None]], ["2"])["flip_rate"] == 1.0, "a vote that is gone has flipped"
    assert votes.observe(["p"], [[None, None]], [None])["flip_rate"] == 0.0


def test_votes_go_through_a_checkpoint() -> None:
    votes, resumed = Votes(), Votes()
    steps = [(["p", "q"], [["1", "2"], ["3", "3"]], ["1", None]), (["q", "p"], [["4", "3"], ["2", "2"]], [None, "1"])]
    votes.observe(*steps[0])
    state = TrainerState()
    votes.on_step_end(None, state, None)
    state.stateful_callbacks = json.loads(json.dumps(state.stateful_callbacks))
    resumed.on_train_begin(None, state, None)
    assert resumed.observe(*steps[1]) == votes.observe(*steps[1]) == {"flip_rate": 0.5, "extinct": 1.0}


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


@pytest.mark.parametrize(("stop", "collapsed", "stops"), [(True, 0.9, True), (True, 0.1, False), (False, 0.9, False)])
def test_an_alarm_may_stop_the_run(stop: bool, collapsed: float, stops: bool) -> None:
    state = TrainerState(log_history=[{"unparsed": 0.9, "commonest_answer": collapsed}] * 10)
    control = TrainerControl()
    CollapseAlarm(stop=stop).on_log(None, state, control)
    assert control.should_training_stop == stops, "unread completions alone do not stop it"


def test_the_alarm_tells_collapse_from_learning() -> None:
    def log(accuracy: list[float], reward: float = 0.9, common: float = 0.2) -> list[dict[str, float]]:
        return [{"accuracy": a, "reward": reward, "commonest_answer": common} for a in accuracy]

    rising = [0.4 + 0.02 * i for i in range(20)]
    assert collapse_reason(log(rising)) is None
    assert collapse_reason(log(rising, common=0.9)) is not None
    assert "accuracy fell" in str(collapse_reason(log(rising[::-1])))
    assert collapse_reason(log(rising, common=0.9)[:9]) is None
    assert collapse_reason(log(rising[::-1], reward=0.9)[:10] + log(rising[::-1], reward=0.5)[10:]) is None
    assert "from 0.80 to 0.50" in str(collapse_reason(log([0.2] * 10 + [0.8] * 10 + [0.5] * 10))), "from its best"
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
    with pytest.raises(DataError, match="from 1 to 4"):
        evaluate(model, tokenizer, orbits, first_number, decoding, ks=[5])
    assert first["views"]["x"]["greedy"]["method"] == "wilson"
    assert first["orbit"]["greedy"]["method"] == "bootstrap", "two views of a question are no two questions"
    questions = [Answered(**question) for question in json.loads(json.dumps(first["questions"]))]
    assert summary(questions, first["ks"], first["words"], ["x", "y"])["orbit"] == first["orbit"]
    assert first["ks"] == [2, 4]
    assert [question.gold for question in questions] == [[str(i)] for i in range(5)]


@pytest.mark.parametrize("gold", [None, "no number"])
def test_a_verifier_tells_right_answers_that_are_not_listed(gold: str | None, tiny: Path) -> None:
    from dagames_llm.models import load_model

    model, tokenizer = load_model(str(tiny))
    # The second question accepts nothing: it counts as wrong, and does not hide the accuracy of the others.
    rules = [lambda answer: int(answer) % 2 == 0, lambda _: False]
    orbits = [Orbit((f"q{i}",), gold, verifier=rule) for i, rule in enumerate(rules)]
    decoding = Decoding(samples=24, max_new_tokens=1)
    found = evaluate(model, tokenizer, orbits, first_number, decoding)
    texts = generate(model, tokenizer, ["q0", "q1"], decoding, sampled=True)
    even = [first_number(text) in tuple("02468") for text in texts[0]]
    assert 0 < sum(even) < len(even), "a rule that all or none keep shows nothing"
    assert found["orbit"]["sampled"]["mean"] == pytest.approx(sum(even) / len(even) / 2)


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


def test_means_are_those_of_the_texts_that_the_model_gives(tiny: Path) -> None:
    """Against sums by hand over the same samples: a view's are its own, the vote pools them, and an alias is right."""
    from dagames_llm.models import load_model

    model, tokenizer = load_model(str(tiny))
    orbits = [Orbit((f"{i} is", f"so {i} and {i}"), str(i), (str(i + 1), str(i + 2))) for i in range(6)]
    decoding = Decoding(samples=6, max_new_tokens=1)
    found = evaluate(model, tokenizer, orbits, first_number, decoding, ["x", "y"])
    texts = generate(model, tokenizer, [view for orbit in orbits for view in orbit.views], decoding, sampled=True)
    read = np.array([[first_number(text) or "" for text in view] for view in texts]).reshape(6, 2, 6)
    right = np.array([np.isin(group, [str(i), str(i + 1), str(i + 2)]) for i, group in enumerate(read)])
    by_view = [found["views"][name]["sampled"]["mean"] for name in ("x", "y")]
    assert by_view == pytest.approx(right.mean(axis=(0, 2)))
    assert by_view[0] != by_view[1], "alike views would not tell one from the other"
    hits = [
        majority_hit([a or None for a in group.ravel()], {str(i + k) for k in range(3)}) for i, group in enumerate(read)
    ]
    assert found["orbit"]["majority"]["mean"] == pytest.approx(sum(hits) / 6)
    assert found["orbit"]["majority"]["mean"] != pytest.approx(right.mean()), "the vote is no mean of the samples"
    assert found["orbit"]["unparsed"]["mean"] == pytest.approx((read == "").mean())


def test_samples_follow_their_prompt_their_temperature_and_their_seed(tiny: Path) -> None:
    import torch

    from dagames_llm.models import load_model

    model, tokenizer = load_model(str(tiny))
    prompts = ["1", "a longer one 22", "x=", "1 + 1 ="]
    cold = Decoding(samples=3, temperature=1e-4, max_new_tokens=3)
    greedy = generate(model, tokenizer, prompts, cold, sampled=False)
    assert len({texts[0] for texts in greedy}) > 1, "alike prompts would not tell whose a sample is"
    assert generate(model, tokenizer, prompts, cold, sampled=True) == [texts * 3 for texts in greedy]
    warm = Decoding(samples=8, max_new_tokens=3)
    first = generate(model, tokenizer, prompts, warm, sampled=True)
    torch.rand(1)
    model.generation_config.update(top_k=1, top_p=0.1, repetition_penalty=9.0)
    assert generate(model, tokenizer, prompts, warm, sampled=True) == first, "neither torch's state nor the model's own"
    assert generate(model, tokenizer, prompts, replace(warm, seed=1), sampled=True) != first
    assert generate(model, tokenizer, prompts, cold, sampled=False) == greedy


@pytest.mark.parametrize("training", [True, False])
def test_generation_leaves_the_mode_as_it_was(training: bool, tiny: Path) -> None:
    from dagames_llm.models import load_model

    model, tokenizer = load_model(str(tiny))
    model.train(training)
    generate(model, tokenizer, ["1"], Decoding(max_new_tokens=1), sampled=False)
    assert model.training is training


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
        with pytest.raises(OutputError, match="unfinished command with other settings"):
            open_journal(file, {"seed": 1})
    file.write_bytes(b'{"seed": ')
    assert open_journal(file, {"seed": 1}).batches == {}
