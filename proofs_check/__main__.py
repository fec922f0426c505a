"""Settle claims: `python -m proofs_check [ids]`, the same command as `dagames verify`."""

import typer

from dagames._exit import exit_on_user_error
from proofs_check.command import verify

if __name__ == "__main__":
    with exit_on_user_error():
        typer.run(verify)
