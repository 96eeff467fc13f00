"""``palier lock status|release SHOP``"""

from __future__ import annotations

import dataclasses
import json

import click

from pipeline.cli.project import Project


@click.group("lock")
def command() -> None:
    """Who holds a shop, and taking the lock away."""


@command.command("status")
@click.argument("shop")
@click.option("--json", "as_json", is_flag=True, help="Print the owner as JSON.")
@click.pass_obj
def status(project: Project, shop: str, as_json: bool) -> None:
    """Tell who holds the shop, since when and why."""
    from pipeline import lock

    with project.opened(shop, staging_may_be_away=True) as opened:
        owner = lock.status(opened.production.host, opened.production.record)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(owner) if owner else None, ensure_ascii=False, indent=2))
    else:
        click.echo(str(owner) if owner else f"Nobody holds {shop}.")


@command.command("release")
@click.argument("shop")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also when it is somebody else's.")
@click.pass_obj
def release(project: Project, shop: str, yes: bool, force: bool) -> None:
    """Take the lock away: only when its owner is certainly gone."""
    from pipeline import lock

    with project.opened(shop, staging_may_be_away=True) as opened:
        site = opened.production
        owner = lock.status(site.host, site.record)
        if owner is None:
            click.echo(f"Nobody holds {shop}.")
            return
        click.echo(str(owner))
        if not yes:
            click.confirm("Take the lock away?", abort=True, err=True)
        lock.release(site.host, site.record, force=force, shop=shop)
    click.echo("Released. Look at what was left behind: palier status " + shop)
