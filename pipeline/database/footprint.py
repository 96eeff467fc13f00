"""The footprint: which tables an update changed, measured and not guessed.

Two fingerprints of a schema are compared: each table's definition and the server's own checksum of its rows. A
checksum is comparable within one server only. Throw-away tables are left out by the caller's patterns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pydantic import TypeAdapter

from pipeline.database.connection import Database
from pipeline.database.schema import Table, read
from pipeline.database.sql import names

_KINDS = ("added", "removed", "altered", "rewritten")


@dataclass(frozen=True)
class TableState:
    """One table or view at one moment. ``checksum`` is ``None`` for views, and where rows were not read."""

    signature: str
    triggers: str
    checksum: int | None
    view: bool = False


@dataclass(frozen=True)
class Fingerprint:
    """A schema at one moment: what :func:`changed` compares."""

    tables: dict[str, TableState]

    def json(self) -> str:
        return _FINGERPRINT.dump_json(self).decode()

    @staticmethod
    def from_json(content: str | bytes) -> Fingerprint:
        return _FINGERPRINT.validate_json(content)


@dataclass(frozen=True)
class Footprint:
    """What changed between two fingerprints, by table name. Views count as tables here."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    """Another definition or other triggers; rows may have changed as well."""
    rewritten: tuple[str, ...] = ()
    """The same definition, other rows."""
    views: tuple[str, ...] = field(default=())
    """Which of the names above are views."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Every name, once, sorted."""
        return tuple(sorted({*self.added, *self.removed, *self.altered, *self.rewritten}))

    @property
    def existing(self) -> tuple[str, ...]:
        """The tables that were there before: those that a checkpoint must hold."""
        return tuple(sorted({*self.removed, *self.altered, *self.rewritten} - set(self.views)))

    def __bool__(self) -> bool:
        return bool(self.tables)

    def __or__(self, other: Footprint) -> Footprint:
        """The footprint of both updates, one after the other."""
        first, second = self._kinds(), other._kinds()
        kinds = {name: _then(first.get(name), second.get(name)) for name in {*first, *second}}
        views = {name for name in {*self.views, *other.views} if kinds[name]}
        added, removed, altered, rewritten = (tuple(sorted(n for n in kinds if kinds[n] == kind)) for kind in _KINDS)
        return Footprint(added, removed, altered, rewritten, tuple(sorted(views)))

    def _kinds(self) -> dict[str, str]:
        return {name: kind for kind in _KINDS for name in getattr(self, kind)}

    def beyond(self, other: Footprint) -> tuple[str, ...]:
        """The tables in this footprint that ``other`` does not name: the surprise of a promotion."""
        return tuple(sorted(set(self.tables) - set(other.tables)))

    def json(self) -> str:
        return _FOOTPRINT.dump_json(self).decode()

    @staticmethod
    def from_json(content: str | bytes) -> Footprint:
        return _FOOTPRINT.validate_json(content)

    def __str__(self) -> str:
        """As people read it: ``2 tables: wp_options (rows), wp_shop_points (new)``."""
        words = {
            **dict.fromkeys(self.rewritten, "rows"),
            **dict.fromkeys(self.altered, "definition"),
            **dict.fromkeys(self.added, "new"),
            **dict.fromkeys(self.removed, "removed"),
        }
        count = len(words)
        listed = ", ".join(f"{name} ({words[name]})" for name in sorted(words))
        return f"{count} table{'' if count == 1 else 's'}" + (f": {listed}" if listed else "")


_FINGERPRINT = TypeAdapter(Fingerprint)
_FOOTPRINT = TypeAdapter(Footprint)


def _then(first: str | None, second: str | None) -> str | None:
    """What happened to one table by one change and then another."""
    if first is None or second is None:
        return first or second
    if first == "added":
        return None if second == "removed" else "added"
    if first == "removed":
        return "altered"
    return "removed" if second == "removed" else "altered" if "altered" in {first, second} else "rewritten"


def fingerprint(db: Database, tables: Iterable[str] | None = None, *, ignore: Sequence[str] = ()) -> Fingerprint:
    """Read the definition of every table and the checksum of its rows. Cost: one pass over all of them.

    :param tables: only these; ``None``: all of the schema.
    :param ignore: patterns (``*`` stands for anything) of tables whose changes say nothing.
    """
    found = {
        name: table
        for name, table in read(db, tables).items()
        if not any(fnmatchcase(name, pattern) for pattern in ignore)
    }
    sums = _checksums(db, [name for name, table in found.items() if not table.is_view])
    return Fingerprint(
        {
            name: TableState(table.signature, _triggers(table), sums.get(name), table.is_view)
            for name, table in found.items()
        }
    )


def _checksums(db: Database, tables: Sequence[str]) -> dict[str, int | None]:
    """In one statement; the server answers in the order asked, with names as ``schema.table``."""
    if not tables:
        return {}
    answers = db.rows(f"CHECKSUM TABLE {names(tables)}")
    return {name: row[1] for name, row in zip(tables, answers, strict=True)}


def _triggers(table: Table) -> str:
    parts = [f"{trigger.name}\0{trigger.sql_mode}\0{trigger.create}" for trigger in table.triggers]
    return hashlib.sha256("\0\0".join(parts).encode()).hexdigest() if parts else ""


def changed(before: Fingerprint, after: Fingerprint) -> Footprint:
    """What happened between two fingerprints that were read with the same patterns."""
    both = before.tables.keys() & after.tables.keys()
    altered = {name for name in both if _shape(before.tables[name]) != _shape(after.tables[name])}
    rewritten = {n for n in both - altered if before.tables[n].checksum != after.tables[n].checksum}
    added, removed = after.tables.keys() - both, before.tables.keys() - both
    states = {**before.tables, **after.tables}
    views = {name for name in added | removed | altered if states[name].view}
    return Footprint(*(tuple(sorted(part)) for part in (added, removed, altered, rewritten, views)))


def _shape(state: TableState) -> tuple[str, str, bool]:
    return state.signature, state.triggers, state.view
