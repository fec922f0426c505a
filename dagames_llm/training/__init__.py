"""One training run: assembled, started, saved, resumed."""
