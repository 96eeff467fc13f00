"""What test visitors leave in WooCommerce: orders in HPOS, in posts or in both, and the stock that they took.

WooCommerce itself says of each item how many pieces it took (``_reduced_stock``), and takes that back when an order is
cancelled or restocked: what is put back here is only what is still missing.
"""

from __future__ import annotations

from pipeline.platforms.traces import Doubt, Rows, Set, Traces
from pipeline.platforms.wordpress.traces import TRACES as USERS

TAKEN = """
SELECT IF(own.meta_value = 'yes', variation.meta_value, product.meta_value) AS product,
       SUM(taken.meta_value) AS pieces
FROM {p}woocommerce_order_itemmeta taken
JOIN {p}woocommerce_order_itemmeta product
  ON product.order_item_id = taken.order_item_id AND product.meta_key = '_product_id'
LEFT JOIN {p}woocommerce_order_itemmeta variation
  ON variation.order_item_id = taken.order_item_id AND variation.meta_key = '_variation_id'
LEFT JOIN {p}postmeta own ON own.post_id = variation.meta_value AND own.meta_key = '_manage_stock'
WHERE taken.order_item_id IN {items} AND taken.meta_key = '_reduced_stock' GROUP BY 1
"""
"""Pieces by the product or the variation that counts them."""

SOLD = """
SELECT product.meta_value AS product, SUM(quantity.meta_value) AS pieces FROM {p}woocommerce_order_items i
JOIN {p}woocommerce_order_itemmeta product
  ON product.order_item_id = i.order_item_id AND product.meta_key = '_product_id'
JOIN {p}woocommerce_order_itemmeta quantity ON quantity.order_item_id = i.order_item_id AND quantity.meta_key = '_qty'
WHERE i.order_id IN {recorded} GROUP BY 1
"""
"""Pieces that the counters of sales have counted."""

STOCK = """
UPDATE {p}postmeta s JOIN {view taken} taken ON taken.product = s.post_id
SET s.meta_value = s.meta_value + taken.pieces WHERE s.meta_key = '_stock'
"""
LOOKED_UP = """
UPDATE {p}wc_product_meta_lookup l JOIN {view taken} taken ON taken.product = l.product_id
SET l.stock_quantity = l.stock_quantity + taken.pieces WHERE l.stock_quantity IS NOT NULL
"""
# Whoever bought the last piece had closed the product.
SEEN = """
DELETE r FROM {p}term_relationships r
JOIN {p}term_taxonomy x ON x.term_taxonomy_id = r.term_taxonomy_id AND x.taxonomy = 'product_visibility'
JOIN {p}terms t ON t.term_id = x.term_id AND t.slug = 'outofstock'
JOIN {p}postmeta s ON s.post_id = r.object_id AND s.meta_key = '_stock' AND s.meta_value > 0
WHERE r.object_id IN {products}
"""
OPEN = """
UPDATE {p}postmeta c JOIN {p}postmeta s ON s.post_id = c.post_id AND s.meta_key = '_stock' AND s.meta_value > 0
SET c.meta_value = 'instock'
WHERE c.post_id IN {products} AND c.meta_key = '_stock_status' AND c.meta_value = 'outofstock'
"""
OPEN_LOOKED_UP = """
UPDATE {p}wc_product_meta_lookup SET stock_status = 'instock'
WHERE product_id IN {products} AND stock_status = 'outofstock' AND stock_quantity > 0
"""
SALES = """
UPDATE {p}postmeta s JOIN {view sold} sold ON sold.product = s.post_id
SET s.meta_value = GREATEST(0, s.meta_value - sold.pieces) WHERE s.meta_key = 'total_sales'
"""
SALES_LOOKED_UP = """
UPDATE {p}wc_product_meta_lookup l JOIN {view sold} sold ON sold.product = l.product_id
SET l.total_sales = GREATEST(0, l.total_sales - sold.pieces)
"""

ORDERS = (
    Set("orders", "SELECT id FROM {p}wc_orders WHERE billing_email IN {emails} AND type = 'shop_order'"),
    Set(
        "orders",
        "SELECT o.ID FROM {p}posts o JOIN {p}postmeta m ON m.post_id = o.ID AND m.meta_key = '_billing_email'"
        " WHERE m.meta_value IN {emails} AND o.post_type = 'shop_order'",
    ),
    Set("orders", "SELECT id FROM {p}wc_orders WHERE parent_order_id IN {orders} AND type = 'shop_order_refund'"),
    Set("orders", "SELECT ID FROM {p}posts WHERE post_parent IN {orders} AND post_type = 'shop_order_refund'"),
)

