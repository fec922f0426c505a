"""Forecasts: laws, an example by hand, the paths of `dagames.grpo`, and input that is refused."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from dagames.grpo import mean_field_path
from dagames.targets import (
    AnswerGroup,
    ConsensusVote,
    ExponentiatedReward,
    GiniDiversity,
    GroundTruth,
    InverseFrequency,
    MajorityVote,
    MaxRL,
    PriorMatching,
    SoftConsensus,
    Target,
)
from dagames_llm import cli
from dagames_llm.config.named_rewards import TABLES, target_of
from dagames_llm.config.recipe import OrbitScriptArguments
from dagames_llm.extract import extractor_named
from dagames_llm.forecast.answer_dynamics import equilibrium, log_of, path
from dagames_llm.forecast.answers_forecast import Plan, forecast, solve_question
from dagames_llm.forecast.choices import collapse_threshold, directions
from dagames_llm.forecast.drawn_groups import DrawnGroups
from dagames_llm.forecast.group_rules import LARGEST_GROUP, _reward_of_counts, rule_of
from dagames_llm.forecast.picture import draw_forecast
from dagames_llm.forecast.reference_games import SampledQuestion, load_samples, question_of
from dagames_llm.forecast.settings import made_target
from dagames_llm.forecast.vote_chances import views_are_pooled, vote_step
from tests.llm.forked import ROOT, Server

ANSWERS = ("x", "y", "z")
TARGETS: list[Target] = [
    MajorityVote(),
    MajorityVote(threshold=0.5),
    InverseFrequency(0.5),
    GiniDiversity(2.0),
    PriorMatching({"x": 0.2, "y": 0.8}, 0.5),
    ExponentiatedReward({"x": 1.0, "z": 0.5}),
]


def question(nu: np.ndarray, gold: str | None = "x", n: int = 1000) -> SampledQuestion:
    """A question whose reference is `nu`, [M, C], up to 1 / n."""
    counts = np.round(nu * n).astype(np.int64)
    counts[:, 0] += n - counts.sum(axis=1)
    right = None if gold is None else frozenset({gold})
    return SampledQuestion(tuple("AB"[: len(nu)]), ANSWERS[: nu.shape[1] - 1], counts, right)


def by_listing(target: Target, nu: np.ndarray, sizes: list[int], gold: str = "x") -> tuple[np.ndarray, float]:
    """Every group of answers, one by one: the mean advantage of a trace by view and answer, and the mean reward."""
    M, C = nu.shape
    K, views = sum(sizes), np.repeat(np.arange(M), sizes).tolist()
    total, mass, reward = np.zeros((M, C)), np.zeros((M, C)), 0.0
    for codes in itertools.product(range(C), repeat=K):
        chance = float(np.prod([nu[v, z] for v, z in zip(views, codes, strict=True)]))
        rewards = target.rewards(AnswerGroup([[*ANSWERS[: C - 1], None][z] for z in codes], views, gold=gold))
        reward += chance * float(rewards.mean())
        for v, z, advantage in zip(views, codes, rewards - (rewards.sum() - rewards) / (K - 1), strict=True):
            total[v, z] += chance * advantage
            mass[v, z] += chance
    return total / mass, reward


def centred(advantage: np.ndarray) -> np.ndarray:
    return advantage - advantage.mean(axis=-1, keepdims=True)


@st.composite
def distributions(draw: st.DrawFn, views: int = 2, answers: int = 3) -> np.ndarray:
    weights = [[draw(st.integers(1, 20)) for _ in range(answers + 1)] for _ in range(views)]
    return np.array(weights) / np.sum(weights, axis=1, keepdims=True)


@pytest.mark.parametrize("target", [*TARGETS, GroundTruth()], ids=repr)
@pytest.mark.parametrize("sizes", [[5], [2, 2], [1, 3]], ids=str)
@settings(max_examples=5, deadline=None)
@given(nu=distributions(answers=2))
def test_expectations_are_those_of_all_groups_listed(target: Target, sizes: list[int], nu: np.ndarray) -> None:
    nu = nu[: len(sizes)]
    asked = question(nu)
    if sizes == [1, 3]:  # unequal shares of a group come from the formula only, as `sizes_of` divides evenly
        if not isinstance(target, MajorityVote):
            return
        step = vote_step(nu[None], sizes, target.threshold)
    else:
        step = rule_of(target, asked, sum(sizes)).group(nu[None])
    advantage, reward = by_listing(target, nu, sizes)
    np.testing.assert_allclose(centred(step.advantage[0]), centred(advantage), atol=1e-7)
    np.testing.assert_allclose(step.reward, [reward], atol=1e-7)


@settings(max_examples=2, deadline=None)
@given(nu=distributions())
def test_drawn_groups_come_near_exact_expectations(nu: np.ndarray) -> None:
    asked = question(nu)
    for target, K in ((MajorityVote(), 6), (GiniDiversity(2.0), 4)):
        exact = rule_of(target, asked, K).group(nu[None])
        reward = _reward_of_counts(target, asked)
        drawn = DrawnGroups([K // 2, K // 2], reward, drawn=1024).step(nu[None])
        np.testing.assert_allclose(centred(drawn.advantage), centred(exact.advantage), atol=0.08)
        np.testing.assert_allclose(drawn.reward, exact.reward, atol=0.04)


def test_drawn_groups_count_what_a_trace_does_to_the_others() -> None:
    """One trace more of an answer lowers the rewards of the others that gave it."""
    nu = np.array([[0.9, 0.1, 0.0]])
    drawn = DrawnGroups([4], _reward_of_counts(GiniDiversity(2.0), question(nu)), drawn=1024).step(nu[None])
    advantage = drawn.advantage[0, 0]
    # 2 (1 - count / K): own 2 (.9 - .1) 3 / 4 = 1.2, of which the others' loss gives a third back.
    assert advantage[1] - advantage[0] == pytest.approx(0.8, abs=0.05)


def test_large_groups_stay_exact() -> None:
    from dagames.grpo.expected_update import ExpectedUpdate

    for K in (16, 34):
        nu = np.array([0.6, 0.3, 0.1])
        update = ExpectedUpdate(MajorityVote(), K, 3, "leave-one-out").at(nu)
        advantage = vote_step(np.append(nu, 0.0)[None, None], [K]).advantage[0, 0, :-1]
        np.testing.assert_allclose(nu * (advantage - nu @ advantage), update, atol=1e-6)


@pytest.mark.parametrize("target", TARGETS, ids=repr)
def test_the_path_is_the_mean_field_path(target: Target) -> None:
    nu, beta, size = np.array([0.5, 0.3, 0.2]), 0.3, 0.5
    names: Any = target
    if isinstance(target, PriorMatching):
        # The library's listing names answers 0, 1, 2.
        names = PriorMatching({0: 0.2, 1: 0.8}, 0.5)
    if isinstance(target, ExponentiatedReward):
        names = ExponentiatedReward({0: 1.0, 2: 0.5})
    theirs = islice(
        mean_field_path(
            nu,
            names,
            group_size=6,
            learning_rate=size / (1 + size * beta),
            beta=beta,
            normalise="leave-one-out",
            geometry="natural",
        ),
        12,
    )
    asked = question(np.append(nu, 0.0)[None])
    ours, _ = path(rule_of(target, asked, 6).group, asked.reference[None], beta, 11, size)
    np.testing.assert_allclose(np.exp(ours[:, 0, 0, :3]), np.exp(list(theirs)), atol=1e-6)


@pytest.mark.parametrize("target", TARGETS, ids=repr)
def test_an_equilibrium_is_the_best_response_to_itself(target: Target) -> None:
    asked, beta = question(np.array([[0.5, 0.3, 0.1, 0.1], [0.2, 0.5, 0.2, 0.1]])), 0.3
    rule, nu_0 = rule_of(target, asked, 6), asked.reference[None]
    log_nu, _, residual = equilibrium(rule.group, log_of(nu_0), nu_0, beta, 0.25)
    tilted = nu_0 * np.exp(rule.group(np.exp(log_nu)).advantage / beta)
    np.testing.assert_allclose(np.exp(log_nu), tilted / tilted.sum(axis=-1, keepdims=True), atol=1e-6)
    assert residual.max() <= 1e-8


def test_three_votes_between_two_answers_by_hand() -> None:
    """K = 3: a vote of 2 to 1 has advantages 1/2, 1/2, -1, so a(1) - a(0) = 2 p - 1; it bifurcates at beta = 1/2."""
    asked = question(np.array([[0.6, 0.4, 0.0]]))
    step = rule_of(MajorityVote(), asked, 3).group(asked.reference[None])
    assert step.advantage[0, 0, 0] - step.advantage[0, 0, 1] == pytest.approx(0.2, abs=1e-7)
    nu = solve_question(asked, Plan(MajorityVote(), beta=1.0, group_size=3)).marginals["equilibrium"]
    assert np.log(nu[0, 0] / nu[0, 1]) == pytest.approx(np.log(1.5) + (2 * nu[0, 0] - 1) / 1.0, abs=1e-6)
    limit = solve_question(asked, Plan(MajorityVote(), beta=1.0, group_size=3)).marginals["limit"]
    assert limit[0, 0] == pytest.approx(0.6 * np.e / (0.6 * np.e + 0.4))


def test_two_votes_teach_nothing() -> None:
    asked = question(np.array([[0.6, 0.4, 0.0]]))
    found = solve_question(asked, Plan(MajorityVote(), beta=0.02, group_size=2))
    np.testing.assert_allclose(found.marginals["equilibrium"], asked.reference, atol=1e-5)


@settings(max_examples=8, deadline=None)
@given(nu=distributions(), target=st.sampled_from(TARGETS))
def test_marginals_are_distributions_and_a_large_beta_keeps_the_reference(nu: np.ndarray, target: Target) -> None:
    asked = question(nu)
    found = solve_question(asked, Plan(target, beta=0.1, group_size=4, steps=4, resamples=2))
    for marginal in found.marginals.values():
        np.testing.assert_allclose(marginal.sum(axis=-1), 1.0, atol=1e-12)
    kept = solve_question(asked, Plan(target, beta=1e6, group_size=4, steps=4, resamples=2))
    for marginal in kept.marginals.values():
        np.testing.assert_allclose(marginal, asked.reference, atol=1e-4)


@settings(max_examples=8, deadline=None)
@given(nu=distributions(), order=st.permutations(range(3)))
def test_names_of_answers_do_not_matter(nu: np.ndarray, order: list[int]) -> None:
    asked = question(nu)
    columns = [*order, 3]
    renamed = SampledQuestion(asked.views, tuple(ANSWERS[i] for i in order), asked.counts[:, columns], frozenset({"x"}))
    plan = Plan(MajorityVote(), beta=0.05, group_size=4, steps=6, resamples=1)
    first, second = solve_question(asked, plan), solve_question(renamed, plan)
    for stage, marginal in first.marginals.items():
        np.testing.assert_allclose(second.marginals[stage], marginal[:, columns], atol=1e-6)
    assert second.along["sampled"][:, 0] == pytest.approx(first.along["sampled"][:, 0], abs=1e-6)


def test_the_limit_is_certified_where_the_game_is_convex() -> None:
    one = question(np.array([[0.5, 0.3, 0.2, 0.0]]))
    two = question(np.array([[0.5, 0.3, 0.2, 0.0], [0.2, 0.5, 0.3, 0.0]]))
    for target, asked in [(GiniDiversity(2.0), one), (InverseFrequency(0.5), one), (SoftConsensus(0.5), two)]:
        found = solve_question(asked, Plan(target, beta=0.5, group_size=4, steps=2, resamples=1))
        assert found.gap is not None
        assert found.gap < 1e-9
        nu_0 = asked.reference[None]
        ours, _, _ = equilibrium(rule_of(target, asked, 4).limit, log_of(nu_0), nu_0, 0.5, 0.25)
        np.testing.assert_allclose(np.exp(ours[0]), found.marginals["limit"], atol=1e-6)


def two_questions() -> list[SampledQuestion]:
    right = question_of(["6 x 7?"], [["42"] * 20 + ["36"] * 10 + [None] * 2], frozenset({"42"}))
    wrong = question_of(["7 x 8?"], [["54"] * 18 + ["56"] * 14], frozenset({"56"}))
    return [right, wrong]


def test_a_wrong_vote_makes_the_right_answer_extinct() -> None:
    found = forecast(two_questions(), Plan(MajorityVote(), beta=0.02, group_size=8, resamples=5))
    assert found.path[0]["vote"]["mean"] == 0.5
    assert found.path[0]["extinct"]["mean"] == found.path[0]["loses"]["mean"] == 0.0
    assert found.equilibrium["sampled"]["mean"] == pytest.approx(0.5, abs=1e-6)
    assert found.equilibrium["extinct"]["mean"] == 0.5
    assert found.equilibrium["collapsed"]["mean"] == 1.0
    low, mean, high = (found.path[0]["sampled"][end] for end in ("low", "mean", "high"))
    assert low < mean < high


def test_the_path_is_read_where_a_run_is() -> None:
    found = forecast(two_questions(), Plan(MajorityVote(), beta=0.02, group_size=8, resamples=3))
    there = found.where("reward", 0.9)
    assert there["reached"]
    assert there["statistics"]["reward"]["mean"] == pytest.approx(0.9)
    assert not found.where("reward", 1.5)["reached"]


def test_the_threshold_separates_collapse_from_the_rest() -> None:
    asked = two_questions()
    found = collapse_threshold(asked, Plan(MajorityVote(), beta=0.02, group_size=8))
    assert found["beyond"]
    for beta, share in ((0.8 * found["threshold"], 0.5), (1.25 * found["threshold"], 0.5)):
        here = forecast(asked, Plan(MajorityVote(), beta=beta, group_size=8, resamples=1)).equilibrium
        assert (here["collapsed"]["mean"] >= share) == (beta < found["threshold"])
    assert collapse_threshold(asked, Plan(GiniDiversity(), beta=0.02, group_size=8))["threshold"] is None


def test_directions_come_right_as_groups_grow() -> None:
    rows = directions(two_questions(), Plan(InverseFrequency(), beta=0.1, group_size=8, resamples=2))
    errors = {(row["group_size"], row["table"]): row["error"]["mean"] for row in rows}
    assert errors[32, "recommended"] < errors[4, "recommended"]
    assert errors[8, "recommended"] < errors[8, "plugin"]
    votes = directions(two_questions(), Plan(MajorityVote(), beta=0.1, group_size=8, resamples=2))
    assert [row["error"]["mean"] for row in votes] == sorted((row["error"]["mean"] for row in votes), reverse=True)


def test_the_largest_group_is_exact_and_none_beyond_is_compared() -> None:
    share = 0.7
    k = np.arange(LARGEST_GROUP + 1)
    winner = np.maximum(k, LARGEST_GROUP - k) / LARGEST_GROUP
    winner[k * 2 == LARGEST_GROUP] = 0.5  # a tie pays one half of the group
    step = vote_step(np.array([[[share, 1 - share, 0.0]]]), [LARGEST_GROUP])
    assert step.reward[0] == pytest.approx(binom.pmf(k, LARGEST_GROUP, share) @ winner, abs=1e-9)
    asked = question_of(["a"], [["x"] * 7 + ["y"] * 3])
    rows = directions([asked], Plan(MajorityVote(), 0.1, 128, 1, 0.25, 1))
    assert [row["group_size"] for row in rows] == [64, 128, 256]
    assert all(row["error"]["mean"] < 1e-6 for row in rows)


def test_many_wordings_are_pooled() -> None:
    assert not views_are_pooled([4, 4])
    assert views_are_pooled([8, 8, 8, 8])
    nu = np.array([[0.5, 0.3, 0.2]])
    four = vote_step(np.repeat(nu[None], 4, axis=1), [8, 8, 8, 8])
    one = vote_step(nu[None], [32])
    np.testing.assert_allclose(four.advantage[0, 2], one.advantage[0, 0], atol=1e-6)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
def test_a_question_without_any_answer_is_paid_as_groups_without_one(target: Target) -> None:
    """Its only column is that of completions in which nothing was read."""
    step = rule_of(target, question(np.ones((2, 1))), 4).group(np.ones((1, 2, 1)))
    assert np.isfinite(step.advantage).all()
    assert step.reward == pytest.approx(target.rewards(AnswerGroup([None] * 4)).mean(), abs=1e-12)


def test_other_targets_go_through_drawn_groups() -> None:
    asked = question_of(["A", "B"], [["x"] * 6 + ["y"] * 4, ["x"] * 5 + ["y"] * 4 + [None]], frozenset({"x"}))
    for target in (ConsensusVote(), MajorityVote(against=-1.0)):
        found = solve_question(asked, Plan(target, beta=0.5, group_size=4, steps=3, resamples=1))
        assert not found.exact
        assert found.along["sampled"][-1, 0] > 0.55


LINE = {"orbit": ["6 x 7?"], "answers": [["42"] * 6 + ["36"] * 4], "answer": 42}


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    other = {"prompt": "7 x 8?", "completions": ["= 54", "54", "it is 56", "no", "54", "56"], "answer": "56"}
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps(LINE) + "\n" + json.dumps(other) + "\n")
    return file


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        cli.guarded(cli.app, arguments)
    shown = capsys.readouterr()
    return int(end.value.code or 0), shown.out + shown.err


@pytest.mark.parametrize("name", TABLES)
def test_a_forecast_takes_the_tables_of_recipes(name: str) -> None:
    recipe = OrbitScriptArguments(target="inverse_frequency", target_options={"table": name})
    found, wanted = made_target("inverse_frequency", None, name, 8), target_of(recipe, 8)
    assert isinstance(found, InverseFrequency)
    assert isinstance(wanted, InverseFrequency)
    assert found.table is not None
    assert wanted.table is not None
    assert found.table.coefficients.tolist() == wanted.table.coefficients.tolist()


def test_the_command_writes_a_table_a_json_and_a_picture(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "forecast.svg"
    more = ["--resamples", "2", "--plot", str(out), "--json", str(tmp_path / "out.json"), "--match", "reward=0.8"]
    code, shown = run(["forecast", str(samples), "--beta", "0.05", *more], capsys)
    assert code == 0, shown
    for words in ("sampled accuracy", "collapse threshold", "generalis", "goes extinct", "at step"):
        assert words in " ".join(shown.split()) or words == "generalis"
    content = json.loads((tmp_path / "out.json").read_text())
    assert content == json.loads(out.with_suffix(".json").read_text())
    assert draw_forecast(content, "svg") == out.read_bytes()
    assert content["questions"] == 2
    assert content["votes_wrong"]["mean"] == 0.5
    assert content["marginals"][0]["views"][0]["42"]["reference"] == 0.6


BROKEN: dict[str, tuple[str, str]] = {
    "empty": ("", "has no line"),
    "torn": (json.dumps(LINE) + '\n{"orbit": ["half"', "line 2: not JSON"),
    "list": ("[1]", "line 1: a line is a JSON object"),
    "no key": ('{"question": "6 x 7?"}', "line 1: needs `orbit`"),
    "no answers": ('{"orbit": ["6 x 7?"]}', "line 1: needs `completions` or `answers`"),
    "misspelled": ('{"orbit": ["a"], "answrs": [["1", "2"]]}', "found 'orbit', 'answrs'. Did you mean answers?"),
    "one completion": ('{"prompt": "6 x 7?", "answers": ["42"]}', "line 1: wording 1 has 1 completion(s)"),
    "views": ('{"orbit": ["a", "b"], "answers": [["1", "2"]]}', "line 1: `answers` has 1 lists for 2 wordings"),
    "kind": ('{"prompt": "a", "answers": [true, "2"]}', "line 1: `answers` holds True"),
    "text": ('{"prompt": "a", "completions": [1, 2]}', "line 1: `completions` holds 1, which is not a text"),
    "unread": ('{"prompt": "a", "answers": [null, null]}', "no answer was found in any completion"),
    "infinite": ('{"prompt": "a", "answers": ["1", 1e999]}', "line 1: `answers` holds inf"),
    "blank": ('{"prompt": "a", "answers": ["1", " "]}', "has null"),
    "no gold": ('{"prompt": "a", "answers": ["1", "2"], "answer": []}', "line 1: `answer` is an empty list"),
    "bytes": ('{"prompt": "\udcff"}', "line 1: not UTF-8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_message(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_bytes(BROKEN[name][0].encode("utf-8", "surrogateescape"))
    code, shown = run(["forecast", str(file), "--json", str(tmp_path / "out.json")], capsys)
    assert code == 2
    assert BROKEN[name][1] in shown
    assert str(file) in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == [file]


REFUSED: dict[str, tuple[list[str], str]] = {
    "target": (["--target", "majority"], "Did you mean majority_vote"),
    "options": (["--target-options", "{ties"], "--target-options is not JSON"),
    "option": (["--target-options", '{"tie": "none"}'], "no option `tie`. Did you mean ties?"),
    "table": (["--table", "harmonics"], "taylor, harmonic, plugin. Did you mean harmonic?"),
    "no table": (["--table", "plugin"], "has no table"),
    "K": (["--group-size", "1"], "`group_size` is 1"),
    "beta": (["--beta", "0"], "`beta`"),
    "nan": (["--beta", "nan"], "`beta`"),
    "step": (["--step-size", "-1"], "`step_size`"),
    "match": (["--match", "reward"], "--match is 'reward'"),
    "no number": (["--match", "reward=nan"], "--match is 'reward=nan'"),
    "large": (["-K", "100000"], "`group_size` is 100000; expectations over groups are computed for at most 256"),
    "large table": (["-K", "257", "--target", "inverse_frequency", "--table", "minimax"], "`group_size` is 257"),
    "for drawing": (["--chat", "--samples", "4"], "--samples, --chat: these options apply to drawn samples"),
    "type": (["--dtype", "int8"], "--dtype: these options apply to drawn samples"),
    "statistic": (["--match", "rewards=1"], "a forecast has no statistic 'rewards'; known are step, "),
    "distances": (["--target", "centrality"], "needs distances"),
    "plot": (["--plot", "picture.bmp"], "must end in"),
    "both": (["--model", "embedded"], "not both"),
    "keep": (["--save-samples", "kept.jsonl"], "--save-samples"),
    "extractor": (["--extractor", "eval"], "eval"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_one_message(
    name: str, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, message = REFUSED[name]
    code, shown = run(["forecast", str(samples), "--resamples", "1", *more], capsys)
    assert code == 2
    assert message in " ".join(shown.split())
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == [samples]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a file of samples"),
        (["absent.jsonl"], "no file absent.jsonl"),
        (["--task", "addition", "--data", "x.jsonl"], "both name questions"),
        (["--data", "x.jsonl"], "no data file x.jsonl"),
        (["--task", "juggling"], "`task` is 'juggling'"),
    ],
)
def test_samples_have_one_source(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(["forecast", *arguments], capsys)
    assert code == 2
    assert message in shown


@pytest.mark.parametrize(
    "target", ["majority_vote", "consensus_vote", "crossed_vote", "soft_consensus", "gini_diversity"]
)
def test_a_question_without_any_answer_pays_nothing_and_stays(target: str) -> None:
    read = question_of(["a", "b"], [["1", "2", "1"], ["1", "1", "3"]], frozenset({"1"}))
    unread = question_of(["a", "b"], [[None, None], [None, None, None]], frozenset({"1"}))
    plan = Plan(made_target(target, None, None, 4), 0.1, 4, 3, 0.25, 2)
    alone, both = forecast([read], plan), forecast([read, unread], plan)
    solved = both.solved[1]
    assert (solved.along["reward"] == 0).all()
    assert (solved.along["sampled"] == 0).all()
    assert (solved.marginals["equilibrium"] == 1).all()
    for name in ("reward", "sampled"):
        assert both.equilibrium[name]["mean"] == pytest.approx(alone.equilibrium[name]["mean"] / 2, abs=1e-12)


def test_a_number_is_the_same_answer_however_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text('{"prompt": "a", "answers": [1, 2.0, "1"], "answer": 1.0}')
    (found,) = load_samples(file, extractor_named("last_number"))
    assert found.answers == ("1", "2")
    assert found.right is not None
    assert found.right.tolist() == [True, False, False]


def test_a_target_that_cannot_be_forecast_is_refused_before_anything_is_drawn(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagames_llm import models

    def never(*_: Any, **__: Any) -> None:
        pytest.fail("a model was loaded")

    monkeypatch.setattr(models, "load_model", never)
    code, shown = run(["forecast", "--model", str(tiny), "--task", "addition", "--target", "max_rl"], capsys)
    assert code == 2
    assert "cannot be forecast" in shown


def test_an_interrupted_drawing_goes_on_to_the_same_forecast_without_a_file_of_samples(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagames_llm.evaluation.journal import Journal

    (tmp_path / "data.jsonl").write_text("".join(json.dumps({"orbit": [f"a{i}=", f"b{i}?"]}) + "\n" for i in range(3)))
    settings = [
        "--extractor",
        "first_number",
        "--resamples",
        "1",
        "--steps",
        "2",
        "--samples",
        "6",
        "--batch-size",
        "6",
    ]
    draw = [
        "forecast",
        *settings,
        "--model",
        str(tiny),
        "--data",
        str(tmp_path / "data.jsonl"),
        "--max-new-tokens",
        "2",
    ]
    code, shown = run([*draw, "--json", str(tmp_path / "whole.json")], capsys)
    assert code == 0, shown
    add, done = Journal.add, []

    def killed(journal: Journal, *entry: Any) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        add(journal, *entry)
        done.append(entry)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", killed)
        code, shown = run([*draw, "--json", str(tmp_path / "killed.json")], capsys)
    assert code == 130
    assert (tmp_path / "killed.json.partial").is_file()
    code, shown = run([*draw, "--json", str(tmp_path / "killed.json")], capsys)
    assert code == 0, shown
    assert "continuing with 2 batches" in " ".join(shown.split())
    assert (tmp_path / "killed.json").read_text() == (tmp_path / "whole.json").read_text()
    assert not (tmp_path / "killed.json.partial").exists()


def test_a_target_of_the_right_answer_needs_it() -> None:
    from dagames_llm._errors import RecipeError

    with pytest.raises(RecipeError, match="needs `answer`"):
        rule_of(MaxRL(), question(np.array([[0.5, 0.5]]), gold=None), 4)


def test_samples_are_drawn_kept_and_read_again(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"orbit": [f"a{i}=", f"b{i}?"], "answer": i} for i in range(2)]
    (tmp_path / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    kept = tmp_path / "samples.jsonl"
    common = ["--extractor", "first_number", "--resamples", "1", "--steps", "2"]
    source = ["--model", str(tiny), "--data", str(tmp_path / "data.jsonl"), "--samples", "6", "--max-new-tokens", "2"]
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    code, shown = run(["forecast", *common, *source, "--save-samples", str(kept), "--json", str(first)], capsys)
    assert code == 0, shown
    code, shown = run(["forecast", str(kept), *common, "--json", str(second)], capsys)
    assert code == 0, shown
    assert json.loads(first.read_text()) == json.loads(second.read_text())
    assert len(json.loads(kept.read_text().splitlines()[0])["completions"][1]) == 6


KILLED = """
import os, signal, sys
from dagames_llm import cli
from dagames_llm.evaluation import journal
from dagames_llm.forecast import answers_forecast as forecast

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

