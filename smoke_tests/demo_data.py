"""The demo shop's own tables."""

from __future__ import annotations

from dataclasses import dataclass

from smoke_tests.shopdata import Connection, Line, Order


@dataclass(frozen=True)
class DemoData:
    """The demo shop's own tables."""

    connection: Connection

    def orders_of(self, email: str) -> tuple[Order, ...]:
        found = self.connection.rows(
            "SELECT id, reference, total FROM {p}shop_orders WHERE email = %s ORDER BY id", email
        )
        return tuple(Order(row["id"], row["reference"], row["total"], self._lines(row["id"])) for row in found)

    def _lines(self, order: int) -> tuple[Line, ...]:
        found = self.connection.rows(
            "SELECT name, quantity, price FROM {p}shop_order_lines WHERE order_id = %s ORDER BY id", order
        )
        return tuple(Line(row["name"], row["quantity"], row["price"]) for row in found)

    def stock_of(self, product: str) -> int:
        found = self.connection.rows("SELECT stock FROM {p}shop_products WHERE slug = %s", product)
        if not found:
            message = f"the product {product} is on the shop's pages but not in its tables"
            raise AssertionError(message)
        return int(found[0]["stock"])

    def cart_lines(self, token: str) -> int:
        found = self.connection.rows(
            "SELECT COUNT(*) AS n FROM {p}shop_cart_lines l JOIN {p}shop_carts c ON c.id = l.cart_id"
            " WHERE c.token = %s",
            token,
        )
        return int(found[0]["n"])

    def messages_of(self, email: str) -> tuple[str, ...]:
        found = self.connection.rows("SELECT message FROM {p}shop_messages WHERE email = %s ORDER BY id", email)
        return tuple(row["message"] for row in found)
