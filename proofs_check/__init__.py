"""Settle every claim by computation; `known` lists the claims, and `run` settles them."""
