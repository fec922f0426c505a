"""Families of equivalent prompts: what their views agree on, how far they disagree, and coherent policies."""

from dagames.orbits.consensus import arithmetic_mean, geometric_mean, log_geometric_mean, majority, smoothed
from dagames.orbits.hellinger import distance_of_means, generalised_hellinger, hellinger_bounds, jensen_shannon

__all__ = [
    "arithmetic_mean",
    "distance_of_means",
    "generalised_hellinger",
    "geometric_mean",
    "hellinger_bounds",
    "jensen_shannon",
    "log_geometric_mean",
    "majority",
    "smoothed",
]
