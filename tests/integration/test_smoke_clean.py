"""Removing what test visitors left: theirs alone, stock put back, all or nothing. On the demo shop's own tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest

from pipeline.config.inventory import Inventory
from pipeline.config.loader import load_inventory
from pipeline.database.connection import QueryFailed
from pipeline.demo.world import World
from pipeline.errors import Refused
from pipeline.events import Event, Note
from pipeline.flows import smoke
from pipeline.steps import traces
from pipeline.steps.site import Shop, opened
from pipeline.steps.smoke import removing_orders

pytestmark = [pytest.mark.integration, pytest.mark.world]

TEST = "palier-test+0badcafe-1@example.com"
NEIGHBOUR = "palier-test+marie@example.com"
"""A person's own tagged address at the same provider: no eight random digits, so no test's."""
BUSINESS = ("orders", "order_lines", "customers", "messages", "carts", "cart_lines")


@pytest.fixture(scope="module")
def bought_from(world: World) -> World:
    """Only rows of production are changed here; each test puts back those that it made."""
    world.reset()
    return world


@pytest.fixture
def shop(bought_from: World, tmp_path: Path) -> Iterator[Shop]:
    with opened(load_inventory(bought_from.inventory), tmp_path) as found:
        yield found


@pytest.fixture
def sql(bought_from: World) -> Iterator[pymysql.cursors.Cursor]:
    """Someone else at production's tables; afterwards they are as before the test."""
    site = bought_from.production
    bought_from.mariadb.dump(site.schema, site.folder / "before.sql")
    connection = pymysql.connect(
        host="127.0.0.1",
        port=bought_from.mariadb.port,
        user=site.schema,
        password=site.password,
        database=site.schema,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        yield cursor
    bought_from.mariadb.admin(f"USE `{site.schema}`;" + (site.folder / "before.sql").read_text("utf-8"))


def stock(cursor: pymysql.cursors.Cursor, product: int = 1) -> int:
    cursor.execute("SELECT stock FROM wp_shop_products WHERE id = %s", (product,))
    found = cursor.fetchone()
    assert found is not None
    return int(found[0])


def business(cursor: pymysql.cursors.Cursor) -> dict[str, list[tuple[object, ...]]]:
    """Every row of what customers and the merchant care for."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for table in BUSINESS:
        cursor.execute(f"SELECT * FROM wp_shop_{table} ORDER BY id")
        found[table] = list(cursor.fetchall())
    cursor.execute("SELECT id, stock FROM wp_shop_products ORDER BY id")
    found["stock"] = list(cursor.fetchall())
    cursor.execute("SELECT ID, user_email FROM wp_users")
    found["accounts"] = list(cursor.fetchall())
    return found


def buy(cursor: pymysql.cursors.Cursor, email: str, *, pieces: int = 1, customer: int | None = None) -> int:
    """An order of product 1 as the shop stores it; its number."""
    if customer is None:
        cursor.execute("INSERT INTO wp_shop_customers (email, created_at) VALUES (%s, NOW())", (email,))
        customer = cursor.lastrowid
    cursor.execute(
        "INSERT INTO wp_shop_orders"
        " (reference, customer_id, email, total, status, payment, note, cart_token, created_at)"
        " VALUES (UUID_SHORT(), %s, %s, 13.8, 'pending', 'invoice', '', MD5(UUID()), NOW())",
        (customer, email),
    )
    order = int(cursor.lastrowid)
    cursor.execute(
        "INSERT INTO wp_shop_order_lines (order_id, product_id, sku, name, quantity, price)"
        " VALUES (%s, 1, '', '', %s, 1)",
        (order, pieces),
    )
    cursor.execute("UPDATE wp_shop_products SET stock = stock - %s WHERE id = 1", (pieces,))
    return order


def told(shop: Shop, **journeys: object) -> Shop:
    """The shop, with other words about journeys in its inventory."""
    changed = shop.inventory.journeys.model_copy(update=journeys)
    inventory: Inventory = shop.inventory.model_copy(update={"journeys": changed})
    return replace(shop, inventory=inventory)


@pytest.mark.browser
def test_an_order_that_a_smoke_run_places_on_production_is_gone_afterwards(
    shop: Shop, sql: pymysql.cursors.Cursor
) -> None:
    before = business(sql)
    events: list[Event] = []
    result = smoke.run(shop, "production", ("checkout", "login"), orders=True, emit=events.append)
    assert result.result.passed, result.result.sentences
    assert business(sql) == before
    notes = [event.text for event in events if isinstance(event, Note)]
    assert any("wp_shop_orders" in note and "back into stock: 1 ×" in note for note in notes)
    sql.execute("SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_NAME = 'wp_shop_orders'")
    found = sql.fetchone()
    assert found == (302,), "the number that was used is not given out again"


def test_a_neighbour_s_order_of_the_same_product_stays(shop: Shop, sql: pymysql.cursors.Cursor) -> None:
    at_first = stock(sql)
    neighbour = buy(sql, NEIGHBOUR, pieces=2)
    with_neighbour = business(sql)
    buy(sql, TEST, pieces=3)
    sql.execute("INSERT INTO wp_shop_messages (name, email, message, created_at) VALUES ('', %s, 'x', NOW())", (TEST,))
    removal = traces.remove(shop, shop.production)
    assert removal.visitors == (TEST,)
    assert list(removal.stock.values()) == [3]
    assert business(sql) == with_neighbour
    assert stock(sql) == at_first - 2
    sql.execute("SELECT COUNT(*) FROM wp_shop_orders WHERE id = %s", (neighbour,))
    assert sql.fetchone() == (1,)
    assert traces.remove(shop, shop.production).visitors == ()


def test_a_plan_changes_nothing_and_says_what_would_go(shop: Shop, sql: pymysql.cursors.Cursor) -> None:
    buy(sql, TEST)
    before = business(sql)
    planned = smoke.clean(shop, "production", by="me", only_look=True)
    assert business(sql) == before
    assert "Would be removed: 1 test visitors" in planned.summary()
    done = smoke.clean(shop, "production", by="me", only_look=False)
    assert planned.removal == done.removal
    assert [path.name.endswith("-clean-production.json") for path in (shop.house / "smoke").iterdir()] == [True]


def test_an_order_that_the_merchant_cancelled_gives_no_stock_back_twice(
    shop: Shop, sql: pymysql.cursors.Cursor
) -> None:
    order, left = buy(sql, TEST), stock(sql)
    sql.execute("UPDATE wp_shop_orders SET status = 'cancelled' WHERE id = %s", (order,))
    assert not traces.remove(shop, shop.production).stock
    assert stock(sql) == left


def test_nothing_is_touched_if_a_customer_is_not_a_test_s_alone(shop: Shop, sql: pymysql.cursors.Cursor) -> None:
    buy(sql, TEST)
    sql.execute("SELECT id FROM wp_shop_customers WHERE email = %s", (TEST,))
    found = sql.fetchone()
    assert found is not None
    buy(sql, NEIGHBOUR, customer=found[0])
    before = business(sql)
    with pytest.raises(Refused, match="cannot be told") as refused:
        traces.remove(shop, shop.production)
    assert "has an order with another address" in refused.value.why
    assert business(sql) == before


def test_an_account_that_runs_the_shop_is_never_a_test_s(shop: Shop, sql: pymysql.cursors.Cursor) -> None:
    sql.execute("UPDATE wp_users SET user_email = %s WHERE ID = 1", (TEST,))
    before = business(sql)
    with pytest.raises(Refused, match="cannot be told"):
        traces.remove(shop, shop.production)
    assert business(sql) == before


def test_rows_of_a_module_are_named_and_removed_once_the_inventory_says_whose_they_are(
    shop: Shop, sql: pymysql.cursors.Cursor
) -> None:
    sql.execute("CREATE TABLE wp_gifts (id INT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT)")
    try:
        for email in (TEST, NEIGHBOUR):
            sql.execute("INSERT INTO wp_gifts (order_id) VALUES (%s)", (buy(sql, email),))
        assert dict(traces.look(shop, shop.production).left) == {"wp_gifts": 1}
        described = told(shop, traces={"gifts": {"order_id": "order"}})
        removal = traces.remove(described, shop.production)
        assert (removal.rows["wp_gifts"], dict(removal.left)) == (1, {})
        sql.execute("SELECT COUNT(*) FROM wp_gifts")
        assert sql.fetchone() == (1,)
    finally:
        sql.execute("DROP TABLE wp_gifts")


def test_tables_without_transactions_are_refused(shop: Shop, sql: pymysql.cursors.Cursor) -> None:
    buy(sql, TEST)
    sql.execute("ALTER TABLE wp_shop_order_lines ENGINE=MyISAM")
    before = business(sql)
    with pytest.raises(Refused) as refused:
        traces.remove(shop, shop.production)
    assert "wp_shop_order_lines" in refused.value.why
    assert business(sql) == before


def test_a_row_that_somebody_holds_stops_it_and_nothing_is_removed(
    shop: Shop, sql: pymysql.cursors.Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "TRIES", 1)
    order = buy(sql, TEST)
    before = business(sql)
    sql.execute("START TRANSACTION")
    sql.execute("UPDATE wp_shop_products SET price = price WHERE id = 1")
    sql.execute("SELECT 1 FROM wp_shop_orders WHERE id = %s FOR UPDATE", (order,))
    with pytest.raises(QueryFailed):
        traces.remove(shop, shop.production)
    sql.execute("ROLLBACK")
    assert business(sql) == before


def test_on_the_open_shop_a_refusal_is_said_and_leaves_the_order(shop: Shop, sql: pymysql.cursors.Cursor) -> None:
    sql.execute("UPDATE wp_users SET user_email = %s WHERE ID = 1", (TEST,))
    events: list[Event] = []
    with removing_orders(shop, orders=True, emit=events.append):
        pass
    (note,) = events
    assert isinstance(note, Note)
    assert note.level == "warning"
    assert "palier smoke demo --clean --environment production" in note.text
