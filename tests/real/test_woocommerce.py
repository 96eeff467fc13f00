"""The whole job on a real WooCommerce: each way of cart and checkout, each place of orders.

Wants release trees, which this project does not carry: ``WOOCOMMERCE`` (what production runs) and, for the job,
``WOOCOMMERCE_NEW`` (what it is offered), folders as the releases unpack. One world is up at a time.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from pipeline.config.loader import load_inventory, load_playbook
from pipeline.config.playbook import SUITES
from pipeline.demo.prober import Prober
from pipeline.events import silent
from pipeline.evidence.smoke import ShopDatabase, SmokeSettings
from pipeline.evidence.smoke import run as smoke
from pipeline.evidence.verdicts import Verdict
from pipeline.flows import approve, clone, promote, rollback, update
from pipeline.remote.command import Secret
from pipeline.steps.reconciliation import Statement
from pipeline.steps.site import Shop, opened
from tests.real import woo_canaries
from tests.real.leaking import require_refused
from tests.real.woo_buyer import WooCommerceBuyer
from tests.real.woocommerce import VARIANTS, Variant, WooCommerceWorld, tree_of, version

WHO = "rig@maison-palier.example"
PACE = 0.5
"""Orders a second: this is one machine with a browser on it besides."""
UNKNOWABLE = ("search filters (the page has none)", "the message in the database (this shop keeps none)")
PERSONAL = (
    *("courriel.example", "Patronyme", "Prénom", "06 55 44", "impasse du Secret", "Yzeure", "203.0.113", "Navigateur/"),
    *("voisine", "12A1", "maison-palier.example", "sk_live_", "pk_live_", "whsec_", "MAISON", "erp.example"),
)
"""What the shop's twelve customers left in every place that a shop has, and its keys."""

pytestmark = [
    pytest.mark.integration,
    pytest.mark.browser,
    pytest.mark.world,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(tree_of("WOOCOMMERCE") is None, reason="no release tree: set WOOCOMMERCE to one"),
]
T = TypeVar("T")
needs_newer = pytest.mark.skipif(
    tree_of("WOOCOMMERCE_NEW") is None, reason="no newer release tree: set WOOCOMMERCE_NEW to one"
)


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WooCommerceWorld]:
    variant: Variant = request.param
    tree = tree_of("WOOCOMMERCE")
    assert tree is not None, "the module is skipped without one"
    built = WooCommerceWorld(tmp_path_factory.mktemp(str(variant)), tree, variant, tree_of("WOOCOMMERCE_NEW"))
    try:
        built.start()
        built.remember()
        yield built
    finally:
        built.destroy()


@contextmanager
def shop_of(world: WooCommerceWorld) -> Iterator[Shop]:
    with opened(load_inventory(world.inventory), world.folder / ".palier") as shop:
        yield shop


def rows(world: WooCommerceWorld, schema: str, sql: str) -> list[list[str]]:
    return [line.split("\t") for line in world.mariadb.admin(f"USE `{schema}`; {sql}").splitlines()]


def test_the_journeys_buy_and_everything_behind_the_screen_agrees(world: WooCommerceWorld, tmp_path: Path) -> None:
    site = world.production
    database = ShopDatabase("127.0.0.1", world.mariadb.port, site.schema, Secret(site.password), site.schema, "wp_")
    settings = SmokeSettings(
        site.url, "staging", pages="woocommerce", search_term="bleu", maildir=world.mail.maildir, database=database
    )
    result = smoke(settings, SUITES, tmp_path / "run", budget=300)
    _tell(world, journeys={suite.suite: suite.seconds for suite in result.suites})
    assert result.verdict in {Verdict.PASSED, Verdict.DOUBTFUL}, result.sentences
    assert all(what.endswith(UNKNOWABLE) for what in result.not_checked), result.not_checked


@pytest.fixture(scope="module")
def cloned(world: WooCommerceWorld) -> WooCommerceWorld:
    """Staging is a clone of a production that has a thousand invented people in every place."""
    world.reset()
    woo_canaries.seed(world)
    began = time.time()
    with shop_of(world) as shop:
        clone.run(shop, by=WHO, emit=silent)
    _tell(world, clone=time.time() - began)
    return world


