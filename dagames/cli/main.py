"""The command line: `dagames solve | table | pareto | verify | figures | report`."""

from typing import TYPE_CHECKING, Annotated

from dagames._exit import ended_at_once_by_interrupts, exit_on_user_error

if TYPE_CHECKING:
    import typer


def main() -> None:
    """Run the command line; invalid input gives one message and exit code 2, Ctrl-C exit code 130."""
    with exit_on_user_error():
        with ended_at_once_by_interrupts():
            app = whole_app()
        app()


def whole_app() -> "typer.Typer":
    """Return the application with all of its commands.

    The modules of the commands define options and help texts only. A command imports the numerical modules when it
    runs, so that `dagames --help` loads neither numpy nor scipy.
    """
    import typer

    from dagames.cli import figures, late_help, pareto, report, solve, table
    from proofs_check.command import verify

    app = typer.Typer(
        help="Distributional alignment games: solve them, check the claims about them, draw the figures.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )

    def print_version(wanted: bool) -> None:
        if wanted:
            from importlib.metadata import version

            typer.echo(f"dagames {version('dagames')}")
            raise typer.Exit

    @app.callback()
    def options(
        _version: Annotated[
            bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
        ] = False,
    ) -> None: ...

    paragraphs = late_help.as_paragraphs
    app.command("figures", help=paragraphs(figures.HELP))(figures.figures)
    app.command("report")(report.report)
    app.command("solve", help=paragraphs(solve.HELP), cls=late_help.command_class(solve.choices))(solve.solve)
    app.command("table", help=paragraphs(table.HELP))(table.table)
    app.command("pareto", help=paragraphs(pareto.HELP))(pareto.pareto)
    app.command("verify")(verify)
    return app


if __name__ == "__main__":
    main()
