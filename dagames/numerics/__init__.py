"""Numerical parts that know nothing of games: arrays as users hold them, roots, linear and conic programs."""
