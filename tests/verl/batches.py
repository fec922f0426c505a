"""Batches as verl's trainers make them, and what dagames itself pays for them."""

import numpy as np
import torch
from omegaconf import OmegaConf
from verl import DataProto

from dagames.targets import AnswerGroup
from dagames_llm import verl as glue

TOKENS = 5


def batch(answers, uids, views=None, lengths=None):
    """Return a DataProto whose rows have these answers, the score at the last token of each response."""
    views = [0] * len(answers) if views is None else views
    lengths = [1 + i % TOKENS for i in range(len(answers))] if lengths is None else lengths
    scores = torch.zeros(len(answers), TOKENS)
    mask = torch.zeros(len(answers), TOKENS, dtype=torch.int64)
    for i, (answer, view, length) in enumerate(zip(answers, views, lengths, strict=True)):
        scores[i, max(length, 1) - 1] = glue.encode(answer, view)
        mask[i, :length] = 1
    return DataProto.from_dict(
        tensors={"token_level_rewards": scores, "response_mask": mask},
        non_tensors={"uid": np.array(uids, dtype=object)},
    )


def algorithm(**settings):
    """Return verl's section `algorithm` with these settings of dagames."""
    return OmegaConf.create({"adv_estimator": "dagames", "use_kl_in_reward": False, "dagames": settings})


def expected(target, answers, uids, views=None, distances=None):
    """Return the advantages of each row from the target alone: rewards of its uid's group minus their mean."""
    views = [0] * len(answers) if views is None else views
    found = np.zeros(len(answers))
    for uid in set(uids):
        rows = [i for i, other in enumerate(uids) if other == uid]
        group = AnswerGroup(
            [answers[i] for i in rows],
            [views[i] for i in rows],
            distances=None if distances is None else distances[np.ix_(rows, rows)],
        )
        rewards = target.rewards(group)
        found[rows] = rewards - rewards.mean()
    return found
