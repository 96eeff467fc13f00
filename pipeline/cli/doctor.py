"""``palier doctor SHOP``"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from typing import TYPE_CHECKING

import click

from pipeline.cli.project import Project

if TYPE_CHECKING:
    from pipeline.steps.ground import Check

COLOURS = {"OK": "green", "WARN": "yellow", "FAILED": "red"}


@click.command("doctor")
@click.argument("shop")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_obj
def command(project: Project, shop: str, as_json: bool) -> None:
    """Check every precondition by name; each failure says what follows from it and how to mend it."""
    from pipeline.flows import doctor

    checks = []
    with project.opened(shop) as opened:
        for check in doctor.examine(opened):
            checks.append(check)
            if not as_json:
                _show(check)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(check) for check in checks], ensure_ascii=False, indent=2))
    else:
        count = Counter(check.state for check in checks)
        click.echo(f"{len(checks)} checks: {', '.join(f'{number} {state}' for state, number in count.items())}")
    doctor.require(checks)


def _show(check: Check) -> None:
    click.echo(f"{click.style(f'{check.state:6}', fg=COLOURS[check.state])} {check.name}  {check.detail}")
    if check.state != "OK" and check.mend:
        click.echo(f"       {check.mend}")
