"""Conjugates over the simplex, and suprema over it, by root finding, by Newton's method and by cutting planes."""
