"""``palier promote SHOP [RUN]``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project


@click.command("promote")
@click.argument("shop")
@click.argument("run", required=False)
@click.option("--plan", "only_plan", is_flag=True, help="Print the steps, with their undo fragments, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_obj
def command(project: Project, shop: str, run: str | None, only_plan: bool, as_json: bool) -> None:
    """Bring an approved release to production: RUN, or the newest update run.

    Any failure puts production back. While it runs, a guard on the host does so even if this machine dies.
    """
    from pipeline.flows import promote

    with project.opened(shop) as opened:
        if only_plan:
            click.echo(promote.plan(opened, run))
            return
        outcome = promote.run(opened, run, by=project.who, emit=project.emit())
    click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2) if as_json else outcome.summary())
