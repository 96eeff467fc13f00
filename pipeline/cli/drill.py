"""``palier drill SHOP [RUN]``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project


@click.command("drill")
@click.argument("shop")
@click.argument("run", required=False)
@click.option("--orders", default=100, show_default=True, type=click.IntRange(0, 100_000), help="Orders that arrive.")
@click.option("--plan", "only_plan", is_flag=True, help="Print the steps, with their undo fragments, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_obj
def command(project: Project, *, shop: str, run: str | None, orders: int, only_plan: bool, as_json: bool) -> None:
    """Rehearse promotion and rollback of an approved release (RUN, or the newest) on staging.

    Orders arrive meanwhile. Afterwards every table is compared, and the recovery time that can be promised is said.
    Production is only read; staging is as after the clone.
    """
    from pipeline.flows import drill

    with project.opened(shop) as opened:
        if only_plan:
            click.echo(drill.plan(opened, run))
            return
        outcome = drill.run(opened, run, orders=orders, by=project.who, emit=project.emit())
    click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2) if as_json else outcome.summary())
    outcome.require()
