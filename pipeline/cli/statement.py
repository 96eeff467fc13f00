"""``palier statement SHOP [RUN]``"""

from __future__ import annotations

import click

from pipeline.cli.project import Project


@click.command("statement")
@click.argument("shop")
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(project: Project, *, shop: str, run: str | None, as_json: bool) -> None:
    """Tell what a rollback came to: orders kept, rows taken back, conflicts, stock product by product.

    Of RUN, or of the last promotion that was taken back, be it by hand (sh rollback.sh) or by the guard.
    """
    from pipeline.flows import statement

    with project.opened(shop, staging_may_be_away=True) as opened:
        click.echo(statement.told(opened, run, as_json=as_json))
