"""``palier clone SHOP``"""

from __future__ import annotations

import click

from pipeline.cli.project import Project


@click.command("clone")
@click.argument("shop")
@click.option("--plan", "only_plan", is_flag=True, help="Print the steps and do nothing.")
@click.pass_obj
def command(project: Project, shop: str, only_plan: bool) -> None:
    """Make staging anew from production: code, files, database with personal data masked; harmless, and proved so.

    Production is only read.
    """
    from pipeline.flows import clone

    with project.opened(shop) as opened:
        if only_plan:
            click.echo(clone.plan(opened))
            return
        clone.run(opened, by=project.who, emit=project.emit())
        click.echo(clone.masked_summary(opened))
    click.echo(f"Staging of {shop} is ready: {opened.staging.environment.url}\nNext: palier update {shop} PLAYBOOK")
