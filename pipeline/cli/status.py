"""``palier status SHOP``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project


@click.command("status")
@click.argument("shop")
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
@click.pass_obj
def command(project: Project, shop: str, as_json: bool) -> None:
    """Tell how a shop stands: open or closed, versions, lock, last runs, what waits for approval."""
    from pipeline.flows import status

    with project.opened(shop, staging_may_be_away=True) as opened:
        found = status.look(opened)
    click.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if as_json else found.text())
