"""Group-relative policy optimisation: advantages and the tabular simulator."""

from dagames.grpo.advantages import group_advantages
from dagames.grpo.simulator import Course, ManyToOne, simulate

__all__ = ["Course", "ManyToOne", "group_advantages", "simulate"]
