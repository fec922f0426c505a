"""Settle every claim by computation; see `registry.py`."""
