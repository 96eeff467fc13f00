"""The footprint: which tables an update changed, measured and not guessed.

Two fingerprints of a schema are compared: each table's definition and the server's own checksum of its rows. A
checksum is comparable within one server only. Throw-away tables are left out by the caller's patterns.

A checksum reads the whole table, so a fingerprint that knows an earlier one reads only what may have moved since. What
has not moved is told by the table's *stamp* (see :mod:`pipeline.database.stamps`, which says what that proves and what
it does not); ``Fingerprint.read`` and ``Fingerprint.stamped`` say which tables rest on what.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from pydantic import TypeAdapter

from pipeline.database import stamps
from pipeline.database.connection import Database
from pipeline.database.schema import Table, read, table_names
from pipeline.database.sql import names
from pipeline.database.stamps import UNKNOWN, Moment

CHECKSUM_BYTES_A_SECOND = 300_000_000
"""What the server's own checksum is reckoned to read; measured 380 MB/s on two cores."""
WORTH_TWO = 200_000_000
"""Bytes from which on reading is shared by two connections."""
SETTLING = 4
"""How often a table is looked at again that was written within the last second."""

_KINDS = ("added", "removed", "altered", "rewritten")


@dataclass(frozen=True)
class TableState:
    """One table or view at one moment. ``checksum`` is ``None`` for views, and where rows were not read.

    ``stamp`` says when the table was last written; empty: nothing that could be relied on.
    """

    signature: str
    triggers: str
    checksum: int | None
    view: bool = False
    stamp: str = ""

    def moved(self, other: TableState, *, continued: bool = True) -> bool:
        """Whether the rows may differ. Two checksums decide; without both, only two equal stamps speak for "no".

        :param continued: whether the server ran on in between; otherwise stamps say nothing.
        """
        if self == other and (self.view or self.checksum is not None or (self.stamp and continued)):
            return False
        if self.checksum is not None and other.checksum is not None:
            return self.checksum != other.checksum
        return self.stamp != other.stamp or not self.stamp or not continued


@dataclass(frozen=True)
class Fingerprint:
    """A schema at one moment: what :func:`changed` compares."""

    tables: dict[str, TableState]
    moment: Moment = UNKNOWN
    read: tuple[str, ...] = ()
    """The tables whose rows were read for this fingerprint."""

    @property
    def stamped(self) -> tuple[str, ...]:
        """The tables that were not read, neither for this fingerprint nor for the one that it continues."""
        return tuple(sorted(n for n, state in self.tables.items() if state.checksum is None and not state.view))

    def only(self, tables: Iterable[str]) -> Fingerprint:
        """The part that speaks of ``tables``."""
        wanted = set(tables)
        return replace(self, tables={name: state for name, state in self.tables.items() if name in wanted})

    def without(self, tables: Iterable[str]) -> Fingerprint:
        """The same with nothing known of the rows of ``tables``: what continues it reads them."""
        unknown = set(tables)
        return replace(
            self,
            tables={
                name: replace(state, checksum=None, stamp="") if name in unknown and not state.view else state
                for name, state in self.tables.items()
            },
        )

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


def fingerprint(
    db: Database,
    tables: Iterable[str] | None = None,
    *,
    ignore: Sequence[str] = (),
    since: Fingerprint | None = None,
    budget: float | None = None,
) -> Fingerprint:
    """Read the definition of every table and the checksum of its rows.

    :param tables: only these; ``None``: all of the schema.
    :param ignore: patterns (``*`` stands for anything) of tables whose changes say nothing.
    :param since: an earlier fingerprint of the same schema: tables that have not moved since are not read again.
    :param budget: seconds that reading may take, by estimate, smallest tables first; the others are left to their
        stamps. ``None``: everything is read. With ``since``, it bounds what has moved.
    """
    marks, moment = stamps.read(db)
    kept = _unmoved(since, moment, marks) if tables is None else {}
    states = {**kept, **_states(db, tables if tables is not None else _others(db, kept), marks)}
    states = {name: state for name, state in states.items() if not any(fnmatchcase(name, each) for each in ignore)}
    known = _known(since, moment, states)
    rows = [name for name, state in states.items() if not state.view]
    chosen = _within([name for name in rows if name not in known], marks, budget, since)
    left = set(rows) - set(chosen) - known.keys()
    later, moment = _settled(db, marks, moment, left) if left else (marks, moment)
    chosen = sorted({*chosen, *(name for name in left if not _mark(later, name))})
    sums = {**known, **_checksums(db, chosen, marks)}
    return Fingerprint(
        {
            name: replace(state, checksum=sums.get(name), stamp=_mark(later if name in left else marks, name))
            for name, state in states.items()
        },
        moment,
        tuple(chosen),
    )


def _states(db: Database, tables: Iterable[str] | None, marks: Mapping[str, stamps.Stamp]) -> dict[str, TableState]:
    return {
        name: TableState(table.signature, _triggers(table), None, table.is_view, _mark(marks, name))
        for name, table in read(db, tables).items()
    }