def test_a_clone_holds_nobodys_data_no_key_and_nothing_planned(cloned: WooCommerceWorld) -> None:
    staged = cloned.staging.schema
    dump = cloned.folder / "staging.sql"
    cloned.mariadb.dump(staged, dump)
    held = dump.read_bytes()
    assert woo_canaries.found_in(held) == []
    assert [word for word in PERSONAL if word.encode() in held] == []
    assert b"Bol bleu" in held, "the catalogue is copied"
    assert woo_canaries.found_below(cloned.staging.root) == {}
    for table in ("wp_woocommerce_api_keys", "wp_wc_webhooks", "wp_woocommerce_sessions"):
        assert rows(cloned, staged, f"SELECT COUNT(*) FROM {table}") == [["0"]], table
    waiting = "SELECT hook FROM wp_actionscheduler_actions WHERE status = 'pending' AND hook = 'maison_remind_customer'"
    assert rows(cloned, staged, waiting) == []


@needs_newer
def test_the_update_is_tried_kept_promoted_and_rolled_back_while_customers_buy(cloned: WooCommerceWorld) -> None:
    world = cloned
    assert world.newer is not None, "the test is skipped without it"
    old, new = version(world.tree), version(world.newer)
    with shop_of(world) as shop:
        tried = update.run(shop, load_playbook(world.playbook), by=WHO, emit=silent)
        assert [(each.candidate.module, each.reason) for each in tried.tried if not each.kept] == []
        approve.sign(shop, approve.pending(shop, tried.run), world.approver_key)
        assert unfinished(world, world.staging.schema) == []
        stock = stocks(world)
        prober = Prober(f"{world.production.url}/", marker="add_to_cart_button")
        with prober, WooCommerceBuyer(world.production.url, pace=PACE, timeout=60) as buyer:
            assert buyer.wait_for(5, 240), buyer.errors
            promoted, promoting = _timed(lambda: promote.run(shop, tried.run, by=WHO, emit=silent))
            assert versions(world) == (new, new)
            assert unfinished(world, world.production.schema) == []
            assert buyer.wait_for(len(buyer.confirmed) + 5, 240), buyer.errors
            rolled, rolling = _timed(lambda: rollback.run(shop, promoted.run, by=WHO, emit=silent))
            assert buyer.wait_for(len(buyer.confirmed) + 5, 240), buyer.errors
    assert versions(world) == (old, old)
    require_every_order(world, buyer, stock)
    require_statement(world, buyer, rolled.statement, promoting, rolling)
    _tell(
        world,
        module_seconds=tried.tried[0].seconds,
        promotion=promoting[1] - promoting[0],
        rollback=rolling[1] - rolling[0],
        downtime_promotion=prober.downtime(between=promoting),
        downtime_rollback=prober.downtime(between=rolling),
        orders=len(buyer.confirmed),
        unknown=len(buyer.unknown),
        footprint=str(tried.tried[0].measured.footprint),
        statement=rolled.statement.text() if rolled.statement else "",
    )


@pytest.mark.parametrize("world", VARIANTS[:1], ids=str, indirect=True)
def test_a_clone_whose_mail_would_get_out_is_refused(world: WooCommerceWorld) -> None:
    require_refused(world, lambda: shop_of(world), WHO)


def unfinished(world: WooCommerceWorld, schema: str) -> list[list[str]]:
    """The update's background work that has not come to its end."""
    return rows(
        world,
        schema,
        "SELECT hook, status FROM wp_actionscheduler_actions a JOIN wp_actionscheduler_groups g USING (group_id) "
        "WHERE g.slug IN ('woocommerce-db-updates', 'wc_batch_processes') AND status NOT IN ('complete', 'canceled')",
    )


def versions(world: WooCommerceWorld) -> tuple[str, str]:
    """WooCommerce's version on disk, and the one of its schema."""
    site = world.production
    option = "SELECT option_value FROM wp_options WHERE option_name = 'woocommerce_db_version'"
    return version(site.root / "wp-content" / "plugins" / "woocommerce"), rows(world, site.schema, option)[0][0]


