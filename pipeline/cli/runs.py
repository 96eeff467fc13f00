"""``palier runs SHOP``"""

from __future__ import annotations

import dataclasses
import json

import click

from pipeline.cli.project import Project


@click.command("runs")
@click.argument("shop")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
@click.pass_obj
def command(project: Project, shop: str, as_json: bool) -> None:
    """List the runs that production's host has on record, newest last."""
    from pipeline.record import Record

    with project.opened(shop, staging_may_be_away=True) as opened:
        found = Record.list(opened.production.host, opened.production.record)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(run) for run in found], ensure_ascii=False, indent=2))
        return
    for run in found:
        click.echo(f"{run.run:42} {run.flow:12} {run.outcome:14} {run.by}")
    if not found:
        click.echo(f"No run of {shop} is on record.")
