"""``palier rollback SHOP [RUN]``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project


@click.command("rollback")
@click.argument("shop")
@click.argument("run", required=False)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be undone, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_obj
def command(project: Project, shop: str, run: str | None, only_plan: bool, as_json: bool) -> None:
    """Take a promotion back (RUN, or the last one), keeping every order, customer and message since.

    The same can be done on the host without Palier: sh RECORD/runs/RUN/rollback.sh
    """
    from pipeline.flows import rollback

    with project.opened(shop, staging_may_be_away=True) as opened:
        if only_plan:
            click.echo(rollback.plan(opened, run))
            return
        outcome = rollback.run(opened, run, by=project.who, emit=project.emit())
    click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2) if as_json else outcome.summary())
