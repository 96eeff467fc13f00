"""Synthetic orders for a drill: made from a shop's last order, each always the same, so that they can be made again.

An order is a few statements with every value spelled out, ids and times too. Made on two equal databases they leave
two equal databases, which is how a drill knows what staging must look like after a rollback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.books import MARK, NONE, ONE, Books, Row, Sale
from pipeline.database.connection import Database
from pipeline.database.schema import Column, Table, read
from pipeline.database.sql import identifier, names

PREFIX = "DRILL"
GAP = 1000
"""Numbers left free between the shop's own ids and those of a drill."""
FIRST_SECOND = 1_750_000_000

Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Template:
    """One row that each order writes: the newest such row of the shop, and the number of the first that is made."""

    row: Row
    table: Table
    values: Mapping[str, Any]
    first: int


@dataclass(frozen=True)
class Templates:
    """What orders are made from; read once, before any update."""

    sale: Sale
    rows: tuple[Template, ...]
    products: tuple[Mapping[str, int], ...]


def templates(db: Database, books: Books) -> Templates | None:
    """The rows of the shop's last sale, and the products that can be sold; ``None`` if nothing was sold yet."""
    sale = books.sale
    if sale is None:
        return None
    tables = read(db, sorted({row.table for row in sale.rows}))
    made = [_template(db, row, tables[row.table]) for row in sale.rows]
    products = tuple(dict(zip(sale.names, map(int, row), strict=True)) for row in db.rows(sale.products))
    whole = tuple(each for each in made if each is not None)
    return Templates(sale, whole, products) if products and len(whole) == len(made) else None


def _template(db: Database, row: Row, table: Table) -> Template | None:
    columns, number = table.stored_names, identifier(row.number)
    found = db.rows(
        f"SELECT {names(columns)} FROM {identifier(row.table)} WHERE {row.where} ORDER BY {number} DESC LIMIT 1"
    )
    last = int(db.value(f"SELECT COALESCE(MAX({number}), 0) FROM {identifier(row.table)}"))
    return Template(row, table, dict(zip(columns, found[0], strict=True)), last + GAP) if found else None


def order(made_of: Templates, number: int) -> list[Statement]:
    """The statements of order ``number`` (from 0): the order, one line of one piece, and its stock."""
    product = made_of.products[number % len(made_of.products)]
    # Several rows of one order may be of one table: their numbers go side by side.
    numbers = [each.first + number * len(made_of.rows) + at for at, each in enumerate(made_of.rows)]
    called = {each.row.called: value for each, value in zip(made_of.rows, numbers, strict=True) if each.row.called}
    given = {**product, **called, MARK: f"{PREFIX}-{number}", ONE: 1, NONE: 0}
    return [
        (f"SET SESSION timestamp = {FIRST_SECOND + number}", ()),
        *(_insert(each, value, given) for each, value in zip(made_of.rows, numbers, strict=True)),
        *((taken % product, ()) for taken in made_of.sale.taken),
    ]


def place(db: Database, made_of: Templates, numbers: Sequence[int]) -> None:
    """Let these orders arrive, each in a transaction of its own."""
    for number in numbers:
        with db.transaction():
            for sql, values in order(made_of, number):
                db.execute(sql, values)
    db.execute("SET SESSION timestamp = DEFAULT")


def _insert(made_of: Template, number: int, given: Mapping[str, Any]) -> Statement:
    """The row with a number of its own, other values in every column that must be unique, and what is ``given``."""
    unique = {name for index in made_of.table.indexes if index.unique for name in index.columns}
    row = {
        column.name: _other(column, number) if column.name in unique else made_of.values[column.name]
        for column in made_of.table.stored
    }
    row |= {name: _fit(made_of.table.column(name), given[value]) for name, value in made_of.row.sets.items()}
    row[made_of.row.number] = number
    marks = ", ".join(["%s"] * len(row))
    return f"INSERT INTO {identifier(made_of.table.name)} ({names(row)}) VALUES ({marks})", tuple(row.values())


def _other(column: Column, number: int) -> str | int:
    return number if column.charset is None else str(_fit(column, f"{PREFIX}-{number}"))


def _fit(column: Column, value: object) -> object:
    """A text is cut at its start, where all are alike."""
    if not isinstance(value, str):
        return value
    length = int(column.type.partition("(")[2].rstrip(")") or 255) if "(" in column.type else 255
    return value[-length:]
