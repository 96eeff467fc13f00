"""``palier config check``"""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.cli.project import Project


@click.group("config")
def command() -> None:
    """Check inventories and playbooks."""


@command.command("check")
@click.argument("files", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def check(project: Project, files: tuple[Path, ...]) -> None:
    """Check FILES, or every inventory and playbook of the project; all mistakes at once."""
    from pipeline.config.loader import load_inventory, load_playbook
    from pipeline.errors import ConfigError

    chosen = files or tuple(
        path
        for folder in ("inventories", "playbooks")
        for path in sorted((project.root / folder).glob("*.yml"))
        if ".example." not in path.name
    )
    if not chosen:
        raise ConfigError(
            f"There is no inventory and no playbook in {project.root}.",
            next_step="Copy inventories/shop.example.yml to start one.",
        )
    mistakes = []
    for path in chosen:
        try:
            (load_playbook if path.parent.name == "playbooks" else load_inventory)(path)
        except ConfigError as error:
            mistakes.append(error.what)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    click.echo(f"{len(chosen)} files are well formed.")


@command.command("show")
@click.argument("shop")
@click.pass_obj
def show(project: Project, shop: str) -> None:
    """Print the inventory of SHOP as Palier reads it, with every default, as JSON. Secrets stay references."""
    click.echo(json.dumps(project.inventory(shop).model_dump(mode="json"), ensure_ascii=False, indent=2))
