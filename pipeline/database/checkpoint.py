"""Checkpoints: copies of tables, inside the shop's own schema, that the tables can be put back from.

Copies are tables called ``_palier_<kind>_<n>``; ``_palier_<kind>_map`` says on the server itself what each is a copy
of, so that nothing is unexplained after a crash. A copy is exact only while nobody writes its table: checkpoints
of production are taken behind the maintenance page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from pipeline.database.compare import copy_rows, equalize
from pipeline.database.connection import Database, QueryFailed
from pipeline.database.schema import Index, Table, read, table_names
from pipeline.database.sql import OWN, SCRIPT, identifier, text
from pipeline.errors import PalierError

_KIND = re.compile(r"[a-z]{1,12}(_[0-9a-z]{1,32})?")
_EMPTY_QUERY = 1065


class CheckpointFailed(PalierError):
    """A checkpoint could not be taken, or does not hold what it should."""


@dataclass(frozen=True)
class Copy:
    """One table as it was, and the name of the table that holds its rows."""

    number: int
    table: Table
    name: str
    rows: int


@dataclass(frozen=True)
class Checkpoint:
    """The state of tables at one moment. ``present`` names every table and view that the schema then had."""

    kind: str
    copies: dict[str, Copy]
    views: dict[str, Table]
    present: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(sorted(self.copies))

    @property
    def map(self) -> str:
        """The table on the server that explains the copies."""
        return f"{OWN}{self.kind}_map"

    @property
    def of(self) -> str:
        """The label of the run that the copies belong to; empty where there is only one set of them."""
        return self.kind.partition("_")[2]

    def over(self, base: Checkpoint) -> Checkpoint:
        """This checkpoint where it knows a table, ``base`` for the others: to restore from, not to be dropped."""
        copies = {**base.copies, **self.copies}
        return replace(self, copies={name: copy for name, copy in copies.items() if name in self.present})

    def json(self) -> str:
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(content: str | bytes) -> Checkpoint:
        return _ADAPTER.validate_json(content)


_ADAPTER = TypeAdapter(Checkpoint)


@contextmanager
def bulk(db: Database) -> Iterator[None]:
    """Copy and put back rows without the checks that were made when they were written."""
    for statement in SCRIPT:
        try:
            db.execute(statement)
        except QueryFailed as refused:
            if refused.code != _EMPTY_QUERY:  # a line for the other family of servers
                raise
    try:
        yield
    finally:
        db.execute("SET SESSION foreign_key_checks=1")


def take(db: Database, tables: Iterable[str] | None, kind: str, *, still: bool = True) -> Checkpoint:
    """Copy ``tables`` (``None``: all of them) inside the server. An older checkpoint of the same kind is replaced.

    :param kind: letters, and the label of a run behind ``_`` if there are several.
    :param still: nobody writes. Otherwise copies may be out of date when this returns.
    :raises CheckpointFailed: if a table does not exist, or its copy has not as many rows as it has.
    """
    if not _KIND.fullmatch(kind):
        raise ValueError(f"not a kind of checkpoint: {kind!r}")
    found = read(db) if tables is None else some(db, set(tables))
    wanted = sorted(found if tables is None else set(tables))
    if missing := [name for name in wanted if name not in found]:
        raise CheckpointFailed(f"These tables are to be copied and do not exist: {', '.join(missing)}.")
    clear(db, kind)
    empty = Checkpoint(kind, {}, _views(found), table_names(db, views=True))
    db.execute(
        f"CREATE TABLE {identifier(empty.map)} (number INT PRIMARY KEY, name VARCHAR(64) NOT NULL,"
        " copy VARCHAR(64) NOT NULL, counter BIGINT UNSIGNED NOT NULL DEFAULT 0, whole TINYINT NOT NULL DEFAULT 0,"
        " definition LONGTEXT NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
    )
    stored = [found[name] for name in wanted if not found[name].is_view]
    sizes = dict(db.rows(_SIZES))
    numbered = dict(enumerate(stored, 1))
    with bulk(db):
        _explain(db, empty, numbered)
        copies = {
            table.name: _copy(db, empty, number, table, sizes.get(table.name, 0), still=still)
            for number, table in numbered.items()
        }
        db.execute(f"UPDATE {identifier(empty.map)} SET whole=1")
    return replace(empty, copies=copies)


def _explain(db: Database, checkpoint: Checkpoint, tables: Mapping[int, Table]) -> None:
    """Write into the map what each copy is going to be, before it is there."""
    rows = [
        f"({number}, {text(table.name)}, {text(_name(checkpoint, number))}, {table.auto_increment or 0},"
        f" {text(table.create)})"
        for number, table in tables.items()
    ]
    for some_rows in (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)):
        db.execute(
            f"REPLACE INTO {identifier(checkpoint.map)} (number, name, copy, counter, definition)"
            f" VALUES {', '.join(some_rows)}"
        )


AT_ONCE = 50
"""Definitions in one statement: far below what any server takes."""


def _name(checkpoint: Checkpoint, number: int) -> str:
    return f"{OWN}{checkpoint.kind}_{number}"


def some(db: Database, wanted: Iterable[str]) -> dict[str, Table]:
    """These tables, and every view."""
    views = set(table_names(db, views=True)) - set(table_names(db))
    return read(db, views.union(wanted))


def _views(found: Mapping[str, Table]) -> dict[str, Table]:
    return {name: table for name, table in found.items() if table.is_view}


_SIZES = "SELECT TABLE_NAME, COALESCE(DATA_LENGTH, 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
WORTH_AN_ALTER = 4_000_000
"""Bytes of rows from which on a copy is quicker without the indexes, whose removal costs one ALTER."""


def _copy(
    db: Database, checkpoint: Checkpoint, number: int, table: Table, size: int = WORTH_AN_ALTER, *, still: bool = True
) -> Copy:
    name = _name(checkpoint, number)
    for statement in build_like(name, table) if int(size) >= WORTH_AN_ALTER else build_like(name, table)[:1]:
        db.execute(statement)
    written = db.execute(copy_rows(name, table.name, table.stored_names))
    if still:
        _require_as_many(db, table.name, written)
    return Copy(number, table, name, written)


def _require_as_many(db: Database, table: str, copied: int) -> None:
    rows = int(db.value(f"SELECT COUNT(*) FROM {identifier(table)}"))
    if copied != rows:
        raise CheckpointFailed(
            f"The copy of {table} has {copied} rows, and the table itself has {rows}.",
            why="Somebody wrote to it while it was copied.",
            next_step="Repeat when nobody writes.",
        )


def build_like(name: str, table: Table, *extra: str) -> list[str]:
    """Statements that make an empty table for rows of ``table``, with its key and no other index: quick to fill.

    :param extra: further clauses of the ALTER TABLE, such as ``ADD COLUMN ...``.
    """
    unneeded = [index for index in table.indexes if not _needed(index, table)]
    clauses = [*(f"DROP INDEX {identifier(index.name)}" for index in unneeded), *extra]
    create = f"CREATE TABLE {identifier(name)} LIKE {identifier(table.name)}"
    return [create, *([f"ALTER TABLE {identifier(name)} {', '.join(clauses)}"] if clauses else [])]


def _needed(index: Index, table: Table) -> bool:
    """The primary key is kept, the key that rows are joined by, and what numbering or partitions may stand on."""
    counted = {column.name for column in table.columns if column.counts}
    return (
        index.name == "PRIMARY"
        or (index.unique and (index.columns == table.key or table.partitioned))
        or not counted.isdisjoint(index.columns)
    )


def clear(db: Database, kind: str) -> None:
    """Drop whatever is left of a checkpoint of this kind, known or not."""
    pattern = f"^{OWN}{kind}_([0-9]+|map)$"
    sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME REGEXP %s"
    # The map goes last: while a copy is there, something says what it is a copy of.
    for name in sorted((row[0] for row in db.rows(sql, (pattern,))), key=lambda name: name.endswith("_map")):
        db.execute(f"DROP TABLE IF EXISTS {identifier(name)}")


def drop(db: Database, checkpoint: Checkpoint) -> None:
    """Drop the copies and their map."""
    clear(db, checkpoint.kind)


def advance(db: Database, checkpoint: Checkpoint, tables: Iterable[str]) -> Checkpoint:
    """The checkpoint with the present content of ``tables``: changed ones copied anew, removed ones forgotten."""
    tables = set(tables)
    found = some(db, tables)
    copies = dict(checkpoint.copies)
    with bulk(db):
        for name in sorted(tables):
            old, table = copies.pop(name, None), found.get(name)
            if old and (table is None or table.is_view):
                db.execute(f"DROP TABLE IF EXISTS {identifier(old.name)}")
                db.execute(f"DELETE FROM {identifier(checkpoint.map)} WHERE number={old.number}")
            elif table is not None and not table.is_view:
                copies[name] = _renew(db, checkpoint, old, table, copies)
    return replace(checkpoint, copies=copies, views=_views(found), present=table_names(db, views=True))


def adopt(db: Database, checkpoint: Checkpoint, newer: Checkpoint) -> Checkpoint:
    """The checkpoint with the copies of ``newer`` in the place of its own: renamed, not copied.

    ``newer`` is of another kind, and is gone afterwards. What it no longer knows as present is forgotten.
    """
    copies = dict(checkpoint.copies)
    kept, taken = identifier(checkpoint.map), identifier(newer.map)
    for name, copy in sorted(newer.copies.items()):
        old = copies.get(name)
        number = old.number if old else 1 + max((each.number for each in copies.values()), default=0)
        becomes = _name(checkpoint, number)
        db.execute(f"DROP TABLE IF EXISTS {identifier(becomes)}")
        db.execute(f"RENAME TABLE {identifier(copy.name)} TO {identifier(becomes)}")
        db.execute(
            f"REPLACE INTO {kept} (number, name, copy, counter, whole, definition) SELECT {number}, name,"
            f" {text(becomes)}, counter, whole, definition FROM {taken} WHERE number={copy.number}"
        )
        copies[name] = replace(copy, number=number, name=becomes)
    for name in sorted(copies.keys() - set(newer.present)):
        gone = copies.pop(name)
        db.execute(f"DROP TABLE IF EXISTS {identifier(gone.name)}")
        db.execute(f"DELETE FROM {kept} WHERE number={gone.number}")
    clear(db, newer.kind)
    return replace(checkpoint, copies=copies, views=newer.views, present=newer.present)


def _renew(db: Database, checkpoint: Checkpoint, old: Copy | None, table: Table, others: Mapping[str, Copy]) -> Copy:
    if old is None or old.table.create != table.create:
        number = old.number if old else 1 + max((copy.number for copy in others.values()), default=0)
        db.execute(f"DROP TABLE IF EXISTS {identifier(_name(checkpoint, number))}")
        _explain(db, checkpoint, {number: table})
        copy = _copy(db, checkpoint, number, table)
        db.execute(f"UPDATE {identifier(checkpoint.map)} SET whole=1 WHERE number={number}")
        return copy
    with db.transaction() if table.transactional else nullcontext():
        for statement in equalize(old.name, table.name, table):
            db.execute(statement)
    rows = int(db.value(f"SELECT COUNT(*) FROM {identifier(old.name)}"))
    _require_as_many(db, table.name, rows)
    counter = table.auto_increment or 0
    db.execute(f"UPDATE {identifier(checkpoint.map)} SET counter={counter} WHERE number={old.number}")
    return replace(old, table=table, rows=rows)
