"""The statements of the way back after reopening, table by table.

Rows go back by way of a *work table* that holds the image each row shall have. It is filled first and applied then, by
removing and adding rows, so that two rows which traded the value of a unique key do not meet half way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from pipeline.database.compare import all_same, common, digest, index_match, key_text, matched, retyped, same
from pipeline.database.conflicts import (
    CAME_BACK,
    COLLIDES,
    KEPT_ADDED,
    KEPT_CELL,
    KEPT_REFERRED,
    OVERDRAWN,
    PARENT_GONE,
    SHORTENED,
    STAYS_DELETED,
    conflict,
)
from pipeline.database.merge_plan import ACTION, MergeTable
from pipeline.database.merge_unkeyed import RETURNS, multiset
from pipeline.database.references import columns_match
from pipeline.database.schema import Column, ForeignKey, Index, Table
from pipeline.database.sql import identifier, names, text

NEEDED = 3
"""The action of a row that the update added and that stays because others refer to it."""
ORPHAN = 4
"""The action of a row that does not go back because what it referred to is gone."""

_STAMPS = {"date", "datetime", "timestamp"}

ROUNDS = 10
"""How long a chain of rows may be, each of which cannot go back because the one before it stays."""


def images(table: MergeTable) -> list[str]:
    """Statements that fill the work table and report the conflicts; the shop's rows are only read. May be repeated."""
    begin = [
        f"DELETE FROM {identifier(table.work)}",
        f"DELETE FROM {table.conflicts} WHERE tab = {text(table.name)} AND stage = 'rows'",
    ]
    return [*begin, *(_Keyed(table).statements() if table.key else multiset(table))]


def settle(tables: Sequence[MergeTable], plan: Sequence[MergeTable]) -> list[str]:
    """Statements for between the images and their use: which rows must stay after all, and that they do.

    A row that stays may need another one to stay, so the questions are asked again and again; rows outside the work
    tables do not move, and are asked once.

    :param tables: those whose images were taken together.
    :param plan: all tables of the way back, those too that the update removed.
    """
    keyed = [_Keyed(table) for table in tables if table.key]
    works = {table.name: table for table in plan if table.touched and table.before and table.after}
    moving = {table.name for table in tables}
    removed = {table.name for table in plan if table.after is None}
    rounds = [
        *(statement for table in keyed for statement in table.collisions()),
        *(statement for table in keyed for statement in table.orphans(works, removed)),
        *(statement for table in keyed for statement in table.needed_by_moving(works, moving)),
    ]
    return [
        *(statement for table in keyed for statement in table.needed_by_settled(works, moving)),
        *rounds * ROUNDS,
        *(statement for table in keyed for statement in table.stays()),
    ]


def apply(table: MergeTable) -> list[str]:
    """Statements that make the shop's rows what the work table says. May be repeated."""
    live, work, after = identifier(table.name), identifier(table.work), table.now
    stored: Sequence[str] = after.stored_names
    # An UPDATE of a work table's row would move its ON UPDATE CURRENT_TIMESTAMP: only rows that stay are marked later.
    comes = "1" if table.key else f"1, {RETURNS}"
    if table.key:
        key = matched("l", "w", table.key, after, after)
        remove = f"DELETE l FROM {live} l JOIN {work} w ON {key} WHERE w.{ACTION} IN (1, 2)"
    else:
        shared = [one for one, _ in common(after, table.then)]
        stored, found = [column.name for column in shared], digest("l", shared)
        remove = f"DELETE l FROM {live} l JOIN {identifier(table.post)} q ON q.digest = {found}"
    return [
        remove,
        f"INSERT INTO {live} ({names(stored)}) SELECT {names(stored)} FROM {work} WHERE {ACTION} IN ({comes})",
    ]


