"""A shop's books on a real server: what was sold, what else moved, and orders that can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pipeline.books import Books
from pipeline.database import books, checkpoint, footprint, put_back, synthetic
from pipeline.database.books import Stock
from pipeline.demo.mariadb import MariaDB
from pipeline.platforms.prestashop.books import books as prestashop
from pipeline.platforms.woocommerce.books import books as woocommerce
from tests.integration.database.undo_world import Shop, shop

KEPT = books.in_tables(
    orders=("orders", "id", "reference"),
    lines=("lines_of", "id", "order_id", "product_id", "pieces"),
    products=("stock", "id_product", "name", "pieces"),
)
TABLES = (
    (
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, reference VARCHAR(12) NOT NULL UNIQUE, note TEXT,"
        " made DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00')"
    ),
    (
        "CREATE TABLE lines_of (id INT PRIMARY KEY AUTO_INCREMENT, order_id INT, product_id INT,"
        " pieces INT, price DECIMAL(10,2))"
    ),
    (
        "CREATE TABLE stock (id_product INT PRIMARY KEY, name VARCHAR(40) COLLATE utf8mb4_swedish_ci,"
        " pieces INT NOT NULL, changed TIMESTAMP DEFAULT '2000-01-01 00:00:00' ON UPDATE CURRENT_TIMESTAMP)"
    ),
    "INSERT INTO stock (id_product, name, pieces) VALUES (1, 'mug', 10), (2, 'jug', 30), (3, 'plate', 5)",
    "INSERT INTO orders (reference, note) VALUES ('r1', '😀')",
    "INSERT INTO lines_of (order_id, product_id, pieces, price) VALUES (1, 1, 2, 9.90)",
)

PRESTASHOP = (
    "CREATE TABLE ps_orders (id_order INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, reference VARCHAR(9), KEY (reference))",
    (
        "CREATE TABLE ps_order_detail (id_order_detail INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, id_order INT UNSIGNED,"
        " product_id INT UNSIGNED, product_attribute_id INT UNSIGNED NULL, product_quantity INT UNSIGNED)"
    ),
    (
        "CREATE TABLE ps_stock_available (id_stock_available INT UNSIGNED PRIMARY KEY AUTO_INCREMENT,"
        " id_product INT UNSIGNED, id_product_attribute INT UNSIGNED, id_shop INT UNSIGNED, id_shop_group INT UNSIGNED,"
        " quantity INT, UNIQUE (id_product, id_product_attribute, id_shop, id_shop_group))"
    ),
    "CREATE TABLE ps_product_lang (id_product INT UNSIGNED, id_shop INT, id_lang INT, name VARCHAR(128))",
    "CREATE TABLE ps_product_attribute (id_product_attribute INT UNSIGNED PRIMARY KEY, reference VARCHAR(64))",
    "INSERT INTO ps_product_lang VALUES (1, 1, 1, 'mug'), (1, 1, 2, 'tasse'), (2, 1, 1, 'shirt')",
    "INSERT INTO ps_product_attribute VALUES (21, 'S'), (22, 'L')",
    (
        "INSERT INTO ps_stock_available (id_product, id_product_attribute, id_shop, id_shop_group, quantity) VALUES"
        " (1, 0, 1, 0, 10), (1, 0, 2, 0, 7), (2, 0, 1, 0, 50), (2, 21, 1, 0, 20), (2, 22, 1, 0, 30)"
    ),
    "INSERT INTO ps_orders VALUES (5, 'AAAAAAAAA')",
    "INSERT INTO ps_order_detail VALUES (8, 5, 2, 21, 1)",
)

WOOCOMMERCE = (
    "CREATE TABLE wp_options (option_name VARCHAR(191) PRIMARY KEY, option_value LONGTEXT)",
    (
        "CREATE TABLE wp_posts (ID BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, post_title TEXT, post_type VARCHAR(20),"
        " post_status VARCHAR(20)) COLLATE utf8mb4_unicode_520_ci"
    ),
    (
        "CREATE TABLE wp_postmeta (meta_id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, post_id BIGINT UNSIGNED,"
        " meta_key VARCHAR(255), meta_value LONGTEXT) COLLATE utf8mb4_unicode_520_ci"
    ),
    (
        "CREATE TABLE wp_wc_orders (id BIGINT UNSIGNED PRIMARY KEY, type VARCHAR(20), status VARCHAR(20))"
        " COLLATE utf8mb4_unicode_520_ci"
    ),
    (
        "CREATE TABLE wp_wc_orders_meta (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, order_id BIGINT UNSIGNED,"
        " meta_key VARCHAR(255), meta_value TEXT)"
    ),
    (
        "CREATE TABLE wp_woocommerce_order_items (order_item_id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,"
        " order_item_name TEXT, order_item_type VARCHAR(200), order_id BIGINT UNSIGNED)"
    ),
    (
        "CREATE TABLE wp_woocommerce_order_itemmeta (meta_id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,"
        " order_item_id BIGINT UNSIGNED, meta_key VARCHAR(255), meta_value LONGTEXT)"
    ),
    "CREATE TABLE wp_wc_product_meta_lookup (product_id BIGINT PRIMARY KEY, stock_quantity DOUBLE)",
    (
        "INSERT INTO wp_posts VALUES (1, 'mug', 'product', 'publish'), (2, 'shirt', 'product', 'publish'),"
        " (3, 'shirt S', 'product_variation', 'publish'), (4, 'shirt L', 'product_variation', 'publish'),"
        " (5, 'gift', 'product', 'publish')"
    ),
    (
        "INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES (1, '_manage_stock', 'yes'),"
        " (1, '_stock', '10'), (2, '_manage_stock', 'yes'), (2, '_stock', '50'),"
        " (3, '_manage_stock', 'yes'), (3, '_stock', '20'),"
        " (4, '_manage_stock', 'no'), (4, '_stock', NULL), (5, '_manage_stock', 'no'), (5, '_stock', '3')"
    ),
    "INSERT INTO wp_wc_product_meta_lookup VALUES (1, 10), (2, 50), (3, 20)",
)
HPOS = (
    "INSERT INTO wp_options VALUES ('woocommerce_custom_orders_table_enabled', 'yes')",
    (
        "INSERT INTO wp_wc_orders VALUES (10, 'shop_order', 'wc-processing'), (11, 'shop_order', 'wc-checkout-draft'),"
        " (12, 'shop_order', 'wc-checkout-draft')"
    ),
)
POSTS = (
    "INSERT INTO wp_options VALUES ('woocommerce_custom_orders_table_enabled', 'no')",
    (
        "INSERT INTO wp_posts VALUES (10, 'o', 'shop_order', 'wc-processing'),"
        " (11, 'o', 'shop_order', 'wc-checkout-draft'), (12, 'o', 'shop_order', 'wc-checkout-draft')"
    ),
)
PLACED = {
    "hpos": (
        (
            "INSERT INTO wp_wc_orders VALUES (20, 'shop_order', 'wc-on-hold'),"
            " (21, 'shop_order_refund', 'wc-completed'), (22, 'shop_order', 'wc-checkout-draft')"
        ),
        "UPDATE wp_wc_orders SET status = 'wc-processing' WHERE id = 11",
        "INSERT INTO wp_wc_orders_meta VALUES (1, 20, '_order_number', 'F-77')",
    ),
    "posts": (
        (
            "INSERT INTO wp_posts VALUES (20, 'o', 'shop_order', 'wc-on-hold'),"
            " (21, 'o', 'shop_order_refund', 'wc-completed'), (22, 'o', 'shop_order', 'wc-checkout-draft')"
        ),
        "UPDATE wp_posts SET post_status = 'wc-processing' WHERE ID = 11",
        "INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES (20, '_order_number', 'F-77')",
    ),
}
STORES = pytest.mark.parametrize(("store", "rows"), [("hpos", HPOS), ("posts", POSTS)], ids=["hpos", "posts"])


@pytest.fixture(scope="module")
def emptied(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(mariadb, tmp_path_factory.mktemp("books") / "record") as made:
        yield made


@pytest.fixture
def place(emptied: Shop) -> Shop:
    emptied.empty()
    emptied.sql(*TABLES)
    return emptied


@pytest.fixture
def bare(emptied: Shop) -> Shop:
    emptied.empty()
    return emptied


def item(order: int, product: int, pieces: int, variation: int = 0) -> tuple[str, ...]:
    """Statements: a line of a WooCommerce order, as WooCommerce itself writes it."""
    meta = {"_product_id": product, "_variation_id": variation, "_qty": pieces, "_line_total": 9}
    values = ", ".join(f"(LAST_INSERT_ID(), '{key}', '{value}')" for key, value in meta.items())
    return (
        (
            "INSERT INTO wp_woocommerce_order_items (order_item_name, order_item_type, order_id)"
            f" VALUES ('x', 'line_item', {order})"
        ),
        f"INSERT INTO wp_woocommerce_order_itemmeta (order_item_id, meta_key, meta_value) VALUES {values}",
    )


def taken(product: int, pieces: int) -> str:
    where = f"post_id = {product} AND meta_key = '_stock'"
    return f"UPDATE wp_postmeta SET meta_value = meta_value - {pieces} WHERE {where}"


def test_stock_before_less_what_was_sold_and_what_else_moved_is_stock_after(place: Shop) -> None:
    opening = books.open_books(place.db, KEPT)
    place.sql(
        "INSERT INTO orders (reference) VALUES ('r2'), ('r3')",
        "INSERT INTO lines_of (order_id, product_id, pieces) VALUES (2, 1, 3), (3, 1, 1)",
        "UPDATE stock SET pieces = pieces - 4 WHERE id_product = 1",
        "UPDATE stock SET pieces = pieces + 5 WHERE id_product = 2",
    )
    assert opening.last == 1
    assert books.orders_since(place.db, KEPT, opening) == ("r2", "r3")
    assert books.stock_since(place.db, KEPT, opening) == (
        Stock("2", "jug", before=30, sold=0, other=5, after=35),
        Stock("1", "mug", before=10, sold=4, other=0, after=6),
    )


def test_a_product_that_is_new_or_gone_has_none_before_or_after(place: Shop) -> None:
    opening = books.open_books(place.db, KEPT)
    place.sql(
        "DELETE FROM stock WHERE id_product = 3",
        "INSERT INTO stock (id_product, name, pieces) VALUES (4, 'vase', 7)",
        "INSERT INTO orders (reference) VALUES ('r2')",
        "INSERT INTO lines_of (order_id, product_id, pieces) VALUES (2, 4, 1)",
    )
    assert books.stock_since(place.db, KEPT, opening) == (
        Stock("3", "plate", before=5, sold=0, other=-5, after=0),
        Stock("4", "vase", before=0, sold=1, other=8, after=7),
    )


def test_the_books_of_another_shop_are_not_chosen(place: Shop) -> None:
    assert books.choose(place.db, (*woocommerce("wp_"), *prestashop("ps_"))) is None
    assert books.choose(place.db, (*woocommerce("wp_"), KEPT)) == KEPT


def test_prestashops_sum_of_combinations_is_no_stock_of_its_own_and_shops_are_added_up(bare: Shop) -> None:
    bare.sql(*PRESTASHOP)
    kept = books.choose(bare.db, prestashop("ps_"))
    assert kept is not None
    opening = books.open_books(bare.db, kept)
    bare.sql(
        "INSERT INTO ps_orders VALUES (6, 'BBBBBBBBB')",
        "INSERT INTO ps_order_detail VALUES (NULL, 6, 2, 21, 3), (NULL, 6, 1, NULL, 2), (NULL, 6, 2, 21, 1)",
        "UPDATE ps_stock_available SET quantity = quantity - 4 WHERE id_product_attribute = 21",
        "UPDATE ps_stock_available SET quantity = quantity - 4 WHERE id_product = 2 AND id_product_attribute = 0",
        "UPDATE ps_stock_available SET quantity = quantity - 2 WHERE id_product = 1 AND id_shop = 2",
    )
    assert books.orders_since(bare.db, kept, opening) == ("BBBBBBBBB",)
    assert books.stock_since(bare.db, kept, opening) == (
        Stock("1-0", "mug", before=17, sold=2, other=0, after=15),
        Stock("2-21", "shirt S", before=20, sold=4, other=0, after=16),
    )


@STORES
def test_woocommerces_orders_are_read_where_the_shop_keeps_them(bare: Shop, store: str, rows: tuple[str, ...]) -> None:
    """A draft of before that was ordered since is an order since; refunds and drafts are none."""
    bare.sql(*WOOCOMMERCE, *rows)
    kept = books.choose(bare.db, woocommerce("wp_"))
    assert kept is not None
    opening = books.open_books(bare.db, kept)
    assert opening.drafts == (11, 12)
    bare.sql(*PLACED[store])
    assert books.orders_since(bare.db, kept, opening) == ("11", "F-77")


@STORES
def test_woocommerces_sold_pieces_are_the_items_own_and_a_variations_stock_is_its_parents_unless_it_has_its_own(
    bare: Shop, store: str, rows: tuple[str, ...]
) -> None:
    bare.sql(*WOOCOMMERCE, *rows, *item(10, 1, 4))
    kept = books.choose(bare.db, woocommerce("wp_"))
    assert kept is not None
    opening = books.open_books(bare.db, kept)
    bare.sql(
        *PLACED[store],
        *(*item(20, 1, 2), *item(20, 2, 3, variation=3), *item(20, 2, 1, variation=4), *item(20, 5, 1)),
        *(*item(11, 1, 1), *item(12, 1, 9), *item(22, 1, 9)),
        *(taken(1, 3), taken(3, 3), taken(2, 1)),
    )
    assert books.stock_since(bare.db, kept, opening) == (
        Stock("1", "mug", before=10, sold=3, other=0, after=7),
        Stock("2", "shirt", before=50, sold=1, other=0, after=49),
        Stock("3", "shirt S", before=20, sold=3, other=0, after=17),
    )


def test_books_come_out_of_the_record_as_they_went_in_and_those_of_another_version_do_not(bare: Shop) -> None:
    bare.sql(*WOOCOMMERCE, *HPOS)
    kept = books.choose(bare.db, woocommerce("wp_"))
    assert kept is not None
    read = Books.from_json(json.loads(json.dumps(kept.as_json())))
    assert read is not None
    assert read.as_json() == kept.as_json()
    assert Books.from_json({"orders": "wp_wc_orders", "order": "id"}) is None


def test_synthetic_orders_leave_the_same_database_whenever_they_are_made(place: Shop) -> None:
    before = checkpoint.take(place.db, None, "base")
    made_of = synthetic.templates(place.db, KEPT)
    assert made_of is not None
    synthetic.place(place.db, made_of, range(7))
    first = footprint.fingerprint(place.db)
    assert place.db.value("SELECT COUNT(DISTINCT reference) FROM orders") == 8
    assert place.db.value("SELECT SUM(pieces) FROM stock") == "38"
    put_back.restore(place.db, before)
    synthetic.place(place.db, made_of, range(7))
    assert not footprint.changed(first, footprint.fingerprint(place.db))


@pytest.mark.parametrize(
    ("tables", "alternatives"),
    [
        (PRESTASHOP, prestashop("ps_")),
        ((*WOOCOMMERCE, *HPOS, *item(10, 1, 4)), woocommerce("wp_")),
        ((*WOOCOMMERCE, *POSTS, *item(10, 1, 4)), woocommerce("wp_")),
    ],
    ids=["prestashop", "woocommerce in hpos", "woocommerce in posts"],
)
def test_synthetic_orders_of_each_platform_are_orders_in_its_books(
    bare: Shop, tables: tuple[str, ...], alternatives: tuple[Books, ...]
) -> None:
    bare.sql(*tables)
    kept = books.choose(bare.db, alternatives)
    assert kept is not None
    made_of = synthetic.templates(bare.db, kept)
    assert made_of is not None
    opening = books.open_books(bare.db, kept)
    synthetic.place(bare.db, made_of, range(6))
    assert len(set(books.orders_since(bare.db, kept, opening))) == 6
    moved = books.stock_since(bare.db, kept, opening)
    assert sum(each.sold for each in moved) == 6
    assert [each for each in moved if each.other] == []


def test_a_shop_without_orders_has_nothing_to_make_orders_from(place: Shop) -> None:
    place.sql("DELETE FROM orders", "DELETE FROM lines_of")
    assert synthetic.templates(place.db, KEPT) is None
