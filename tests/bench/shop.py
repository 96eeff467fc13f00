"""A shop's database of a stated size, filled inside the server: five large tables, 271 small ones.

At scale 1 it weighs about 2 GB: 600,000 orders with 1,500,000 lines, 1,500,000 carts, 2,000,000 connections, 300,000
customers. Every value follows from its row's number, so two shops of one scale are equal.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.config.inventory import Tables
from pipeline.database.classes import Classes
from pipeline.database.connection import Database

PREFIX = "ps_"
TABLES = 276
MODULE_ROWS = 400
"""Rows of each small table that belongs to a module or to the catalogue."""

DESCRIBED = Tables(
    business=("orders", "order_detail", "customer", "cart"),
    configuration=("configuration", "module", "module_*"),
    throwaway=("connections",),
    personal={"customer": {"email": "email", "firstname": "name", "lastname": "name", "birthday": "text"}},
)
CLASSES = Classes.of(PREFIX, DESCRIBED)


@dataclass(frozen=True)
class Large:
    """One of the large tables: how many rows at scale 1, its columns, their values by row number, its indexes."""

    name: str
    rows: int
    columns: Sequence[tuple[str, str, str]]
    """Name, type, and the expression of its value; ``n`` is the row's number."""
    indexes: Sequence[str]

    @property
    def create(self) -> str:
        columns = ", ".join(f"{name} {kind}" for name, kind, _ in self.columns)
        first = self.columns[0][0]
        return (
            f"CREATE TABLE {PREFIX}{self.name} ({columns}, PRIMARY KEY ({first})) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        )

    def fill(self, first: int, last: int) -> str:
        """The rows whose numbers are from ``first`` to ``last``."""
        names = ", ".join(name for name, _, _ in self.columns)
        values = ", ".join(value for _, _, value in self.columns)
        numbers = f"(SELECT seq AS n FROM seq_{first}_to_{last}) r"
        return f"INSERT INTO {PREFIX}{self.name} ({names}) SELECT {values} FROM {numbers}"

    @property
    def index(self) -> str:
        return f"ALTER TABLE {PREFIX}{self.name} {', '.join(f'ADD {one}' for one in self.indexes)}"


_DAY = "'2024-01-01 00:00:00' + INTERVAL n SECOND"
_MONEY = "DECIMAL(20,6) NOT NULL DEFAULT 0"
_PRICE = "9.9 + n % 977 / 7"


def _moneys(names: Sequence[str]) -> list[tuple[str, str, str]]:
    return [(name, _MONEY, f"{_PRICE} + {number}") for number, name in enumerate(names)]


def _numbers(names: Sequence[str], modulus: int = 97) -> list[tuple[str, str, str]]:
    return [(name, "INT UNSIGNED NOT NULL DEFAULT 0", f"1 + n % {modulus}") for name in names]


_TOTALS: tuple[str, ...] = (
    "discounts",
    "discounts_tax_incl",
    "discounts_tax_excl",
    "paid",
    "paid_tax_incl",
    "paid_tax_excl",
    "paid_real",
)
_TOTALS += ("products", "products_wt", "shipping", "shipping_tax_incl", "shipping_tax_excl", "wrapping")
_LINE_NUMBERS: tuple[str, ...] = (
    "id_warehouse",
    "id_shop",
    "product_id",
    "product_attribute_id",
    "product_quantity",
    "in_stock",
)
_LINE_NUMBERS += ("product_quantity_refunded", "product_quantity_return", "product_quantity_reinjected", "tax_rule")
_LINE_PRICES: tuple[str, ...] = (
    "product_price",
    "reduction_percent",
    "reduction_amount",
    "reduction_amount_tax_incl",
    "group_reduction",
)
_LINE_PRICES += ("product_quantity_discount", "product_weight", "ecotax", "unit_price_tax_incl", "unit_price_tax_excl")
_LINE_PRICES += ("total_price_tax_incl", "total_price_tax_excl", "total_shipping_tax_incl", "purchase_supplier_price")
_LINE_PRICES += ("original_product_price", "original_wholesale_price", "total_refunded_tax_incl")

LARGE = (
    Large(
        "orders",
        600_000,
        (
            ("id_order", "INT UNSIGNED NOT NULL AUTO_INCREMENT", "n"),
            ("reference", "VARCHAR(20) NOT NULL", "CONCAT('R', LPAD(n, 9, '0'))"),
            *_numbers(("id_shop_group", "id_shop", "id_lang", "id_currency"), 3),
            *_numbers(("id_carrier", "id_address_delivery", "id_address_invoice")),
            ("id_customer", "INT UNSIGNED NOT NULL", "1 + n * 7 % 299993"),
            ("id_cart", "INT UNSIGNED NOT NULL", "n * 2"),
            ("current_state", "INT UNSIGNED NOT NULL", "1 + n % 14"),
            ("secure_key", "VARCHAR(32) NOT NULL", "MD5(n)"),
            ("payment", "VARCHAR(255) NOT NULL", "ELT(1 + n % 3, 'Bank transfer', 'Card', 'Cheque')"),
            ("conversion_rate", "DECIMAL(13,6) NOT NULL DEFAULT 1", "1"),
            ("module", "VARCHAR(255) DEFAULT NULL", "ELT(1 + n % 3, 'wire', 'card', 'cheque')"),
            *_numbers(("recyclable", "gift", "mobile_theme", "round_mode", "round_type"), 2),
            ("gift_message", "TEXT DEFAULT NULL", "NULL"),
            ("shipping_number", "VARCHAR(64) DEFAULT NULL", "IF(n % 2, CONCAT('6A', n * 1117), NULL)"),
            *_moneys([f"total_{name}" for name in _TOTALS]),
            *_numbers(("invoice_number", "delivery_number", "valid"), 600_011),
            ("invoice_date", "DATETIME NOT NULL", f"IF(n % 9, {_DAY}, '0000-00-00 00:00:00')"),
            ("delivery_date", "DATETIME NOT NULL", f"IF(n % 8, {_DAY}, '0000-00-00 00:00:00')"),
            ("date_add", "DATETIME NOT NULL", _DAY),
            ("date_upd", "DATETIME NOT NULL", _DAY),
            ("note", "TEXT DEFAULT NULL", "IF(n % 20, NULL, CONCAT('Merci de sonner au ', n, ', 3e étage 🙂'))"),
            ("carrier_tax_rate", "DECIMAL(10,3) NOT NULL DEFAULT 0", "20"),
        ),
        (
            "KEY reference (reference)",
            "KEY id_customer (id_customer)",
            "KEY id_cart (id_cart)",
            "KEY invoice_number (invoice_number)",
            "KEY id_carrier (id_carrier)",
            "KEY current_state (current_state)",
            "KEY date_add (date_add)",
        ),
    ),
    Large(
        "order_detail",
        1_500_000,
        (
            ("id_order_detail", "INT UNSIGNED NOT NULL AUTO_INCREMENT", "n"),
            ("id_order", "INT UNSIGNED NOT NULL", "1 + n DIV 2.5"),
            ("id_order_invoice", "INT DEFAULT NULL", "n"),
            *_numbers(_LINE_NUMBERS, 4999),
            (
                "product_name",
                "TEXT NOT NULL",
                "CONCAT('Article ', n % 4999, ' - Taille : M, Couleur : bleu ', MD5(n % 4999))",
            ),
            *_moneys(_LINE_PRICES),
            ("product_ean13", "VARCHAR(13) DEFAULT NULL", "LPAD(n % 4999, 13, '3')"),
            ("product_reference", "VARCHAR(64) DEFAULT NULL", "CONCAT('SKU-', n % 4999)"),
            ("download_hash", "VARCHAR(255) DEFAULT NULL", "NULL"),
            ("download_deadline", "DATETIME DEFAULT NULL", "'0000-00-00 00:00:00'"),
        ),
        (
            "KEY order_of_line (id_order)",
            "KEY product_id (product_id, product_attribute_id)",
            "KEY invoice_line (id_order, id_order_detail)",
        ),
    ),
    Large(
        "cart",
        1_500_000,
        (
            ("id_cart", "INT UNSIGNED NOT NULL AUTO_INCREMENT", "n"),
            *_numbers(("id_shop_group", "id_shop", "id_carrier", "id_lang", "id_currency"), 3),
            ("id_customer", "INT UNSIGNED NOT NULL", "1 + n * 7 % 299993"),
            ("id_guest", "INT UNSIGNED NOT NULL", "n"),
            ("delivery_option", "TEXT NOT NULL", "CONCAT('{\"', n, '\":\"', n % 7, ',\"}')"),
            ("secure_key", "VARCHAR(32) NOT NULL", "MD5(n)"),
            *_numbers(("recyclable", "gift", "allow_seperated_package"), 2),
            ("date_add", "DATETIME NOT NULL", _DAY),
            ("date_upd", "DATETIME NOT NULL", _DAY),
        ),
        ("KEY cart_customer (id_customer)", "KEY id_guest (id_guest)", "KEY shop_dates (id_shop, date_add)"),
    ),
    Large(
        "connections",
        2_000_000,
        (
            ("id_connections", "INT UNSIGNED NOT NULL AUTO_INCREMENT", "n"),
            *_numbers(("id_shop_group", "id_shop", "id_page"), 31),
            ("id_guest", "INT UNSIGNED NOT NULL", "n"),
            ("ip_address", "BIGINT DEFAULT NULL", "3221225985 + n % 65000"),
            ("date_add", "DATETIME NOT NULL", _DAY),
            ("http_referer", "VARCHAR(255) DEFAULT NULL", "CONCAT('https://search.example/?q=', n % 1000)"),
        ),
        ("KEY id_guest (id_guest)", "KEY date_add (date_add)", "KEY id_page (id_page)"),
    ),
    Large(
        "customer",
        300_000,
        (
            ("id_customer", "INT UNSIGNED NOT NULL AUTO_INCREMENT", "n"),
            *_numbers(("id_shop_group", "id_shop", "id_gender", "id_default_group", "id_lang"), 3),
            ("firstname", "VARCHAR(255) NOT NULL", "ELT(1 + n % 4, 'Hélène', 'Jean', 'Zoé', 'François')"),
            ("lastname", "VARCHAR(255) NOT NULL", "CONCAT('Dupont', n)"),
            ("email", "VARCHAR(255) NOT NULL", "CONCAT('customer.', n, '@shop-customers.example')"),
            ("passwd", "VARCHAR(255) NOT NULL", "CONCAT('$2y$10$', MD5(n), LEFT(MD5(n + 1), 21))"),
            ("birthday", "DATE DEFAULT NULL", "'1960-01-01' + INTERVAL n % 15000 DAY"),
            ("secure_key", "VARCHAR(32) NOT NULL", "MD5(n * 3)"),
            *_numbers(("newsletter", "optin", "active", "is_guest", "deleted"), 2),
            ("date_add", "DATETIME NOT NULL", _DAY),
            ("date_upd", "DATETIME NOT NULL", _DAY),
        ),
        ("UNIQUE KEY customer_email (email)", "KEY customer_login (email, passwd)", "KEY id_gender (id_gender)"),
    ),
)

_SMALL = (
    "CREATE TABLE {name} (id INT UNSIGNED NOT NULL AUTO_INCREMENT, id_shop INT NOT NULL, name VARCHAR(128) NOT NULL,"
    " value TEXT DEFAULT NULL, price DECIMAL(20,6) NOT NULL DEFAULT 0, quantity INT NOT NULL DEFAULT 0,"
    " date_upd DATETIME NOT NULL, PRIMARY KEY (id), KEY name (name)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
)
_SMALL_ROWS = (
    "INSERT INTO {name} SELECT seq, 1 + seq % 2, CONCAT('SETTING_', seq), REPEAT(MD5(seq), 1 + seq % 3), seq / 7,"
    " seq % 50, '2024-01-01' FROM seq_1_to_{rows}"
)
_NAMED = (("configuration", 2_000), ("module", 120), ("product", 5_000), ("stock_available", 8_000))


def small_tables() -> Iterator[tuple[str, int]]:
    """Name and rows of each small table."""
    yield from ((f"{PREFIX}{name}", rows) for name, rows in _NAMED)
    for number in range(1, TABLES - len(LARGE) - len(_NAMED) + 1):
        yield f"{PREFIX}module_{number:03d}", MODULE_ROWS if number % 4 == 0 else number % 12


def rows_of(large: Large, scale: float) -> int:
    return max(100, round(large.rows * scale))


def build(db: Database, scale: float) -> None:
    """Fill an empty schema. Two connections share the large tables."""
    for name, rows in small_tables():
        db.execute(_SMALL.format(name=name))
        if rows:
            db.execute(_SMALL_ROWS.format(name=name, rows=rows))
    waiting = sorted(LARGE, key=lambda large: -large.rows * len(large.columns))
    problems: list[BaseException] = []

    def work() -> None:
        try:
            with db.connected() as own:
                while waiting:
                    _large(own, waiting.pop(0), scale)
        except BaseException as problem:  # noqa: BLE001 - raised again below, in the thread that asked
            problems.append(problem)

    workers = [threading.Thread(target=work, name=f"bench-build-{number}") for number in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if problems:
        raise problems[0]


def _large(db: Database, large: Large, scale: float) -> None:
    db.execute("SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'")
    db.execute(large.create)
    total, step = rows_of(large, scale), 100_000
    for first in range(1, total + 1, step):
        db.execute(large.fill(first, min(total, first + step - 1)))
    db.execute(large.index)


def size_of(db: Database) -> int:
    """Bytes of data and indexes, by the server's own statistics."""
    sql = (
        "SELECT SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
        f" AND LEFT(TABLE_NAME, {len(PREFIX)}) = '{PREFIX}'"
    )
    return int(float(db.value(sql) or 0))
