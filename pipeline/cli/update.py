"""``palier update SHOP PLAYBOOK``"""

from __future__ import annotations

import json

import click

from pipeline.cli.project import Project


@click.command("update")
@click.argument("shop")
@click.argument("playbook", type=click.Path(exists=True, dir_okay=False))
@click.option("--plan", "only_plan", is_flag=True, help="Print the steps and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_obj
def command(project: Project, shop: str, playbook: str, only_plan: bool, as_json: bool) -> int:
    """Try the playbook's updates on staging, one module at a time, buying something after each.

    What passes is kept, what fails is set aside with its evidence. Production is only read. It leaves with 0 if
    everything was kept, with 10 if something was set aside, with 3 if nothing was kept.
    """
    from pipeline.flows import update

    inventory = project.inventory(shop)
    book = project.playbook(inventory, playbook)
    with project.opened(shop) as opened:
        if only_plan:
            click.echo(update.plan(opened, book))
            return 0
        outcome = update.run(opened, book, by=project.who, emit=project.emit())
    if as_json:
        click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2))
    else:
        click.echo(outcome.summary())
    return int(outcome.exit_code)
