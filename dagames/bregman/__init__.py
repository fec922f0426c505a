"""Bregman geometries: generators F on traces and Phi on answers."""

from dagames.bregman.base import Generator, as_generator
from dagames.bregman.entropic import Entropic
from dagames.bregman.euclidean import Euclidean
from dagames.bregman.polynomial import Polynomial
from dagames.bregman.power import Power
from dagames.bregman.reach import Consistency, consistency

__all__ = ["Consistency", "Entropic", "Euclidean", "Generator", "Polynomial", "Power", "as_generator", "consistency"]
