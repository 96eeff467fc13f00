"""What the tables of a schema are: columns, keys, foreign keys, triggers, and the statement that makes each again.

The statement is the server's own ``SHOW CREATE TABLE``, so whatever the server can express is in it. Only the running
AUTO_INCREMENT value is taken out: it moves with every row.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.database.connection import Database
from pipeline.database.sql import NOT_OWN, identifier, texts

COUNTER = re.compile(r"(\n\) ENGINE=\w+) AUTO_INCREMENT=\d+")
"""Where SHOW CREATE TABLE shows the running value. The undo scripts do the same with ``sed``."""

_KEY_LINE = re.compile(r"^  (?:PRIMARY KEY|(?:(?:UNIQUE|FULLTEXT|SPATIAL) )?KEY|CONSTRAINT)\b")
_NAMED = re.compile(r"^  (?:(?:UNIQUE |FULLTEXT |SPATIAL )?KEY |CONSTRAINT |)`((?:[^`]|``)+)`")
_TRANSACTIONAL = {"INNODB"}


@dataclass(frozen=True)
class Column:
    """One column; ``definition`` is its line of the CREATE TABLE, from its name on."""

    name: str
    type: str
    data_type: str
    nullable: bool
    default: str | None
    extra: str
    generated: bool
    charset: str | None
    collation: str | None
    position: int
    definition: str

    @property
    def counts(self) -> bool:
        """Whether the server numbers it."""
        return "auto_increment" in self.extra.lower()

    @property
    def stamped(self) -> bool:
        """Whether the server writes the time into it at every change of its row: no news in itself."""
        return "on update" in self.extra.lower()


@dataclass(frozen=True)
class Index:
    """One index; ``definition`` is its line of the CREATE TABLE, as ``ALTER TABLE ... ADD`` takes it."""

    name: str
    columns: tuple[str, ...]
    unique: bool
    whole: bool
    """Whether it covers whole columns: no prefix, no expression."""
    definition: str


@dataclass(frozen=True)
class ForeignKey:
    name: str
    parent: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    definition: str


@dataclass(frozen=True)
class Trigger:
    """One trigger, with the session that it must be made in."""

    name: str
    table: str
    sql_mode: str
    create: str
    charset: str
    collation: str


@dataclass(frozen=True)
class Table:
    """One table, or one view (``is_view``: then only ``name`` and ``create`` say something)."""

    name: str
    create: str
    """SHOW CREATE TABLE without the running AUTO_INCREMENT value."""
    columns: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()
    """The primary key, else a unique key of NOT NULL columns; empty: rows have no name."""
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    """Table-level CHECK constraints: name and definition."""
    triggers: tuple[Trigger, ...] = ()
    engine: str = ""
    row_format: str = ""
    collation: str = ""
    auto_increment: int | None = None
    is_view: bool = False
    partitioned: bool = False
    versioned: bool = False

    @property
    def signature(self) -> str:
        """The SHA-256 of the definition. The order of indexes and constraints is left out: it means nothing."""
        body = self.create.split("\n")
        keys = sorted(line.rstrip(",") for line in body if _KEY_LINE.match(line))
        rest = [line.rstrip(",") for line in body if not _KEY_LINE.match(line)]
        return hashlib.sha256("\n".join([*rest, *keys]).encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        return self.engine.upper() in _TRANSACTIONAL

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that hold values of their own, in order: all but the generated ones."""
        return tuple(column for column in self.columns if not column.generated)

    @property
    def stored_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.stored)

    @property
    def options(self) -> str:
        """What follows the closing parenthesis: engine, collation, comment, partitions."""
        return self.create.rpartition("\n) ")[2] if "\n) " in self.create else ""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def has(self, *columns: str) -> bool:
        return {column.name for column in self.columns}.issuperset(columns)


def table_names(db: Database, *, views: bool = False) -> tuple[str, ...]:
    """The schema's own tables, and its views if asked; never Palier's."""
    kinds = "" if views else " AND TABLE_TYPE <> 'VIEW'"
    sql = f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND {NOT_OWN}{kinds}"
    return tuple(sorted(row[0] for row in db.rows(sql)))


def read(db: Database, tables: Iterable[str] | None = None) -> dict[str, Table]:
    """The schema's tables and views by name, in the order of their names.

    :param tables: only these; those that do not exist are left out.
    """
    wanted = None if tables is None else set(tables)
    kinds = {name: row for name, *row in db.rows(_TABLES)}
    chosen = sorted(name for name in kinds if wanted is None or name in wanted)
    facts = _Facts(db, chosen if wanted is not None and len(chosen) <= NARROW else None)
    return {name: _table(db, name, kinds[name], facts) for name in chosen}


_TABLES = f"""SELECT TABLE_NAME, TABLE_TYPE, ENGINE, ROW_FORMAT, TABLE_COLLATION, AUTO_INCREMENT
FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND {NOT_OWN}"""
_COLUMNS = f"""SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA,
GENERATION_EXPRESSION, CHARACTER_SET_NAME, COLLATION_NAME, ORDINAL_POSITION
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND {NOT_OWN}
ORDER BY TABLE_NAME, ORDINAL_POSITION"""
_INDEXES = f"""SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART, INDEX_TYPE
FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=DATABASE() AND {NOT_OWN}
ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"""
_FOREIGN_KEYS = f"""SELECT TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA=DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL AND {NOT_OWN}
ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"""
_TRIGGERS = r"""SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA=DATABASE() AND EVENT_OBJECT_TABLE NOT LIKE '\\_palier\\_%'
ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER"""


