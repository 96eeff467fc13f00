"""The demo shop's content as SQL: products, customers, orders and the traces that real shops leave everywhere.

The shop's tables must exist (one page load or WP-CLI call creates them) and be empty. Text is utf8mb4.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from pipeline.demo import catalogue
from pipeline.demo.catalogue import NOTES, NOW, STATUSES, Customer, Product
from pipeline.demo.pictures import write_images

__all__ = ["seed_sql", "write_images"]

Value = str | int | Decimal | dt.datetime
Row = Sequence[Value]

ROWS_PER_STATEMENT = 500
SEED = 20261120

PRODUCT_COLUMNS = ("id", "sku", "slug", "name", "description", "price", "stock", "image", "category", "updated_at")
PERSON_COLUMNS = ("email", "name", "phone", "address", "postcode", "city", "country")
CUSTOMER_COLUMNS = ("id", *PERSON_COLUMNS, "created_at")
ORDER_COLUMNS = (
    *("id", "reference", "customer_id", *PERSON_COLUMNS),
    *("total", "status", "payment", "note", "cart_token", "created_at"),
)
LINE_COLUMNS = ("id", "order_id", "product_id", "sku", "name", "quantity", "price")


def seed_sql(prefix: str = "wp_", orders: int = 300, products: int = 4000, customers: int = 250) -> Iterator[str]:
    """SQL statements, each ending in ``;`` and a line break, that fill an empty shop; equal arguments, equal text.

    Send them through one connection of the ``mariadb`` client with ``--default-character-set=utf8mb4``.
    ``prefix`` is WordPress's table prefix, not the shop's. Orders have the references ``MP-000001`` and on.
    """
    source = random.Random(SEED)  # noqa: S311 -- the same shop every time, no secret
    shop = f"{prefix}shop_"
    goods = catalogue.products(source, products)
    people = list(catalogue.customers(source, customers))
    bought = list(_orders(source, orders, goods, people))
    yield "SET NAMES utf8mb4;\n"
    yield "START TRANSACTION;\n"
    yield from _inserts(f"{shop}products", PRODUCT_COLUMNS, (_product_row(n, p) for n, p in enumerate(goods, 1)))
    yield from _inserts(f"{shop}customers", CUSTOMER_COLUMNS, _numbered((*_person(c), c.created_at) for c in people))
    yield from _inserts(f"{shop}orders", ORDER_COLUMNS, (order for order, _ in bought))
    yield from _inserts(f"{shop}order_lines", LINE_COLUMNS, _numbered(line for _, lines in bought for line in lines))
    yield from _traces(source, prefix, people, [str(order[1]) for order, _ in bought])
    yield "COMMIT;\n"


def _product_row(number: int, product: Product) -> Row:
    stored = (product.sku, product.slug, product.name, product.description, _money(product.price))
    return (number, *stored, product.stock, product.image, product.category, NOW)


def _person(customer: Customer) -> tuple[str, ...]:
    return tuple(str(getattr(customer, column)) for column in PERSON_COLUMNS)


def _money(amount: float) -> Decimal:
    return Decimal(f"{amount:.2f}")


def _orders(
    source: random.Random, count: int, goods: Sequence[Product], people: Sequence[Customer]
) -> Iterator[tuple[Row, list[Row]]]:
    """Orders with their lines (without the lines' own ids), the oldest first."""
    times = sorted(NOW - dt.timedelta(minutes=source.randint(1, 780_000)) for _ in range(count))
    for number, at in enumerate(times, 1):
        buyer = source.randrange(len(people))
        chosen = source.sample(range(len(goods)), source.randint(1, 4))
        lines = [_line(number, n, goods[n], source.choice((1, 1, 1, 2, 2, 4, 6))) for n in chosen]
        total = sum((Decimal(str(line[5])) * int(str(line[4])) for line in lines), Decimal(0))
        token = f"{source.getrandbits(128):032x}"
        details = (total, source.choice(STATUSES), "invoice", source.choice(NOTES), token, at)
        yield (number, f"MP-{number:06d}", buyer + 1, *_person(people[buyer]), *details), lines


def _line(order: int, index: int, product: Product, quantity: int) -> Row:
    return (order, index + 1, product.sku, product.name, quantity, _money(product.price))


def _numbered(rows: Iterable[Row]) -> Iterator[Row]:
    return ((number, *row) for number, row in enumerate(rows, 1))


def _traces(source: random.Random, prefix: str, people: Sequence[Customer], references: Sequence[str]) -> Iterator[str]:
    """Where personal data ends up besides its own tables: messages, sessions, logs, options in PHP's form and JSON."""
    shop = f"{prefix}shop_"
    writers = [source.choice(people) for _ in range(min(40, len(people)))]
    messages = ((c.name, c.email, f"Bonjour,\nje suis au {c.phone}. L’émail a « filé » ! 🙂", NOW) for c in writers)
    yield from _inserts(f"{shop}messages", ("id", "name", "email", "message", "created_at"), _numbered(messages))
    visitors = [source.choice(people) for _ in range(300)]
    sessions = ((f"{source.getrandbits(128):032x}", _php({"email": c.email, "city": c.city}), NOW) for c in visitors)
    yield from _inserts(f"{shop}sessions", ("token", "data", "expires"), sessions)
    yield from _inserts(f"{shop}log", ("id", "at", "level", "message"), _log(visitors, references))
    yield from _inserts(f"{prefix}options", ("option_name", "option_value", "autoload"), _options(people))


def _log(visitors: Sequence[Customer], references: Sequence[str]) -> Iterator[Row]:
    for number, visitor in enumerate(visitors, 1):
        if number % 3 and references:
            reference = references[number % len(references)]
            customer = {"email": visitor.email, "phone": visitor.phone}
            yield number, NOW, "info", json.dumps({"order": reference, "customer": customer})
        else:
            yield number, NOW, "info", f"Panier abandonné par {visitor.name} <{visitor.email}>"


def _options(people: Sequence[Customer]) -> Iterator[Row]:
    some = people[:12]
    yield "shop_recent_customers", _php({c.email: c.name for c in some}), "off"
    readers = [{"email": c.email, "nom": c.name, "tel": c.phone} for c in some]
    yield "shop_newsletter_export", json.dumps(readers, ensure_ascii=False), "off"
    yield "shop_settings", _php({"brand": "Maison Palier", "delivery": "offerte", "city": "Moulins"}), "on"


def _php(values: dict[str, str]) -> str:
    """PHP's serialised form of an array of strings; lengths are in bytes."""
    parts = "".join(f's:{len(text.encode())}:"{text}";' for pair in values.items() for text in pair)
    return f"a:{len(values)}:{{{parts}}}"


def _inserts(table: str, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    head = f"INSERT INTO `{table}` ({', '.join(f'`{column}`' for column in columns)}) VALUES\n"
    batch: list[str] = []
    for row in rows:
        batch.append(f"({', '.join(_literal(value) for value in row)})")
        if len(batch) == ROWS_PER_STATEMENT:
            yield head + ",\n".join(batch) + ";\n"
            batch.clear()
    if batch:
        yield head + ",\n".join(batch) + ";\n"


ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


def _literal(value: Value) -> str:
    if isinstance(value, (int, Decimal)):
        return str(value)
    text = value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, dt.datetime) else value
    return "'" + text.translate(ESCAPES) + "'"
