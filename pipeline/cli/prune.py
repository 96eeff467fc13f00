"""``palier prune SHOP``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project


@click.command("prune")
@click.argument("shop")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would go and what stays; remove nothing.")
@click.option(
    "--keep", default=3, show_default=True, type=click.IntRange(0), help="Promotions whose snapshot and code stay."
)
@click.option(
    "--days",
    default=30,
    show_default=True,
    type=click.IntRange(0),
    help="Days after the last rollback for which tables stay that it set aside.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(project: Project, *, shop: str, only_plan: bool, keep: int, days: int, as_json: bool) -> None:
    """Remove what promotions and rollbacks left on production and no way back needs.

    Snapshots, replaced code, copies of tables, and tables that a rollback set aside. The way back of every promotion
    that stands is kept, whatever --keep says; so are the records of all runs.
    """
    from pipeline.flows import prune

    with project.opened(shop, staging_may_be_away=True) as opened:
        outcome = (
            prune.plan(opened, keep=keep, days=days)
            if only_plan
            else prune.run(opened, keep=keep, days=days, by=project.who)
        )
    click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2) if as_json else outcome.text())
