"""Inventories and playbooks from their files: every mistake is told at once, each with its line and a fix."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TypeVar

from pydantic import ValidationError

from pipeline.config.document import Document, Location, Mistake, dotted, read_document, refusal, shown
from pipeline.config.inventory import DatabaseSpec, Inventory, Model
from pipeline.config.mistakes import mistakes_of, nearest
from pipeline.config.playbook import Playbook
from pipeline.errors import ConfigError
from pipeline.remote.address import LOCAL, parse_address

FOLDER = "inventories"
SUFFIXES = (".yml", ".yaml")

M = TypeVar("M", bound=Model)


def load_inventory(path: Path) -> Inventory:
    """Read an inventory. Relative paths in it start at its own folder.

    :raises ConfigError: with one line for each mistake, ``file:line:column: key: what is wrong; the fix``; also when
        staging is production, where updating staging would be updating production.
    """
    document = read_document(path)
    inventory = _validated(document, Inventory)
    mistakes = _collisions(document, inventory) + _unsupported(document, inventory)
    if mistakes:
        raise refusal(path, mistakes)
    return inventory


def load_playbook(path: Path) -> Playbook:
    """Read a playbook. Relative paths in it start at its own folder.

    :raises ConfigError: as :func:`load_inventory`; also when a module is taken to two versions.
    """
    document = read_document(path)
    playbook = _validated(document, Playbook)
    mistakes = _repeated(document, playbook)
    if mistakes:
        raise refusal(path, mistakes)
    return playbook


def check_pair(inventory: Inventory, playbook: Playbook) -> None:
    """:raises ConfigError: if the playbook is another shop's, or nobody could approve what it asks for."""
    if playbook.shop != inventory.shop:
        raise ConfigError(
            f'The playbook is for the shop "{playbook.shop}", the inventory for "{inventory.shop}".',
            next_step="Give the playbook of this shop, or correct its key shop.",
        )
    roles, least = playbook.approvals.roles, inventory.least_approvals.roles
    if unknown := [role for role in roles if role not in inventory.approvers]:
        known = ", ".join(inventory.approvers) or "none"
        raise ConfigError(
            f'The playbook asks for approvals of the role "{unknown[0]}"; the inventory\'s approvers know: {known}.',
            next_step="Name the role's people in the inventory under approvers, or correct approvals.roles.",
        )
    if roles and least and not set(roles) & set(least):
        raise ConfigError(
            f"The playbook wants approvals of {', '.join(roles)}, the inventory of {', '.join(least)}: nobody counts.",
            next_step="Name a role in the playbook's approvals.roles that the inventory's approvals.roles has too.",
        )


def find_inventory(shop: str, root: Path) -> Path:
    """The inventory of ``shop`` in ``root/inventories``; a path that ends in ``.yml`` is taken as it is.

    :raises ConfigError: listing the known shops, the nearest first.
    """
    if shop.endswith(SUFFIXES):
        return Path(shop)
    known = _known(root / FOLDER)
    if shop in known:
        return known[shop]
    near = nearest(shop, list(known))
    listed = f"Known are: {', '.join(sorted(known))}." if known else f"There is none in {shown(root / FOLDER)} yet."
    raise ConfigError(
        f'There is no shop "{shop}".',
        why=listed,
        next_step=f'Did you mean "{near}"?' if near else f"Describe it in {shown(root / FOLDER / f'{shop}.yml')}.",
    )


def _known(folder: Path) -> dict[str, Path]:
    files = [file for suffix in SUFFIXES for file in sorted(folder.glob(f"*{suffix}"))]
    return {file.stem: file for file in reversed(files) if not file.stem.endswith(".example")}


def _validated(document: Document, model: type[M]) -> M:
    try:
        return model.model_validate(document.data, context={"folder": document.path.absolute().parent})
    except ValidationError as error:
        raise refusal(document.path, mistakes_of(error.errors(), model, document)) from None


def _collisions(document: Document, inventory: Inventory) -> list[Mistake]:
    """Where staging and production are one and the same, as far as the file can tell."""
    production, staging = inventory.production, inventory.staging
    found = []
    if production.url == staging.url:
        found.append(("url", "is production's; staging needs an address of its own"))
    if {_place(host.ssh) for host in production.hosts} & {_place(host.ssh) for host in staging.hosts}:
        ours, theirs = PurePosixPath(staging.root), PurePosixPath(production.root)
        if ours == theirs or ours in theirs.parents or theirs in ours.parents:
            found.append(
                ("root", f"overlaps production's {theirs} on the same host; staging needs a folder of its own")
            )
    if production.database and staging.database and _server(production.database) == _server(staging.database):
        found.append(("database", "is production's; staging needs a schema of its own"))
    return [Mistake(*document.value_at(("staging", key)), f"staging.{key}: {text}") for key, text in found]


def _unsupported(document: Document, inventory: Inventory) -> list[Mistake]:
    """What the models allow and nothing could be done with."""
    found: list[tuple[Location, str]] = []
    for role in ("production", "staging"):
        hosts = getattr(inventory, role).hosts
        if len(hosts) > 1:
            text = (
                f"has {len(hosts)} hosts, and several web nodes are not supported yet: all but the first would keep "
                "the old code; give the one host that serves every visitor"
            )
            found.append(((role, "hosts", 1, "ssh"), text))
    roles, known = (inventory.approvals.roles if inventory.approvals else ()), ", ".join(inventory.approvers) or "none"
    for index, role in enumerate(roles):
        if role not in inventory.approvers:
            text = f'"{role}" is not a role of approvers; known are: {known}'
            found.append((("approvals", "roles", index), text))
    return [Mistake(*document.value_at(where), f"{dotted(where[:2])}: {text}") for where, text in found]


def _place(ssh: str) -> tuple[str, int] | None:
    if ssh == LOCAL:
        return None
    address = parse_address(ssh)
    return address.host, address.port


def _server(database: DatabaseSpec) -> tuple[str, str | int, str]:
    return database.host, database.socket or database.port, database.name


def _repeated(document: Document, playbook: Playbook) -> list[Mistake]:
    first: dict[str, int] = {}
    mistakes = []
    for index, update in enumerate(playbook.updates):
        where = ("updates", index, "module")
        if update.module in first:
            line, _ = document.value_at(("updates", first[update.module], "module"))
            text = f"{dotted(where)}: {update.module} is already updated on line {line}; remove one of the two"
            mistakes.append(Mistake(*document.value_at(where), text))
        first.setdefault(update.module, index)
    return mistakes
