"""The whole job where both sites' accounts have one schema and eight rights in it, as on shared hosting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from pipeline.database.privileges import NEEDED
from pipeline.demo.show import customers
from pipeline.demo.world import World
from tests.integration.job.release_world import SHOP, ReleaseWorld
from tests.integration.job.sales import Sales, require_each_order_once

ORDERS = 6


def restrict(world: World) -> None:
    """Neither TRIGGER nor LOCK TABLES, CREATE VIEW, SHOW VIEW, EVENT or REFERENCES; nothing outside the schema."""
    for site in (world.production, world.staging):
        schema, account = f"`{site.schema}`".replace("_", r"\_"), f"`{site.schema}`@`%`"
        world.mariadb.admin(
            f"REVOKE ALL PRIVILEGES ON {schema}.* FROM {account};GRANT {', '.join(NEEDED)} ON {schema}.* TO {account};"
        )


@pytest.fixture
def limited(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleaseWorld]:
    world.reset()
    restrict(world)
    with closing(ReleaseWorld(world, tmp_path_factory.mktemp("saved") / "release")) as release:
        yield release
    world.reset()


def test_an_account_with_one_schema_and_eight_rights_suffices(limited: ReleaseWorld) -> None:
    told = json.loads(limited.palier("doctor", SHOP, "--json").out)
    rungs = {each["name"]: each for each in told if each["name"].startswith("way back: ")}
    assert rungs["way back: row images and copies"]["state"] == "OK"
    assert rungs["way back: triggers"]["state"] == "WARN"
    assert "cannot see triggers" in rungs["way back: triggers"]["detail"]
    assert rungs["way back: clone"]["state"] == "WARN"
    assert "every table is copied before an update" in rungs["way back: guard"]["detail"]
    assert "beside the shop's tables" in rungs["way back: full snapshot"]["detail"]

    limited.make()
    before = Sales.read(limited)
    with customers(limited.world) as (buyer, _):
        assert buyer.wait_for(ORDERS, 180), buyer.errors[-3:]
        promoted = limited.palier("promote", SHOP)
        assert promoted.code == 0, promoted.said
        assert limited.versions()["shop-loyalty"] == "1.1.0"
        assert buyer.wait_for(len(buyer.confirmed) + ORDERS, 180), buyer.errors[-3:]
        back = limited.palier("rollback", SHOP)
        assert back.code == 0, back.said
        assert buyer.wait_for(len(buyer.confirmed) + ORDERS, 180), buyer.errors[-3:]
    assert limited.versions()["shop-loyalty"] == "1.0.0"
    require_each_order_once(limited, buyer)
    Sales.read(limited).require_consistent_with(before)
    assert "loyalty_points" not in str(limited.sql("SHOW COLUMNS FROM wp_shop_orders"))


def test_a_right_that_was_taken_away_is_named_before_production_is_touched(approved: ReleaseWorld) -> None:
    site = approved.world.production
    schema = f"`{site.schema}`".replace("_", r"\_")
    approved.world.mariadb.admin(f"REVOKE ALTER, CREATE ON {schema}.* FROM `{site.schema}`@`%`")
    answer = approved.palier("promote", SHOP)
    approved.world.mariadb.admin(f"GRANT ALL PRIVILEGES ON {schema}.* TO `{site.schema}`@`%`")
    assert answer.code != 0
    assert answer.verdict.startswith("Production was not changed")
    assert "lacks CREATE, ALTER on" in answer.err
    approved.require_untouched()
