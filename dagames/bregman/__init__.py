"""Bregman geometries: generators F on traces and Phi on answers."""

from typing import TYPE_CHECKING

from dagames._lazy import lazy_exports

if TYPE_CHECKING:
    from dagames.bregman.base import Generator
    from dagames.bregman.entropic import Entropic
    from dagames.bregman.euclidean import Euclidean
    from dagames.bregman.polynomial import Polynomial
    from dagames.bregman.power import Power
    from dagames.bregman.reach import Consistency, consistency
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "base": ["Generator"],
            "entropic": ["Entropic"],
            "euclidean": ["Euclidean"],
            "polynomial": ["Polynomial"],
            "power": ["Power"],
            "reach": ["Consistency", "consistency"],
        },
    )

__all__ = ["Consistency", "Entropic", "Euclidean", "Generator", "Polynomial", "Power", "consistency"]