def _unmoved(since: Fingerprint | None, moment: Moment, marks: Mapping[str, stamps.Stamp]) -> dict[str, TableState]:
    """The tables whose definitions need not be read: CREATE_TIME and triggers are in the stamp.

    None if a table came or went: a renamed parent changes the definition of tables that have no new stamp.
    """
    if since is None or not moment.continues(since.moment):
        return {}
    stored = {name for name, state in since.tables.items() if not state.view}
    if not stored.issubset(marks):
        return {}
    return {n: since.tables[n] for n in stored if since.tables[n].stamp and since.tables[n].stamp == _mark(marks, n)}


def _others(db: Database, kept: Mapping[str, TableState]) -> list[str] | None:
    return [name for name in table_names(db, views=True) if name not in kept] if kept else None


def _mark(marks: Mapping[str, stamps.Stamp], name: str) -> str:
    return marks[name].text if name in marks else ""


def _known(since: Fingerprint | None, moment: Moment, states: Mapping[str, TableState]) -> dict[str, int | None]:
    """What the earlier fingerprint says of the rows of tables that have not been written since."""
    if since is None or not moment.continues(since.moment):
        return {}
    both = {name: (since.tables[name], state) for name, state in states.items() if name in since.tables}
    return {name: then.checksum for name, (then, now) in both.items() if now.stamp and now.stamp == then.stamp}


def _within(
    moved: Sequence[str], marks: Mapping[str, stamps.Stamp], budget: float | None, since: Fingerprint | None
) -> list[str]:
    """Which tables are read: all, or as many as the budget allows, smallest first.

    A table whose earlier checksum is not known cannot be compared by reading it now; that it moved is the finding.
    """
    if budget is None:
        return list(moved)
    chosen, left = [], budget * CHECKSUM_BYTES_A_SECOND
    for name in sorted(moved, key=lambda name: marks[name].size if name in marks else 0):
        left -= marks[name].size if name in marks else 0
        pointless = since is not None and name in since.tables and since.tables[name].checksum is None
        if left >= 0 and not pointless:
            chosen.append(name)
    return chosen


def _settled(
    db: Database, marks: Mapping[str, stamps.Stamp], moment: Moment, wanted: Iterable[str]
) -> tuple[Mapping[str, stamps.Stamp], Moment]:
    """The stamps once the second in which one of ``wanted`` was last written is over: only then does a stamp count."""
    for _ in range(SETTLING):
        if all(name not in marks or marks[name].text or not marks[name].fresh for name in wanted):
            break
        time.sleep(0.5)
        marks, moment = stamps.read(db)
    return marks, moment


def suspected(db: Database, since: Fingerprint) -> Footprint:
    """What may have changed since an earlier fingerprint, by definitions and stamps alone: no row is read.

    It may name too much, never too little (but see :mod:`pipeline.database.stamps` on what a stamp proves).
    """
    marks, moment = stamps.read(db)
    kept = _unmoved(since, moment, marks)
    states = {**kept, **_states(db, _others(db, kept), marks)}
    known = _known(since, moment, states)
    now = {name: replace(state, checksum=known.get(name)) for name, state in states.items()}
    return changed(since, Fingerprint({n: s if n in known else replace(s, stamp="") for n, s in now.items()}, moment))


def _checksums(db: Database, tables: Sequence[str], marks: Mapping[str, stamps.Stamp]) -> dict[str, int | None]:
    """By the server, which names them ``schema.table`` in the order asked; large ones on two connections."""
    size = {name: marks[name].size if name in marks else 0 for name in tables}
    if sum(size.values()) < WORTH_TWO:
        return _checksums_of(db, tables)
    parts: tuple[list[str], list[str]] = ([], [])
    for name in sorted(tables, key=lambda name: -size[name]):
        min(parts, key=lambda part: sum(size[each] for each in part)).append(name)

    def elsewhere() -> dict[str, int | None]:
        with db.connected() as other:
            return _checksums_of(other, parts[1])

    with ThreadPoolExecutor(1, "palier-checksum") as worker:
        second = worker.submit(elsewhere)
        first = _checksums_of(db, parts[0])
        return {**first, **second.result()}


def _checksums_of(db: Database, tables: Sequence[str]) -> dict[str, int | None]:
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
    continued = before is after or after.moment.continues(before.moment)
    altered = {name for name in both if _shape(before.tables[name]) != _shape(after.tables[name])}
    rewritten = {n for n in both - altered if before.tables[n].moved(after.tables[n], continued=continued)}
    added, removed = after.tables.keys() - both, before.tables.keys() - both
    states = {**before.tables, **after.tables}
    views = {name for name in added | removed | altered if states[name].view}
    return Footprint(*(tuple(sorted(part)) for part in (added, removed, altered, rewritten, views)))


def _shape(state: TableState) -> tuple[str, str, bool]:
    return state.signature, state.triggers, state.view
