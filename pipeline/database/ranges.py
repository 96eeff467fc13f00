"""What a table holds, range by range of its key: how a clone finds out what it need not send again.

The sum of a range is its number of rows and a sum over the rows as they would be printed (masked, on production's
side). A range that differs has the same sum by one chance in 2^32; then staging keeps what it had. CRC32 alone would be
blind to one change made to two rows alike; of SHA1 it only takes the length away. (MD5 took the server twice as long as
SHA1 when this was measured, and making a number of 64 bits of it as long again.)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

from pipeline.database.connection import Database
from pipeline.database.mask_expressions import Field
from pipeline.database.schema import Table
from pipeline.database.sql import identifier
from pipeline.database.transcript_values import value

ROWS = 10_000
"""Rows of a range, if the key has no gaps."""
_WHOLE = {"tinyint", "smallint", "mediumint", "int", "bigint"}


@dataclass(frozen=True)
class Range:
    """Rows that meet ``condition`` (every row meets that of one range), and their sum where it was read."""

    condition: str
    sum: str = ""


@dataclass(frozen=True)
class Known:
    """The ranges of one table; none: it is empty on purpose. ``summed`` is the expression of a sum, without masks."""

    ranges: tuple[Range, ...]
    summed: str


def sum_of(expressions: Sequence[str]) -> str:
    """An aggregate: the sum of the rows whose printed values these expressions are."""
    cells = ",',',".join(expressions)
    # Too long for a packet: equal to nothing. Bare, UUID() would make IFNULL turn every row into a UUID, or fail to.
    row = f"IFNULL(CONCAT({cells}),CONCAT(UUID()))"
    return f"CONCAT(COUNT(*),':',COALESCE(SUM(CRC32(SHA1({row}))),0))"


def cut(db: Database, table: Table, columns: Sequence[Field], masked: Collection[str]) -> Known:
    """The ranges of a table, not yet summed: by its key if that is one whole number, else all rows are one range.

    :param masked: columns whose values differ on both sides: a range cannot be told by them.
    """
    summed = sum_of([value(column, identifier(column.name)) for column in columns])
    if len(table.key) != 1 or table.key[0] in masked or table.column(table.key[0]).data_type not in _WHOLE:
        return Known((Range("TRUE"),), summed)
    key = identifier(table.key[0])
    low, high, rows = db.rows(f"SELECT MIN({key}), MAX({key}), COUNT(*) FROM {identifier(table.name)}")[0]
    if not rows or int(rows) < 2 * ROWS:
        return Known((Range("TRUE"),), summed)
    step = max(1, (int(high) - int(low)) * ROWS // int(rows))
    edges = list(range(int(low) + step, int(high) + 1, step))
    inner = [f"{key} >= {one} AND {key} < {two}" for one, two in pairwise(edges)]
    return Known(tuple(map(Range, [f"{key} < {edges[0]}", *inner, f"{key} >= {edges[-1]}"])), summed)


def read(db: Database, tables: Mapping[str, Known]) -> dict[str, Known]:
    """The same with their sums, read on two connections."""
    names = sorted(tables, key=lambda name: -len(tables[name].ranges))

    def some(part: Sequence[str]) -> dict[str, Known]:
        with db.connected() as own:
            return {name: Known(_summed(own, name, tables[name]), tables[name].summed) for name in part}

    with ThreadPoolExecutor(2, "palier-ranges") as pool:
        first, second = pool.map(some, (names[::2], names[1::2]))
    return {**first, **second}


def _summed(db: Database, name: str, known: Known) -> tuple[Range, ...]:
    asked = f"SELECT {known.summed} FROM {identifier(name)} WHERE "
    return tuple(Range(each.condition, str(db.value(asked + each.condition))) for each in known.ranges)
