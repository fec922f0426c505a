"""Couplings: what is wanted of the answer marginals of several prompts together, one convex function a file."""

from dagames.couplings.all_of import AllOf
from dagames.couplings.budgets import Budgets
from dagames.couplings.coherence import Coherence
from dagames.couplings.equal_rates import EqualRates
from dagames.couplings.equalities import Equalities
from dagames.couplings.linear import LinearCoupling
from dagames.couplings.soft_coherence import SoftCoherence

__all__ = ["AllOf", "Budgets", "Coherence", "EqualRates", "Equalities", "LinearCoupling", "SoftCoherence"]
