"""PrestaShop's own tables: orders, stock, carts and messages."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from smoke_tests.shopdata import Connection, Line, Order


@dataclass(frozen=True)
class PrestaShopData:
    """PrestaShop's own tables."""

    connection: Connection

    def orders_of(self, email: str) -> tuple[Order, ...]:
        found = self.connection.rows(
            "SELECT o.id_order, o.reference, o.total_paid FROM {p}orders o"
            " JOIN {p}customer c ON c.id_customer = o.id_customer WHERE c.email = %s ORDER BY o.id_order",
            email,
        )
        return tuple(
            Order(row["id_order"], row["reference"], _cents(row["total_paid"]), self._lines(row["id_order"]))
            for row in found
        )

    def _lines(self, order: int) -> tuple[Line, ...]:
        """A combination's line is named ``Product (Size: S)``; the product page says ``Product``."""
        found = self.connection.rows(
            "SELECT d.product_name, d.product_quantity, d.unit_price_tax_incl, l.name FROM {p}order_detail d"
            " JOIN {p}orders o ON o.id_order = d.id_order LEFT JOIN {p}product_lang l"
            " ON l.id_product = d.product_id AND l.id_lang = o.id_lang AND l.id_shop = d.id_shop"
            " WHERE d.id_order = %s ORDER BY d.id_order_detail",
            order,
        )
        return tuple(
            Line(_product_name(row), row["product_quantity"], _cents(row["unit_price_tax_incl"])) for row in found
        )

    def stock_of(self, product: str) -> int:
        number, _, combination = product.partition("-")
        found = self.connection.rows(
            "SELECT quantity FROM {p}stock_available WHERE id_product = %s AND id_product_attribute = %s"
            " ORDER BY id_shop LIMIT 1",
            number,
            combination or 0,
        )
        if not found:
            message = f"the product {product} is on the shop's pages but has no stock in its tables"
            raise AssertionError(message)
        return int(found[0]["quantity"])

    def cart_lines(self, token: str) -> int:
        """Lines of the customer's unordered carts, whose address ``token`` is: PrestaShop's pages name no cart.

        A cart keeps its lines, as part of its order.
        """
        found = self.connection.rows(
            "SELECT COUNT(*) AS n FROM {p}cart_product l JOIN {p}cart c ON c.id_cart = l.id_cart"
            " JOIN {p}customer u ON u.id_customer = c.id_customer WHERE u.email = %s"
            " AND NOT EXISTS (SELECT 1 FROM {p}orders o WHERE o.id_cart = c.id_cart)",
            token,
        )
        return int(found[0]["n"])

    def messages_of(self, email: str) -> tuple[str, ...]:
        found = self.connection.rows(
            "SELECT m.message FROM {p}customer_message m JOIN {p}customer_thread t"
            " ON t.id_customer_thread = m.id_customer_thread WHERE t.email = %s ORDER BY m.id_customer_message",
            email,
        )
        return tuple(row["message"] for row in found)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _product_name(row: dict[str, str]) -> str:
    plain = row["name"]
    return plain if plain and row["product_name"].startswith(plain) else row["product_name"]
