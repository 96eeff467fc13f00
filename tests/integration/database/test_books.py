"""A shop's books on a real server: what was sold, what else moved, and orders that can be made again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.database import books, checkpoint, footprint, synthetic
from pipeline.database.books import Books, Stock
from pipeline.demo.mariadb import MariaDB
from tests.integration.database.undo_world import Shop, shop

KEPT = Books(
    orders="orders",
    order="id",
    reference="reference",
    lines="lines_of",
    line_order="order_id",
    line_product=("product_id", "size_id"),
    quantity="pieces",
    products="stock",
    product=("id_product", "id_size"),
    label="name",
    stock="pieces",
)
TABLES = (
    (
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, reference VARCHAR(12) NOT NULL UNIQUE, note TEXT,"
        " made DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00')"
    ),
    (
        "CREATE TABLE lines_of (id INT PRIMARY KEY AUTO_INCREMENT, order_id INT, product_id INT, size_id INT,"
        " pieces INT, price DECIMAL(10,2))"
    ),
    (
        "CREATE TABLE stock (id_product INT, id_size INT, name VARCHAR(40), pieces INT NOT NULL, changed TIMESTAMP"
        " DEFAULT '2000-01-01 00:00:00' ON UPDATE CURRENT_TIMESTAMP, PRIMARY KEY (id_product, id_size))"
    ),
    (
        "INSERT INTO stock (id_product, id_size, name, pieces)"
        " VALUES (1, 1, 'mug', 10), (1, 2, 'large mug', 20), (2, 0, 'jug', 30)"
    ),
    "INSERT INTO orders (reference, note) VALUES ('r1', '😀')",
    "INSERT INTO lines_of (order_id, product_id, size_id, pieces, price) VALUES (1, 1, 1, 2, 9.90)",
)


@pytest.fixture(scope="module")
def emptied(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(mariadb, tmp_path_factory.mktemp("books") / "record") as made:
        yield made


@pytest.fixture
def place(emptied: Shop) -> Shop:
    emptied.empty()
    emptied.sql(*TABLES)
    return emptied


def test_stock_before_less_what_was_sold_and_what_else_moved_is_stock_after(place: Shop) -> None:
    last = books.open_books(place.db, KEPT)
    place.sql(
        "INSERT INTO orders (reference) VALUES ('r2'), ('r3')",
        "INSERT INTO lines_of (order_id, product_id, size_id, pieces) VALUES (2, 1, 2, 3), (3, 1, 2, 1)",
        "UPDATE stock SET pieces = pieces - 4 WHERE id_product = 1 AND id_size = 2",
        "UPDATE stock SET pieces = pieces + 5 WHERE id_product = 2",
    )
    assert last == 1
    assert books.orders_since(place.db, KEPT, last) == ("r2", "r3")
    assert books.stock_since(place.db, KEPT, last) == (
        Stock("2-0", "jug", before=30, sold=0, other=5, after=35),
        Stock("1-2", "large mug", before=20, sold=4, other=0, after=16),
    )


def test_synthetic_orders_leave_the_same_database_whenever_they_are_made(place: Shop) -> None:
    before = checkpoint.take(place.db, None, "base")
    made_of = synthetic.templates(place.db, KEPT)
    assert made_of is not None
    synthetic.place(place.db, made_of, range(7))
    first = footprint.fingerprint(place.db)
    assert place.db.value("SELECT COUNT(DISTINCT reference) FROM orders") == 8
    assert place.db.value("SELECT SUM(pieces) FROM stock") == "53"
    checkpoint.restore(place.db, before)
    synthetic.place(place.db, made_of, range(7))
    assert not footprint.changed(first, footprint.fingerprint(place.db))


def test_a_shop_without_orders_has_nothing_to_make_orders_from(place: Shop) -> None:
    place.sql("DELETE FROM orders", "DELETE FROM lines_of")
    assert synthetic.templates(place.db, KEPT) is None