add = journal.Journal.add

def last_add(self, sampled, prompts, batch):
    add(self, sampled, prompts, batch)
    if len(self.path.read_text().splitlines()) == 4:
        kill()

if sys.argv[1] == "drawing":
    journal.Journal.add = last_add
else:
    forecast.forecast = kill
cli.guarded(cli.app, sys.argv[2:])
"""


def test_a_forecast_killed_while_it_draws_and_while_it_solves_goes_on_to_the_same_numbers(
    server: Server, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second process is killed in the solving of what the first one began to draw."""
    monkeypatch.chdir(tmp_path)
    rows = [{"orbit": [f"a{i}=", f"b{i}?"], "answer": i} for i in range(3)]
    Path("data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    command = ["forecast", "--model", str(tiny), "--data", "data.jsonl", "--samples", "4", "--max-new-tokens", "2"]
    command += ["--batch-size", "4", "--extractor", "first_number", "--resamples", "1", "--steps", "2"]
    outputs = ["--save-samples", "samples.jsonl", "--json", "forecast.json"]
    place = {**os.environ, "PYTHONPATH": str(ROOT)}
    for when, kept in (("drawing", 3), ("solving", 6)):
        arguments = ["-c", KILLED, when, *command, *outputs]
        if when == "drawing":
            child = subprocess.run([sys.executable, *arguments], env=place, capture_output=True, text=True)
        else:
            child = server.run(*arguments)
        assert child.returncode == -signal.SIGKILL, child.stderr
        assert len(Path("samples.jsonl.partial").read_text().splitlines()) == 1 + kept
        assert not Path("forecast.json").exists()
        assert Path("samples.jsonl").exists() == (when == "solving")
    for other, message in ((["--seed", "1"], "`decoding` was"), (["--dtype", "bfloat16"], "`dtype` was")):
        code, shown = run([*command, *outputs, *other], capsys)
        assert code == 2
        assert message in shown
    code, shown = run([*command, *outputs], capsys)
    assert code == 0, shown
    assert "continuing with 6 batches" in " ".join(shown.split())
    assert {path.name for path in Path().iterdir()} == {"data.jsonl", "samples.jsonl", "forecast.json"}
    code, shown = run([*command, "--save-samples", "whole.jsonl", "--json", "whole.json"], capsys)
    assert code == 0, shown
    assert "going on" not in shown
    assert Path("samples.jsonl").read_text() == Path("whole.jsonl").read_text()
    assert json.loads(Path("forecast.json").read_text()) == json.loads(Path("whole.json").read_text())
    code, shown = run([*command, *outputs], capsys)
    assert code == 2
    assert "exists already" in shown
