"""Tables read from files, of which nothing is believed that can be proved."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dagames._errors import DomainError
from dagames.estimators.estimand import Estimand
from dagames.estimators.minimax import best_polynomial
from dagames.estimators.reward_table import RewardTable, as_precision, inner_degree
from dagames.estimators.rewards import AnyReward, Reward, as_reward
from dagames.estimators.sealed import read_bounded, unseal
from dagames.estimators.supremum import Interval
from dagames.estimators.table_file import LARGEST_FILE, as_terms, check_claim, check_fields


def load_table(path: Path, reward: AnyReward | None) -> RewardTable:
    """Read a table, as `RewardTable.load` does.

    Args:
        path: The file.
        reward: What the table estimates, if that is a function of one's own.

    Returns:
        The table.

    Raises:
        DomainError: If the file is no such table, or claims what is not so.
    """
    content = unseal(read_bounded(path, LARGEST_FILE), str(path))
    check_fields(content, str(path))
    table = _Loaded(
        group_size=content["group_size"],
        coefficients=np.array(content["coefficients"], dtype=np.float64),
        counts=content["counts"],
        estimates=_estimand(content["estimates"], reward, str(path)),
        method=content["method"],
        precision=as_precision(content["precision"]),
    )
    if table.coefficients.tolist() != content["coefficients"]:
        raise DomainError(f"{path}: `coefficients` has a c_0 that {table.counts} counts do not read; it must be c_1.")
    if table.rounded(table.precision).coefficients.tolist() != table.coefficients.tolist():
        raise DomainError(f"{path}: the `coefficients` are no {table.precision} numbers.")
    for name in ("bias", "second_moment", "variance"):
        check_claim(str(path), name, content[name], getattr(table, name))
    if content["optimum"] is not None:
        table.claim_optimum(str(path), Interval(*content["optimum"]))
    return table


class _Loaded(RewardTable):
    """A table from a file, whose `optimum` is computed again when it is read for the first time."""

    def claim_optimum(self, path: str, claimed: Interval) -> None:
        """Take the optimum that a file claims, to be compared with the one that is proved."""
        self.__dict__["_claimed"] = path, claimed
        # Without a value of its own an instance has that of the class, `_optimum`.
        del self.__dict__["optimum"]

    def _optimum(self) -> Interval:
        path, claimed = self.__dict__["_claimed"]
        _, proved = best_polynomial(inner_degree(self.group_size, self.counts), self.estimates)
        slack = _SAME * proved.upper
        if max(claimed.lower, proved.lower) > min(claimed.upper, proved.upper) + slack:
            raise DomainError(
                f"{path} claims a least bias in {tuple(claimed)}; it is in {tuple(proved)}. Make the file anew."
            )
        return proved


_Loaded.optimum = cached_property(_Loaded._optimum)  # type: ignore[assignment]
_Loaded.optimum.__set_name__(_Loaded, "optimum")  # type: ignore[union-attr]

_SAME = 1e-6
"""Relative distance of two enclosures of one optimum, found from points that depend on rounding, that is none."""


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
