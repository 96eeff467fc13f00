"""``palier approve RUN``"""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.project import Project


@click.command("approve")
@click.argument("run")
@click.option("--shop", help="The shop; needed only where it cannot be told from the run.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("~/.ssh/id_ed25519").expanduser,
    show_default="~/.ssh/id_ed25519",
    help="Your SSH key: the private file, or the public one if your agent holds the other half.",
)
@click.option("--yes", is_flag=True, help="Sign without asking.")
@click.pass_obj
def command(project: Project, run: str, shop: str | None, key: Path, yes: bool) -> None:
    """Show what would be promoted, and sign its digest with your SSH key."""
    from pipeline.flows import approve

    with project.opened(shop or project.shop_of(run)) as opened:
        pending = approve.pending(opened, run)
        click.echo(pending.text)
        if not yes:
            click.confirm("Sign this release?", abort=True, err=True)
        signer = approve.sign(opened, pending, key)
        missing = approve.missing(opened, run)
    click.echo(f"Signed by {signer}. {missing or f'Next: palier promote {opened.name} {run}'}")
