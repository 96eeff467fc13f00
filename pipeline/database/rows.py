"""The manifest of rows: what an update did to the rows of a table, counted inside the server and told to people.

Values are shown only where they are short and the caller has declared their columns to be free of personal data.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import TypeAdapter

from pipeline.database.checkpoint import Copy
from pipeline.database.compare import all_same, common, digest, key_text, matched, same
from pipeline.database.connection import Database
from pipeline.database.schema import Column, Table
from pipeline.database.sql import identifier

SHORT = 60
"""Characters up to which a value is shown."""


@dataclass(frozen=True)
class Sample:
    """One cell that changed: ``key`` as people read it, the column, the old and the new value."""

    key: str
    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class RowChanges:
    """What happened to the rows of one table. Without a key a changed row is one removed and one added."""

    table: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    columns: tuple[str, ...] = ()
    """The columns whose values changed in at least one row."""
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()

    def __bool__(self) -> bool:
        counted = self.added + self.changed + self.removed
        return bool(counted or self.columns_added or self.columns_removed)

    def __str__(self) -> str:
        """As people read it: ``ps_configuration: 3 rows added``."""
        rows = {"added": self.added, "changed": self.changed, "removed": self.removed}
        parts = [f"{count} row{'' if count == 1 else 's'} {word}" for word, count in rows.items() if count]
        parts += [f"column {name} added" for name in self.columns_added]
        parts += [f"column {name} removed" for name in self.columns_removed]
        return f"{self.table}: {', '.join(parts) or 'nothing changed'}"

    def json(self) -> str:
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(content: str | bytes) -> RowChanges:
        return _ADAPTER.validate_json(content)


_ADAPTER = TypeAdapter(RowChanges)


def measure(
    db: Database, before: Copy, now: Table | None, *, samples: int = 5, shown: Collection[str] = ()
) -> RowChanges:
    """Compare a table with its copy.

    :param before: the table as it was, and its copy.
    :param now: the table as it is; ``None``: the update removed it.
    :param shown: columns without personal data, whose short values may be shown in the samples.
    """
    name = before.table.name
    if now is None:
        return RowChanges(name, removed=before.rows)
    pairs = common(now, before.table)
    shape = RowChanges(
        name,
        columns_added=tuple(column.name for column in now.columns if not before.table.has(column.name)),
        columns_removed=tuple(column.name for column in before.table.columns if not now.has(column.name)),
    )
    if not before.table.key or not now.has(*before.table.key):
        return _without_key(db, before, now, [column for column, _ in pairs], shape)
    return _by_key(db, before, now, pairs, shape, samples=samples, shown=shown)


def measure_added(db: Database, table: Table) -> RowChanges:
    """What a table that was not there before holds."""
    return RowChanges(table.name, added=int(db.value(f"SELECT COUNT(*) FROM {identifier(table.name)}")))


def _by_key(
    db: Database,
    before: Copy,
    now: Table,
    pairs: tuple[tuple[Column, Column], ...],
    shape: RowChanges,
    *,
    samples: int,
    shown: Collection[str],
) -> RowChanges:
    live, copy = identifier(now.name), identifier(before.name)
    key = matched("l", "p", before.table.key, now, before.table)
    joined = f"FROM {live} l JOIN {copy} p ON {key}"
    apart = f"NOT ({all_same('l', 'p', pairs)})"
    both, changed = (int(n) for n in db.rows(f"SELECT COUNT(*), COALESCE(SUM({apart}), 0) {joined}")[0])
    total = int(db.value(f"SELECT COUNT(*) FROM {live}"))
    counts: tuple[object, ...] = (0,) * len(pairs)
    if changed:
        moved = ", ".join(f"COALESCE(SUM(NOT ({same('l', 'p', one, two)})), 0)" for one, two in pairs)
        counts = db.rows(f"SELECT {moved} {joined} WHERE {apart}")[0]
    columns = [pair for pair, count in zip(pairs, counts, strict=True) if int(str(count))]
    told = [pair for pair in columns if pair[0].name in shown][:samples]
    return RowChanges(
        shape.table,
        total - both,
        changed,
        before.rows - both,
        tuple(one.name for one, _ in columns),
        shape.columns_added,
        shape.columns_removed,
        tuple(sample for pair in told for sample in _samples(db, before, now, pair, samples))[:samples],
    )


def _samples(db: Database, before: Copy, now: Table, pair: tuple[Column, Column], limit: int) -> list[Sample]:
    one, two = pair
    key = matched("l", "p", before.table.key, now, before.table)
    old, new = f"p.{identifier(two.name)}", f"l.{identifier(one.name)}"
    sql = (
        f"SELECT {key_text('l', before.table.key, now)}, {_shown(old)}, {_shown(new)}"
        f" FROM {identifier(now.name)} l JOIN {identifier(before.name)} p ON {key}"
        f" WHERE NOT ({same('l', 'p', one, two)}) AND COALESCE(CHAR_LENGTH({old}), 0) <= {SHORT}"
        f" AND COALESCE(CHAR_LENGTH({new}), 0) <= {SHORT} LIMIT {limit}"
    )
    return [Sample(row[0], one.name, row[1], row[2]) for row in db.rows(sql)]


def _shown(value: str) -> str:
    return f"CONVERT(CAST({value} AS CHAR) USING utf8mb4)"


def _without_key(db: Database, before: Copy, now: Table, columns: list[Column], shape: RowChanges) -> RowChanges:
    """Rows as a multiset: how many of each there are more, and how many fewer."""
    there = digest("l", columns)
    then = digest("p", [before.table.column(column.name) for column in columns])
    sql = (
        "SELECT COALESCE(SUM(GREATEST(n, 0)), 0), COALESCE(SUM(GREATEST(-n, 0)), 0)"
        " FROM (SELECT SUM(n) AS n FROM ("
        f"SELECT {there} AS d, 1 AS n FROM {identifier(now.name)} l"
        f" UNION ALL SELECT {then}, -1 FROM {identifier(before.name)} p) AS r GROUP BY d) AS t"
    )
    added, removed = db.rows(sql)[0]
    return RowChanges(
        shape.table,
        int(float(added)),
        0,
        int(float(removed)),
        columns_added=shape.columns_added,
        columns_removed=shape.columns_removed,
    )


def apart(db: Database, before: Copy, now: Table, *, ignore: str = "") -> int:
    """How many rows of a table with a key are not what its copy holds: other ones, new ones and missing ones.

    :param ignore: SQL condition on its columns: rows that are noise.
    """
    live, copy = identifier(now.name), identifier(before.name)
    key = matched("l", "p", before.table.key, now, before.table)
    equal = all_same("l", "p", common(now, before.table))
    where = f" AND NOT COALESCE(({ignore}), FALSE)" if ignore else ""
    return sum(
        int(db.value(sql))
        for sql in (
            f"SELECT COUNT(*) FROM {live} l WHERE NOT EXISTS (SELECT 1 FROM {copy} p WHERE {key} AND {equal}){where}",
            f"SELECT COUNT(*) FROM {copy} p WHERE NOT EXISTS (SELECT 1 FROM {live} l WHERE {key}){where}",
        )
    )
