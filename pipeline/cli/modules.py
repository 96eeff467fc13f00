"""``palier modules SHOP``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project


@click.command("modules")
@click.argument("shop")
@click.option("--json", "as_json", is_flag=True, help="Print the modules as JSON.")
@click.pass_obj
def command(project: Project, shop: str, as_json: bool) -> None:
    """List the modules of SHOP: versions on disk and in the database, newer packages at hand, advisories."""
    from pipeline.flows import modules
    from pipeline.steps.site import opened_site

    inventory = project.inventory(shop)
    with opened_site("production", inventory) as site:
        found = modules.survey(site, inventory, project.home, project.emit())
    click.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if as_json else found.text())
