"""WooCommerce's own tables: orders in HPOS or in posts, stock where it really is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from smoke_tests.shopdata import Connection, Line, Order

NO_ORDERS = ("wc-checkout-draft", "checkout-draft", "auto-draft", "draft", "trash")
"""Statuses of what is not ordered: the block checkout stores a draft as soon as it is opened."""

HPOS = """
SELECT o.id, o.total_amount AS total, number.meta_value AS number FROM {p}wc_orders o
LEFT JOIN {p}wc_orders_meta number ON number.order_id = o.id AND number.meta_key = '_order_number'
WHERE o.type = 'shop_order' AND o.billing_email = %s AND o.status NOT IN %s ORDER BY o.id
"""
POSTS = """
SELECT o.ID AS id, total.meta_value AS total, number.meta_value AS number FROM {p}posts o
JOIN {p}postmeta email ON email.post_id = o.ID AND email.meta_key = '_billing_email'
LEFT JOIN {p}postmeta total ON total.post_id = o.ID AND total.meta_key = '_order_total'
LEFT JOIN {p}postmeta number ON number.post_id = o.ID AND number.meta_key = '_order_number'
WHERE o.post_type = 'shop_order' AND email.meta_value = %s AND o.post_status NOT IN %s ORDER BY o.ID
"""
LINES = """
SELECT i.order_item_id AS id, i.order_item_name AS name,
       MAX(IF(m.meta_key = '_qty', m.meta_value, NULL)) AS quantity,
       MAX(IF(m.meta_key = '_line_subtotal', m.meta_value, NULL)) AS net,
       MAX(IF(m.meta_key = '_line_subtotal_tax', m.meta_value, NULL)) AS tax
FROM {p}woocommerce_order_items i JOIN {p}woocommerce_order_itemmeta m ON m.order_item_id = i.order_item_id
WHERE i.order_id = %s AND i.order_item_type = 'line_item' GROUP BY i.order_item_id, i.order_item_name
ORDER BY i.order_item_id
"""
STOCK = """
SELECT stock.meta_value AS stock, lookup.stock_quantity AS looked_up FROM {p}postmeta stock
LEFT JOIN {p}wc_product_meta_lookup lookup ON lookup.product_id = stock.post_id
WHERE stock.post_id = %s AND stock.meta_key = '_stock'
"""
CENT = Decimal("0.01")
_CART = re.compile(r's:4:"cart";s:\d+:"a:(\d+):')


@dataclass(frozen=True)
class WooCommerceData:
    """One shop's tables, read only."""

    connection: Connection

    def orders_of(self, email: str) -> tuple[Order, ...]:
        found = self.connection.rows(HPOS if self._in_hpos() else POSTS, email, NO_ORDERS)
        return tuple(
            Order(row["id"], row["number"] or str(row["id"]), Decimal(row["total"] or 0), self._lines(row["id"]))
            for row in found
        )

    def stock_of(self, product: str) -> int:
        found = self.connection.rows(STOCK, product)
        if not found or found[0]["stock"] is None:
            raise AssertionError(f"the product {product} has no stock that the shop counts; name another one")
        stock, looked_up = Decimal(found[0]["stock"]), found[0]["looked_up"]
        if looked_up is not None and Decimal(looked_up) != stock:
            raise AssertionError(f"the product {product} has {stock} pieces, but its lookup table says {looked_up}")
        return int(stock)

    def cart_lines(self, token: str) -> int:
        found = self.connection.rows("SELECT session_value FROM {p}woocommerce_sessions WHERE session_key = %s", token)
        cart = _CART.search(str(found[0]["session_value"])) if found else None
        return int(cart[1]) if cart else 0

    def messages_of(self, email: str) -> tuple[str, ...] | None:
        """``None``: neither WordPress nor WooCommerce keeps what its forms send."""
        del email
        return None

    def _in_hpos(self) -> bool:
        option = "woocommerce_custom_orders_table_enabled"
        return [row["option_value"] for row in self._option(option)] == ["yes"]

    def _option(self, name: str) -> Sequence[dict[str, Any]]:
        return self.connection.rows("SELECT option_value FROM {p}options WHERE option_name = %s", name)

    def _lines(self, order: int) -> tuple[Line, ...]:
        """The price of one piece as the shop showed it, with or without tax."""
        shown = [row["option_value"] for row in self._option("woocommerce_tax_display_shop")] == ["incl"]
        found = self.connection.rows(LINES, order)
        return tuple(Line(row["name"], int(row["quantity"]), _price(row, with_tax=shown)) for row in found)


def _price(row: dict[str, Any], *, with_tax: bool) -> Decimal:
    whole = Decimal(row["net"] or 0) + (Decimal(row["tax"] or 0) if with_tax else 0)
    return (whole / int(row["quantity"])).quantize(CENT)
