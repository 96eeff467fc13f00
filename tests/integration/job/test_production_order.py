"""A promotion that buys on production: the order is proof that the shop sells, and is gone when the shop opens."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pipeline.demo.world import World
from tests.integration.job.release_world import HEARTBEAT, SHOP, ReleaseWorld

PLAYBOOK = "one-order.yml"
SETTINGS = f"""\
suites: [search]
production_suites: [search, checkout]
production_orders: one
budgets: {{heartbeat: {HEARTBEAT}, drain: 3}}
"""
BUSINESS = ("shop_orders", "shop_order_lines", "shop_customers", "shop_carts", "shop_messages")


@pytest.fixture
def buying(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleaseWorld]:
    """A release of one update, approved, whose playbook has an order placed on production."""
    world.reset()
    made = ReleaseWorld(world, tmp_path_factory.mktemp("buying") / "release")
    try:
        made.write_playbook(PLAYBOOK, ["shop-search"], SETTINGS)
        answer = made.palier("update", SHOP, made.playbook(PLAYBOOK), "--json", timeout=600)
        assert answer.code == 0, answer.said
        made.run = json.loads(answer.out)["run"]
        made.approve(made.run)
        yield made
    finally:
        made.close()


def rows(world: ReleaseWorld) -> dict[str, list[tuple[str, ...]]]:
    production = world.world.production
    found = {table: world.sql(f"SELECT * FROM wp_{table}", production) for table in BUSINESS}
    return found | {"stock": world.sql("SELECT id, stock FROM wp_shop_products", production)}


def test_the_order_of_a_promotion_proves_the_shop_and_is_gone_when_it_opens(buying: ReleaseWorld) -> None:
    before = rows(buying)
    answer = buying.palier("promote", SHOP, timeout=300)
    assert answer.code == 0, answer.said
    assert "placing one order and removing it again" in buying.palier("promote", SHOP, "--plan").out
    assert "1 test visitors in" in answer.err
    assert "back into stock: 1 ×" in answer.err
    assert rows(buying) == before
    (used,) = buying.sql(
        "SELECT AUTO_INCREMENT FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'wp_shop_orders'",
        buying.world.production,
    )
    assert used == ("302",), "exactly one number was used, and it is not given out again"
