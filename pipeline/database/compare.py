"""Comparing and joining rows inside the server, exactly.

"The same" is what a person would call the same bytes: upper and lower case, trailing spaces, accents and emoji count,
whatever the column's collation says; NULL equals NULL; a zero date equals only itself. *Keys* are joined as the server
itself tells rows apart, by the key's own collation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.database.schema import Column, Index, Table
from pipeline.database.sql import identifier, names

_PREFIX = re.compile(r"`((?:[^`]|``)+)`\((\d+)\)")
_TEXT = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"}
_BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
_EXACT = {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year", "bit"}
_APPROXIMATE = {"float", "double"}
_TIMES = {"date", "datetime", "timestamp"}


def same(left: str, right: str, column: Column, other: Column | None = None) -> str:
    """A condition: the cell of ``column`` behind alias ``left`` is the same as that of ``other`` behind ``right``.

    :param other: the column's definition on the right, if it is another one; the name may not differ.
    """
    other = other or column
    a, b = f"{left}.{identifier(column.name)}", f"{right}.{identifier(other.name)}"
    kinds = {_kind(column), _kind(other)}
    if len(kinds) > 1:
        return f"{_as_text(a)} <=> {_as_text(b)}"
    kind = kinds.pop()
    if kind == "text":
        if column.charset != other.charset:
            return f"{_as_text(a)} <=> {_as_text(b)}"
        condition = f"CAST({a} AS BINARY) <=> CAST({b} AS BINARY)"
        if column.data_type == "enum" and column.type == other.type:  # '' may be a member, and is the error value too
            condition = f"({condition} AND {a} + 0 <=> {b} + 0)"
        return condition
    if kind == "approximate":  # 0 and -0 are equal, and are not the same
        return f"({a} <=> {b} AND CAST({a} AS CHAR) <=> CAST({b} AS CHAR))"
    return f"{a} <=> {b}"


def _kind(column: Column) -> str:
    groups = {"text": _TEXT, "bytes": _BYTES, "exact": _EXACT, "approximate": _APPROXIMATE, "times": _TIMES}
    return next((kind for kind, types in groups.items() if column.data_type in types), column.data_type)


def _as_text(value: str) -> str:
    return f"CAST(CONVERT({value} USING utf8mb4) AS BINARY)"


def all_same(left: str, right: str, pairs: Iterable[tuple[Column, Column]]) -> str:
    """A condition: all these cells are the same."""
    return " AND ".join(same(left, right, column, other) for column, other in pairs) or "TRUE"


def common(one: Table, two: Table) -> tuple[tuple[Column, Column], ...]:
    """The stored columns that both tables have, by name, in the order of ``one``."""
    theirs = {column.name: column for column in two.stored}
    return tuple((column, theirs[column.name]) for column in one.stored if column.name in theirs)


def retyped(one: Column, two: Column) -> bool:
    """Whether a value may change on its way from one to the other."""
    return (one.type, one.charset, one.nullable) != (two.type, two.charset, two.nullable)


def matched(left: str, right: str, key: Sequence[str], one: Table, two: Table) -> str:
    """A condition: two rows have the same key. ``one`` and ``two`` say what is behind the aliases."""
    return " AND ".join(_key_match(left, right, one.column(name), two.column(name)) for name in key)


def _key_match(left: str, right: str, one: Column, two: Column) -> str:
    a, b = f"{left}.{identifier(one.name)}", f"{right}.{identifier(two.name)}"
    if one.collation and two.collation and one.collation != two.collation:
        b = f"CONVERT({b} USING {one.charset}) COLLATE {one.collation}"
    return f"{a} = {b}"


def index_match(left: str, right: str, index: Index) -> str:
    """A condition: two rows hold the same in a unique index, of which a column may count only with its beginning."""
    lengths = {name.replace("``", "`"): length for name, length in _PREFIX.findall(index.definition)}
    return " AND ".join(
        f"LEFT({left}.{identifier(name)}, {lengths[name]}) = LEFT({right}.{identifier(name)}, {lengths[name]})"
        if name in lengths
        else f"{left}.{identifier(name)} = {right}.{identifier(name)}"
        for name in index.columns
    )


def digest(alias: str, columns: Sequence[Column]) -> str:
    """An expression: the fingerprint of a row without a key, over these columns. Same cells, same fingerprint."""
    parts = ", ".join(f"IFNULL(HEX({_exact_text(alias, column)}), '~')" for column in columns)
    return f"UNHEX(MD5(CONCAT_WS(',', {parts})))"


def _exact_text(alias: str, column: Column) -> str:
    value = f"{alias}.{identifier(column.name)}"
    kind = _kind(column)
    if kind == "text":
        return f"CAST({value} AS BINARY)"
    if kind == "approximate":  # a FLOAT as text shows six digits, as a DOUBLE all of them
        return f"CONCAT({value} + 0e0, IF({value} = 0, CAST({value} AS CHAR), ''))"
    if kind == "bytes":
        return value
    return f"CAST({value} AS CHAR)" if column.data_type != "bit" else f"CAST({value} + 0 AS CHAR)"


def key_text(alias: str, key: Sequence[str], table: Table) -> str:
    """An expression: the key as people read it. Binary parts are shown as hexadecimal digits."""
    parts = [
        f"HEX({alias}.{identifier(name)})"
        if _kind(table.column(name)) == "bytes"
        else f"CONVERT(CAST({alias}.{identifier(name)} AS CHAR) USING utf8mb4)"
        for name in key
    ]
    return f"CONCAT_WS(',', {', '.join(parts)})" if parts else "''"


def copy_rows(target: str, source: str, columns: Sequence[str]) -> str:
    """A statement: add every row of ``source`` to ``target``."""
    listed = names(columns)
    return f"INSERT INTO {identifier(target)} ({listed}) SELECT {listed} FROM {identifier(source)}"


def equalize(target: str, source: str, table: Table) -> list[str]:
    """Statements that make the rows of ``target`` those of ``source``; both are built like ``table``.

    Rows are removed and added, never updated in place, so two rows that traded the value of a unique key do not meet.
    What is the same is not touched: the cost is one pass over both and the rows that differ. May be repeated.
    An anti-join asks NOT EXISTS and not for NULL: a zero date of a NOT NULL column ``IS NULL``.
    """
    to, source_name = identifier(target), identifier(source)
    columns = table.stored_names
    if not table.key:
        return [f"DELETE FROM {to}", copy_rows(target, source, columns)]
    key = matched("s", "l", table.key, table, table)
    cells = all_same("l", "s", [(column, column) for column in table.stored])
    return [
        f"DELETE l FROM {to} AS l WHERE NOT EXISTS (SELECT 1 FROM {source_name} AS s WHERE {key} AND {cells})",
        (
            f"INSERT INTO {to} ({names(columns)}) SELECT {names(columns, 's')} FROM {source_name} AS s"
            f" WHERE NOT EXISTS (SELECT 1 FROM {to} AS l WHERE {key})"
        ),
    ]
