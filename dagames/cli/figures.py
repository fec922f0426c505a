"""The command `dagames figures`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from dagames._errors import DomainError
from dagames._files import check_new

HELP = """Compute and draw figures. Requires a checkout of the repository.

Each figure NAME becomes NAME.svg, NAME.pdf and NAME.png, with its data, title and caption in NAME.json. A second run
into the same folder draws from these data, unless the code has changed; --recompute computes them again.

\b
Examples:
    dagames figures                                # all of them, in a few minutes
    dagames figures game_loop frontiers --out pictures
    dagames figures --list                         # names and titles
    dagames figures --format svg --overwrite
"""


def figures(
    names: Annotated[
        list[str] | None, typer.Argument(help="Figures to draw; all by default.", show_default=False)
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="Print names and titles, and exit.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the pictures and their data.")] = Path("out/figures"),
    formats: Annotated[str, typer.Option("--format", help="File formats, with commas between them.")] = "svg,pdf,png",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures in the folder.")] = False,
    recompute: Annotated[bool, typer.Option("--recompute", help="Do not read the data in the folder.")] = False,
) -> None:
    """See HELP."""
    check_can_draw()
    from dagames._choices import as_choice
    from figures import gallery, style

    if show_list:
        width = max(map(len, gallery.NAMES))
        for name in gallery.NAMES:
            typer.echo(f"{name:{width}}  {gallery.title_of(name)}")
        return
    chosen = [as_choice(name, "figure", gallery.NAMES) for name in names or gallery.NAMES]
    kinds = [as_choice(kind.strip(), "--format", style.FORMATS) for kind in formats.split(",")]
    check_new(out, overwrite=overwrite)
    for drawn in draw(out, chosen, kinds, recompute=recompute):
        if "missing" in drawn:
            typer.echo(f"{drawn['name']}: {drawn['missing']}", err=True)
        else:
            typer.echo(out / f"{drawn['name']}.{kinds[0]}")


def check_can_draw() -> None:
    """Raise a DomainError if the figures' package, matplotlib or jinja2 is missing."""
    for name, remedy in (
        ("figures", "they are part of the repository, not of the installed package: run this in a checkout"),
        ("matplotlib", "install it with `pip install 'dagames[report]'`"),
        ("jinja2", "install it with `pip install 'dagames[report]'`"),
    ):
        if find_spec(name) is None:
            raise DomainError(f"{name} is missing; {remedy}.")


def draw(out: Path, *args: Any, **options: Any) -> list[dict[str, Any]]:
    """Draw figures by `figures.gallery.draw_figures`; a folder that cannot be written is a DomainError."""
    from figures.gallery import draw_figures

    try:
        drawn: list[dict[str, Any]] = draw_figures(out, *args, **options)
    except OSError as error:
        raise DomainError(f"cannot write the figures to {out}: {error.strerror}.") from None
    return drawn
