"""Group-relative policy optimisation: advantages and the tabular simulator."""

from dagames.grpo.advantages import group_advantages

__all__ = ["group_advantages"]
