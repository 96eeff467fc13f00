"""What of a shop's trade must add up, whatever is promoted and taken back meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.integration.job.release_world import ReleaseWorld


@dataclass
class Sales:
    """What of a shop's trade must add up, whatever is promoted and taken back meanwhile."""

    stock: Mapping[str, int]
    sold: Mapping[str, int]
    names: Mapping[str, str]
    orders: int

    @classmethod
    def read(cls, world: ReleaseWorld) -> Self:
        products = world.sql("SELECT id, stock, HEX(CONCAT(name, '|', description)) FROM wp_shop_products")
        lines = world.sql("SELECT product_id, SUM(quantity) FROM wp_shop_order_lines GROUP BY product_id")
        return cls(
            {key: int(stock) for key, stock, _ in products},
            {key: int(float(pieces)) for key, pieces in lines},
            {key: name for key, _, name in products},
            int(world.sql("SELECT COUNT(*) FROM wp_shop_orders")[0][0]),
        )

    def require_consistent_with(self, before: Sales) -> None:
        """Stock is what it was, less the pieces sold since; products bear the names that they bore."""
        assert self.names == before.names
        for key, was in before.stock.items():
            sold = self.sold.get(key, 0) - before.sold.get(key, 0)
            assert self.stock[key] == was - sold, f"product {key}"


def require_each_order_once(world: ReleaseWorld, buyer: Any) -> None:
    """Every order that the buyer saw confirmed is in production's database exactly once, with its lines."""
    rows = world.sql(
        "SELECT o.reference, o.email, COUNT(l.id) FROM wp_shop_orders o "
        "LEFT JOIN wp_shop_order_lines l ON l.order_id = o.id GROUP BY o.id"
    )
    references = [reference for reference, _, _ in rows]
    emails = [email for _, email, _ in rows]
    lines = {reference: int(count) for reference, _, count in rows}
    assert buyer.confirmed, buyer.errors
    for order in buyer.confirmed:
        assert references.count(order.reference) == 1, f"{order} is there {references.count(order.reference)} times"
        assert emails.count(order.email) == 1, f"{order.email} is there {emails.count(order.email)} times"
        assert lines[order.reference] > 0, f"{order} has no lines"
