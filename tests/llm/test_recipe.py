"""Recipes name targets, distances and constraints: what is named is made, what cannot be made is refused by its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import dagames.targets
from dagames.estimators import minimax_table
from dagames.targets import Centrality, GiniDiversity, MajorityVote, PriorMatching, SoftConsensus
from dagames_llm._errors import DataError, RecipeError
from dagames_llm.config.named_rewards import TARGETS, constraints_of, target_of
from dagames_llm.config.recipe import OrbitScriptArguments, read_recipe, resolve_recipe
from dagames_llm.data import Orbit, load_orbits, training_rows, with_system
from dagames_llm.distances import TokenF1
from dagames_llm.extract import extractor_named
from dagames_llm.multipliers import Constraint
from dagames_llm.training.assembly import check_rows_for
from dagames_llm.training.model_card import resolved_settings
from dagames_llm.training.train import Questions, rewards_of
from tests.llm.tiny import tiny_settings


def named(target: Any, **options: Any) -> Any:
    return target_of(OrbitScriptArguments(target=target, target_options=options or None))


def test_targets_by_name() -> None:
    assert named("gini_diversity", weight=2.0) == GiniDiversity(weight=2.0)
    assert named("majority_vote", ties="none") == MajorityVote(ties="none")
    # YAML reads an unquoted digit as a number; an answer is a text.
    prior = named("prior_matching", prior={0: 0.5, 1: 0.5})
    assert isinstance(prior, PriorMatching)
    assert dict(prior.prior) == {"0": 0.5, "1": 0.5}
    assert named(None) is None


def test_a_table_is_made_for_the_group_size() -> None:
    pooled = {"relative": False, "by": "trace"}
    arguments = OrbitScriptArguments(target="soft_consensus", target_options={**pooled, "table": "minimax"})
    target = target_of(arguments, 8)
    assert isinstance(target, SoftConsensus)
    assert target.table is not None
    assert target.table.coefficients.tolist() == minimax_table(8).coefficients.tolist()
    known = "recommended, minimax, elevated, taylor, harmonic, plugin"
    with pytest.raises(RecipeError, match=f"known are {known}, each for `num_generations`"):
        target_of(arguments)
    with pytest.raises(RecipeError, match=r"no minimax `table` for groups of 10000"):
        target_of(arguments, 10_000)
    for name in ("least", ["minimax"], 3):
        with pytest.raises(RecipeError, match=r"`table` is .*known are recommended"):
            named("inverse_frequency", table=name)
    with pytest.raises(
        RecipeError, match=r"has no option `tabel`\. Did you mean table\? Its options are weight, table"
    ):
        named("inverse_frequency", tabel="elevated")
    with pytest.raises(RecipeError, match=r"`table` is 'minmax'.* Did you mean minimax\?"):
        named("inverse_frequency", table="minmax")


def test_every_target_that_needs_no_other_target_has_a_name() -> None:
    made = {name for name in dagames.targets.__all__ if getattr(dagames.targets, name) not in TARGETS.values()}
    assert made == {"AnswerGroup", "Clustered", "FunctionalTarget", "SafetyPenalty", "Schedule", "Score", "Target"}


@pytest.mark.parametrize(
    ("target", "options", "complaint"),
    [
        ("majority", {}, "Did you mean majority_vote"),
        ("majority_vote", {"ties": "coin"}, "'coin'"),
        ("majority_vote", {"tie": "none"}, "no option `tie`"),
        ("gini_diversity", {"weight": -1.0}, "weight"),
        ("prior_matching", {}, "prior"),
        ("prior_matching", {"prior": [1]}, "prior"),
        (7, {}, "known are"),
    ],
)
def test_what_is_no_target_is_refused(target: Any, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        named(target, **options)
    with pytest.raises(RecipeError, match="`target_options` is \\['ties'\\]"):
        target_of(OrbitScriptArguments(target_options=["ties"]))  # type: ignore[arg-type]


BUDGET = {"cost": "refusal", "budget": 0.1, "applies_to": {"kind": "benign"}}


def test_long_values_are_shortened() -> None:
    for change in ({"target": "x" * 10**6}, {"target": "inverse_frequency", "target_options": {"table": "x" * 10**6}}):
        with pytest.raises(RecipeError, match="x" * 60) as caught:
            target_of(OrbitScriptArguments(**change), 8)
        assert len(str(caught.value)) < 600


def test_a_message_ends_with_one_point(tmp_path: Path, tiny: Path) -> None:
    for change, end in (
        ({"target": "majority_vot"}, "Did you mean majority_vote?"),
        ({"target": "inverse_frequency", "target_options": {"weight": -1.0}}, "not -1. Its options are weight, table."),
        ({"table": "elevated"}, "belong into `target_options`: `target_options: {table: elevated}`."),
        ({"model_name_or_path": "embeded"}, "has the form owner/name. Did you mean embedded?"),
    ):
        with pytest.raises(RecipeError) as caught:
            resolve_recipe(recipe(tmp_path, tiny, **change))
        assert str(caught.value).endswith(end)


def test_the_name_of_a_recipe_is_suggested() -> None:
    with pytest.raises(RecipeError, match=r"Did you mean coherence_cpu\?$"):
        read_recipe("coherence_cp")


def test_constraints_are_made_of_their_fields() -> None:
    length = {"cost": {"name": "length", "unit": "words", "limit": 8}, "budget": 0.5, "name": "brief", "step": 0.2}
    first, second = constraints_of(OrbitScriptArguments(constraints=[BUDGET, length]))
    assert isinstance(first, Constraint)
    assert (first.name, first.budget, first.applies({"kind": "harmful"})) == ("refusal", 0.1, False)
    assert (second.name, second.step, second.cost(["two words"]).tolist()) == ("brief", 0.2, [0.25])


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("refusal", "must have `cost` and `budget`"),
        ({"cost": "refusal"}, "must have `cost` and `budget`"),
        ({**BUDGET, "budgets": 1}, "Did you mean budget"),
        ({"cost": "refusal", "budgt": 0.1}, "unknown key `budgt` .* Did you mean budget"),
        ({**BUDGET, "cost": "refusals"}, "constraints\\[0\\].cost.*Did you mean refusal"),
        ({**BUDGET, "cost": {"name": "length", "units": "words"}}, "does not take units"),
        ({**BUDGET, "cost": {"unit": "words"}}, "a mapping with `name`"),
        ({**BUDGET, "budget": "low"}, "`budget` is 'low'"),
        ({**BUDGET, "applies_to": "benign"}, "`applies_to` is 'benign'"),
        ({**BUDGET, "sense": "about"}, "`sense` is 'about'"),
    ],
)
def test_what_is_no_constraint_is_refused(entry: Any, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        constraints_of(OrbitScriptArguments(constraints=[entry]))


def recipe(folder: Path, model: Path, **more: Any) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(tiny_settings(model, **more)))
    return path


def test_a_recipe_gives_its_rewards_in_order(tmp_path: Path, tiny: Path) -> None:
    both = resolve_recipe(recipe(tmp_path, tiny, target="centrality", distance="token_f1", constraints=[BUDGET]))
    rewards, callbacks = rewards_of(both, Questions([], []))
    assert [reward.__name__ for reward in rewards] == ["Centrality", "safety"]
    assert isinstance(rewards[0].distance, TokenF1)
    assert isinstance(rewards[0].target, Centrality)
    assert callbacks == [rewards[0].monitor.votes, rewards[1].callback]
    alone = resolve_recipe(recipe(tmp_path, tiny, target=None, constraints=[BUDGET]))
    assert [reward.__name__ for reward in rewards_of(alone, Questions([], []))[0]] == ["safety"]


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"target": None}, "nothing is rewarded"),
        ({"target": "centrality"}, "needs a `distance`"),
        ({"distance": "cosine"}, "`distance`: there is no distance 'cosine'"),
        ({"distance": {"name": "embedding", "size": 3}}, "does not take size"),
    ],
)
def test_a_recipe_that_names_too_little(keys: dict[str, Any], complaint: str, tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(RecipeError, match=complaint):
        resolve_recipe(recipe(tmp_path, tiny, **keys))


def test_rows_have_the_columns_that_constraints_select_by(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"orbit": ["a"], "kind": "benign", "note": "x"}\n{"orbit": ["b", "c"], "kind": "harmful"}\n')
    orbits = load_orbits(path, extractor_named("text"))
    assert [orbit.columns for orbit in orbits] == [{"kind": "benign", "note": "x"}, {"kind": "harmful"}]
    rows = training_rows(orbits, columns=["kind"])
    assert rows.column_names == ["prompt", "orbit", "kind"]
    assert rows["kind"] == ["benign", "harmful"]
    with pytest.raises(DataError, match=r"row 2 \('b'\) has no column 'note'"):
        training_rows(orbits, columns=["note"])


def test_a_constraint_that_applies_to_no_row_is_an_error(tmp_path: Path, tiny: Path) -> None:
    def check(selector: dict[str, Any]) -> None:
        settings = resolve_recipe(recipe(tmp_path, tiny, constraints=[{**BUDGET, "applies_to": selector}]))
        orbits = [Orbit(("a",), columns={"kind": k, "level": n}) for k, n in (("benign", 1), ("harmful", 2))]
        check_rows_for(settings, orbits)

    check({"kind": ["benign", "harmful"], "level": 2})
    with pytest.raises(
        DataError,
        match=r"constraints\[0\].*No row has 'bening' in the column 'kind', which has the values 'benign', 'harmful'\. "
        r"Did you mean 'benign'\? Correct the value",
    ):
        check({"kind": ["bening", "harmful"], "level": 2})
    with pytest.raises(DataError, match=r"No row has 7 or 8 in the column 'level', which has the values 1, 2\."):
        check({"kind": "harmful", "level": [7, 2, 8]})
    with pytest.raises(
        DataError, match=r"constraints\[0\].*none of the 2 training rows.*'benign', 'harmful'. Did you mean 'b"
    ):
        check({"kind": "bening"})
    with pytest.raises(DataError, match=r"'level' has the values 1, 2\."):
        check({"kind": "benign", "level": 40})
    with pytest.raises(DataError, match="no row has all of them together"):
        check({"kind": "benign", "level": 2})


def test_a_system_message_comes_before_each_view(tmp_path: Path, tiny: Path) -> None:
    rows = training_rows(with_system([Orbit(("a", "b"))], "Add."), True)
    system, (first, second) = {"role": "system", "content": "Add."}, [{"role": "user", "content": v} for v in "ab"]
    assert rows[0] == {"prompt": [system, first], "orbit": [[system, first], [system, second]]}
    with pytest.raises(RecipeError, match=r"`system` is 'Add\.', but `chat` is false"):
        resolve_recipe(recipe(tmp_path, tiny, system="Add."))


def test_gold_is_in_the_rows_of_a_control_alone() -> None:
    orbits = [Orbit(("a",), "1"), Orbit(("b",))]
    assert training_rows(orbits[:1], gold=True)["gold"] == ["1"]
    assert "gold" not in training_rows(orbits).column_names
    with pytest.raises(DataError, match=r"row 2 \('b'\) has no `answer`"):
        training_rows(orbits, gold=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("target", ["majority_vote"]),
        ("target", {"name": "majority_vote"}),
        ("constraints", {"cost": "refusal", "budget": 0.1}),
        ("num_generations", 0),
        ("steps_per_generation", 0),
        ("num_iterations", 0),
        ("per_device_train_batch_size", 0),
        ("threads", 0),
        ("data_limit", -1),
        ("held_out", -1),
        ("lora_upper_layers", 0),
        ("learning_rate", float("nan")),
        ("temperature", 0.0),
        ("dtype", "x"),
        ("multi_objective_aggregation", "x"),
    ],
)
def test_values_that_a_library_would_refuse_late_are_refused_by_their_key(key: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(tiny_settings(tmp_path, **{key: value})))
    with pytest.raises(RecipeError, match=f"`{key}` is"):
        resolve_recipe(path)


def written(folder: Path, **recipes: dict[str, Any]) -> Path:
    for name, keys in recipes.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(keys))
    return folder


def test_a_recipe_extends_another_whose_keys_it_may_replace(tmp_path: Path) -> None:
    base = {"beta": 0.1, "distance": "token_f1", "target_options": {"ties": "none"}}
    middle = {"extends": "base.yaml", "distance": None, "seed": 1}
    top = {"extends": "middle.yaml", "seed": 2, "target_options": {"weight": 1}}
    written(tmp_path, base=base, middle=middle, top=top)
    assert read_recipe(tmp_path / "middle.yaml") == {**base, "distance": None, "seed": 1}
    assert read_recipe(tmp_path / "top.yaml") == {
        "beta": 0.1, "distance": None, "seed": 2, "target_options": {"weight": 1}
    }  # fmt: skip


def test_a_recipe_of_ones_own_extends_a_shipped_one(tmp_path: Path) -> None:
    written(tmp_path, mine={"extends": "coherence_cpu", "max_steps": 3})
    assert read_recipe(tmp_path / "mine.yaml") == {**read_recipe("coherence_cpu"), "max_steps": 3}


@pytest.mark.parametrize(
    ("recipes", "complaint"),
    [
        ({"top": {"extends": "top.yaml"}}, r"makes a circle: top.yaml -> top.yaml"),
        (
            {"top": {"extends": "one.yaml"}, "one": {"extends": "two.yaml"}, "two": {"extends": "one.yaml"}},
            r"one.yaml: `extends` makes a circle: top.yaml -> one.yaml -> two.yaml -> one.yaml",
        ),
        ({"top": {"extends": "nowhere"}}, r"top.yaml: `extends`: no recipe nowhere; give a YAML file, or one of: co"),
        ({"top": {"extends": ["coherence_cpu"]}}, r"`extends` is \['coherence_cpu'\]; it must name"),
    ],
)
def test_what_cannot_be_extended_is_refused(recipes: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=complaint):
        read_recipe(written(tmp_path, **recipes) / "top.yaml")


def test_keys_of_the_model_reach_what_loads_it(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import trl

    from dagames_llm import models
    from dagames_llm.config import contradictions
    from dagames_llm.training.train import load_policy

    monkeypatch.setattr(contradictions, "installed", bool)
    monkeypatch.setattr(trl, "get_quantization_config", lambda model: "nf4" if model.load_in_4bit else None)
    seen: list[Any] = []

    def load(*args: Any, **options: Any) -> Any:
        seen.append((args, options))
        return None, None

    monkeypatch.setattr(models, "load_model", load)
    keys = {"load_in_4bit": True, "use_bnb_nested_quant": True, "dtype": "bfloat16", "model_revision": "v2"}
    load_policy(resolve_recipe(recipe(tmp_path, tiny, attn_implementation="eager", **keys)))
    ((args, options),) = seen
    assert args == (str(tiny), "v2", "bfloat16", "eager")
    assert options == {"quantization_config": "nf4", "device_map": None}
    load_policy(resolve_recipe(recipe(tmp_path, tiny, model_init_kwargs={"use_cache": False})))
    assert seen[1][1] == {"use_cache": False}


def test_a_resolved_recipe_says_it_all(tmp_path: Path, tiny: Path) -> None:
    more = {"target_options": {"ties": "none"}, "eval_strategy": "steps", "data": "gsm8k", "held_out": 1}
    schedule = {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr": 1e-6}}
    first = resolve_recipe(recipe(tmp_path, tiny, **more, **schedule))
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(resolved_settings(first)))
    second = resolve_recipe(again)
    assert resolved_settings(second) == resolved_settings(first)
    assert second.target == MajorityVote(ties="none")
    assert second.grpo.lr_scheduler_kwargs == {"min_lr": 1e-6}
