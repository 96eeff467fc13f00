"""The reverse ALTER: from a table as an update left it to the table as it was, in place.

An added column or index goes quickly (InnoDB drops columns without copying the table); a column that the update
removed comes back empty and is filled from the checkpoint by the caller. Unique keys, foreign keys and checks come
back one by one *after* that, because they speak about the values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.database.compare import common, retyped
from pipeline.database.schema import Column, Table
from pipeline.database.sql import identifier, text


@dataclass(frozen=True)
class Late:
    """One unique key, foreign key or check that comes back last. ``exists`` is a query that counts it."""

    name: str
    exists: str
    add: str


@dataclass(frozen=True)
class Reversal:
    """How one table goes back. ``alter`` is empty where nothing but late parts changed."""

    alter: str
    late: tuple[Late, ...]
    retyped: tuple[str, ...]
    """Columns whose values may change on the way back."""
    refill: tuple[str, ...]
    """Columns that come back empty, to be filled from the checkpoint."""


def obstacles(before: Table, after: Table) -> list[str]:
    """Why a table cannot be taken from ``after`` back to ``before`` in place; empty: it can."""
    return list(_obstacles(before, after))


def _obstacles(before: Table, after: Table) -> Iterator[str]:
    if before.versioned or after.versioned:
        yield "it is system-versioned, and its history cannot be put back"
    if before.create == after.create:
        return
    if _partitions(before) != _partitions(after):
        yield "its partitions were changed"
    lost = {column.name for column in before.stored} - {column.name for column in after.stored}
    changed = {column.name for column, now in common(before, after) if retyped(column, now)}
    primary = next((index.columns for index in before.indexes if index.name == "PRIMARY"), ())
    if lost.intersection(primary):
        yield "a column of its primary key was removed"
    if before.key and not any(i.unique and i.whole and set(i.columns) == set(before.key) for i in after.indexes):
        yield "the key that its rows are known by was changed"
    if not before.key and (lost or changed):
        yield "it has no key, and columns were removed or given another type"
    for column in before.columns:
        now = next((item for item in after.columns if item.name == column.name), None)
        if now is not None and now.generated != column.generated:
            yield f"its column {column.name} is generated on one side only"


def reverse(before: Table, after: Table) -> Reversal:
    """The way from ``after`` back to ``before``; ask :func:`obstacles` first."""
    clauses = [*_drops(before, after), *_columns(before, after), *_indexes(before, after), *_options(before, after)]
    lost = [column.name for column in before.stored if not after.has(column.name)]
    return Reversal(
        f"ALTER TABLE {identifier(before.name)} {', '.join(clauses)}" if clauses else "",
        tuple(_late(before, after)),
        tuple(column.name for column, now in common(before, after) if retyped(column, now)),
        tuple(lost),
    )


def _drops(before: Table, after: Table) -> Iterator[str]:
    old_keys = {item.name: item.definition for item in before.foreign_keys}
    for key in after.foreign_keys:
        if old_keys.get(key.name) != key.definition:
            yield f"DROP FOREIGN KEY {identifier(key.name)}"
    for name, definition in after.checks:
        if dict(before.checks).get(name) != definition:
            yield f"DROP CONSTRAINT {identifier(name)}"
    old_indexes = {item.name: item.definition for item in before.indexes}
    for index in after.indexes:
        if old_indexes.get(index.name) != index.definition:
            yield "DROP PRIMARY KEY" if index.name == "PRIMARY" else f"DROP INDEX {identifier(index.name)}"
    for column in after.columns:
        if not before.has(column.name):
            yield f"DROP COLUMN {identifier(column.name)}"


def _columns(before: Table, after: Table) -> Iterator[str]:
    now = {column.name: column for column in after.columns}
    kept = [column.name for column in before.columns if column.name in now]
    moved = kept != [column.name for column in after.columns if before.has(column.name)]
    previous = ""
    for column in before.columns:
        place = f" AFTER {identifier(previous)}" if previous else " FIRST"
        if column.name not in now:
            yield f"ADD COLUMN {_definition(column)}{place}"
        elif moved or now[column.name].definition != column.definition or _letters(now[column.name], column):
            yield f"MODIFY COLUMN {_definition(column)}{place if moved else ''}"
        previous = column.name


def _letters(one: Column, two: Column) -> bool:
    return (one.charset, one.collation) != (two.charset, two.collation)


def _definition(column: Column) -> str:
    """The column's line with its character set said aloud: the table's default may be changing with it."""
    start = f"{identifier(column.name)} {column.type}"
    rest = column.definition.removeprefix(start)
    if column.collation is None or rest == column.definition or "CHARACTER SET" in rest or rest.startswith(" COLLATE"):
        return column.definition
    return f"{start} CHARACTER SET {column.charset} COLLATE {column.collation}{rest}"


def _indexes(before: Table, after: Table) -> Iterator[str]:
    there = {index.name: index.definition for index in after.indexes}
    for index in before.indexes:
        if there.get(index.name) != index.definition and (not index.unique or index.name == "PRIMARY"):
            yield f"ADD {index.definition}"


def _options(before: Table, after: Table) -> Iterator[str]:
    then, now = (_plain_options(table) for table in (before, after))
    if then == now:
        return
    if "COMMENT=" in now and "COMMENT=" not in then:
        then += " COMMENT=''"
    if "ROW_FORMAT=" in now and "ROW_FORMAT=" not in then:
        then += " ROW_FORMAT=DEFAULT"
    yield then


def _plain_options(table: Table) -> str:
    return table.options.partition("\n")[0].partition(" PARTITION BY")[0]


def _partitions(table: Table) -> str:
    return table.options.removeprefix(_plain_options(table))


def _late(before: Table, after: Table) -> Iterator[Late]:
    table = identifier(before.name)
    indexes = {index.name: index.definition for index in after.indexes}
    for index in before.indexes:
        if index.unique and index.name != "PRIMARY" and indexes.get(index.name) != index.definition:
            count = _count("STATISTICS", "INDEX_NAME", before.name, index.name)
            yield Late(index.name, count, f"ALTER TABLE {table} ADD {index.definition}")
    there = {**{key.name: key.definition for key in after.foreign_keys}, **dict(after.checks)}
    for name, definition in [*((key.name, key.definition) for key in before.foreign_keys), *before.checks]:
        if there.get(name) != definition:
            count = _count("TABLE_CONSTRAINTS", "CONSTRAINT_NAME", before.name, name)
            yield Late(name, count, f"ALTER TABLE {table} ADD {definition}")


def _count(view: str, column: str, table: str, name: str) -> str:
    return (
        f"SELECT COUNT(*) FROM information_schema.{view} WHERE TABLE_SCHEMA = DATABASE()"
        f" AND BINARY TABLE_NAME = {text(table)} AND {column} = {text(name)}"
    )
