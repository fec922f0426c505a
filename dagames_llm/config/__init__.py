"""Recipes: read, checked key by key and together, and the rewards that they name."""
