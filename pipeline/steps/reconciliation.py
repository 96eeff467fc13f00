"""The reconciliation statement after a rollback: orders kept, rows taken back, conflicts, and stock product by product.

The books are opened behind the maintenance page, before the update runs: the last order's number, and what is in stock.
The statement compares them with what is there after the rollback, in one consistent view.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from pipeline.database.books import Books, Stock, open_books, orders_since, stock_since
from pipeline.database.connection import Database
from pipeline.database.merge_plan import MergePlan
from pipeline.database.schema import table_names
from pipeline.record import Record
from pipeline.steps.site import Shop

OPENING, STATEMENT = "books.json", "reconciliation"
CONFLICTS, PLAN = "conflicts.txt", "merge-plan.json"
LISTED = 40
"""Lines of one kind that people are shown; the JSON has all."""


KNOWN: Mapping[str, Books] = {
    "demo": Books(
        orders="shop_orders",
        order="id",
        reference="reference",
        lines="shop_order_lines",
        line_order="order_id",
        line_product=("product_id",),
        quantity="quantity",
        products="shop_products",
        product=("id",),
        label="name",
        stock="stock",
    ),
    "prestashop": Books(
        orders="orders",
        order="id_order",
        reference="reference",
        lines="order_detail",
        line_order="id_order",
        line_product=("product_id", "product_attribute_id"),
        quantity="product_quantity",
        products="stock_available",
        product=("id_product", "id_product_attribute"),
        label="id_product",
        stock="quantity",
    ),
    # WooCommerce with orders in tables of their own; a variation's stock is under the variation's own number.
    "woocommerce": Books(
        orders="wc_orders",
        order="id",
        reference="id",
        lines="wc_order_product_lookup",
        line_order="order_id",
        line_product=("product_id",),
        quantity="product_qty",
        products="wc_product_meta_lookup",
        product=("product_id",),
        label="sku",
        stock="stock_quantity",
    ),
}
"""By the name of the page objects (``journeys.pages``)."""


@dataclass(frozen=True)
class Taken:
    """What the update had done to the rows of one table, and is taken back."""

    table: str
    added: int
    changed: int
    removed: int

    def __str__(self) -> str:
        parts = {"added": self.added, "changed": self.changed, "removed": self.removed}
        return f"{self.table}: {', '.join(f'{count:,} {word}' for word, count in parts.items() if count) or 'no row'}"


@dataclass(frozen=True)
class Statement:
    """What a rollback came to, for the bookkeeper and for the record. ``stock`` lists the products that moved."""

    run: str
    made: str
    orders: tuple[str, ...]
    taken_back: tuple[Taken, ...]
    conflicts: tuple[str, ...]
    stock: tuple[Stock, ...]
    books: str
    """The tables that orders and stock were read from; empty: nobody said where they are, so neither is told."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    def text(self) -> str:
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"Reconciliation of {self.run}, {self.made}"
        if self.books:
            span = f": {self.orders[0]} to {self.orders[-1]}" if self.orders else ""
            yield f"  Orders kept since the promotion: {len(self.orders)}{span}"
        else:
            yield "  Orders and stock: not told, because nobody said where this shop keeps them"
        yield f"  Rows of the update taken back: {sum(t.added + t.changed + t.removed for t in self.taken_back):,}"
        yield from (f"    {table}" for table in self.taken_back)
        yield f"  Conflicts, where somebody else's value stays: {len(self.conflicts)}"
        yield from _some([f"    {line.replace(chr(9), '  ')}" for line in self.conflicts])
        if self.books:
            yield f"  Stock of {len(self.stock)} products moved (before - sold + other = after):"
            yield from _some(
                [
                    f"    {each.label[:40]:40} {each.before:8g} - {each.sold:g} + {each.other:g} = {each.after:g}"
                    for each in self.stock
                ]
            )


def _some(lines: list[str]) -> list[str]:
    rest = len(lines) - LISTED
    return [*lines[:LISTED], f"    and {rest} more: see {STATEMENT}.json"] if rest > 0 else lines


def books_of(shop: Shop, db: Database) -> Books | None:
    """Where the shop keeps orders and stock, with full names; ``None`` if that is not known or not there."""
    known = KNOWN.get(shop.inventory.journeys.pages)
    if known is None:
        return None
    told, prefix = shop.inventory.journeys.tables, shop.production.prefix
    orders, lines, products = (
        prefix + told.get(name, getattr(known, name)) for name in ("orders", "lines", "products")
    )
    here = set(table_names(db))
    return replace(known, orders=orders, lines=lines, products=products) if {orders, lines, products} <= here else None


def note_books(shop: Shop, record: Record, db: Database) -> str:
    """Note what there is before the update; behind the maintenance page."""
    books = books_of(shop, db)
    last = open_books(db, books)
    if books is None:
        return ""
    record.write(OPENING, json.dumps({"last_order": str(last), "books": asdict(books)}))
    return f"the last order is {last}"


def state(shop: Shop, record: Record) -> Statement:
    """Compare the books with what is there now, and keep the statement in the run's record, as JSON and as text."""
    with shop.production.database.connected() as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        db.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        try:
            found = _read(record, db)
        finally:
            db.execute("COMMIT")
    record.write(f"{STATEMENT}.json", json.dumps(found.as_json(), ensure_ascii=False, indent=1) + "\n")
    record.write(f"{STATEMENT}.txt", found.text())
    return found


def _read(record: Record, db: Database) -> Statement:
    opening = json.loads(record.read(OPENING)) if record.host.exists(record.path(OPENING)) else None
    orders: tuple[str, ...] = ()
    stock: tuple[Stock, ...] = ()
    books = None
    if opening is not None:
        said = opening["books"]
        pairs = {name: tuple(said[name]) for name in ("line_product", "product")}
        books = Books(**{**said, **pairs})
        last = int(opening["last_order"])
        orders, stock = orders_since(db, books, last), stock_since(db, books, last)
    return Statement(
        run=record.run,
        made=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        orders=orders,
        taken_back=_taken_back(record),
        conflicts=conflicts(record),
        stock=stock,
        books=str(books) if books else "",
    )


def _taken_back(record: Record) -> tuple[Taken, ...]:
    if not record.host.exists(record.path("opened")) or not record.host.exists(record.path(PLAN)):
        return ()
    plan = MergePlan.from_json(record.read(PLAN))
    return tuple(Taken(table.name, table.added, table.changed, table.removed) for table in plan.tables)


def conflicts(record: Record) -> tuple[str, ...]:
    """The lines of the conflicts' list: table, key, column, what; tabs between."""
    if not record.host.exists(record.path(CONFLICTS)):
        return ()
    return tuple(record.read(CONFLICTS).decode("utf-8", "replace").splitlines())
