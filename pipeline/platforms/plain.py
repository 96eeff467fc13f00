"""A shop that is a plugin of its own on WordPress, with tables as the demo's has them."""

from __future__ import annotations

from pipeline.platforms.traces import Doubt, Rows, Set, Traces
from pipeline.platforms.wordpress.traces import TRACES as USERS

TAKEN = (
    "SELECT l.product_id, SUM(l.quantity) AS pieces FROM {p}shop_order_lines l JOIN {p}shop_orders o"
    " ON o.id = l.order_id WHERE o.id IN {orders} AND o.status <> 'cancelled' GROUP BY l.product_id"
)

RETURN = (
    "UPDATE {p}shop_products p JOIN {view taken} taken ON taken.product_id = p.id SET p.stock = p.stock + taken.pieces"
)

TRACES = USERS + Traces(
    addresses=(
        "SELECT email FROM {p}shop_orders WHERE email LIKE %s",
        "SELECT email FROM {p}shop_customers WHERE email LIKE %s",
        "SELECT email FROM {p}shop_messages WHERE email LIKE %s",
    ),
    sets=(
        Set("orders", "SELECT id FROM {p}shop_orders WHERE email IN {emails}"),
        Set("customers", "SELECT id FROM {p}shop_customers WHERE email IN {emails}"),
        Set("tokens", "SELECT cart_token FROM {p}shop_orders WHERE id IN {orders}"),
        Set("carts", "SELECT id FROM {p}shop_carts WHERE token IN {tokens}"),
    ),
    doubts=(
        Doubt(
            "SELECT id FROM {p}shop_orders WHERE customer_id IN {customers} AND id NOT IN {orders}",
            "a customer with a test's address has an order with another address",
        ),
        Doubt(
            "SELECT id FROM {p}shop_orders WHERE id IN {orders} AND customer_id NOT IN {customers}",
            "an order with a test's address belongs to somebody else",
        ),
    ),
    locks=("SELECT id FROM {p}shop_orders WHERE id IN {orders} FOR UPDATE",),
    stock=("SELECT p.name, taken.pieces FROM {view taken} taken JOIN {p}shop_products p ON p.id = taken.product_id",),
    returns=(RETURN,),
    rows=(
        Rows("shop_order_lines", "order_id IN {orders}"),
        Rows("shop_orders", "id IN {orders}"),
        Rows("shop_cart_lines", "cart_id IN {carts}"),
        Rows("shop_carts", "id IN {carts}"),
        Rows("shop_sessions", "token IN {tokens}"),
        Rows("shop_messages", "email IN {emails}"),
        Rows("shop_customers", "id IN {customers}"),
    ),
    views=(("taken", TAKEN),),
    columns=(("order_id", "orders"), ("customer_id", "customers")),
)
