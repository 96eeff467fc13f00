"""What test visitors leave in PrestaShop: a guest who orders is a customer with an address, a cart and a visit.

An order takes its pieces from stock when it is made, unless it is refused at once; the states "cancelled" and
"payment error" have put them back (PrestaShop 8.2.1, ``OrderHistory`` and ``OrderDetail``). What was shipped is no
longer reserved.
"""

from __future__ import annotations

from pipeline.platforms.traces import Doubt, Rows, Set, Traces

TAKEN = """
SELECT d.product_id, d.product_attribute_id, d.id_shop, MAX(o.id_shop_group) AS id_shop_group,
       SUM(d.product_quantity - d.product_quantity_reinjected) AS pieces,
       SUM(IF(t.shipped = 1, 0, d.product_quantity - d.product_quantity_reinjected)) AS reserved
FROM {p}order_detail d JOIN {p}orders o ON o.id_order = d.id_order
LEFT JOIN {p}order_state t ON t.id_order_state = o.current_state
WHERE d.id_order IN {taking} GROUP BY d.product_id, d.product_attribute_id, d.id_shop
"""
WHOLE = (
    "SELECT taken.product_id, taken.id_shop, taken.id_shop_group, SUM(taken.pieces) AS pieces"
    " FROM {view taken} taken WHERE taken.product_attribute_id <> 0"
    " GROUP BY taken.product_id, taken.id_shop, taken.id_shop_group"
)
"""Of a product with combinations the row of the whole product counts them all."""

BACK = """
SELECT product_name, product_quantity - product_quantity_reinjected FROM {p}order_detail WHERE id_order IN {taking}
"""
SOLD = """
SELECT d.product_id, SUM(d.product_quantity) AS pieces, COUNT(*) AS sales FROM {p}order_detail d
JOIN {p}orders o ON o.id_order = d.id_order AND o.valid = 1 WHERE d.id_order IN {orders} GROUP BY d.product_id
"""
USED = "SELECT id_cart_rule, COUNT(*) AS uses FROM {p}order_cart_rule WHERE id_order IN {orders} GROUP BY id_cart_rule"

# Shops of one group may share their stock: then it is the group's row that counts. Of the columns, the first is
# computed from the others as they were found.
PIECE_BY_PIECE = """
UPDATE {p}stock_available s JOIN {view taken} taken
  ON s.id_product = taken.product_id AND s.id_product_attribute = taken.product_attribute_id
 AND IF(s.id_shop = 0, s.id_shop_group = taken.id_shop_group, s.id_shop = taken.id_shop)
SET s.physical_quantity = s.physical_quantity + taken.pieces - LEAST(s.reserved_quantity, taken.reserved),
    s.reserved_quantity = s.reserved_quantity - LEAST(s.reserved_quantity, taken.reserved),
    s.quantity = s.quantity + taken.pieces
"""
AS_A_WHOLE = """
UPDATE {p}stock_available s JOIN {view whole} taken
  ON s.id_product = taken.product_id AND s.id_product_attribute = 0
 AND IF(s.id_shop = 0, s.id_shop_group = taken.id_shop_group, s.id_shop = taken.id_shop)
SET s.quantity = s.quantity + taken.pieces, s.physical_quantity = s.physical_quantity + taken.pieces
"""
SALES = """
UPDATE {p}product_sale s JOIN {view sold} sold ON sold.product_id = s.id_product
SET s.quantity = s.quantity - LEAST(s.quantity, sold.pieces), s.sale_nbr = s.sale_nbr - LEAST(s.sale_nbr, sold.sales)
"""
NO_SALES = "DELETE FROM {p}product_sale WHERE id_product IN {products} AND sale_nbr = 0"
VOUCHERS = """
UPDATE {p}cart_rule r JOIN {view used} used ON used.id_cart_rule = r.id_cart_rule
SET r.quantity = r.quantity + used.uses
"""