NARROW = 60
"""Up to so many tables the server is asked for these alone: it opens each table that it is asked about."""


class _Facts:
    """Everything ``information_schema`` says of the schema, grouped by table: one question for each kind of fact."""

    def __init__(self, db: Database, tables: Sequence[str] | None) -> None:
        self.columns = _by_table(db, _COLUMNS, tables)
        self.indexes = _by_table(db, _INDEXES, tables)
        self.foreign_keys = _by_table(db, _FOREIGN_KEYS, tables)
        self.triggers = _by_table(db, _TRIGGERS, tables)


def _by_table(db: Database, sql: str, tables: Sequence[str] | None) -> dict[str, list[tuple[Any, ...]]]:
    grouped: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    if tables is not None:
        column = "EVENT_OBJECT_TABLE" if sql is _TRIGGERS else "TABLE_NAME"
        sql = sql.replace("\nORDER BY", f" AND {column} IN ({texts(tables)})\nORDER BY", 1)
    for name, *row in db.rows(sql):
        grouped[name].append(tuple(row))
    return grouped


def _table(db: Database, name: str, kind: list[Any], facts: _Facts) -> Table:
    table_type, engine, row_format, collation, counter = kind
    create = COUNTER.sub(r"\1", str(db.rows(f"SHOW CREATE TABLE {identifier(name)}")[0][1]))
    if table_type == "VIEW":
        return Table(name, create, is_view=True)
    lines = _lines(create)
    indexes = _indexes(facts.indexes[name], lines)
    columns = tuple(_column(row, lines) for row in facts.columns[name])
    foreign_keys = _foreign_keys(facts.foreign_keys[name], lines)
    constraints = {item.name for item in foreign_keys}
    return Table(
        name=name,
        create=create,
        columns=columns,
        key=_key(indexes, columns),
        indexes=indexes,
        foreign_keys=foreign_keys,
        checks=_checks(lines, constraints),
        triggers=tuple(_trigger(db, name, trigger) for (trigger,) in facts.triggers[name]),
        engine=engine or "",
        row_format=row_format or "",
        collation=collation or "",
        auto_increment=counter,
        partitioned="\n PARTITION BY " in create or "PARTITION BY " in create.rpartition("\n) ")[2],
        versioned=table_type == "SYSTEM VERSIONED",
    )


def _lines(create: str) -> dict[tuple[str, str], str]:
    """The lines of a CREATE TABLE by kind ("column", "index", "constraint") and name, without their last comma."""
    found = {}
    for line in create.split("\n"):
        text = line.rstrip(",").strip()
        if line.startswith("  PRIMARY KEY"):
            found["index", "PRIMARY"] = text
        elif named := _NAMED.match(line):
            kind = "column" if line.startswith("  `") else "constraint" if "CONSTRAINT `" in line[:14] else "index"
            found.setdefault((kind, named[1].replace("``", "`")), text)
    return found


def _column(row: tuple[Any, ...], lines: Mapping[tuple[str, str], str]) -> Column:
    name, kind, data_type, nullable, default, extra, expression, charset, collation, position = row
    return Column(
        name=name,
        type=kind,
        data_type=data_type.lower(),
        nullable=nullable == "YES",
        default=default,
        extra=extra or "",
        generated=bool(expression),
        charset=charset,
        collation=collation,
        position=position,
        definition=lines["column", name],
    )


def _indexes(rows: list[tuple[Any, ...]], lines: Mapping[tuple[str, str], str]) -> tuple[Index, ...]:
    grouped: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return tuple(
        Index(
            name=name,
            columns=tuple(row[2] or "" for row in parts),
            unique=not parts[0][1],
            whole=all(row[2] and row[3] is None for row in parts) and parts[0][4] in {"BTREE", "HASH", "RTREE"},
            definition=lines["index", name],
        )
        for name, parts in grouped.items()
        if ("index", name) in lines
    )


def _key(indexes: tuple[Index, ...], columns: tuple[Column, ...]) -> tuple[str, ...]:
    required = {column.name for column in columns if not column.nullable and not column.generated}
    usable = [index for index in indexes if index.unique and index.whole and required.issuperset(index.columns)]
    best = sorted(usable, key=lambda index: (index.name != "PRIMARY", len(index.columns), index.name))
    return best[0].columns if best else ()


def _foreign_keys(rows: list[tuple[Any, ...]], lines: Mapping[tuple[str, str], str]) -> tuple[ForeignKey, ...]:
    grouped: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for name, parent, *pair in rows:
        grouped[name, parent].append(tuple(pair))
    return tuple(
        ForeignKey(
            name=name,
            parent=parent,
            columns=tuple(pair[0] for pair in pairs),
            parent_columns=tuple(pair[1] for pair in pairs),
            definition=lines["constraint", name],
        )
        for (name, parent), pairs in grouped.items()
    )


def _checks(lines: Mapping[tuple[str, str], str], foreign_keys: set[str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, line) for (kind, name), line in lines.items() if kind == "constraint" and name not in foreign_keys
    )


def _trigger(db: Database, table: str, name: str) -> Trigger:
    row = db.rows(f"SHOW CREATE TRIGGER {identifier(name)}")[0]
    return Trigger(name, table, sql_mode=row[1], create=row[2], charset=row[3], collation=row[4])
