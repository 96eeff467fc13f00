"""A shop's books, read: orders after a certain moment, and stock before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.books import MARK, ONE, ORDER, Books, Row, Sale
from pipeline.database.connection import Database
from pipeline.database.schema import table_names
from pipeline.database.sql import identifier, names, own

KIND = "books"
"""The table of a run that holds what was in stock when the books were opened."""


@dataclass(frozen=True)
class Opening:
    """The moment that the books were opened: the last number, and what was a draft then and may be an order now."""

    last: int = 0
    drafts: tuple[int, ...] = ()
    of: str = ""
    """The run that opened them."""

    @property
    def stock(self) -> str:
        """The table that holds what was in stock at that moment."""
        return own(KIND, self.of)

    def since(self, number: str) -> str:
        """An SQL condition: the order whose number is in the column ``number`` was placed since."""
        drafts = f" OR {number} IN ({', '.join(map(str, self.drafts))})" if self.drafts else ""
        return f"({number} > {self.last}{drafts})"


@dataclass(frozen=True)
class Stock:
    """One product: ``other`` is what is neither before nor sold: deliveries, returns, corrections, other channels."""

    product: str
    label: str
    before: float
    sold: float
    other: float
    after: float


def choose(db: Database, alternatives: Sequence[Books]) -> Books | None:
    """The books that this shop keeps: the first whose tables are there and that are said to be kept."""
    here = set(table_names(db))
    return next(
        (each for each in alternatives if {*each.tables} <= here and (not each.kept or _truth(db.value(each.kept)))),
        None,
    )


def _truth(value: object) -> bool:
    return str(value) == "1"


def in_tables(
    *,
    orders: tuple[str, str, str],
    lines: tuple[str, str, str, str, str],
    products: tuple[str, str, str, str],
) -> Books:
    """The books of a shop that has one plain table for each.

    :param orders: the table, its number, its reference.
    :param lines: the table, its number, the order's number, the product, the pieces.
    :param products: the table, its number, its name, its pieces.
    """
    order, number, reference = map(identifier, orders)
    line, _, line_order, line_product, quantity = map(identifier, lines)
    article, product, label, stock = map(identifier, products)
    return Books(
        tables=(orders[0], lines[0], products[0]),
        last=f"SELECT MAX({number}) FROM {order}",
        orders=f"SELECT {number} AS number, {reference} AS reference FROM {order}",
        lines=f"SELECT {line_order} AS number, {line_product} AS product, {quantity} AS pieces FROM {line}",
        stock=f"SELECT {product} AS product, {label} AS label, {stock} AS pieces FROM {article}",
        sale=Sale(
            rows=(
                Row(orders[0], orders[1], ORDER, {orders[2]: MARK}),
                Row(lines[0], lines[1], sets={lines[2]: ORDER, lines[3]: "product", lines[4]: ONE}),
            ),
            products=f"SELECT {product} AS product FROM {article} ORDER BY {stock} DESC, {product} LIMIT 20",
            names=("product",),
            taken=(f"UPDATE {article} SET {stock} = {stock} - 1 WHERE {product} = %(product)s",),
        ),
    )


def open_books(db: Database, books: Books, of: str = "") -> Opening:
    """Note what is in stock for the run ``of``, and say which orders there are."""
    table = own(KIND, of)
    db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute(
        f"CREATE TABLE {table} (product VARCHAR(100) NOT NULL PRIMARY KEY, label VARCHAR(255), pieces DECIMAL(30, 4))"
        f" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        f" SELECT {_text('s.product', 100)} AS product, {_text('s.label', 255)} AS label,"
        f" COALESCE(s.pieces, 0) AS pieces FROM ({books.stock}) s"
    )
    drafts = [int(row[0]) for row in db.rows(books.drafts)] if books.drafts else []
    return Opening(int(db.value(books.last) or 0), tuple(drafts), of)


def kept(db: Database, opening: Opening) -> bool:
    """Whether it is still known what was in stock."""
    sql = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=%s"
    return bool(db.value(sql, (opening.stock,)))


def _text(column: str, length: int) -> str:
    """One collation for what is compared, whatever the shop's tables have."""
    return f"CONVERT(LEFT({column}, {length}) USING utf8mb4) COLLATE utf8mb4_bin"


def orders_since(db: Database, books: Books, opening: Opening) -> tuple[str, ...]:
    """The references of the orders placed since, oldest number first."""
    return tuple(str(row[0]) for row in db.rows(since(books, opening)))


def since(books: Books, opening: Opening) -> str:
    """SELECT of ``reference`` of the orders placed since, oldest number first."""
    return f"SELECT o.reference FROM ({books.orders}) o WHERE {opening.since('o.number')} ORDER BY o.number"


def stock_since(db: Database, books: Books, opening: Opening) -> tuple[Stock, ...]:
    """The products that were sold since, or whose stock is another one; only what the shop counts.

    A product that is new, or gone, has none before, or after.
    """
    columns = names(("product", "label", "before", "sold", "after", "counted"))
    before = f"SELECT product, label, pieces, 0, 0, 1 FROM {opening.stock}"
    after = (
        f"SELECT {_text('p.product', 100)}, {_text('p.label', 255)}, 0, 0, COALESCE(p.pieces, 0), 1"
        f" FROM ({books.stock}) p"
    )
    sold = (
        f"SELECT {_text('l.product', 100)}, NULL, 0, l.pieces, 0, 0 FROM ({books.orders}) o"
        f" JOIN ({books.lines}) l ON l.number = o.number WHERE {opening.since('o.number')}"
    )
    sql = (
        f"WITH sides ({columns}) AS ({before} UNION ALL {after} UNION ALL {sold})"
        " SELECT product, MAX(label), SUM(`before`), SUM(sold), SUM(`after`) FROM sides GROUP BY product"
        " HAVING MAX(counted) = 1 AND (SUM(sold) <> 0 OR SUM(`before`) <> SUM(`after`)) ORDER BY MAX(label), product"
    )
    return tuple(_stock(*row) for row in db.rows(sql))


def _stock(product: str, label: str | None, *numbers: object) -> Stock:
    before, sold, after = (Decimal(str(number)) for number in numbers)
    other = after - before + sold
    return Stock(product, label or product, float(before), float(sold), float(other), float(after))
