"""Five hundred orders by several buyers at once, before, during and after a promotion and its rollback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from pipeline.demo.buyer import Buyer, Confirmed, Unknown
from tests.integration.job.release_world import SHOP, ReleaseWorld, wait_for
from tests.integration.job.sales import Sales, require_each_order_once

BUYERS = 4
EARLY, OPEN, LATE = 150, 200, 150
"""Orders before the promotion, on the new version, and after the rollback."""
PATIENCE = 900


@dataclass(frozen=True)
class Crowd:
    """Several buyers, counted together."""

    buyers: tuple[Buyer, ...]

    @property
    def confirmed(self) -> list[Confirmed]:
        return [order for buyer in self.buyers for order in buyer.confirmed]

    @property
    def unknown(self) -> list[Unknown]:
        return [order for buyer in self.buyers for order in buyer.unknown]

    @property
    def errors(self) -> list[str]:
        return [error for buyer in self.buyers for error in buyer.errors]

    @property
    def refusals(self) -> int:
        return sum(buyer.refusals for buyer in self.buyers)

    def wait_for_more(self, orders: int) -> None:
        wanted = len(self.confirmed) + orders
        wait_for(lambda: len(self.confirmed) >= wanted, PATIENCE, f"order {wanted}")


@contextmanager
def crowd(url: str) -> Iterator[Crowd]:
    with ExitStack() as stack:
        buyers = [Buyer(url, pace=6, name=f"acheteur-{number}", timeout=30) for number in range(BUYERS)]
        yield Crowd(tuple(stack.enter_context(buyer) for buyer in buyers))


def test_five_hundred_orders_are_neither_lost_nor_doubled_and_stock_is_exact(
    approved: ReleaseWorld, record_testsuite_property: Callable[[str, object], None]
) -> None:
    before = Sales.read(approved)
    began = time.monotonic()
    with crowd(approved.world.production.url) as buyers:
        buyers.wait_for_more(EARLY)
        promoted = approved.palier("promote", SHOP, "--json")
        assert promoted.code == 0, promoted.said
        at_opening = len(buyers.confirmed)
        buyers.wait_for_more(OPEN)
        on_top = len(buyers.confirmed) - at_opening
        back = approved.palier("rollback", SHOP, "--json")
        assert back.code == 0, back.said
        buyers.wait_for_more(LATE)
    seconds = time.monotonic() - began

    orders = len(buyers.confirmed)
    for name, value in {
        "orders": orders, "orders_on_the_new_version": on_top, "unknown": len(buyers.unknown),
        "refused_with_503": buyers.refusals, "errors": len(buyers.errors), "seconds": round(seconds),
    }.items():  # fmt: skip
        record_testsuite_property(f"many_buyers_{name}", value)
    assert orders >= 500
    require_each_order_once(approved, buyers)
    now = Sales.read(approved)
    assert before.orders + orders <= now.orders <= before.orders + orders + len(buyers.unknown)
    now.require_consistent_with(before)
    assert approved.versions()["shop-loyalty"] == "1.0.0"
    assert "loyalty_points" not in str(approved.sql("SHOW COLUMNS FROM wp_shop_orders"))
    said = json.loads(back.out)["reconciliation"]
    assert len(said["orders"]) >= on_top
    assert all(each["before"] - each["sold"] == each["after"] for each in said["stock"])
    told = [line.split("\t") for line in said["conflicts"]]
    assert {(table, column) for table, _, column, _ in told} <= {("wp_shop_orders", "loyalty_points")}, said[
        "conflicts"
    ]
