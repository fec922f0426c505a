"""The fields of a table in a file, and the reward that it estimates."""

from pathlib import Path
from typing import Any

from dagames._errors import DomainError
from dagames.estimators.checksummed import from_checksummed, read_bounded
from dagames.estimators.estimand import Estimand
from dagames.estimators.rewards import AnyReward, Reward, as_reward
from dagames.estimators.table_file import LARGEST_FILE, as_terms, check_fields


def read_table(path: Path, reward: AnyReward | None) -> tuple[dict[str, Any], Estimand]:
    """Read the fields of a table, and check that each is of the right kind."""
    content = from_checksummed(read_bounded(path, LARGEST_FILE), str(path))
    check_fields(content, str(path))
    return content, _estimand(content["estimates"], reward, str(path))


def _estimand(field: dict[str, Any], reward: AnyReward | None, path: str) -> Estimand:
    """Return the reward of a table: from the file's field `estimates`, or if that names a function, the argument."""
    if field.get("callable"):
        if reward is None:
            raise DomainError(
                f"{path} estimates the function {field['name']!r}, and a file cannot hold functions. Pass it: "
                "`RewardTable.load(path, reward=g)`."
            )
        return as_reward(reward)
    read = Reward(field["name"], as_terms(field, path))
    _check_name(read, path)
    if reward is not None and as_reward(reward) != read:
        raise DomainError(f"{path} estimates {read.name!r}, which is not the given `reward`. Leave `reward` out.")
    return read


def _check_name(reward: Reward, path: str) -> None:
    """Check that a reward with the name of a built-in one has the terms of that one."""
    kind, _, rest = reward.name.partition(":")
    if kind not in {"log", "sqrt", "power", "entropy"} or (kind in {"log", "sqrt"} and rest):
        return
    named = as_reward(reward.name)
    if not (isinstance(named, Reward) and named.terms == reward.terms):
        raise DomainError(
            f"{path} names its reward {reward.name!r}, but its terms are not those of that reward. Make the file anew."
        )
