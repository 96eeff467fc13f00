"""Columns that the update added: what others write into them is kept when the columns go.

What the update itself wrote is kept first (:func:`keep_cells`, before reopening). On the way back every other value is
put aside with the key of its row, counted, and reported. A column that the update only *renamed* is told by its
values, its type and its place; what others wrote goes back under the old name.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.database.compare import all_same, matched, same
from pipeline.database.connection import Database
from pipeline.database.merge_plan import MergeTable
from pipeline.database.schema import Column, Table
from pipeline.database.sql import identifier, names, text

STAGE = "aside"
KEPT_ASIDE = "the update added this column and others wrote into it since: the values are kept in"


def keep_cells(table: MergeTable) -> str:
    """A statement: what the update wrote into the columns that it added, where that is not their default."""
    listed = names([*table.key, *(column.name for column in table.gained)])
    return (
        f"CREATE TABLE {identifier(table.cells)} (PRIMARY KEY ({names(table.key)})) AS"
        f" SELECT {listed} FROM {identifier(table.name)} l WHERE NOT ({_plain(table.gained)})"
    )


def put_aside(table: MergeTable) -> list[str]:
    """Statements for just before the reverse ALTER; may be repeated as long as the columns are there."""
    aside, live = identifier(table.aside), identifier(table.name)
    return [
        f"DROP TABLE IF EXISTS {aside}",
        _copied_by_key(table)
        if table.key
        else f"CREATE TABLE {aside} AS SELECT * FROM {live} l WHERE NOT ({_plain(table.gained)})",
        f"DELETE FROM {table.conflicts} WHERE tab = {text(table.name)} AND stage = {text(STAGE)}",
        *_reports(table),
    ]


def _copied_by_key(table: MergeTable) -> str:
    """Rows whose value is neither what the update wrote nor the default that nobody wrote."""
    after = table.now
    listed = names([*table.key, *(column.name for column in table.gained)], "l")
    cells = f"FROM {identifier(table.cells)} q WHERE {matched('l', 'q', table.key, after, after)}"
    unchanged = all_same("l", "q", [(column, column) for column in table.gained])
    return (
        f"CREATE TABLE {identifier(table.aside)} (PRIMARY KEY ({names(table.key)})) AS"
        f" SELECT {listed} FROM {identifier(table.name)} l"
        f" WHERE NOT EXISTS (SELECT 1 {cells} AND {unchanged})"
        f" AND (NOT ({_plain(table.gained)}) OR EXISTS (SELECT 1 {cells}))"
    )


def _reports(table: MergeTable) -> Iterator[str]:
    carried = {new for _, new in table.renamed}
    what = f"{KEPT_ASIDE} {table.aside}"
    for column in table.gained:
        if column.name not in carried:
            yield (
                f"INSERT INTO {table.conflicts} (tab, row_key, col, what, stage) SELECT {text(table.name)},"
                f" CONCAT(COUNT(*), ' rows'), {text(column.name)}, {text(what)}, {text(STAGE)}"
                f" FROM {identifier(table.aside)} HAVING COUNT(*) > 0"
            )


def carry_over(table: MergeTable) -> list[str]:
    """Statements for after the reverse ALTER: what others wrote under a column's new name goes under its old one."""
    key = matched("l", "a", table.key, table.then, table.now)
    joined = f"{identifier(table.name)} l JOIN {identifier(table.aside)} a ON {key}"
    olds = [old for old, _ in table.renamed]
    still = [c.name for c in table.then.columns if c.stamped and c.name not in olds]
    stamps = "".join(f", l.{identifier(name)} = l.{identifier(name)}" for name in still)
    return [
        f"UPDATE IGNORE {joined} SET l.{identifier(old)} = a.{identifier(new)}{stamps}" for old, new in table.renamed
    ]


def _plain(columns: tuple[Column, ...]) -> str:
    """A condition: none of these cells holds anything but its column's default."""
    return " AND ".join(_default(column) for column in columns)


def _default(column: Column) -> str:
    name = f"l.{identifier(column.name)}"
    if column.default is None or column.default == "NULL":
        return f"{name} IS NULL" if column.nullable else "FALSE"
    if "(" in column.default or "current_timestamp" in column.default.lower():
        return "FALSE"  # an expression: what it gave for a row cannot be asked again
    exact = [f"CAST({cell} AS BINARY)" if column.charset else cell for cell in (name, f"DEFAULT({name})")]
    return f"{exact[0]} <=> {exact[1]}"


def renamed(db: Database, table: MergeTable) -> Iterator[tuple[str, str]]:
    """Pairs of a column that is gone and one that is new, which hold the same and stand at the same place."""
    lost = [column for column in table.then.stored if not table.now.has(column.name)]
    for new in table.gained:
        old = next((column for column in lost if _alike(table.then, column, table.now, new)), None)
        if old is not None and _equal(db, table, old, new):
            yield old.name, new.name


def _alike(before: Table, old: Column, after: Table, new: Column) -> bool:
    kinds = [(column.type, column.charset, column.collation, column.nullable) for column in (old, new)]
    return before.columns.index(old) == after.columns.index(new) and kinds[0] == kinds[1]


def _equal(db: Database, table: MergeTable, old: Column, new: Column) -> bool:
    """Every row holds in the new column what it held in the old one, and at least one holds something."""
    key = matched("l", "p", table.key, table.now, table.then)
    joined = f"FROM {identifier(table.name)} l JOIN {identifier(table.copy.name)} p ON {key}"
    apart = f"NOT ({same('l', 'p', new, old)})"
    told = f"NOT ({_default(new)}) AND l.{identifier(new.name)} IS NOT NULL"
    differ, say = db.rows(f"SELECT COALESCE(SUM({apart}), 0), COALESCE(SUM({told}), 0) {joined}")[0]
    return int(differ) == 0 and int(say) > 0
