"""Couplings: convex functions of the answer marginals of several prompts, one a file."""

from dagames.games.couplings.all_of import AllOf
from dagames.games.couplings.budgets import Budgets
from dagames.games.couplings.coherence import Coherence
from dagames.games.couplings.equal_rates import EqualRates
from dagames.games.couplings.equalities import Equalities
from dagames.games.couplings.linear import LinearCoupling
from dagames.games.couplings.soft_coherence import SoftCoherence

__all__ = ["AllOf", "Budgets", "Coherence", "EqualRates", "Equalities", "LinearCoupling", "SoftCoherence"]
