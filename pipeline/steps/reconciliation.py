"""The reconciliation statement after a rollback: orders kept, rows taken back, conflicts, and stock product by product.

The books are opened behind the maintenance page, before the update runs: the last order's number, and what is in stock.
The statement compares them with what is there after the rollback, in one consistent view.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass

from pipeline.books import Books
from pipeline.database import books as asked
from pipeline.database import keeping, late
from pipeline.database.books import Opening, Stock, choose, in_tables, kept, open_books, since, stock_since
from pipeline.database.connection import Database
from pipeline.database.merge_plan import MergePlan
from pipeline.database.sql import identifier
from pipeline.errors import Refused
from pipeline.record import Record
from pipeline.steps.site import Shop

OPENING, STATEMENT = "books.json", "reconciliation"
CONFLICTS, PLAN = "conflicts.txt", "merge-plan.json"
LISTED = 40
"""Lines of one kind that people are shown; the JSON has all."""


PLAIN = {"orders": "shop_orders", "lines": "shop_order_lines", "products": "shop_products"}
"""The tables of a shop with pages like the demo's, where its inventory does not name others."""


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
    late: tuple[str, ...] = ()
    """Orders that came behind the page and went when the promotion took itself back, and where their rows are."""

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
        if self.late:
            yield "  Came behind the page, and went when everything was put back as it was before:"
            yield from _some([f"    {line.replace(chr(9), '  ')}" for line in self.late])
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
    """Where the shop keeps orders and stock; ``None`` if that is not known or not there."""
    site = shop.production
    return choose(db, (*_plain_books(shop), *site.platform.books(site.prefix)))


def _plain_books(shop: Shop) -> tuple[Books, ...]:
    """A platform does not know the tables of a shop that is a plugin of its own: pages and inventory do."""
    told = shop.inventory.journeys
    if told.pages != "demo":
        return ()
    orders, lines, products = (shop.production.prefix + told.tables.get(key, name) for key, name in PLAIN.items())
    return (
        in_tables(
            orders=(orders, "id", "reference"),
            lines=(lines, "id", "order_id", "product_id", "quantity"),
            products=(products, "id", "name", "stock"),
        ),
    )


def note_books(shop: Shop, record: Record, db: Database) -> str:
    """Note what there is before the update; behind the maintenance page."""
    books = books_of(shop, db)
    if books is None:
        return ""
    opening = open_books(db, books, keeping.label(record.run))
    record.write(OPENING, json.dumps({"opening": asdict(opening), "books": books.as_json()}))
    return f"orders up to number {opening.last}"


def state(shop: Shop, record: Record) -> Statement:
    """Compare the books with what is there now, and keep the statement in the run's record, as JSON and as text.

    :raises Refused: if what was in stock before is no longer known.
    """
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
    orders: tuple[str, ...] = ()
    stock: tuple[Stock, ...] = ()
    opened = _opened(record)
    if opened is not None:
        _require_kept(db, record, opened[1])
        orders, stock = asked.orders_since(db, *opened), stock_since(db, *opened)
    return Statement(
        run=record.run,
        made=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        orders=orders,
        taken_back=_taken_back(record),
        conflicts=conflicts(record),
        stock=stock,
        books=str(opened[0]) if opened else "",
        late=_lines_of(record, late.FILE),
    )


def _require_kept(db: Database, record: Record, opening: Opening) -> None:
    if not kept(db, opening):
        raise Refused(
            f"There is no statement of {record.run}, and none can be made any more.",
            why="A later promotion that opened gave up what was noted for it.",
            next_step=f"What stayed as others wrote it is listed in {record.path(CONFLICTS)}.",
        )


def _opened(record: Record) -> tuple[Books, Opening] | None:
    """The books as they were opened; ``None`` if they were not, or another version of Palier has written them."""
    if not record.host.exists(record.path(OPENING)):
        return None
    said = json.loads(record.read(OPENING))
    books = Books.from_json(said["books"])
    if books is None or "opening" not in said:
        return None
    told = said["opening"]
    return books, Opening(int(told["last"]), tuple(map(int, told["drafts"])), str(told["of"]))


def _taken_back(record: Record) -> tuple[Taken, ...]:
    if not record.host.exists(record.path("opened")) or not record.host.exists(record.path(PLAN)):
        return ()
    plan = MergePlan.from_json(record.read(PLAN))
    return tuple(Taken(table.name, table.added, table.changed, table.removed) for table in plan.tables)


def conflicts(record: Record) -> tuple[str, ...]:
    """The lines of the conflicts' list: table, key, column, what; tabs between."""
    return _lines_of(record, CONFLICTS)


def _lines_of(record: Record, name: str) -> tuple[str, ...]:
    if not record.host.exists(record.path(name)):
        return ()
    return tuple(record.read(name).decode("utf-8", "replace").splitlines())


def orders_since(record: Record, copied: Collection[str]) -> str:
    """SELECT of ``reference`` of the orders that came since the books were opened.

    Empty: it is not known where orders are, or their tables are not among the ``copied`` ones, and so stay as they are.
    """
    opened = _opened(record)
    if opened is None:
        return ""
    tables = [name for name in opened[0].tables if identifier(name) in opened[0].orders]
    return since(*opened) if tables and set(tables) <= set(copied) else ""
