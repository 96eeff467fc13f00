"""WooCommerce's tables: whose rows they hold, and which of their columns are personal data."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.config.inventory import PersonalData, Tables
from pipeline.platforms import columns, wordpress

ADDRESS: dict[str, PersonalData] = {
    "first_name": "name",
    "last_name": "name",
    "company": "company",
    "address_1": "address",
    "address_2": "address",
    "city": "address",
    "state": "keep",
    "postcode": "address",
    "country": "keep",
    "email": "email",
    "phone": "phone",
}

PERSONAL: dict[str, dict[str, PersonalData]] = {
    **wordpress.KNOWN_TABLES.personal,
    # Notes on orders are comments; reviews are masked with them.
    "comments": {**wordpress.KNOWN_TABLES.personal["comments"], "comment_content": "text"},
    "wc_orders": {
        "billing_email": "email",
        "ip_address": "ip",
        "user_agent": "text",
        "customer_note": "text",
        "transaction_id": "secret",
        "payment_method": "keep",
        "payment_method_title": "keep",
        "currency": "keep",
        "status": "keep",
        "type": "keep",
    },
    "wc_order_addresses": {"address_type": "keep", **ADDRESS},
    "wc_order_operational_data": {
        "order_key": "secret",
        "created_via": "keep",
        "woocommerce_version": "keep",
        "cart_hash": "keep",
    },
    "wc_customer_lookup": {
        "username": "name",
        "first_name": "name",
        "last_name": "name",
        "email": "email",
        "country": "keep",
        "postcode": "address",
        "city": "address",
        "state": "keep",
    },
    "wc_download_log": {"user_ip_address": "ip"},
    "woocommerce_order_items": {"order_item_name": "keep", "order_item_type": "keep"},
    "woocommerce_payment_tokens": {"token": "secret", "gateway_id": "keep", "type": "keep"},
    "woocommerce_payment_tokenmeta": {"meta_key": "keep", "meta_value": "secret"},
    "woocommerce_downloadable_product_permissions": {
        "user_email": "email",
        "order_key": "secret",
        "download_id": "keep",
    },
    "woocommerce_api_keys": {"consumer_key": "secret", "consumer_secret": "secret", "truncated_key": "secret"},
    "wc_webhooks": {"secret": "secret", "delivery_url": "text"},
    "actionscheduler_actions": {"args": "text", "extended_args": "text"},
}

KNOWN_TABLES = Tables(
    business=(
        *wordpress.KNOWN_TABLES.business,
        "wc_orders",
        "wc_orders_meta",
        "wc_order_addresses",
        "wc_order_operational_data",
        "wc_order_stats",
        "wc_order_coupon_lookup",
        "wc_order_product_lookup",
        "wc_order_tax_lookup",
        "wc_customer_lookup",
        "wc_reserved_stock",
        "wc_download_log",
        "woocommerce_order_items",
        "woocommerce_order_itemmeta",
        "woocommerce_payment_tokens",
        "woocommerce_payment_tokenmeta",
        "woocommerce_downloadable_product_permissions",
    ),
    configuration=(
        *wordpress.KNOWN_TABLES.configuration,
        "wc_admin_notes",
        "wc_admin_note_actions",
        "wc_category_lookup",
        "wc_product_attributes_lookup",
        "wc_product_download_directories",
        "wc_tax_rate_classes",
        "wc_webhooks",
        "woocommerce_api_keys",
        "woocommerce_attribute_taxonomies",
        "woocommerce_shipping_zones",
        "woocommerce_shipping_zone_locations",
        "woocommerce_shipping_zone_methods",
        "woocommerce_tax_rates",
        "woocommerce_tax_rate_locations",
    ),
    # The queue of scheduled actions is filled by updates and by orders alike.
    mixed=(
        *wordpress.KNOWN_TABLES.mixed,
        "wc_product_meta_lookup",
        "actionscheduler_actions",
        "actionscheduler_groups",
    ),
    throwaway=(
        "woocommerce_sessions",
        "woocommerce_log",
        "wc_rate_limits",
        "actionscheduler_logs",
        "actionscheduler_claims",
    ),
    counters={"wc_product_meta_lookup": ("stock_quantity", "total_sales")},
    personal=PERSONAL,
)
"""The tables of WordPress and WooCommerce, by class, without the prefix, and their personal columns.

Orders of shops without HPOS are rows of ``posts``, ``postmeta`` and ``comments``: mixed, and restored row by row.
"""

COLUMNS = {**wordpress.COLUMNS, **columns.read("pipeline.platforms.woocommerce")}
"""Of WooCommerce 8.9, 9.9 and 10.0 together."""

NOISE: Mapping[str, str] = {
    "options": wordpress.NOISE["options"] + r" OR option_name LIKE 'action\_scheduler\_lock\_%'",
}
"""Rows that any request may rewrite: SQL predicates by table."""