SHOP = Traces(
    addresses=(
        "SELECT billing_email FROM {p}wc_orders WHERE billing_email LIKE %s",
        "SELECT meta_value FROM {p}postmeta WHERE meta_key = '_billing_email' AND meta_value LIKE %s",
        "SELECT email FROM {p}wc_customer_lookup WHERE email LIKE %s",
    ),
    sets=(
        *ORDERS,
        Set("customers", "SELECT customer_id FROM {p}wc_customer_lookup WHERE email IN {emails}"),
        Set("items", "SELECT order_item_id FROM {p}woocommerce_order_items WHERE order_id IN {orders}"),
        Set(
            "notes",
            "SELECT comment_ID FROM {p}comments WHERE comment_post_ID IN {orders} AND comment_type = 'order_note'",
        ),
        Set(
            "recorded",
            "SELECT order_id FROM {p}wc_order_operational_data WHERE order_id IN {orders} AND recorded_sales = 1",
        ),
        Set(
            "recorded",
            "SELECT post_id FROM {p}postmeta WHERE post_id IN {orders} AND meta_key = '_recorded_sales'"
            " AND meta_value = 'yes'",
        ),
        Set("products", "SELECT taken.product FROM {view taken} taken"),
        Set(
            "permissions",
            "SELECT permission_id FROM {p}woocommerce_downloadable_product_permissions WHERE order_id IN {orders}",
        ),
        Set(
            "actions",
            "SELECT action_id FROM {p}actionscheduler_actions WHERE hook = 'wc-admin_import_orders'"
            " AND args NOT LIKE '%,%' AND TRIM(TRAILING ']' FROM TRIM(LEADING '[' FROM args)) IN {orders}",
        ),
        Set(
            "actions",
            "SELECT a.action_id FROM {p}actionscheduler_actions a JOIN {p}wc_webhooks w"
            """ ON a.args LIKE CONCAT('{"webhook_id":', w.webhook_id, ',"arg":%') AND w.topic LIKE 'order.%'"""
            " WHERE a.hook = 'woocommerce_deliver_webhook_async'"
            " AND TRIM(TRAILING '}' FROM SUBSTRING_INDEX(a.args, ':', -1)) IN {orders}",
        ),
    ),
    doubts=(
        Doubt(
            "SELECT id FROM {p}wc_orders WHERE id IN {orders} AND customer_id > 0 AND customer_id NOT IN {users}",
            "an order with a test's address belongs to somebody's account",
        ),
        Doubt(
            "SELECT id FROM {p}wc_orders WHERE customer_id IN {users} AND id NOT IN {orders}",
            "an account with a test's address has an order with another address",
        ),
        Doubt(
            "SELECT post_id FROM {p}postmeta WHERE post_id IN {orders} AND meta_key = '_customer_user'"
            " AND meta_value > 0 AND meta_value NOT IN {users}",
            "an order with a test's address belongs to somebody's account",
        ),
        Doubt(
            "SELECT post_id FROM {p}postmeta WHERE meta_key = '_customer_user' AND meta_value IN {users}"
            " AND post_id NOT IN {orders}",
            "an account with a test's address has an order with another address",
        ),
        Doubt(
            "SELECT order_id FROM {p}wc_order_stats WHERE customer_id IN {customers} AND order_id NOT IN {orders}",
            "a customer with a test's address has an order with another address",
        ),
    ),
    locks=(
        "SELECT id FROM {p}wc_orders WHERE id IN {orders} FOR UPDATE",
        "SELECT ID FROM {p}posts WHERE ID IN {orders} FOR UPDATE",
        "SELECT meta_id FROM {p}woocommerce_order_itemmeta WHERE order_item_id IN {items} FOR UPDATE",
    ),
    stock=("SELECT p.post_title, taken.pieces FROM {view taken} taken JOIN {p}posts p ON p.ID = taken.product",),
    returns=(STOCK, LOOKED_UP, SEEN, OPEN, OPEN_LOOKED_UP, SALES, SALES_LOOKED_UP),
    rows=(
        Rows("wc_order_product_lookup", "order_id IN {orders}"),
        Rows("wc_order_coupon_lookup", "order_id IN {orders}"),
        Rows("wc_order_tax_lookup", "order_id IN {orders}"),
        Rows("wc_order_stats", "order_id IN {orders}"),
        Rows("wc_customer_lookup", "customer_id IN {customers}"),
        Rows("wc_reserved_stock", "order_id IN {orders}"),
        Rows("wc_download_log", "permission_id IN {permissions}"),
        Rows("woocommerce_downloadable_product_permissions", "permission_id IN {permissions}"),
        Rows("woocommerce_order_itemmeta", "order_item_id IN {items}"),
        Rows("woocommerce_order_items", "order_item_id IN {items}"),
        Rows("commentmeta", "comment_id IN {notes}"),
        Rows("comments", "comment_ID IN {notes}"),
        Rows("wc_orders_meta", "order_id IN {orders}"),
        Rows("wc_order_addresses", "order_id IN {orders}"),
        Rows("wc_order_operational_data", "order_id IN {orders}"),
        Rows("wc_orders", "id IN {orders}"),
        Rows("postmeta", "post_id IN {orders}"),
        Rows("posts", "ID IN {orders} AND post_type LIKE 'shop\\_order%'"),
        Rows("actionscheduler_logs", "action_id IN {actions}"),
        Rows("actionscheduler_actions", "action_id IN {actions}"),
        Rows("woocommerce_sessions", "{emails in session_value}"),
    ),
    views=(
        ("taken", TAKEN),
        ("sold", SOLD),
    ),
    columns=(("order_id", "orders"),),
)
"""Orders have numbers of posts in every store, so one set of them serves all tables."""

TRACES = USERS + SHOP
