"""``palier maintenance on|off|status SHOP``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project


@click.group("maintenance")
def command() -> None:
    """Close and open production by hand."""


@command.command("on")
@click.argument("shop")
@click.option("--plan", "only_plan", is_flag=True, help="Print the step with its undo, and do nothing.")
@click.pass_obj
def on(project: Project, shop: str, only_plan: bool) -> None:
    """Put up the maintenance page and verify it from outside."""
    from pipeline.flows import maintenance

    with project.opened(shop, staging_may_be_away=True) as opened:
        if only_plan:
            click.echo(maintenance.plan(opened))
            return
        cookie = maintenance.close(opened, by=project.who, emit=project.emit())
    click.echo(
        f"{shop} is closed. To look behind the page, set the cookie kept in {cookie}\n"
        f"Open it again: palier maintenance off {shop}"
    )


@command.command("off")
@click.argument("shop")
@click.pass_obj
def off(project: Project, shop: str) -> None:
    """Take the maintenance page down and verify it from outside."""
    from pipeline.flows import maintenance

    with project.opened(shop, staging_may_be_away=True) as opened:
        maintenance.reopen(opened, by=project.who, emit=project.emit())
    click.echo(f"{shop} is open.")


@command.command("status")
@click.argument("shop")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def status(project: Project, shop: str, as_json: bool) -> None:
    """Tell whether production is closed, as seen from outside."""
    from pipeline.flows import maintenance

    with project.opened(shop, staging_may_be_away=True) as opened:
        closed = maintenance.is_closed(opened)
    click.echo(
        json.dumps({"shop": shop, "closed": closed}) if as_json else f"{shop} is {'closed' if closed else 'open'}."
    )