class _Keyed:
    """The work of one table whose rows have a key. l: live, q: post, p: pre, g: removed rows, w: work."""

    def __init__(self, table: MergeTable) -> None:
        self.table = table
        self.before, self.after = table.then, table.now
        self.pairs = common(self.after, self.before)
        self.steady = [(one, two) for one, two in self.pairs if not retyped(one, two)]
        self.live, self.copy = identifier(table.name), identifier(table.copy.name)
        self.post, self.gone, self.work = (identifier(name) for name in (table.post, table.gone, table.work))

    def now(self, left: str, right: str) -> str:
        """The same key, both rows built as after the update."""
        return matched(left, right, self.table.key, self.after, self.after)

    def then(self, left: str, right: str) -> str:
        """The same key, the right row built as before the update."""
        return matched(left, right, self.table.key, self.after, self.before)

    def conflict(self, alias: str, what: str, column: str = "", table: Table | None = None) -> str:
        key = key_text(alias, self.table.key, table or self.after)
        return conflict(self.table, key, column, what, "rows")

    def statements(self) -> Iterator[str]:
        if self.table.added:
            yield from self._added()
        if self.table.changed:
            yield from self._changed()
        if self.table.removed:
            yield from self._removed()

    @property
    def unique(self) -> list[Index]:
        """The unique keys on which a row that goes back may meet another one."""
        return [index for index in self.after.indexes if index.unique and self._threatened(index)]

    def collisions(self) -> Iterator[str]:
        """Rows whose old value of a unique key is now another row's stay, and so does whoever depends on them."""
        for index in self.unique:
            yield from self._collision(index)

    def orphans(self, works: Mapping[str, MergeTable], removed: Collection[str]) -> Iterator[str]:
        """Rows do not go back to referring to what somebody has deleted since."""
        for key in self._foreign_keys(removed):
            to = columns_match("w", "o", key.columns, key.parent_columns)
            named = " AND ".join(f"w.{identifier(name)} IS NOT NULL" for name in key.columns)
            coming = f" AND NOT EXISTS (SELECT 1 FROM {{}} o WHERE o.{ACTION} = 1 AND {to})"
            other = works.get(key.parent)
            yield (
                f"UPDATE {self.work} w SET w.{ACTION} = {ORPHAN} WHERE w.{ACTION} = 1 AND {named}"
                f" AND NOT EXISTS (SELECT 1 FROM {identifier(key.parent)} o WHERE {to})"
                + (coming.format(identifier(other.work)) if other and other.key else "")
            )

    def _foreign_keys(self, removed: Collection[str]) -> list[ForeignKey]:
        if not (self.table.changed or self.table.removed):
            return []
        return [
            key
            for key in self.before.foreign_keys
            if key.parent not in removed and key.parent != self.table.name and self.after.has(*key.columns)
        ]

    def stays(self) -> Iterator[str]:
        """Reports of the rows that stay after all."""
        if self._foreign_keys(()):
            yield f"{self.conflict('w', PARENT_GONE)} FROM {self.work} w WHERE w.{ACTION} = {ORPHAN}"
        if self.unique:
            yield f"{self.conflict('w', COLLIDES)} FROM {self.work} w WHERE w.{ACTION} = 0"
        if self.table.added and self.table.references:
            yield f"{self.conflict('w', KEPT_REFERRED)} FROM {self.work} w WHERE w.{ACTION} = {NEEDED}"

    def needed_by_settled(self, works: Mapping[str, MergeTable], moving: Collection[str]) -> Iterator[str]:
        """Added rows that a row refers to which itself does not move."""
        for reference in self.table.references if self.table.added else ():
            child = identifier(reference.child)
            to = columns_match("c", "w", reference.columns, reference.parent_columns)
            other = works.get(reference.child)
            if other is None or not other.key:
                yield f"UPDATE {self.work} w JOIN {child} c ON {to} SET w.{ACTION} = {NEEDED} WHERE w.{ACTION} = 2"
                continue
            key = matched("x", "c", other.key, other.now, other.now)
            settled = f"x.{ACTION} IS NULL" if reference.child in moving else f"COALESCE(x.{ACTION}, 0) <> 2"
            yield (
                f"UPDATE {self.work} w JOIN {child} c ON {to} LEFT JOIN {identifier(other.work)} x ON {key}"
                f" SET w.{ACTION} = {NEEDED} WHERE w.{ACTION} = 2 AND {settled}"
            )

    def needed_by_moving(self, works: Mapping[str, MergeTable], moving: Collection[str]) -> Iterator[str]:
        """Added rows that a row will refer to once it has gone back, or because it stays."""
        for reference in self.table.references if self.table.added else ():
            other = works.get(reference.child) if reference.child in moving else None
            if other is None or not other.key:
                continue
            goes = columns_match("x", "w", reference.columns, reference.parent_columns)
            stays = columns_match("c", "w", reference.columns, reference.parent_columns)
            key = matched("x", "c", other.key, other.now, other.now)
            child, work = identifier(reference.child), identifier(other.work)
            yield (
                f"UPDATE {self.work} w JOIN {work} x ON {goes} SET w.{ACTION} = {NEEDED}"
                f" WHERE w.{ACTION} = 2 AND x.{ACTION} IN (1, {NEEDED})"
            )
            yield (
                f"UPDATE {self.work} w JOIN {child} c ON {stays} JOIN {work} x ON {key} SET w.{ACTION} = {NEEDED}"
                f" WHERE w.{ACTION} = 2 AND x.{ACTION} IN (0, {ORPHAN})"
            )

    def _added(self) -> Iterator[str]:
        own = f"NOT EXISTS (SELECT 1 FROM {self.copy} p WHERE {self.then('q', 'p')})"
        joined = f"FROM {self.live} l JOIN {self.post} q ON {self.now('l', 'q')} WHERE {own}"
        untouched = all_same("l", "q", [(column, column) for column in self.after.stored])
        stored = self.after.stored_names
        yield (
            f"INSERT INTO {self.work} ({names(stored)}, {ACTION}) SELECT {names(stored, 'l')}, 2"
            f" {joined} AND {untouched} FOR UPDATE"
        )
        yield f"{self.conflict('l', KEPT_ADDED)} {joined} AND NOT ({untouched})"

    def _changed(self) -> Iterator[str]:
        both = f"{self.post} q JOIN {self.copy} p ON {self.then('q', 'p')}"
        joined = (
            f"FROM {self.live} l JOIN {self.post} q ON {self.now('l', 'q')} JOIN {self.copy} p ON {self.then('q', 'p')}"
        )
        moved = {one.name: (one, two) for one, two in self.steady if one.name in self.table.columns}
        cells = ", ".join(
            self._cell(*moved[name]) if name in moved else f"l.{identifier(name)}" for name in self.after.stored_names
        )
        yield (
            f"INSERT INTO {self.work} ({names(self.after.stored_names)}, {ACTION}) SELECT {cells}, 1"
            f" {joined} FOR UPDATE"
        )
        for name, (one, two) in moved.items():
            if name not in self.table.counters and not one.stamped:
                apart = [same("q", "p", one, two), same("l", "q", one), same("l", "p", one, two)]
                if one.data_type in _STAMPS:  # "last changed": moved on by the update, and moved on again since
                    cell = identifier(name)
                    apart.append(f"COALESCE(q.{cell} > p.{cell} AND l.{cell} > q.{cell}, FALSE)")
                differ = " AND ".join(f"NOT ({cell})" for cell in apart)
                yield f"{self.conflict('l', KEPT_CELL, name)} {joined} WHERE {differ}"
        yield from self._overdrawn(joined)
        yield (
            f"{self.conflict('q', STAYS_DELETED)} FROM {both}"
            f" WHERE NOT EXISTS (SELECT 1 FROM {self.live} l WHERE {self.now('l', 'q')})"
        )

    def _overdrawn(self, joined: str) -> Iterator[str]:
        """A count that cannot go below zero was taken below it: what the column holds is not the difference."""
        for name in self.table.counters:
            if name in self.table.columns and name in {one.name for one, _ in self.steady}:
                column, then = self.after.column(name), self.before.column(name)
                theirs = f"NOT ({same('q', 'p', column, then)}) AND NOT ({same('l', 'q', column)})"
                yield (
                    f"{self.conflict('l', OVERDRAWN, name)} {joined} JOIN {self.work} w ON {self.now('l', 'w')}"
                    f" WHERE {theirs} AND CAST(w.{identifier(name)} AS DECIMAL(60, 20)) <> {_difference(name)}"
                )

    def _cell(self, one: Column, two: Column) -> str:
        """What a cell that the update changed somewhere becomes: the old value, unless somebody wrote it since."""
        name = identifier(one.name)
        old = f"p.{name}"
        if one.collation and one.collation != two.collation:
            old = f"CONVERT({old} USING {one.charset}) COLLATE {one.collation}"
        other = f"l.{name}"
        if one.name in self.table.counters:
            other = f"COALESCE({_difference(one.name)}, l.{name})"
        changed = f"NOT ({same('q', 'p', one, two)})"
        return f"IF({changed}, IF({same('l', 'q', one)}, {old}, {other}), l.{name})"

    def _removed(self) -> Iterator[str]:
        columns = [one.name for one, _ in self.pairs]
        yield (
            f"INSERT INTO {self.work} ({names(columns)}, {ACTION}) SELECT {names(columns, 'g')}, 1 FROM {self.gone} g"
            f" WHERE NOT EXISTS (SELECT 1 FROM {self.live} l WHERE {self.then('l', 'g')})"
        )
        yield (
            f"{self.conflict('l', CAME_BACK)} FROM {self.live} l JOIN {self.gone} g ON {self.then('l', 'g')}"
            f" WHERE NOT ({all_same('l', 'g', self.pairs)})"
        )

    def _threatened(self, index: Index) -> bool:
        if set(index.columns) == set(self.table.key) or not self.after.has(*index.columns):
            return False
        generated = any(self.after.column(name).generated for name in index.columns)
        return bool(self.table.removed or generated) or not set(index.columns).isdisjoint(self.table.columns)

    def _collision(self, index: Index) -> Iterator[str]:
        meets, traded = index_match("w", "o", index), index_match("w", "x", index)
        yield (
            f"UPDATE {self.work} w JOIN {self.live} o ON {meets} AND NOT ({self.now('w', 'o')})"
            f" LEFT JOIN {self.work} x ON {self.now('x', 'o')} SET w.{ACTION} = 0"
            f" WHERE w.{ACTION} = 1 AND COALESCE(x.{ACTION}, 0) IN (0, {NEEDED}, {ORPHAN})"
        )
        moves = f"NOT EXISTS (SELECT 1 FROM {self.live} o WHERE {self.now('w', 'o')} AND {meets})"
        yield (
            f"UPDATE {self.work} w JOIN {self.work} x ON {traded} AND NOT ({self.now('w', 'x')})"
            f" SET w.{ACTION} = 0 WHERE w.{ACTION} = 1 AND x.{ACTION} = 1 AND {moves}"
        )