TRACES = Traces(
    addresses=(
        "SELECT email FROM {p}customer WHERE email LIKE %s",
        "SELECT email FROM {p}customer_thread WHERE email LIKE %s",
        "SELECT email FROM {p}emailsubscription WHERE email LIKE %s",
    ),
    sets=(
        Set("customers", "SELECT id_customer FROM {p}customer WHERE email IN {emails}"),
        Set("orders", "SELECT id_order FROM {p}orders WHERE id_customer IN {customers}"),
        Set("references", "SELECT reference FROM {p}orders WHERE id_order IN {orders}"),
        Set(
            "taking",
            "SELECT id_order FROM {p}orders WHERE id_order IN {orders} AND current_state NOT IN"
            " (SELECT value FROM {p}configuration WHERE name IN ('PS_OS_CANCELED', 'PS_OS_ERROR'))",
        ),
        Set("lines", "SELECT id_order_detail FROM {p}order_detail WHERE id_order IN {orders}"),
        Set("products", "SELECT product_id FROM {p}order_detail WHERE id_order IN {taking}"),
        Set("guests", "SELECT id_guest FROM {p}guest WHERE id_customer IN {customers}"),
        Set("carts", "SELECT id_cart FROM {p}cart WHERE id_customer IN {customers}"),
        Set("carts", "SELECT id_cart FROM {p}orders WHERE id_order IN {orders} AND id_cart > 0"),
        Set("carts", "SELECT id_cart FROM {p}cart WHERE id_guest IN {guests} AND id_customer = 0"),
        Set("addresses", "SELECT id_address FROM {p}address WHERE id_customer IN {customers}"),
        Set("connections", "SELECT id_connections FROM {p}connections WHERE id_guest IN {guests}"),
        Set("invoices", "SELECT id_order_invoice FROM {p}order_invoice WHERE id_order IN {orders}"),
        Set("slips", "SELECT id_order_slip FROM {p}order_slip WHERE id_order IN {orders}"),
        Set("returns", "SELECT id_order_return FROM {p}order_return WHERE id_order IN {orders}"),
        Set("threads", "SELECT id_customer_thread FROM {p}customer_thread WHERE email IN {emails}"),
        Set("threads", "SELECT id_customer_thread FROM {p}customer_thread WHERE id_customer IN {customers}"),
        Set("messages", "SELECT id_message FROM {p}message WHERE id_order IN {orders}"),
        Set("customizations", "SELECT id_customization FROM {p}customization WHERE id_cart IN {carts}"),
        Set("wishlists", "SELECT id_wishlist FROM {p}wishlist WHERE id_customer IN {customers}"),
    ),
    doubts=(
        Doubt(
            "SELECT id_cart FROM {p}cart WHERE id_cart IN {carts} AND id_customer NOT IN {customers}"
            " AND id_customer <> 0",
            "a test's order came from somebody else's cart",
        ),
        Doubt(
            "SELECT id_order FROM {p}orders WHERE id_cart IN {carts} AND id_order NOT IN {orders}",
            "somebody else's order came from a test's cart",
        ),
        Doubt(
            "SELECT id_order FROM {p}orders WHERE id_order NOT IN {orders}"
            " AND (id_address_delivery IN {addresses} OR id_address_invoice IN {addresses})",
            "somebody else's order goes to a test's address",
        ),
        Doubt(
            "SELECT id_order FROM {p}orders WHERE reference IN {references} AND id_order NOT IN {orders}",
            "somebody else's order has the reference of a test's",
        ),
        Doubt(
            "SELECT id_product_pack FROM {p}pack WHERE id_product_pack IN {products} OR id_product_item IN {products}",
            "a test bought a pack or a part of one, whose stock depends on other products'; name another product as"
            " journeys.product_path and put this stock back by hand",
        ),
        Doubt(
            "SELECT id_stock_available FROM {p}stock_available WHERE id_product IN {products} AND depends_on_stock = 1",
            "a test bought a product whose stock a warehouse counts",
        ),
    ),
    locks=(
        "SELECT id_order FROM {p}orders WHERE id_order IN {orders} FOR UPDATE",
        "SELECT id_order_detail FROM {p}order_detail WHERE id_order_detail IN {lines} FOR UPDATE",
    ),
    stock=(BACK,),
    returns=(PIECE_BY_PIECE, AS_A_WHOLE, SALES, NO_SALES, VOUCHERS),
    rows=(
        Rows("order_detail_tax", "id_order_detail IN {lines}"),
        Rows("order_slip_detail", "id_order_slip IN {slips}"),
        Rows("order_slip", "id_order_slip IN {slips}"),
        Rows("order_return_detail", "id_order_return IN {returns}"),
        Rows("order_return", "id_order_return IN {returns}"),
        Rows("order_invoice_tax", "id_order_invoice IN {invoices}"),
        Rows("order_invoice_payment", "id_order IN {orders}"),
        Rows("order_invoice", "id_order_invoice IN {invoices}"),
        Rows("order_payment", "order_reference IN {references}"),
        Rows("order_carrier", "id_order IN {orders}"),
        Rows("order_cart_rule", "id_order IN {orders}"),
        Rows("order_history", "id_order IN {orders}"),
        Rows("order_detail", "id_order IN {orders}"),
        Rows("stock_mvt", "id_order IN {orders}"),
        Rows("message_readed", "id_message IN {messages}"),
        Rows("message", "id_message IN {messages}"),
        Rows("customer_message", "id_customer_thread IN {threads}"),
        Rows("customer_thread", "id_customer_thread IN {threads}"),
        Rows("orders", "id_order IN {orders}"),
        Rows("customized_data", "id_customization IN {customizations}"),
        Rows("customization", "id_customization IN {customizations}"),
        Rows("cart_cart_rule", "id_cart IN {carts}"),
        Rows("cart_product", "id_cart IN {carts}"),
        Rows("specific_price", "id_cart IN {carts}"),
        Rows("blockwishlist_statistics", "id_cart IN {carts}"),
        Rows("wishlist_product_cart", "id_cart IN {carts}"),
        Rows("cart", "id_cart IN {carts}"),
        Rows("connections_page", "id_connections IN {connections}"),
        Rows("connections_source", "id_connections IN {connections}"),
        Rows("connections", "id_connections IN {connections}"),
        Rows("guest", "id_guest IN {guests}"),
        Rows("wishlist_product", "id_wishlist IN {wishlists}"),
        Rows("wishlist", "id_wishlist IN {wishlists}"),
        Rows("psgdpr_log", "id_customer IN {customers}"),
        Rows("emailsubscription", "email IN {emails}"),
        Rows("mailalert_customer_oos", "customer_email IN {emails}"),
        Rows("customer_session", "id_customer IN {customers}"),
        Rows("customer_group", "id_customer IN {customers}"),
        Rows("address", "id_address IN {addresses}"),
        Rows("customer", "id_customer IN {customers}"),
    ),
    views=(("taken", TAKEN), ("whole", WHOLE), ("sold", SOLD), ("used", USED)),
    columns=(("id_order", "orders"), ("id_customer", "customers"), ("id_cart", "carts"), ("id_guest", "guests")),
)
"""The list of mails that were sent is kept: it is the shop's own log."""
