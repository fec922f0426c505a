"""The fields of a table in a file, and the reward that it estimates."""

from pathlib import Path
from typing import Any

from dagames._errors import DomainError
from dagames.estimators.estimand import Estimand
from dagames.estimators.rewards import AnyReward, Reward, as_reward
from dagames.estimators.sealed import read_bounded, unseal
from dagames.estimators.table_file import LARGEST_FILE, as_terms, check_fields


def read_table(path: Path, reward: AnyReward | None) -> tuple[dict[str, Any], Estimand]:
    """Read the fields of a table, and check that each is of the right kind."""
    content = unseal(read_bounded(path, LARGEST_FILE), str(path))
    check_fields(content, str(path))
    return content, _estimand(content["estimates"], reward, str(path))


def _estimand(stated: dict[str, Any], given: AnyReward | None, path: str) -> Estimand:
    """Read what a table estimates: from its file, or for a function of one's own from what is given."""
    if stated.get("callable"):
        if given is None:
            raise DomainError(
                f"{path} estimates the function {stated['name']!r}, and a file cannot hold functions. Give it again: "
                "`RewardTable.load(path, reward=g)`."
            )
        return as_reward(given)
    own = Reward(stated["name"], as_terms(stated, path))
    _check_name(own, path)
    if given is not None and as_reward(given) != own:
        raise DomainError(f"{path} estimates {own.name!r}, and not the `reward` that is given. Leave it out.")
    return own


def _check_name(reward: Reward, path: str) -> None:
    """Check that a name which stands for a formula stands for this one."""
    kind, _, rest = reward.name.partition(":")
    if kind not in {"log", "sqrt", "power", "entropy"} or (kind in {"log", "sqrt"} and rest):
        return
    named = as_reward(reward.name)
    if not (isinstance(named, Reward) and named.terms == reward.terms):
        raise DomainError(f"{path} names its reward {reward.name!r}, and has the terms of another one. Make it anew.")
