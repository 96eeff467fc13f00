"""``palier smoke SHOP``"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.cli.project import Project
from pipeline.config.playbook import SUITES

if TYPE_CHECKING:
    from pipeline.flows.smoke import Cleaned, Outcome
    from pipeline.steps.site import Role, Shop


@click.command("smoke")
@click.argument("shop")
@click.option(
    "--environment",
    "--on",
    "role",
    type=click.Choice(["staging", "production"]),
    default="staging",
    show_default=True,
    help="Where.",
)
@click.option("--suite", "suites", multiple=True, type=click.Choice(SUITES), help="Only this suite; may be repeated.")
@click.option("--order", "orders", is_flag=True, help="On production: place one order, and remove it again.")
@click.option("--clean", is_flag=True, help="Run nothing; remove what test visitors left, stock put back.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be run or removed, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.pass_obj
def command(
    project: Project,
    shop: str,
    role: Role,
    suites: tuple[str, ...],
    orders: bool,
    clean: bool,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Run the smoke suites. On staging they really buy; on production they leave no trace, unless told to order.

    Test visitors have addresses of their own, made of the inventory's journeys.customer_email. With --clean, orders,
    customers, carts and messages of such addresses alone are removed, in one transaction, and the stock that they took
    is put back. Numbers of orders and invoices that were given out stay used.
    """
    if orders and role != "production":
        raise click.UsageError("--order is for --environment production: on staging the suites buy anyway.")
    if clean and (suites or orders):
        raise click.UsageError("--clean runs no suite and places no order.")
    with project.opened(shop, staging_may_be_away=role == "production") as opened:
        result = _result(project, opened, role, suites or SUITES, orders, clean, only_plan)
    if isinstance(result, str):
        click.echo(result)
        return
    click.echo(json.dumps(result.as_json(), ensure_ascii=False, indent=2) if as_json else result.summary())
    result.require()


def _result(
    project: Project, shop: Shop, role: Role, suites: tuple[str, ...], orders: bool, clean: bool, only_plan: bool
) -> Outcome | Cleaned | str:
    from pipeline.flows import smoke

    if clean:
        return smoke.clean(shop, role, by=project.who, only_look=only_plan)
    if only_plan:
        return smoke.plan(shop, role, suites, orders=orders)
    return smoke.run(shop, role, suites, orders=orders, emit=project.emit())
