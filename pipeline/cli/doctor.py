"""``palier doctor SHOP``"""

from __future__ import annotations

import dataclasses
import json

import click

from pipeline.cli.project import Project

COLOURS = {"OK": "green", "WARN": "yellow", "FAILED": "red"}


@click.command("doctor")
@click.argument("shop")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_obj
def command(project: Project, shop: str, as_json: bool) -> None:
    """Check every precondition by name; each failure says what follows from it and how to mend it."""
    from pipeline.flows import doctor

    with project.opened(shop) as opened:
        checks = doctor.examine(opened)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(check) for check in checks], ensure_ascii=False, indent=2))
    else:
        for check in checks:
            click.echo(f"{click.style(f'{check.state:6}', fg=COLOURS[check.state])} {check.name}  {check.detail}")
            if check.state != "OK" and check.mend:
                click.echo(f"       {check.mend}")
    doctor.require(checks)
