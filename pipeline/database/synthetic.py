"""Synthetic orders for a drill: made from a shop's last order, each always the same, so that they can be made again.

An order is a few statements with every value spelled out, ids and times too. Made on two equal databases they leave
two equal databases, which is how a drill knows what staging must look like after a rollback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.database.books import Books
from pipeline.database.connection import Database
from pipeline.database.schema import Column, Table, read
from pipeline.database.sql import identifier, names

MARK = "DRILL"
GAP = 1000
"""Numbers left free between the shop's own ids and those of a drill."""
FIRST_SECOND = 1_750_000_000

Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Templates:
    """What orders are made from; read once, before any update."""

    books: Books
    order: Mapping[str, Any]
    line: Mapping[str, Any]
    tables: Mapping[str, Table]
    products: tuple[tuple[Any, ...], ...]
    first_order: int
    first_line: int


def templates(db: Database, books: Books) -> Templates | None:
    """The shop's last order and line, and the products that have most; ``None`` if there is no order yet."""
    tables = read(db, (books.orders, books.lines, books.products))
    order, line = _last(db, tables[books.orders]), _last(db, tables[books.lines])
    if order is None or line is None:
        return None
    products = db.rows(
        f"SELECT {names(books.product)} FROM {identifier(books.products)}"
        f" ORDER BY {identifier(books.stock)} DESC, {names(books.product)} LIMIT 20"
    )
    number = next((column.name for column in tables[books.lines].columns if column.counts), "")
    return Templates(
        books, order, line, tables, tuple(products), int(order[books.order]) + GAP, int(line.get(number) or 0) + GAP
    )


def _last(db: Database, table: Table) -> dict[str, Any] | None:
    columns = table.stored_names
    order = ", ".join(f"{identifier(name)} DESC" for name in table.key or columns[:1])
    found = db.rows(f"SELECT {names(columns)} FROM {identifier(table.name)} ORDER BY {order} LIMIT 1")
    return dict(zip(columns, found[0], strict=True)) if found else None


def order(made_of: Templates, number: int) -> list[Statement]:
    """The statements of order ``number`` (from 0): the order, one line of one piece, and its stock."""
    books, product = made_of.books, made_of.products[number % len(made_of.products)]
    head = _renewed(made_of.tables[books.orders], made_of.order, made_of.first_order + number)
    head[books.order] = made_of.first_order + number
    body = _renewed(made_of.tables[books.lines], made_of.line, made_of.first_line + number)
    body[books.line_order] = head[books.order]
    body |= dict(zip(books.line_product, product, strict=True))
    body[books.quantity] = 1
    where = " AND ".join(f"{identifier(name)} = %s" for name in books.product)
    stock = identifier(books.stock)
    return [
        (f"SET SESSION timestamp = {FIRST_SECOND + number}", ()),
        _insert(books.orders, head),
        _insert(books.lines, body),
        (f"UPDATE {identifier(books.products)} SET {stock} = {stock} - 1 WHERE {where}", tuple(product)),
    ]


def place(db: Database, made_of: Templates, numbers: Sequence[int]) -> None:
    """Let these orders arrive, each in a transaction of its own."""
    for number in numbers:
        with db.transaction():
            for sql, values in order(made_of, number):
                db.execute(sql, values)
    db.execute("SET SESSION timestamp = DEFAULT")


def _renewed(table: Table, row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The row with other values in every column that must be unique."""
    unique = {name for index in table.indexes if index.unique for name in index.columns}
    return {
        column.name: _other(column, number) if column.name in unique else row[column.name] for column in table.stored
    }


def _other(column: Column, number: int) -> str | int:
    if column.charset is None:
        return number
    length = int(column.type.partition("(")[2].rstrip(")") or 255) if "(" in column.type else 255
    return f"{MARK}-{number}"[-length:]


def _insert(table: str, row: Mapping[str, Any]) -> Statement:
    marks = ", ".join(["%s"] * len(row))
    return f"INSERT INTO {identifier(table)} ({names(row)}) VALUES ({marks})", tuple(row.values())
