"""A shop's books: orders after a certain one, and stock before and after.

Orders are told by their growing number, so an order is one of "since" whatever clock the shop has.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pipeline.database.connection import Database
from pipeline.database.sql import OWN, identifier, names

STOCK = f"{OWN}books"
"""What was in stock when the books were opened."""


@dataclass(frozen=True)
class Books:
    """Where a shop keeps orders, their lines, and stock: tables without the prefix, and their columns.

    ``order`` numbers orders and only grows. ``product`` and ``line_product`` name the same thing on both sides.
    """

    orders: str
    order: str
    reference: str
    lines: str
    line_order: str
    line_product: tuple[str, ...]
    quantity: str
    products: str
    product: tuple[str, ...]
    label: str
    stock: str

    def __str__(self) -> str:
        return f"{self.orders}, {self.lines}, {self.products}"


@dataclass(frozen=True)
class Stock:
    """One product: ``other`` is what is neither before nor sold: deliveries, returns, corrections, other channels."""

    product: str
    label: str
    before: float
    sold: float
    other: float
    after: float


def open_books(db: Database, books: Books | None) -> int:
    """Note what is in stock, and return the number of the last order. Without ``books`` an older note is dropped."""
    db.execute(f"DROP TABLE IF EXISTS {STOCK}")
    if books is None:
        return 0
    db.execute(
        f"CREATE TABLE {STOCK} (product VARCHAR(100) NOT NULL PRIMARY KEY, label VARCHAR(255), stock DECIMAL(30, 4))"
        f" SELECT {_key('p', books.product)} AS product, LEFT(p.{identifier(books.label)}, 255) AS label,"
        f" COALESCE(p.{identifier(books.stock)}, 0) AS stock FROM {identifier(books.products)} p"
    )
    return int(db.value(f"SELECT COALESCE(MAX({identifier(books.order)}), 0) FROM {identifier(books.orders)}"))


def _key(alias: str, columns: tuple[str, ...]) -> str:
    return f"CONCAT_WS('-', {names(columns, alias)})"


def orders_since(db: Database, books: Books, last: int) -> tuple[str, ...]:
    """The references of the orders after number ``last``, oldest first."""
    order = identifier(books.order)
    sql = f"SELECT {identifier(books.reference)} FROM {identifier(books.orders)} WHERE {order} > %s ORDER BY {order}"
    return tuple(str(row[0]) for row in db.rows(sql, (last,)))


def stock_since(db: Database, books: Books, last: int) -> tuple[Stock, ...]:
    """The products that were sold since order ``last``, or whose stock is another one."""
    sold = (
        f"SELECT {_key('l', books.line_product)} AS product, SUM(l.{identifier(books.quantity)}) AS sold"
        f" FROM {identifier(books.orders)} o JOIN {identifier(books.lines)} l"
        f" ON l.{identifier(books.line_order)} = o.{identifier(books.order)} WHERE o.{identifier(books.order)} > %s"
        f" GROUP BY {_key('l', books.line_product)}"
    )
    sql = (
        f"SELECT b.product, b.label, b.stock, COALESCE(s.sold, 0), COALESCE(p.{identifier(books.stock)}, 0)"
        f" FROM {STOCK} b LEFT JOIN ({sold}) s ON s.product = b.product"
        f" JOIN {identifier(books.products)} p ON {_key('p', books.product)} = b.product"
        f" WHERE s.sold IS NOT NULL OR b.stock <> COALESCE(p.{identifier(books.stock)}, 0) ORDER BY b.label, b.product"
    )
    found = []
    for product, label, *numbers in db.rows(sql, (last,)):
        before, gone, after = (Decimal(str(number)) for number in numbers)
        other = after - before + gone
        found.append(Stock(product, str(label or product), float(before), float(gone), float(other), float(after)))
    return tuple(found)