def stocks(world: WooCommerceWorld) -> dict[str, int]:
    """Pieces in stock of every product, by its number; both places where WooCommerce keeps them must agree."""
    schema = world.production.schema
    kept = "SELECT post_id, meta_value FROM wp_postmeta WHERE meta_key = '_stock'"
    looked_up = "SELECT product_id, stock_quantity FROM wp_wc_product_meta_lookup WHERE stock_quantity IS NOT NULL"
    found = {number: int(float(pieces)) for number, pieces in rows(world, schema, kept)}
    assert found == {number: int(float(pieces)) for number, pieces in rows(world, schema, looked_up)}
    return found


def require_every_order(world: WooCommerceWorld, buyer: WooCommerceBuyer, before: dict[str, int]) -> None:
    """Every confirmed order is there once, nobody's twice, and exactly what was ordered has left the stock.

    An order whose checkout got no clear answer may be there or not, once.
    """
    stored = (
        "SELECT id, billing_email FROM wp_wc_orders WHERE type = 'shop_order' AND status NOT LIKE '%draft'"
        if world.variant.orders == "hpos"
        else "SELECT ID, meta_value FROM wp_posts JOIN wp_postmeta ON post_id = ID AND meta_key = '_billing_email' "
        "WHERE post_type = 'shop_order' AND post_status NOT LIKE '%draft'"
    )
    found = [(number, email) for number, email in rows(world, world.production.schema, stored) if buyer.name in email]
    lost_sight = {order.email for order in buyer.unknown}
    clear = [(number, email) for number, email in found if email not in lost_sight]
    assert sorted(clear) == sorted((order.reference, order.email) for order in buyer.confirmed)
    assert [email for email, count in Counter(email for _, email in found).items() if count > 1] == []
    taken = ordered(world, [number for number, _ in found])
    assert stocks(world) == {number: pieces - taken.get(number, 0) for number, pieces in before.items()}


def ordered(world: WooCommerceWorld, orders: list[str]) -> dict[str, int]:
    """Pieces that these orders say, by product."""
    found = rows(
        world,
        world.production.schema,
        "SELECT product.meta_value, SUM(quantity.meta_value) FROM wp_woocommerce_order_items i "
        "JOIN wp_woocommerce_order_itemmeta product ON product.order_item_id = i.order_item_id "
        "AND product.meta_key = '_product_id' "
        "JOIN wp_woocommerce_order_itemmeta quantity ON quantity.order_item_id = i.order_item_id "
        f"AND quantity.meta_key = '_qty' WHERE i.order_id IN ({','.join(orders)}) GROUP BY product.meta_value",
    )
    return {number: int(float(pieces)) for number, pieces in found}


def require_statement(
    world: WooCommerceWorld,
    buyer: WooCommerceBuyer,
    statement: Statement | None,
    promoting: tuple[float, float],
    rolling: tuple[float, float],
) -> None:
    """The statement names exactly the orders since the promotion, and explains the stock by them.

    The shop opens before the promotion's command ends: an order of while it ran is on either side.

    It is made while customers buy again, so it may have caught the first orders after the rollback, and one of them
    between its line and its stock.
    """
    assert statement is not None
    confirmed = [order.reference for order in buyer.confirmed]
    since = [order.reference for order in buyer.confirmed if promoting[1] < order.at.timestamp() < rolling[0]]
    assert set(since) <= set(statement.orders)
    assert len(set(statement.orders) - set(confirmed)) <= len(buyer.unknown)
    assert len(set(statement.orders)) == len(statement.orders)
    early = [order.reference for order in buyer.confirmed if order.at.timestamp() < promoting[0]]
    assert not set(early) & set(statement.orders)
    assert {each.product: each.sold for each in statement.stock} == ordered(world, list(statement.orders))
    assert sum(1 for each in statement.stock if each.other) <= 1, statement.text()
    assert statement.books.startswith("wp_wc_orders" if world.variant.orders == "hpos" else "wp_posts")


def _timed(job: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    began = time.time()
    return job(), (began, time.time())


def _tell(world: WooCommerceWorld, **figures: object) -> None:
    """Figures for docs/verified-woocommerce.md, one line of JSON a test in build/."""
    place = Path("build") / "woocommerce.jsonl"
    place.parent.mkdir(exist_ok=True)
    with place.open("a", encoding="utf-8") as out:
        out.write(json.dumps({"variant": str(world.variant), "load": round(os.getloadavg()[0]), **figures}) + "\n")
