"""The launch recipe: every key is one of the installed verl's configuration, and says what the page says."""

import os
import subprocess
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.errors import ConfigCompositionException
from verl.trainer.ppo.core_algos import agg_loss, kl_penalty, torch
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.utils.config import omega_conf_to_dataclass

from dagames_llm.engines import reward_of
from dagames_llm.verl import PLACE

ROOT = Path(__file__).parents[2]


def arguments(*more, **environment):
    """Return what the script passes to verl."""
    done = subprocess.run(
        ["bash", ROOT / "examples/verl/coherence.sh", *more],
        env={"PATH": os.environ["PATH"], "PYTHON": "printf %s\\n", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.split("\n")[:-1]
    assert lines[:2] == ["-m", "verl.trainer.main_ppo"]
    return lines[2:]


def composed(overrides):
    with initialize_config_module("verl.trainer.config", version_base=None):
        return compose("ppo_trainer", overrides=overrides)


def test_every_key_is_one_of_verls():
    given = arguments("actor_rollout_ref.rollout.n=64", NODES="4", MODEL="some/model")
    config = composed(given)
    assert config.trainer.nnodes == 4
    assert config.actor_rollout_ref.model.path == "some/model"
    assert config.actor_rollout_ref.rollout.n == 64
    new = [entry.split("=")[0] for entry in given if entry.startswith("+")]
    assert new == ["+algorithm.dagames.target", "+reward.custom_reward_function.reward_kwargs.extract"]
    with pytest.raises(ConfigCompositionException):
        composed([*given, "algorithm.no_such_key=1"])


def test_the_settings_make_what_they_say():
    config = composed(arguments())
    assert type(reward_of(dict(config.algorithm.dagames), PLACE).target).__name__ == "MajorityVote"
    assert not need_critic(config)
    assert need_reference_policy(config)
    actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
    assert (actor.kl_loss_type, actor.loss_agg_mode) == ("k3+", "seq-mean-token-sum")


def test_the_kl_has_the_gradient_of_the_kl():
    """With k3 as a loss the policy rests elsewhere (claim I.17a); verl's k3+ has the score times the log-ratio."""
    reference = torch.log(torch.tensor([0.6, 0.3, 0.1]))
    logits = torch.tensor([0.2, -0.1, 0.4], requires_grad=True)
    policy = torch.log_softmax(logits, 0)
    penalty = kl_penalty(policy, reference, "k3+")
    (estimated,) = torch.autograd.grad((policy.exp().detach() * penalty).sum(), logits, retain_graph=True)
    (exact,) = torch.autograd.grad((policy.exp() * (policy - reference)).sum(), logits)
    assert torch.allclose(estimated, exact, atol=1e-6)
    assert agg_loss(torch.ones(2, 3), torch.tensor([[1, 1, 0], [1, 1, 1]]), "seq-mean-token-sum") == 2.5
