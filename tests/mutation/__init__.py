"""Planted errors that the suite must notice."""
