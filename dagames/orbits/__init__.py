"""Orbits of equivalent prompts: means of the views' marginals, distances between views, and coherent policies."""

from typing import TYPE_CHECKING

from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.orbits.consensus import arithmetic_mean, geometric_mean, majority, smoothed
    from dagames.orbits.hellinger import distance_of_means, generalised_hellinger, hellinger_bounds, jensen_shannon
    from dagames.orbits.hybrid import hybrid_bound, hybrid_loss, improvement
    from dagames.orbits.projection import direct_projection, project_onto_marginal, two_step_projection
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "consensus": ["arithmetic_mean", "geometric_mean", "majority", "smoothed"],
            "hellinger": ["distance_of_means", "generalised_hellinger", "hellinger_bounds", "jensen_shannon"],
            "hybrid": ["hybrid_bound", "hybrid_loss", "improvement"],
            "projection": ["direct_projection", "project_onto_marginal", "two_step_projection"],
        },
    )

__all__ = [
    "arithmetic_mean",
    "direct_projection",
    "distance_of_means",
    "generalised_hellinger",
    "geometric_mean",
    "hellinger_bounds",
    "hybrid_bound",
    "hybrid_loss",
    "improvement",
    "jensen_shannon",
    "majority",
    "project_onto_marginal",
    "smoothed",
    "two_step_projection",
]
