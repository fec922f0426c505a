"""A training run: its parts, checkpoints, result and resumption."""