def _difference(name: str, live: str = "l") -> str:
    """An expression: what is there now, without what the update added."""
    now, pre, post = (f"CAST({alias}.{identifier(name)} AS DECIMAL(60, 20))" for alias in (live, "p", "q"))
    return f"({now} + {pre} - {post})"


def keep_wide(table: MergeTable, columns: Sequence[str]) -> list[str]:
    """Statements that keep what these columns hold, by key, before the reverse ALTER may shorten it."""
    wide = identifier(table.wide)
    listed = names(dict.fromkeys([*table.key, *columns]))
    return [
        f"DROP TABLE IF EXISTS {wide}",
        f"CREATE TABLE {wide} (PRIMARY KEY ({names(table.key)})) AS SELECT {listed} FROM {identifier(table.name)}",
    ]


def fill(table: MergeTable, refilled: Sequence[str], changed: Sequence[str]) -> list[str]:
    """Statements for after the reverse ALTER: the columns that it brought back, and those it gave their old type."""
    return list(_fill(table, refilled, changed))


def _fill(table: MergeTable, refilled: Sequence[str], changed: Sequence[str]) -> Iterator[str]:
    before, after = table.then, table.now
    live, copy = identifier(table.name), identifier(table.copy.name)
    then = matched("l", "p", table.key, before, before)
    yield f"DELETE FROM {table.conflicts} WHERE tab = {text(table.name)} AND stage = 'fill'"
    if refilled:
        cells = [f"l.{identifier(name)} = p.{identifier(name)}" for name in refilled]
        yield f"UPDATE IGNORE {live} l JOIN {copy} p ON {then} SET {', '.join([*cells, *_stamps(before, refilled)])}"
    joined = (
        f"{live} l JOIN {copy} p ON {then} JOIN {identifier(table.post)} q"
        f" ON {matched('l', 'q', table.key, before, after)} JOIN {identifier(table.wide)} x"
        f" ON {matched('l', 'x', table.key, before, after)}"
    )
    counted_in = f"{identifier(table.post)} q WHERE {matched('l', 'q', table.key, before, after)}"
    for name in changed:
        old, new = before.column(name), after.column(name)
        touched = f"NOT ({same('p', 'q', old, new)})"
        theirs = f"NOT ({same('x', 'q', new)})"
        key = key_text("l", table.key, before)
        stamps = ", ".join([f"l.{identifier(name)} = p.{identifier(name)}", *_stamps(before, [name])])
        if name in table.counters:
            counted = _difference(name, "x")
            kept = ", ".join([f"l.{identifier(name)} = {counted}", *_stamps(before, [name])])
            yield f"UPDATE IGNORE {joined} SET {kept} WHERE {touched} AND {theirs} AND {counted} IS NOT NULL"
            yield (
                f"{conflict(table, key, name, OVERDRAWN, 'fill')} FROM {joined} WHERE {touched} AND {theirs}"
                f" AND CAST(l.{identifier(name)} AS DECIMAL(60, 20)) <> {counted}"
            )
        else:
            yield (
                f"{conflict(table, key, name, KEPT_CELL, 'fill')} FROM {joined}"
                f" WHERE {touched} AND {theirs} AND NOT ({same('p', 'x', old, new)})"
            )
        yield f"UPDATE IGNORE {joined} SET {stamps} WHERE {touched} AND NOT ({theirs})"
        if table.removed:
            work = matched("l", "w", table.key, before, after)
            yield (
                f"UPDATE IGNORE {live} l JOIN {identifier(table.gone)} p ON {then} JOIN {identifier(table.work)} w"
                f" ON {work} SET {stamps} WHERE w.{ACTION} = 1"
            )
        yield (
            f"{conflict(table, key, name, SHORTENED, 'fill')} FROM {live} l JOIN {identifier(table.wide)} x"
            f" ON {matched('l', 'x', table.key, before, after)} WHERE NOT ({same('l', 'x', old, new)})"
            f" AND NOT EXISTS (SELECT 1 FROM {copy} p WHERE {then} AND {same('l', 'p', old)})"
            + (f" AND NOT EXISTS (SELECT 1 FROM {counted_in})" if name in table.counters else "")
        )


def _stamps(table: Table, assigned: Sequence[str]) -> list[str]:
    """A column with ON UPDATE CURRENT_TIMESTAMP keeps its value only if it is assigned."""
    return [
        f"l.{identifier(column.name)} = l.{identifier(column.name)}"
        for column in table.columns
        if column.stamped and column.name not in assigned
    ]
