"""Settle claims: `python -m proofs_check [ids]`, the same command as `dagames verify`."""

from dagames._exit import ended_at_once_by_interrupts, exit_on_user_error

if __name__ == "__main__":
    with exit_on_user_error():
        with ended_at_once_by_interrupts():
            import typer

            from proofs_check.command import verify
        typer.run(verify)
