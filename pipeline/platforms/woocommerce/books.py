"""Where WooCommerce keeps its books: orders in tables of their own (HPOS) or among the posts, never in both at once.

What was sold is read from the orders' own items: the lookup tables of reports are filled by Action Scheduler, later.
Stock is a post's meta in either case. A variation has stock of its own if it says so; else its parent has it.
"""

from __future__ import annotations

from pipeline.books import NONE, ONE, ORDER, Books, Row, Sale

NOT_ORDERED = "('wc-checkout-draft', 'checkout-draft', 'auto-draft', 'draft', 'trash')"
"""The block checkout stores a draft as soon as it is opened, and makes an order of it under the same number."""
DRAFTS = "('wc-checkout-draft', 'checkout-draft')"

HPOS = {
    "last": "SELECT MAX(id) FROM `{p}wc_orders`",
    "orders": f"""
SELECT o.id AS number, COALESCE((SELECT MIN(m.meta_value) FROM `{{p}}wc_orders_meta` m
 WHERE m.order_id = o.id AND m.meta_key = '_order_number'), o.id) AS reference
FROM `{{p}}wc_orders` o WHERE o.type = 'shop_order' AND o.status NOT IN {NOT_ORDERED}
""",
    "drafts": f"SELECT id AS number FROM `{{p}}wc_orders` WHERE type = 'shop_order' AND status IN {DRAFTS}",
    "kept": """
SELECT COUNT(*) FROM `{p}options`
WHERE option_name = 'woocommerce_custom_orders_table_enabled' AND option_value = 'yes'
""",
}
POSTS = {
    "last": "SELECT MAX(ID) FROM `{p}posts`",
    "orders": f"""
SELECT o.ID AS number, COALESCE((SELECT MIN(m.meta_value) FROM `{{p}}postmeta` m
 WHERE m.post_id = o.ID AND m.meta_key = '_order_number'), o.ID) AS reference
FROM `{{p}}posts` o WHERE o.post_type = 'shop_order' AND o.post_status NOT IN {NOT_ORDERED}
""",
    "drafts": f"SELECT ID AS number FROM `{{p}}posts` WHERE post_type = 'shop_order' AND post_status IN {DRAFTS}",
}

LINES = """
SELECT i.order_id AS number, IF(own.meta_value = 'yes', variation.meta_value, product.meta_value) AS product,
 CAST(quantity.meta_value AS DECIMAL(30, 4)) AS pieces
FROM `{p}woocommerce_order_items` i
JOIN `{p}woocommerce_order_itemmeta` quantity
 ON quantity.order_item_id = i.order_item_id AND quantity.meta_key = '_qty'
JOIN `{p}woocommerce_order_itemmeta` product
 ON product.order_item_id = i.order_item_id AND product.meta_key = '_product_id'
LEFT JOIN `{p}woocommerce_order_itemmeta` variation
 ON variation.order_item_id = i.order_item_id AND variation.meta_key = '_variation_id'
LEFT JOIN `{p}postmeta` own
 ON own.post_id = CAST(variation.meta_value AS UNSIGNED) AND own.meta_key = '_manage_stock'
WHERE i.order_item_type = 'line_item'
"""

_COUNTED = """
FROM `{p}postmeta` stock
JOIN `{p}postmeta` managed
 ON managed.post_id = stock.post_id AND managed.meta_key = '_manage_stock' AND managed.meta_value = 'yes'
JOIN `{p}posts` p ON p.ID = stock.post_id AND p.post_type IN ('product', 'product_variation')
"""
STOCK = f"""
SELECT stock.post_id AS product, MAX(p.post_title) AS label, MAX(CAST(stock.meta_value AS DECIMAL(30, 4))) AS pieces
{_COUNTED} WHERE stock.meta_key = '_stock' GROUP BY stock.post_id
"""
PRODUCTS = f"""
SELECT DISTINCT stock.post_id AS product {_COUNTED}
WHERE stock.meta_key = '_stock' AND p.post_type = 'product' ORDER BY stock.post_id LIMIT 20
"""
TAKEN = (
    "UPDATE `{p}postmeta` SET meta_value = meta_value - 1 WHERE post_id = %(product)s AND meta_key = '_stock'",
    "UPDATE `{p}wc_product_meta_lookup` SET stock_quantity = stock_quantity - 1 WHERE product_id = %(product)s",
)

COMMON = ("posts", "postmeta", "woocommerce_order_items", "woocommerce_order_itemmeta", "wc_product_meta_lookup")


def books(prefix: str) -> tuple[Books, ...]:
    """HPOS where the shop says that its orders are there, whatever the other store holds besides; else the posts."""
    hpos = Row(f"{prefix}wc_orders", "id", ORDER, where=f"type = 'shop_order' AND status NOT IN {NOT_ORDERED}")
    post = Row(f"{prefix}posts", "ID", ORDER, where=f"post_type = 'shop_order' AND post_status NOT IN {NOT_ORDERED}")
    return (
        _books(prefix, ("wc_orders", "wc_orders_meta", "options", *COMMON), HPOS, hpos),
        _books(prefix, COMMON, POSTS, post),
    )


def _books(prefix: str, tables: tuple[str, ...], questions: dict[str, str], order: Row) -> Books:
    def told(sql: str) -> str:
        return " ".join(sql.replace("{p}", prefix).split())

    return Books(
        tables=tuple(prefix + table for table in tables),
        lines=told(LINES),
        stock=told(STOCK),
        sale=Sale(
            rows=(order, *_item(prefix)),
            products=told(PRODUCTS),
            names=("product",),
            taken=tuple(told(each) for each in TAKEN),
        ),
        **{name: told(sql) for name, sql in questions.items()},
    )


def _item(prefix: str) -> tuple[Row, ...]:
    """A line of an order, and what makes it a sale of one product."""
    items, meta = f"{prefix}woocommerce_order_items", f"{prefix}woocommerce_order_itemmeta"
    values = {"_product_id": "product", "_variation_id": NONE, "_qty": ONE}
    return (
        Row(items, "order_item_id", "line", {"order_id": ORDER}, "order_item_type = 'line_item'"),
        *(
            Row(meta, "meta_id", sets={"order_item_id": "line", "meta_value": name}, where=f"meta_key = '{key}'")
            for key, name in values.items()
        ),
    )
