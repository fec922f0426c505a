"""Numerical methods that are independent of games: users' arrays, roots, linear and conic programs."""
