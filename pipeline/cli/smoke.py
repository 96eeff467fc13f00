"""``palier smoke SHOP``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project
from pipeline.config.playbook import SUITES


@click.command("smoke")
@click.argument("shop")
@click.option("--on", "role", type=click.Choice(["staging", "production"]), default="staging", show_default=True)
@click.option("--suite", "suites", multiple=True, type=click.Choice(SUITES), help="Only this suite; may be repeated.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be run, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.pass_obj
def command(project: Project, shop: str, role: str, suites: tuple[str, ...], only_plan: bool, as_json: bool) -> None:
    """Run the smoke suites. On staging they really buy; on production they leave no trace."""
    from pipeline.flows import smoke

    with project.opened(shop) as opened:
        if only_plan:
            click.echo(smoke.plan(opened, role, suites or SUITES))
            return
        result = smoke.run(opened, role, suites or SUITES, emit=project.emit())
    click.echo(json.dumps(result.as_json(), ensure_ascii=False, indent=2) if as_json else result.summary())
    result.require()
