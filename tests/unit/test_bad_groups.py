"""Wrong arguments of groups, learners and preferences are errors that name them."""

from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, DomainError, ShapeError, SolveError
from dagames.estimators import RewardTable, plugin_table
from dagames.functionals import Gini, LogScore
from dagames.grpo import (
    Dpo,
    GroupTask,
    Grpo,
    ManyToOne,
    MirrorDescent,
    Reinforce,
    Rloo,
    bradley_terry,
    decoupled_advantages,
    effective_reward,
    expected_update,
    group_advantages,
    iterated_dpo_path,
    mean_field_path,
    recover_target,
    simulate,
    solve_dpo,
    true_update,
)
from dagames.grpo.expected_update import ExpectedUpdate
from dagames.grpo.group_rewards import as_group_reward
from dagames.targets import GiniDiversity, MajorityVote

HALVES = [0.5, 0.5]


@pytest.fixture(autouse=True)
def _as_a_user() -> Iterator[None]:
    """Switch the run-time type checker off: users do not have it, and it would answer before our messages."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_advantages():
    with pytest.raises(DomainError, match=r"at least 2, not 1. Use normalise='none'"):
        group_advantages([1.0], "leave-one-out")
    with pytest.raises(DomainError, match="at least 2, not 1"):
        decoupled_advantages([0], GiniDiversity())
    with pytest.raises(DomainError, match=r"`answers\[\d\]` is .*; an answer is an index"):
        decoupled_advantages([0, -1], GiniDiversity())
    with pytest.raises(DomainError, match=r"`answers\[\d\]` is .*; an answer is an index"):
        decoupled_advantages([0, 0.5], GiniDiversity())
    with pytest.raises(DomainError, match="has the index 2, but `reward` is for 2 answers"):
        decoupled_advantages([0, 2], [1.0, 0.0])


def test_group_rewards():
    with pytest.raises(DomainError, match=r"table for 4 traces \(self-inclusive counts\), but .* a group of 3"):
        expected_update(HALVES, plugin_table(4), 3)
    with pytest.raises(
        DomainError, match=r"independent counts in a group of 3 are over 2 traces. Make the table for 2 traces"
    ):
        expected_update(HALVES, plugin_table(3, counts="independent"), 3)
    with pytest.raises(DomainError, match=r"gives rewards for the counts \[1, 1\] that depend on the order"):
        expected_update(HALVES, MajorityVote(ties="first"), 2)
    with pytest.raises(ShapeError, match="`reward` has 3 entries for 2 answers"):
        expected_update(HALVES, [1.0, 0.0, 0.0], 3)
    with pytest.raises(ShapeError, match=r"it must have one reward per answer, \(Z,\)"):
        as_group_reward([[1.0, 0.0]], 3)
    with pytest.raises(ShapeError, match=r"returned shape \(4,\) for counts of shape \(4, 2\)"):
        expected_update(HALVES, lambda counts: counts.sum(axis=-1), 3)
    with pytest.raises(DomainError, match=r"`reward\(counts\)\[1, 0\]` is -inf"):
        expected_update(HALVES, lambda counts: np.where(counts == 1, -np.inf, 1.0), 3)


def test_expected_updates():
    with pytest.raises(DomainError, match="'standardise-batch', which divides by the deviation over the groups"):
        expected_update(HALVES, GiniDiversity(), 3, "standardise-batch")
    with pytest.raises(DomainError, match="`normalise` must be one of center, standardise, leave-one-out, decoupled"):
        expected_update(HALVES, GiniDiversity(), 3, "whiten")
    with pytest.raises(DomainError, match="`route` must be one of"):
        expected_update(HALVES, GiniDiversity(), 3, route="guess")
    with pytest.raises(DomainError, match="depends on more than the count of the trace's own answer"):
        expected_update(HALVES, MajorityVote(), 3, route="moments")
    with pytest.raises(DomainError, match="the mean of a ratio is not a function of the moments"):
        expected_update(HALVES, GiniDiversity(), 3, "standardise", route="moments")
    with pytest.raises(DomainError, match=r"64 traces over 8 answers has 1329890705 different counts.*route='moments'"):
        expected_update(np.full(8, 0.125), GiniDiversity(), 64, "standardise")
    for rule in ("leave-one-out", "decoupled"):
        for route in ("enumeration", "moments"):
            with pytest.raises(DomainError, match="at least 2, not 1"):
                expected_update(HALVES, GiniDiversity(), 1, rule, route=route)
    with pytest.raises(DomainError, match="`K` must be an integer of at least 1"):
        expected_update(HALVES, GiniDiversity(), 0)
    with pytest.raises(DomainError, match="`K` must be an integer of at least 1"):
        effective_reward(HALVES, as_group_reward(GiniDiversity(), 3), 0)
    with pytest.raises(DomainError, match=r"`p` must hold probabilities, numbers from 0 to 1, not 1\.5"):
        effective_reward([0.5, 1.5], as_group_reward(GiniDiversity(), 3), 3)
    with pytest.raises(DomainError, match=r"`nu` sum to 1\.1"):
        expected_update([0.5, 0.6], GiniDiversity(), 3)
    with pytest.raises(ShapeError, match=r"`nu` has shape \(3,\); this update is for 2 answers"):
        ExpectedUpdate(GiniDiversity(), 3, 2).at([0.5, 0.25, 0.25])
    with pytest.raises(ShapeError, match=r"`bonus` has shape \(3,\); `nu` has \(2,\)"):
        ExpectedUpdate(GiniDiversity(), 3, 2).at(HALVES, [0.0, 0.0, 0.0])
    with pytest.raises(ShapeError, match="4 entries by count; it must have 5 for K = 4"):
        expected_update(HALVES, as_group_reward(GiniDiversity(), 3), 4)
    with pytest.raises(ShapeError, match=r"`reward` has shape \(3,\)"):
        true_update(HALVES, [1.0, 0.0, 0.0])
    with pytest.raises(DomainError, match=r"`reward\[1\]` is inf"):
        true_update(HALVES, [1.0, np.inf])


def test_an_update_needs_a_table_for_its_own_counts():
    table = RewardTable(2, np.zeros(3), "independent")
    np.testing.assert_array_equal(expected_update(HALVES, table, 3), [0.0, 0.0])


def test_mean_field_settings():
    for name, value in (("learning_rate", 0.0), ("beta", -1.0), ("geometry", "spherical"), ("normalise", "whiten")):
        settings = {"group_size": 3, "learning_rate": 1.0} | {name: value}
        with pytest.raises(DomainError, match=f"`{name}`"):
            next(mean_field_path(HALVES, GiniDiversity(), **settings))


def test_what_cannot_be_learned_is_said():
    with pytest.raises(DomainError, match="`beta` is 0; DPO needs beta above 0"):
        simulate(ManyToOne(6, 3), Dpo(1.0), steps=1)
    with pytest.raises(DomainError, match="at least 2, not 1"):
        simulate(ManyToOne(6, 3), Rloo(1.0), steps=1, group_size=1)
    with pytest.raises(DomainError, match="`steps` must be an integer of at least 1"):
        simulate(ManyToOne(6, 3), Grpo(1.0), steps=0)
    with pytest.raises(DomainError, match="`n_seeds` must be an integer of at least 1"):
        simulate(ManyToOne(6, 3), Grpo(1.0), steps=1, n_seeds=0)
    with pytest.raises(DomainError, match="`K` must be"):
        simulate(ManyToOne(6, 3), Grpo(1.0), steps=1, group_size=0)
    for wrong, name in (
        (lambda: Grpo(0.0), "learning_rate"),
        (lambda: MirrorDescent(-1.0), "learning_rate"),
        (lambda: Grpo(1.0, "standardise-batch"), "normalise"),
        (lambda: Reinforce(1.0, decay=1.1), "decay"),
        (lambda: Reinforce(1.0, level=np.inf), "level"),
        (lambda: Dpo(1.0, "sampled"), "labels"),
    ):
        with pytest.raises(DomainError, match=f"`{name}`"):
            wrong()
    batch = AlignmentGame([[0.5, 0.5], [0.5, 0.5]], [0, 1], Gini(1.0), beta=1.0)
    with pytest.raises(ShapeError, match=r"`game` has prompts of shape \(2,\)"):
        GroupTask(batch, GiniDiversity())


def test_preferences():
    with pytest.raises(ShapeError, match=r"`wins` has shape \(1, 2\); it must be \(2, 2\) for 2 traces"):
        solve_dpo(HALVES, [[0.0, 1.0]], 1.0)
    with pytest.raises(DomainError, match=r"`wins\[1, 0\]` is negative: -1"):
        solve_dpo(HALVES, [[0.0, 1.0], [-1.0, 0.0]], 1.0)
    with pytest.raises(DomainError, match="`beta` must be"):
        solve_dpo(HALVES, np.ones((2, 2)), 0.0)
    with pytest.raises(ShapeError, match="it must have one reward per trace"):
        bradley_terry([[0.0]])
    game = AlignmentGame(HALVES, [0, 1], Gini(1.0), beta=1.0)
    with pytest.raises(
        DomainError, match=r"`damping` must be a number in \(0, 1\], the weight of the new policy, not 1.5"
    ):
        next(iterated_dpo_path(game, 1.5))
    with pytest.raises(SolveError, match="LogScore is not smooth"):
        next(iterated_dpo_path(AlignmentGame(HALVES, [0, 1], LogScore(0), beta=1.0)))
    with pytest.raises(ShapeError, match="takes one prompt"):
        next(iterated_dpo_path(AlignmentGame([HALVES, HALVES], [0, 1], Gini(1.0), beta=1.0)))
    with pytest.raises(ShapeError, match=r"`log_pi` has shape \(1,\) and `pi_0` \(2,\)"):
        recover_target([0.0], HALVES, [0, 1])
