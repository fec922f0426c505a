"""Group-relative policy optimisation: advantages, the exact expected update, the tabular simulator, and DPO."""

from typing import TYPE_CHECKING

from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.grpo.advantages import group_advantages
    from dagames.grpo.decoupled import decoupled_advantages
    from dagames.grpo.dpo import recover_target, solve_dpo
    from dagames.grpo.environments import GroupTask, ManyToOne
    from dagames.grpo.expected_update import expected_update, true_update
    from dagames.grpo.group_rewards import ByAnswer, ByCount, ByTarget
    from dagames.grpo.iterated_dpo import iterated_dpo_path, solve_iterated_dpo
    from dagames.grpo.learners import Dpo, Groups, Grpo, Learner, MirrorDescent, Reinforce, Rloo
    from dagames.grpo.mean_field import mean_field_path
    from dagames.grpo.moments import effective_reward
    from dagames.grpo.preferences import bradley_terry
    from dagames.grpo.simulator import simulate
    from dagames.grpo.update_error import update_error
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "advantages": ["group_advantages"],
            "decoupled": ["decoupled_advantages"],
            "dpo": ["recover_target", "solve_dpo"],
            "environments": ["GroupTask", "ManyToOne"],
            "expected_update": ["expected_update", "true_update"],
            "group_rewards": ["ByAnswer", "ByCount", "ByTarget"],
            "iterated_dpo": ["iterated_dpo_path", "solve_iterated_dpo"],
            "learners": ["Dpo", "Groups", "Grpo", "Learner", "MirrorDescent", "Reinforce", "Rloo"],
            "mean_field": ["mean_field_path"],
            "moments": ["effective_reward"],
            "preferences": ["bradley_terry"],
            "simulator": ["simulate"],
            "update_error": ["update_error"],
        },
    )

__all__ = [
    "ByAnswer",
    "ByCount",
    "ByTarget",
    "Dpo",
    "GroupTask",
    "Groups",
    "Grpo",
    "Learner",
    "ManyToOne",
    "MirrorDescent",
    "Reinforce",
    "Rloo",
    "bradley_terry",
    "decoupled_advantages",
    "effective_reward",
    "expected_update",
    "group_advantages",
    "iterated_dpo_path",
    "mean_field_path",
    "recover_target",
    "simulate",
    "solve_dpo",
    "solve_iterated_dpo",
    "true_update",
    "update_error",
]
