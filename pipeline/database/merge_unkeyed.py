"""The way back of tables whose rows have no key: rows are told by their content, and counted."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.database.compare import common, digest, index_match
from pipeline.database.conflicts import COLLIDES, FEWER, conflict
from pipeline.database.merge_plan import ACTION, MergeTable
from pipeline.database.sql import identifier, names

RETURNS = 3
"""The action of a row of the work table that comes back unless somebody is in its place."""


def multiset(table: MergeTable) -> Iterator[str]:
    """Rows without a key: of each content that the update added or removed, as many as there would be without it."""
    pairs = common(table.now, table.then)
    work, post, live = identifier(table.work), identifier(table.post), identifier(table.name)
    here, there = digest("l", [one for one, _ in pairs]), digest("p", [two for _, two in pairs])
    shared = [one.name for one, _ in pairs]  # what only the update's definition has is on its way out
    # GROUP BY takes a column of the table before an alias of the same name: ours must be nobody's column.
    counted = f"(SELECT {here} AS _palier_d, COUNT(*) AS c FROM {live} l GROUP BY _palier_d)"
    yield (
        f"{conflict(table, 'HEX(q.digest)', '', FEWER, 'rows')} FROM {post} q"
        f" LEFT JOIN {counted} h ON h._palier_d = q.digest WHERE q.n > 0 AND COALESCE(h.c, 0) < q.n"
    )
    yield (
        f"INSERT INTO {work} ({names(shared)}, {ACTION}) SELECT {names(shared, 'h')}, 1 FROM (SELECT l.*,"
        f" {here} AS _palier_d, ROW_NUMBER() OVER (PARTITION BY {here}) AS _palier_r,"
        f" COUNT(*) OVER (PARTITION BY {here}) AS _palier_c FROM {live} l) h"
        f" JOIN {post} q ON q.digest = h._palier_d WHERE h._palier_r <= h._palier_c - GREATEST(q.n, 0)"
    )
    yield (
        f"INSERT INTO {work} ({names(shared)}, {ACTION}) SELECT {names(shared, 'h')}, {RETURNS} FROM (SELECT p.*,"
        f" {there} AS _palier_d, ROW_NUMBER() OVER (PARTITION BY {there}) AS _palier_r"
        f" FROM {identifier(table.copy.name)} p) h"
        f" JOIN {post} q ON q.digest = h._palier_d WHERE h._palier_r <= -q.n"
    )
    # Rows that come back and meet a row that stays on a unique key: who is there, stays.
    for index in table.now.indexes:
        if index.unique and table.now.has(*index.columns):
            kept = f"NOT EXISTS (SELECT 1 FROM {post} q WHERE q.digest = {digest('l', [one for one, _ in pairs])})"
            yield (
                f"UPDATE {work} w JOIN {live} l ON {index_match('w', 'l', index)} AND {kept}"
                f" SET w.{ACTION} = 0 WHERE w.{ACTION} = {RETURNS}"
            )
            yield (
                f"UPDATE {work} w JOIN {work} x ON {index_match('w', 'x', index)}"
                f" SET w.{ACTION} = 0 WHERE w.{ACTION} = {RETURNS} AND x.{ACTION} = 1"
            )
    yield f"{conflict(table, chr(39) * 2, '', COLLIDES, 'rows')} FROM {work} w WHERE w.{ACTION} = 0"


def hold_still(table: MergeTable) -> str:
    """A statement that keeps every row, and every gap between rows, from being written until the transaction ends.

    Rows without a key are told by their content alone: one that came in between counting and putting back would be
    taken for one of ours. Needs REPEATABLE READ; at READ COMMITTED gaps are not locked.
    """
    return f"SELECT COUNT(*) INTO @palier_still FROM {identifier(table.name)} FOR UPDATE"
