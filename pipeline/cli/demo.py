"""``palier demo``"""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.cli.project import Project


@click.command("demo")
@click.option("--orders", type=click.IntRange(1, 1_000_000), help="How many orders production has [default: 300].")
@click.option("--json", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
@click.option("--down", is_flag=True, help="Take the demo away: no process and no file is left.")
@click.option("--up", is_flag=True, help="Only build and start the demo's shop, to try commands on.")
@click.pass_obj
def command(project: Project, orders: int | None, target: Path | None, down: bool, up: bool) -> None:
    """Show the whole job on a shop on this machine: clone, update, approve, promote, roll back.

    Everything is below .demo and on loopback. The shop stays up afterwards, to be looked at.
    """
    from pipeline.demo import show
    from pipeline.demo.world import World

    world = World(show.folder(project.root))
    if down:
        world.destroy()
        click.echo("The demo is gone.")
        return
    if up:
        world.start(orders=orders, emit=project.emit())
    else:
        result = show.run(world, orders=orders, emit=project.emit())
        if target is not None:
            target.write_text(json.dumps(result.as_json(), ensure_ascii=False, indent=2) + "\n", "utf-8")
        click.echo(result.summary())
        result.require()
    click.echo(
        f"\nThe shop: {world.production.url}\n"
        f"Staging:  {world.staging.url} (user palier, password in .demo/.palier/demo/staging-password)\n"
        "Try:      .venv/bin/palier --project .demo status demo\n"
        "Away:     make demo-down"
    )
