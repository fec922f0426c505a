"""Intervals come from questions, statistics agree with their definitions, and evaluation leaves no trace."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainerControl, TrainerState

from dagames_llm._errors import DataError
from dagames_llm.data import Orbit
from dagames_llm.evaluate import (
    Decoding,
    bootstrap,
    evaluate,
    generate,
    majority_hit,
    measures_of,
    share_right,
)
from dagames_llm.extract import first_number
from dagames_llm.monitors import (
    CollapseAlarm,
    Monitor,
    Votes,
    answer_entropy,
    collapse_reason,
    disagreement,
    majority_ratio,
    unread_reason,
)
from dagames_llm.multipliers import Constraint

answers = st.lists(st.one_of(st.none(), st.sampled_from("abc")), min_size=1, max_size=12)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(400):
        estimate = bootstrap(generator.beta(2, 1, size=40), resamples=1000, seed=trial)
        covered += estimate.low <= 2 / 3 <= estimate.high
    assert 0.91 <= covered / 400 <= 0.98


def test_the_interval_is_over_questions_not_over_samples() -> None:
    # Each question is always right or always wrong: more samples of it are no more evidence.
    difficulty = np.repeat([0.0, 1.0], 20)
    few = bootstrap(difficulty)
    binomial = 1.96 * math.sqrt(0.25 / 40)
    assert few.high - few.low == pytest.approx(2 * binomial, rel=0.15)
    assert few.n == 40
    assert bootstrap(np.repeat(difficulty, 16)).high - few.mean < (few.high - few.mean) / 3, "what pooling would claim"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 99))
def test_the_interval_holds_the_mean_and_stays_within_the_values(values: list[float], seed: int) -> None:
    estimate = bootstrap(values, resamples=200, seed=seed)
    assert min(values) - 1e-12 <= estimate.low <= estimate.high <= max(values) + 1e-12
    assert estimate.mean == pytest.approx(sum(values) / len(values))
    assert estimate == bootstrap(values, resamples=200, seed=seed)


@pytest.mark.parametrize("values", [[], [math.nan], [[1.0]]])
def test_no_interval_without_values(values: list[float]) -> None:
    with pytest.raises(DataError):
        bootstrap(values)


@given(answers)
def test_group_statistics(group: list[str | None]) -> None:
    ratio, entropy = majority_ratio(group), answer_entropy(group)
    assert 0 <= ratio <= 1
    assert 0 <= entropy <= math.log(len(group)) + 1e-12
    assert (entropy == 0) == (len(set(group)) == 1)
    assert majority_ratio(group[::-1]) == ratio
    assert sum(majority_hit(group, {letter}) for letter in "abc") == pytest.approx(1.0 if any(group) else 0.0)


def test_an_alias_is_right_and_is_counted_apart_in_the_vote() -> None:
    group = ["usa", "united states", "canada", "canada", None]
    assert share_right(group, {"usa", "united states"}) == pytest.approx(2 / 5)
    assert majority_hit(group, {"usa", "united states"}) == 0
    assert majority_hit(group[:2], {"usa", "united states"}) == 1


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
    assert blind["orbit"] == {key: first["orbit"][key] for key in ("majority_ratio", "answer_entropy", "unparsed")}


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
