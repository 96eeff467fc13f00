"""PrestaShop's own tables and those of the modules that it ships: whose rows they hold, and who is in them.

Names are without the prefix. Sources: the schema of an installed 8.2.1 (274 tables with modules), and what
footprints of real updates touched. A table that is not here counts as business, and as personal data.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.config.inventory import PersonalData, Tables
from pipeline.platforms import columns

BUSINESS = (
    *(
        "orders",
        "order_detail",
        "order_detail_tax",
        "order_history",
        "order_invoice*",
        "order_payment",
        "order_carrier",
    ),
    *("order_cart_rule", "order_slip*", "order_return", "order_return_detail", "message", "message_readed"),
    *("cart", "cart_product", "cart_cart_rule", "customization", "customized_data"),
    *("customer", "customer_group", "address", "customer_thread", "customer_message", "customer_message_sync_imap"),
    *("stock_available", "stock_mvt", "stock", "supply_order*", "product_sale", "product_download"),
    *("emailsubscription", "psgdpr_log", "wishlist", "wishlist_product*", "mailalert_customer_oos"),
    *("product_comment", "product_comment_grade", "product_comment_report", "product_comment_usefulness"),
)
"""Customers' and the shop's business rows: never restored over."""

CONFIGURATION = (
    *(
        "access",
        "authorization_role",
        "profile*",
        "quick_access*",
        "tab*",
        "hook*",
        "module",
        "module_*",
        "feature_flag",
    ),
    *(
        "carrier*",
        "delivery",
        "range_price",
        "range_weight",
        "zone*",
        "state",
        "country*",
        "currency*",
        "lang*",
        "gender*",
    ),
    *("group", "group_*", "tax*", "risk*", "timezone", "date_range", "meta*", "theme*", "translation", "alias"),
    *("configuration_lang", "configuration_kpi*", "order_state*", "order_return_state*", "order_message*", "contact*"),
    *(
        "shop",
        "shop_group",
        "shop_url",
        "webservice_*",
        "api_access",
        "api_client",
        "authorized_application",
        "mutation",
    ),
    *(
        "cms*",
        "info*",
        "link_block*",
        "linksmenutop*",
        "homeslider*",
        "psreassurance*",
        "psgdpr_consent*",
        "required_field",
    ),
    *(
        "layered_*",
        "gsitemap_sitemap",
        "blockwishlist_statistics",
        "product_comment_criterion*",
        "image_type",
        "memcached_servers",
    ),
    *(
        "address_format",
        "admin_filter",
        "import_match",
        "request_sql",
        "search_engine",
        "operating_system",
        "web_browser",
    ),
    *("stock_mvt_reason*", "cronjobs", "employee_shop", "search_word", "search_index", "attribute_group*"),
)
"""Settings, which customers do not write. A clone without the search index would find nothing."""

MIXED = (
    *("configuration", "employee", "cart_rule*", "specific_price*", "product", "product_*", "category*", "attribute*"),
    *("feature*", "image*", "manufacturer*", "supplier*", "store*", "tag*", "attachment*", "accessory", "pack"),
    *("customization_field*", "warehouse*"),
)
"""Settings and catalogue that the merchant writes all day, and running counters: undone row by row."""

MADE_BY_CODE = ("layered_filter_block",)
"""What pages keep of their own work: of ps_facetedsearch, the filters of each list that a customer looked at."""

THROWAWAY = (
    *MADE_BY_CODE,
    *(
        "guest",
        "connections*",
        "page",
        "page_type",
        "page_viewed",
        "statssearch",
        "sekeyword",
        "pagenotfound",
        "log",
        "mail",
    ),
    *("customer_session", "employee_session", "smarty_*"),
)

COUNTERS: Mapping[str, tuple[str, ...]] = {
    "stock_available": ("quantity", "physical_quantity", "reserved_quantity"),
    "product_sale": ("quantity", "sale_nbr"),
    "cart_rule": ("quantity",),
}

_PERSON: dict[str, PersonalData] = {"firstname": "name", "lastname": "name", "email": "email"}

PERSONAL: dict[str, dict[str, PersonalData]] = {
    "configuration": {"value": "setting"},
    "configuration_lang": {"value": "setting"},
    "customer": {
        **_PERSON,
        "company": "company",
        "siret": "secret",
        "ape": "secret",
        "website": "text",
        "note": "text",
        "passwd": "secret",
        "secure_key": "secret",
        "reset_password_token": "secret",
        "birthday": "text",
        "ip_registration_newsletter": "ip",
    },
    "address": {
        "firstname": "name",
        "lastname": "name",
        "company": "company",
        "alias": "text",
        "other": "text",
        "address1": "address",
        "address2": "address",
        "postcode": "address",
        "city": "address",
        "phone": "phone",
        "phone_mobile": "phone",
        "vat_number": "secret",
        "dni": "secret",
    },
    "customer_thread": {"email": "email", "token": "secret"},
    "customer_message": {"message": "text", "file_name": "text", "ip_address": "ip", "user_agent": "text"},
    "employee": {**_PERSON, "passwd": "secret", "reset_password_token": "secret"},
    "orders": {"secure_key": "secret", "gift_message": "text", "note": "text"},
    "order_detail": {"product_name": "keep", "download_hash": "secret"},
    "order_carrier": {"tracking_number": "secret"},
    "order_cart_rule": {"name": "keep"},
    "order_history": {"id_order_history": "keep"},
    "order_invoice": {"shop_address": "keep", "note": "text"},
    "order_payment": {
        "payment_method": "keep",
        "transaction_id": "secret",
        "card_number": "secret",
        "card_brand": "keep",
        "card_expiration": "secret",
        "card_holder": "name",
    },
    "order_return": {"question": "text"},
    "cart": {
        "secure_key": "secret",
        "gift_message": "text",
        "delivery_option": "keep",
        "checkout_session_data": "text",
    },
    "customized_data": {"value": "text"},
    "message": {"message": "text"},
    "stock_mvt": {"employee_firstname": "name", "employee_lastname": "name"},
    "product_download": {"display_filename": "keep", "filename": "keep"},
    "product_comment": {"title": "text", "content": "text", "customer_name": "name"},
    "emailsubscription": {"email": "email", "ip_registration_newsletter": "ip", "http_referer": "text"},
    "psgdpr_log": {"client_name": "name"},
    "wishlist": {"token": "secret", "name": "text"},
    # An address to call, with its token.
    "cronjobs": {"task": "text"},
    "mailalert_customer_oos": {"customer_email": "email"},
    "webservice_account": {"key": "secret"},
    "api_access": {"client_secret": "secret"},
    "api_client": {"client_secret": "secret"},
}

COLUMNS = columns.read("pipeline.platforms.prestashop")
"""PrestaShop's own tables and those of the modules that it ships: 1.7.8, 8.0 and 8.2 together."""

KNOWN = columns.spelled_out(
    COLUMNS,
    Tables(
        business=BUSINESS,
        configuration=CONFIGURATION,
        mixed=MIXED,
        throwaway=THROWAWAY,
        counters=dict(COUNTERS),
        personal=PERSONAL,
    ),
)
"""By name: modules like to call their tables ``product_…`` and ``order_…`` too, and what is in those nobody knows."""

NOISE: Mapping[str, str] = {
    "configuration": "name IN ('PS_CCCJS_VERSION', 'PS_CCCCSS_VERSION', 'PS_LAST_SHOP_UPDATE')"
    r" OR name LIKE '%\_LAST\_CRON%' OR name LIKE 'DASH%\_SCORE'",
}
"""Rows that any request may rewrite: they are no evidence of what an update did."""
