"""Where PrestaShop keeps its books.

Source: the schema of 8.2.1. Of a product with combinations each combination has a row of stock, and the row of
combination 0 is their sum: it is no stock of its own. Shops that do not share their stock have rows of their own.
"""

from __future__ import annotations

from pipeline.books import MARK, ONE, ORDER, Books, Row, Sale

_COUNTED = """
(s.id_product_attribute > 0 OR NOT EXISTS (SELECT 1 FROM `{p}stock_available` c
 WHERE c.id_product = s.id_product AND c.id_product_attribute > 0))
"""

STOCK = f"""
SELECT CONCAT(s.id_product, '-', s.id_product_attribute) AS product,
 CONCAT_WS(' ', (SELECT MIN(l.name) FROM `{{p}}product_lang` l WHERE l.id_product = s.id_product),
 (SELECT NULLIF(MIN(a.reference), '') FROM `{{p}}product_attribute` a
  WHERE a.id_product_attribute = s.id_product_attribute)) AS label,
 SUM(s.quantity) AS pieces
FROM `{{p}}stock_available` s WHERE {_COUNTED}
GROUP BY s.id_product, s.id_product_attribute
"""

LINES = """
SELECT id_order AS number, CONCAT(product_id, '-', COALESCE(product_attribute_id, 0)) AS product,
 product_quantity AS pieces FROM `{p}order_detail`
"""

PRODUCTS = f"""
SELECT s.id_product AS product, s.id_product_attribute AS attribute, s.id_shop AS shop, s.id_shop_group AS shops
FROM `{{p}}stock_available` s WHERE {_COUNTED}
ORDER BY s.quantity DESC, s.id_stock_available LIMIT 20
"""

TAKEN = """
UPDATE `{p}stock_available` SET quantity = quantity - 1 WHERE id_product = %(product)s
 AND id_product_attribute IN (0, %(attribute)s) AND id_shop = %(shop)s AND id_shop_group = %(shops)s
"""


def books(prefix: str) -> tuple[Books, ...]:
    """The only books that a PrestaShop has."""
    tables = ("orders", "order_detail", "stock_available", "product_lang", "product_attribute")

    def told(sql: str) -> str:
        return " ".join(sql.replace("{p}", prefix).split())

    return (
        Books(
            tables=tuple(prefix + table for table in tables),
            last=told("SELECT MAX(id_order) FROM `{p}orders`"),
            orders=told("SELECT id_order AS number, reference FROM `{p}orders`"),
            lines=told(LINES),
            stock=told(STOCK),
            sale=Sale(
                rows=(
                    Row(f"{prefix}orders", "id_order", ORDER, {"reference": MARK}),
                    Row(
                        f"{prefix}order_detail",
                        "id_order_detail",
                        sets={
                            "id_order": ORDER,
                            "product_id": "product",
                            "product_attribute_id": "attribute",
                            "product_quantity": ONE,
                        },
                    ),
                ),
                products=told(PRODUCTS),
                names=("product", "attribute", "shop", "shops"),
                taken=(told(TAKEN),),
            ),
        ),
    )
