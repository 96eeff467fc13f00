"""What a PrestaShop sold, read from its tables: every order once, and exactly what was ordered gone from the stock."""

from __future__ import annotations

from collections import Counter

from tests.real.presta_buyer import PrestaShopBuyer
from tests.real.prestashop import PrestaShopWorld

Stock = dict[tuple[str, str], int]
"""Pieces by product and combination; combination ``0`` is the whole product."""


def rows(world: PrestaShopWorld, schema: str, sql: str) -> list[list[str]]:
    return [line.split("\t") for line in world.mariadb.admin(f"USE `{schema}`; {sql}").splitlines()]


def stocks(world: PrestaShopWorld) -> Stock:
    kept = "SELECT id_product, id_product_attribute, quantity FROM ps_stock_available"
    return {(product, of): int(pieces) for product, of, pieces in rows(world, world.production.schema, kept)}


def orders_of(world: PrestaShopWorld, buyer: PrestaShopBuyer) -> list[tuple[str, str]]:
    """Reference and address of every order that this buyer's name is on."""
    stored = (
        "SELECT o.reference, c.email FROM ps_orders o JOIN ps_customer c USING (id_customer)"
        f" WHERE c.email LIKE '{buyer.name}.%' ORDER BY o.id_order"
    )
    return [(reference, email) for reference, email in rows(world, world.production.schema, stored)]


def taken_by(world: PrestaShopWorld, buyer: PrestaShopBuyer) -> Counter[tuple[str, str]]:
    """What this buyer's orders took, of the combination and of the whole product."""
    ordered = (
        "SELECT d.product_id, d.product_attribute_id, SUM(d.product_quantity) FROM ps_order_detail d"
        " JOIN ps_orders o USING (id_order) JOIN ps_customer c USING (id_customer)"
        f" WHERE c.email LIKE '{buyer.name}.%' GROUP BY 1, 2"
    )
    taken: Counter[tuple[str, str]] = Counter()
    for product, combination, pieces in rows(world, world.production.schema, ordered):
        for of in {combination, "0"}:
            taken[product, of] += int(pieces)
    return taken


def require_every_order(world: PrestaShopWorld, buyer: PrestaShopBuyer, before: Stock) -> None:
    """Nothing that a customer saw confirmed is lost or doubled, nothing else is there, and the stock is exact.

    A purchase without a clear answer (:attr:`PrestaShopBuyer.unknown`) may be there, once.
    """
    found = orders_of(world, buyer)
    unsure = {each.email for each in buyer.unknown}
    assert sorted(each for each in found if each[1] not in unsure) == sorted(
        (each.reference, each.email) for each in buyer.confirmed
    )
    assert [email for email, count in Counter(email for _, email in found).items() if count > 1] == []
    taken = taken_by(world, buyer)
    assert stocks(world) == {product: pieces - taken[product] for product, pieces in before.items()}
