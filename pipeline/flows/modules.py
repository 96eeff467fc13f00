"""Modules: what is installed, what newer packages are at hand, what is known against them. Production is only read."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.advisories.advisory import Advisory, Match, matches
from pipeline.advisories.feeds import Feeds
from pipeline.advisories.versions import Verdict, compare, newest_last
from pipeline.code.ledger import Ledger
from pipeline.code.sources import Offer, Sources
from pipeline.code.store import Store
from pipeline.config.inventory import Inventory
from pipeline.errors import PalierError
from pipeline.events import Emit, Note, StepBegun, StepDone
from pipeline.platforms.platform import Installed
from pipeline.remote.download import Web
from pipeline.steps.modules import data_versions
from pipeline.steps.site import Site

LONGEST_SOURCE = 40
FRESH_ADVISORIES = "advisories"
"""The folder in ``.palier`` that fetched advisories are kept in; all shops share them."""


@dataclass(frozen=True)
class Row:
    """One installed module. ``newer`` are the packages at hand, older versions first."""

    module: str
    version: str
    recorded: str | None
    active: bool
    newer: tuple[Offer, ...] = ()
    advisories: tuple[Match, ...] = ()
    changed: str = ""
    """The last change of it in the ledger: the day, and what."""

    @property
    def newest(self) -> Offer | None:
        return self.newer[-1] if self.newer else None

    @property
    def affected(self) -> tuple[Match, ...]:
        return tuple(match for match in self.advisories if match.verdict is Verdict.AFFECTED)

    @property
    def undecided(self) -> tuple[Match, ...]:
        return tuple(match for match in self.advisories if match.verdict is Verdict.UNDECIDED)

    def as_json(self, now: dt.datetime) -> dict[str, object]:
        newest = self.newest
        return {
            "module": self.module,
            "version": self.version,
            "database_version": self.recorded,
            "active": self.active,
            "newer": {
                "version": newest.version,
                "source": newest.source,
                "sha256": newest.sha256,
                "released": newest.released.date().isoformat() if newest.released else None,
                "age_days": newest.age(now).days,
            }
            if newest
            else None,
            "advisories": [match.as_json() for match in self.advisories],
            "last_change": self.changed or None,
        }


@dataclass(frozen=True)
class Survey:
    """Every module of a shop as it is now."""

    shop: str
    taken: dt.datetime
    rows: tuple[Row, ...]
    advisories: tuple[Advisory, ...] = field(default=(), repr=False)

    def as_json(self) -> list[dict[str, object]]:
        return [row.as_json(self.taken) for row in self.rows]

    def text(self) -> str:
        heads = ("module", "on disk", "database", "", "newer", "age", "from", "advisory", "last change")
        table = [heads, *(_cells(row, self.taken) for row in self.rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(heads))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table
        ]
        noted = [match.sentence for row in self.rows for match in row.advisories]
        return "\n".join([*lines, *(f"! {sentence}" for sentence in noted)])


def _cells(row: Row, now: dt.datetime) -> tuple[str, ...]:
    newest = row.newest
    known = len(row.affected), len(row.undecided)
    advisory = ", ".join(
        f"{count} {word}" for count, word in zip(known, ("known", "cannot decide"), strict=True) if count
    )
    return (
        row.module,
        row.version,
        row.recorded or "-",
        "active" if row.active else "off",
        newest.version if newest else "-",
        f"{newest.age(now).days} d" if newest else "-",
        _short(newest.source) if newest else "-",
        advisory or "-",
        row.changed or "-",
    )


def _short(source: str) -> str:
    """Where a package is at hand, short enough for a table; the whole of it is in the JSON."""
    if source.startswith("/"):
        return os.path.relpath(source) if len(os.path.relpath(source)) < len(source) else source
    return source if len(source) <= LONGEST_SOURCE else f"{source[: LONGEST_SOURCE - 1]}…"


def survey(site: Site, inventory: Inventory, home: Path, emit: Emit, *, web: Web | None = None) -> Survey:
    """Ask production what is installed, and the inventory's sources what is newer and what is dangerous.

    :param home: the folder ``.palier`` of this project on this machine.
    :raises PalierError: if production cannot be read, or advisories that the inventory names cannot be.
    """
    now, web = dt.datetime.now(dt.UTC), web or Web()
    with told("Ask production for its modules", site.host.name, emit):
        installed = site.modules()
        recorded = _recorded(site, inventory, installed, emit)
    folders = {name: folder_of(inventory, name) for name in installed}
    store = Store(home / inventory.shop / "packages")
    with told("Look for advisories and newer packages", "", emit):
        advisories = Feeds(home / FRESH_ADVISORIES, emit, web).read(inventory.advisories)
        offers = Sources(store, emit, web).offers(inventory.packages, set(folders.values()))
    changes = last_changes(home / inventory.shop / "ledger")
    rows = [
        Row(
            module=name,
            version=module.version,
            recorded=recorded.get(name),
            active=module.active,
            newer=newer(offers, folders[name], module.version),
            advisories=matches(advisories, name, module.version),
            changed=changes.get(name, ""),
        )
        for name, module in sorted(installed.items())
    ]
    return Survey(inventory.shop, now, tuple(rows), tuple(advisories))


@contextmanager
def told(name: str, on: str, emit: Emit) -> Iterator[None]:
    """People see what takes its time."""
    began = time.monotonic()
    emit(StepBegun(name, on))
    yield
    emit(StepDone(name, time.monotonic() - began))


def folder_of(inventory: Inventory, module: str) -> str:
    """The module's folder: its name, where the inventory does not say otherwise."""
    hints = inventory.modules.get(module)
    return (hints.folder if hints else None) or module


def newer(offers: Sequence[Offer], folder: str, version: str) -> tuple[Offer, ...]:
    """The packages of a module that are newer than ``version``, older ones first; of each version the first found."""
    found: dict[str, Offer] = {}
    for offer in offers:
        if offer.module == folder and compare(offer.version, version) > 0:
            found.setdefault(offer.version, offer)
    return tuple(sorted(found.values(), key=lambda offer: newest_last(offer.version)))


def last_changes(ledger: Path) -> dict[str, str]:
    """Module → day and subject of its last commit. There may be no ledger yet; none is made."""
    if not (ledger / "HEAD").exists():
        return {}
    found: dict[str, str] = {}
    with Ledger(ledger) as opened:
        for entry in opened.log():
            module, _, what = entry.subject.partition(" ")
            found.setdefault(module, f"{entry.when:%Y-%m-%d} {what}")
    return found


def _recorded(
    site: Site, inventory: Inventory, installed: Mapping[str, Installed], emit: Emit
) -> dict[str, str | None]:
    """What the database says of each module's version, where it says anything."""
    found = {name: module.recorded for name, module in installed.items()}
    options = {
        name: hints.version_option
        for name, hints in inventory.modules.items()
        if hints.version_option and name in installed
    }
    try:
        return found | data_versions(site, options)
    except PalierError as error:
        emit(Note(f"Versions in the database are not known: {error.what}", "warning"))
        return found
